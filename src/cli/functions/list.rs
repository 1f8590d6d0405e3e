//! `plinth functions list`.

use clap::Args;
use serde_json::{Value, json};

use super::answer::{all_of, pretty, table, text};
use crate::cli::say;
use crate::cli::target::Target;

#[derive(Args)]
pub(super) struct Options {
    /// Print one JSON object, with everything that is known of each
    #[arg(long)]
    json: bool,
}

/// Prints the functions.
pub(super) async fn show(target: &Target, options: &Options) -> Result<(), String> {
    let functions = all_of(target, "/functions", "functions").await?;
    if options.json {
        say(pretty(&json!({ "functions": functions })));
        return Ok(());
    }
    let row = |of: &Value| {
        [
            text(of, "name").to_owned(),
            text(of, "version").to_owned(),
            text(of, "updated_at").to_owned(),
            format!("{} MB", of["memory_mb"]),
            format!("{} s", of["timeout_s"]),
            text(of, "url").to_owned(),
        ]
    };
    table(["NAME", "REVISION", "UPDATED", "MEMORY", "TIMEOUT", "URL"], &functions.iter().map(row).collect::<Vec<_>>());
    Ok(())
}
