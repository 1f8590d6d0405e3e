//! `plinth functions invoke`: call a function, and print what it gives.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::answer::{path_of, text};
use crate::cli::target::Target;
use crate::cli::{complain, exit, say};
use crate::types::FunctionName;

/// Longer than any call takes, with its wait for a place.
const PATIENCE: Duration = Duration::from_mins(21);

/// The longest event that is read, in bytes: the server refuses shorter ones.
const MOST: u64 = 64 * 1024 * 1024;

#[derive(Args)]
pub(super) struct Options {
    name: FunctionName,
    /// The event as JSON; @FILE reads it from a file, and - from standard input
    #[arg(default_value = "{}", value_name = "EVENT")]
    payload: String,
    /// A version's number or an alias
    #[arg(long)]
    qualifier: Option<String>,
    /// Do not wait: the call is stored, and made as soon as there is a place
    #[arg(long = "async", conflicts_with = "tail")]
    is_async: bool,
    /// Print the end of the call's log, on standard error
    #[arg(long)]
    tail: bool,
}

/// Calls the function. Its answer goes to standard output; when it failed the exit code says so.
pub(super) async fn run(target: &Target, options: &Options) -> Result<ExitCode, String> {
    let event = event(&options.payload)?;
    let mut request = target
        .request(Method::POST, &format!("{}/invocations", path_of(&options.name)))
        .query(&[("async", options.is_async), ("tail", options.tail)])
        .header("content-type", "application/json")
        .timeout(PATIENCE);
    if let Some(qualifier) = &options.qualifier {
        request = request.query(&[("qualifier", qualifier)]);
    }
    let answer = target.send(request.body(event)).await?;
    if options.is_async {
        say(format_args!("accepted as {}", text(&answer, "request_id")));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(log) = answer["log"].as_str() {
        log.lines().for_each(tell);
    }
    if text(&answer, "outcome") == "success" {
        say(&answer["payload"]);
        return Ok(ExitCode::SUCCESS);
    }
    let error = &answer["error"];
    complain(&format_args!(
        "{} failed ({}): {}: {}",
        options.name,
        text(&answer, "outcome"),
        text(error, "errorType"),
        text(error, "errorMessage")
    ));
    error["trace"].as_array().into_iter().flatten().filter_map(Value::as_str).for_each(tell);
    complain(&format_args!("plinth functions logs {} --request-id {} shows its log", options.name, text(&answer, "request_id")));
    Ok(exit::FUNCTION_FAILED.into())
}

fn tell(line: &str) {
    crate::cli::note(&line);
}

fn event(given: &str) -> Result<Vec<u8>, String> {
    let read = |source: &mut dyn Read, name: &str| {
        let mut bytes = Vec::new();
        match source.take(MOST + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > MOST => Err(format!("{name} is longer than {MOST} bytes")),
            Ok(_) => Ok(bytes),
            Err(err) => Err(format!("{name} cannot be read: {err}")),
        }
    };
    let event = match given.strip_prefix('@') {
        Some(path) => {
            let mut file = std::fs::File::open(path).map_err(|err| format!("{path} cannot be read: {err}"))?;
            read(&mut file, path)?
        }
        None if given == "-" => read(&mut std::io::stdin().lock(), "standard input")?,
        None => given.as_bytes().to_vec(),
    };
    match serde_json::from_slice::<serde::de::IgnoredAny>(&event) {
        Ok(_) => Ok(event),
        Err(err) => Err(format!("the event is not JSON ({err}); write '{{\"name\":\"value\"}}', @FILE, or - for standard input")),
    }
}
