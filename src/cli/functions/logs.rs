//! `plinth functions logs`: show a function's log, or follow it.

use std::time::Duration;

use clap::Args;
use reqwest::{Method, Response};
use serde_json::Value;

use super::answer::path_of;
use crate::cli::target::{Target, explain};
use crate::cli::{complain, say};
use crate::types::FunctionName;

/// The server says something every 15 seconds; one that is silent for longer is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// How long before a lost server is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// The longest event, in bytes; a line of the log is far shorter.
const EVENT: usize = 32 * 1024 * 1024;

#[derive(Args)]
pub(super) struct Options {
    name: FunctionName,
    /// Stay, and show what is logged from now on (and, with --since, what was before)
    #[arg(long, short)]
    follow: bool,
    /// Only lines of this level and of louder ones: trace, debug, info, warn or error
    #[arg(long)]
    level: Option<String>,
    /// Only lines of this time (RFC 3339) and later
    #[arg(long)]
    since: Option<String>,
    /// Only lines of this call
    #[arg(long)]
    request_id: Option<String>,
    /// Only lines with this text
    #[arg(long)]
    contains: Option<String>,
    /// Only what the function wrote (function), or only the records of its calls (platform)
    #[arg(long)]
    kind: Option<String>,
}

impl Options {
    fn path(&self) -> String {
        format!("{}/logs", path_of(&self.name))
    }

    fn query(&self) -> Vec<(&'static str, &String)> {
        let all = [
            ("level", &self.level),
            ("since", &self.since),
            ("request_id", &self.request_id),
            ("contains", &self.contains),
            ("kind", &self.kind),
        ];
        all.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value))).collect()
    }
}

/// Prints the log; with `--follow` until it is interrupted.
pub(super) async fn show(target: &Target, options: &Options) -> Result<(), String> {
    if options.follow {
        return follow(target, options).await;
    }
    let answer = target.send(target.request(Method::GET, &options.path()).query(&options.query())).await?;
    answer["entries"].as_array().into_iter().flatten().for_each(print);
    Ok(())
}

fn print(entry: &Value) {
    let field = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    say(format_args!("{}\t{}\t{}\t{}", field("at"), field("request_id"), field("level"), field("text")));
}

async fn follow(target: &Target, options: &Options) -> Result<(), String> {
    let mut last: Option<String> = None;
    let mut stream = connect(target, options, None).await?;
    loop {
        let mut events = Events::default();
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(SILENCE, stream.chunk()).await {
            for event in events.take(&chunk) {
                tell(&event);
                last = event.id.or(last);
            }
        }
        complain(&format_args!("the server at {} is gone; waiting for it", target.url));
        stream = loop {
            tokio::time::sleep(AGAIN).await;
            if let Ok(stream) = connect(target, options, last.as_deref()).await {
                break stream;
            }
        };
    }
}

fn tell(event: &Event) {
    let data: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
    match event.name.as_str() {
        "log" => print(&data),
        "missed" => complain(&format_args!("{} lines came too fast and are left out", data["lines"])),
        _ => {}
    }
}

async fn connect(target: &Target, options: &Options, last: Option<&str>) -> Result<Response, String> {
    let mut request = target.request(Method::GET, &options.path()).query(&options.query()).header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    // Silence is what ends it, not the time it takes.
    let request = request.timeout(Duration::from_secs(u64::from(u32::MAX)));
    let answer = request.send().await.map_err(|err| format!("the server at {} does not answer: {err}", target.url))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    Err(explain(status, &answer.text().await.map_err(|err| err.to_string())?))
}

/// One server-sent event.
#[derive(Debug, Default)]
struct Event {
    id: Option<String>,
    name: String,
    data: String,
}

/// Takes a stream apart into its events.
#[derive(Debug, Default)]
struct Events {
    rest: Vec<u8>,
}

impl Events {
    /// The events that a chunk completes.
    fn take(&mut self, chunk: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(chunk);
        let mut events = Vec::new();
        while let Some(end) = self.rest.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<u8> = self.rest.drain(..end + 2).collect();
            events.push(Event::of(&String::from_utf8_lossy(&block)));
        }
        if self.rest.len() > EVENT {
            self.rest.clear();
        }
        events
    }
}

impl Event {
    fn of(block: &str) -> Self {
        let mut event = Self::default();
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => event.id = Some(value.to_owned()),
                "event" => value.clone_into(&mut event.name),
                "data" => event.data.push_str(value),
                _ => {}
            }
        }
        event
    }
}
