//! `plinth functions`: deploy, list and delete functions, and read their logs, through a running server's API.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::package::Package;
use super::target::Target;
use super::{Common, complain, exit, logs, say};

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
        Ok(runtime) => Target::find(&options.common, options.url.as_deref(), options.key.as_deref())
            .and_then(|target| runtime.block_on(act(&target, &options.action))),
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

async fn act(target: &Target, action: &Action) -> Result<(), String> {
    match action {
        Action::Deploy { path, name, function_config } => {
            let package = Package::read(path, name.as_deref(), function_config.as_deref())?;
            let mut request = target.request(Method::PUT, &format!("/functions/{}", package.name));
            if let Some(config) = &package.config {
                request = request.header("x-plinth-config", config);
            }
            let answer = target.send(request.header("content-type", package.content_type).body(package.source)).await?;
            let url = answer["url"].as_str().unwrap_or_default();
            say(format_args!("deployed {} ({} bytes): {url}", package.name, answer["size_bytes"]));
        }
        Action::List => {
            let answer = target.send(target.request(Method::GET, "/functions")).await?;
            for function in answer["functions"].as_array().into_iter().flatten() {
                let field = |name: &str| function[name].as_str().unwrap_or_default().to_owned();
                say(format_args!("{}\t{}\t{}", field("name"), field("updated_at"), field("url")));
            }
        }
        Action::Get { name } => say(pretty(&target.send(target.request(Method::GET, &format!("/functions/{name}"))).await?)),
        Action::Delete { name } => {
            target.send(target.request(Method::DELETE, &format!("/functions/{name}"))).await?;
            say(format_args!("deleted {name}"));
        }
        Action::Logs(options) => logs::show(target, options).await?,
    }
    Ok(())
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
