//! `plinth functions delete`.

use std::io::IsTerminal;

use clap::Args;
use reqwest::Method;

use super::answer::path_of;
use crate::cli::target::Target;
use crate::cli::{ask, say};
use crate::types::FunctionName;

#[derive(Args)]
pub(super) struct Options {
    name: FunctionName,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Deletes a function, after it asked.
pub(super) async fn run(target: &Target, options: &Options) -> Result<(), String> {
    let Options { name, yes } = options;
    if !yes {
        // One that is not there is told before anything is asked.
        target.send(target.request(Method::GET, &path_of(name))).await?;
        if !std::io::stdin().is_terminal() {
            return Err(format!("{name} is not deleted: nobody can be asked here; say --yes"));
        }
        ask(&format_args!("delete {name} with its versions, aliases and log? [y/N] "));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map_err(|err| format!("the answer cannot be read: {err}"))?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(format!("{name} is not deleted"));
        }
    }
    target.send(target.request(Method::DELETE, &path_of(name))).await?;
    say(format_args!("deleted {name}"));
    Ok(())
}
