//! `plinth functions`: everything an operator does with functions, through a running server's API.

mod answer;
mod delete;
mod env;
mod invoke;
mod list;
mod logs;
mod package;
mod usage;
mod versions;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;

use self::answer::{path_of, pretty};
use self::package::Package;
use super::target::Target;
use super::{Common, complain, exit, say};
use crate::types::FunctionName;

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
    List(list::Options),
    /// Show one function
    Get { name: FunctionName },
    /// Call a function with an event, and print what it gives
    Invoke(invoke::Options),
    /// Show a function's log, and with --follow what is logged from now on
    Logs(logs::Options),
    /// Show what calls came to, and what they cost
    Usage(usage::Options),
    /// List a function's versions, or publish the next
    #[command(subcommand)]
    Versions(versions::Versions),
    /// List, set or delete names that point at versions
    #[command(subcommand)]
    Alias(versions::Aliases),
    /// Go back to earlier code, settings and variables: those before the last change, unless told otherwise
    Rollback(versions::Rollback),
    /// List, set or unset a function's variables
    #[command(subcommand)]
    Env(env::Action),
    /// Delete a function with its versions, aliases and log
    Delete(delete::Options),
}

pub(super) fn run(options: &Options) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => Target::find(&options.common, options.url.as_deref(), options.key.as_deref())
            .and_then(|target| runtime.block_on(act(&target, &options.action))),
        Err(err) => Err(err.to_string()),
    };
    outcome.unwrap_or_else(|message| {
        complain(&message);
        exit::FAILURE.into()
    })
}

async fn act(target: &Target, action: &Action) -> Result<ExitCode, String> {
    match action {
        Action::Deploy { path, name, function_config } => {
            Package::read(path, name.as_deref(), function_config.as_deref())?.deploy(target).await?;
        }
        Action::List(options) => list::show(target, options).await?,
        Action::Get { name } => say(pretty(&target.send(target.request(Method::GET, &path_of(name))).await?)),
        Action::Invoke(options) => return invoke::run(target, options).await,
        Action::Logs(options) => logs::show(target, options).await?,
        Action::Usage(options) => usage::show(target, options).await?,
        Action::Versions(action) => versions::versions(target, action).await?,
        Action::Alias(action) => versions::aliases(target, action).await?,
        Action::Rollback(options) => versions::roll_back(target, options).await?,
        Action::Env(action) => env::run(target, action).await?,
        Action::Delete(options) => delete::run(target, options).await?,
    }
    Ok(ExitCode::SUCCESS)
}
