//! `plinth functions usage`: what calls came to, and what they cost.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::answer::{items, pretty, table, text};
use crate::cli::say;
use crate::cli::target::Target;
use crate::types::FunctionName;

#[derive(Args)]
pub(super) struct Options {
    /// Only this function; all otherwise
    name: Option<FunctionName>,
    /// Only this version of it: a number, or $LATEST
    #[arg(long, requires = "name")]
    version: Option<String>,
    /// minute, hour or day: which records are added up, and how long they are kept
    #[arg(long, default_value = "day")]
    by: String,
    /// From this time (RFC 3339); an hour, a day or 30 days ago otherwise, by what is added up
    #[arg(long)]
    from: Option<String>,
    /// Up to this time (RFC 3339); now otherwise
    #[arg(long)]
    to: Option<String>,
    /// Print one JSON object, with every interval
    #[arg(long)]
    json: bool,
}

/// Prints a row for each version of a function, and one for all.
pub(super) async fn show(target: &Target, options: &Options) -> Result<(), String> {
    let Options { name, version, by, from, to, json } = options;
    let name = name.as_ref().map(ToString::to_string);
    let query = [("function", &name), ("version", version), ("from", from), ("to", to)];
    let query: Vec<_> = query.into_iter().filter_map(|(field, value)| Some((field, value.as_ref()?))).collect();
    let answer = target.send(target.request(Method::GET, "/usage").query(&[("by", by)]).query(&query)).await?;
    if *json {
        say(pretty(&answer));
        return Ok(());
    }
    let currency = text(&answer, "currency");
    let row = |function: &str, version: &str, of: &Value| {
        let number = |field: &str| of[field].to_string();
        let duration = |field: &str| of["duration_ms"][field].as_f64().map_or_else(String::new, |ms| format!("{ms:.1}"));
        [
            function.to_owned(),
            version.to_owned(),
            number("calls"),
            number("errors"),
            number("throttles"),
            number("cold_starts"),
            duration("p50"),
            duration("p99"),
            format!("{:.3}", of["gb_ms"].as_f64().unwrap_or_default() / 1000.0),
            format!("{} {currency}", of["cost"]),
        ]
    };
    let mut rows: Vec<_> =
        items(&answer, "functions").iter().map(|of| row(text(of, "function"), text(of, "version"), of)).collect();
    rows.push(row("(all)", "", &answer["totals"]));
    table(["FUNCTION", "VERSION", "CALLS", "ERRORS", "429", "COLD", "P50 MS", "P99 MS", "GB S", "COST"], &rows);
    Ok(())
}
