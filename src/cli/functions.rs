//! `plinth functions`: deploy, list and delete functions, and read their logs, through a running server's API.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::package::Package;
use super::{Common, complain, exit, keys, logs, say};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// The server's address [env: PLINTH_URL] [default: that of the server which runs on the data folder]
    #[arg(long)]
    url: Option<String>,
    /// The service key [env: PLINTH_SERVICE_KEY] [default: that of the data folder]
    #[arg(long)]
    key: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Upload a function: a file of JavaScript or TypeScript, a .zip, or a folder, which is zipped (its plinth.json is the configuration)
    Deploy {
        path: PathBuf,
        /// The function's name; the file's or the folder's name otherwise
        #[arg(long)]
        name: Option<String>,
        /// The function's configuration as JSON, such as '{"memory_mb":256}'; goes before plinth.json
        #[arg(long)]
        function_config: Option<String>,
    },
    /// List the functions
    List,
    /// Show one function
    Get { name: String },
    /// Delete a function
    Delete { name: String },
    /// Show a function's log, and with --follow what is logged from now on
    Logs(logs::Options),
}

pub(super) fn run(options: &Options) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => target(options).and_then(|target| runtime.block_on(act(&target, &options.action))),
        Err(err) => Err(err.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            exit::FAILURE.into()
        }
    }
}

/// Where the server is, and the key to its API.
pub(super) struct Target {
    pub(super) url: String,
    key: String,
    client: reqwest::Client,
}

fn target(options: &Options) -> Result<Target, String> {
    let variables = crate::config::environment();
    let url = options.url.clone().or_else(|| variables.get("PLINTH_URL").cloned());
    let key = options.key.clone().or_else(|| variables.get("PLINTH_SERVICE_KEY").cloned());
    let (url, key) = match (url, key) {
        (Some(url), Some(key)) => (url, key),
        (url, key) => {
            let loaded = options.common.load().map_err(|_| "the configuration does not check".to_owned())?;
            let found = keys::of_data_folder(&loaded).map_err(|err| err.to_string())?;
            (url.unwrap_or(found.url), key.unwrap_or(found.service_key))
        }
    };
    let client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(120))
        .build()
        .map_err(|err| err.to_string())?;
    Ok(Target { url: url.trim_end_matches('/').to_owned(), key, client })
}

impl Target {
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/admin/v1/functions{path}", self.url)).bearer_auth(&self.key)
    }

    /// Sends a request; an answer that is not 2xx becomes a message.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Value, String> {
        let answer = request.send().await.map_err(|err| format!("the server at {} does not answer: {err}", self.url))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|err| err.to_string())?;
        if status.is_success() {
            return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
        }
        Err(explain(status, &text))
    }
}

async fn act(target: &Target, action: &Action) -> Result<(), String> {
    match action {
        Action::Deploy { path, name, function_config } => {
            let package = Package::read(path, name.as_deref(), function_config.as_deref())?;
            let mut request = target.request(Method::PUT, &format!("/{}", package.name));
            if let Some(config) = &package.config {
                request = request.header("x-plinth-config", config);
            }
            let answer = target.send(request.header("content-type", package.content_type).body(package.source)).await?;
            let url = answer["url"].as_str().unwrap_or_default();
            say(format_args!("deployed {} ({} bytes): {url}", package.name, answer["size_bytes"]));
        }
        Action::List => {
            let answer = target.send(target.request(Method::GET, "")).await?;
            for function in answer["functions"].as_array().into_iter().flatten() {
                let field = |name: &str| function[name].as_str().unwrap_or_default().to_owned();
                say(format_args!("{}\t{}\t{}", field("name"), field("updated_at"), field("url")));
            }
        }
        Action::Get { name } => say(pretty(&target.send(target.request(Method::GET, &format!("/{name}"))).await?)),
        Action::Delete { name } => {
            target.send(target.request(Method::DELETE, &format!("/{name}"))).await?;
            say(format_args!("deleted {name}"));
        }
        Action::Logs(options) => logs::show(target, options).await?,
    }
    Ok(())
}

/// The text of a refusal: its detail, and each place in the source that is meant.
pub(super) fn explain(status: StatusCode, body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let detail = problem["detail"].as_str().or_else(|| problem["title"].as_str()).unwrap_or(body);
    let mut text = format!("refused ({}): {detail}", status.as_u16());
    for error in problem["errors"].as_array().into_iter().flatten() {
        let place =
            [error["line"].as_u64(), error["column"].as_u64()].into_iter().flatten().map(|n| format!(":{n}")).collect::<String>();
        text.push_str(&format!(
            "\n  {}{place}: {}",
            error["field"].as_str().unwrap_or_default(),
            error["message"].as_str().unwrap_or_default()
        ));
    }
    text
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
