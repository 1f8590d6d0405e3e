//! `plinth check`: check the configuration.

use std::process::ExitCode;

use clap::Args;

use super::{Common, say};
use crate::config;

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// List every setting: its name, its environment variable, its default and what is allowed
    #[arg(long)]
    settings: bool,
}

pub(super) fn run(options: &Options) -> ExitCode {
    if options.settings {
        for setting in config::settings() {
            let default = if setting.default.is_empty() { "none" } else { setting.default };
            say(format_args!(
                "{} ({})\n    {}\n    allowed: {}\n    default: {default}",
                setting.key, setting.env, setting.meaning, setting.allowed
            ));
        }
        return ExitCode::SUCCESS;
    }
    match options.common.load() {
        Ok(loaded) => {
            let source =
                loaded.file.map_or_else(|| "no file; defaults and environment".to_owned(), |file| file.display().to_string());
            say(format_args!("the configuration is good ({source})"));
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}
