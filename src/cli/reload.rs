//! `plinth reload`: let the running server take the configuration as it is now.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;

use super::target::Target;
use super::{Common, complain, exit, say};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// The server's address [env: PLINTH_URL] [default: the one that runs on the data folder]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The service key [env: PLINTH_SERVICE_KEY] [default: the data folder's]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

pub(super) fn run(options: &Options) -> ExitCode {
    match reload(options) {
        Ok(text) if text.is_empty() => say("nothing changed"),
        Ok(text) => say(text.trim_end()),
        Err(err) => {
            complain(&err);
            return exit::FAILURE.into();
        }
    }
    ExitCode::SUCCESS
}

/// The difference as text.
fn reload(options: &Options) -> Result<String, String> {
    let target = Target::find(&options.common, options.url.as_deref(), options.key.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|err| err.to_string())?;
    let told = runtime.block_on(target.send(target.request(Method::POST, "/reload")))?;
    Ok(told["text"].as_str().unwrap_or_default().to_owned())
}
