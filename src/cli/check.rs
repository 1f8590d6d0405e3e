//! `plinth check`: check the configuration, and the app's migrations.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::migrate::in_folder;
use super::{Common, complain, exit, say};
use crate::config;
use crate::data::migrations;
use crate::tls;
use crate::types::Clock;

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// List every setting: its name, its environment variable, its default and what is allowed
    #[arg(long)]
    settings: bool,
    /// The folder of the app's migrations, which are checked too [default: data.migrations]
    #[arg(long, value_name = "DIR")]
    migrations: Option<PathBuf>,
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
        for field in config::front::fields() {
            let default = if field.default.is_empty() { "none" } else { field.default };
            say(format_args!(
                "[[{}]] {}\n    {}\n    allowed: {}\n    default: {default}",
                field.table, field.key, field.meaning, field.allowed
            ));
        }
        return ExitCode::SUCCESS;
    }
    let loaded = match options.common.load() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let source = loaded.file.map_or_else(|| "no file; defaults and environment".to_owned(), |file| file.display().to_string());
    if let Err(code) = check_certificates(&loaded.config.front.certificates) {
        return code;
    }
    say(format_args!("the configuration is good ({source})"));
    for line in config::front::summary(&loaded.config.front) {
        say(format_args!("{line}"));
    }
    options.migrations.clone().or(loaded.config.data.migrations).map_or(ExitCode::SUCCESS, |folder| check_migrations(&folder))
}

/// Says what is wrong with certificates, and which end soon.
fn check_certificates(configured: &[config::front::Certificate]) -> Result<(), ExitCode> {
    let (faults, ending) = tls::check(configured, Clock::system().now());
    for told in ending {
        let (file, days) = (told.file.display(), told.days_left);
        say(format_args!("the certificate {file} ends at {}, in {days} days", told.not_after));
    }
    for fault in &faults {
        complain(fault);
    }
    if faults.is_empty() { Ok(()) } else { Err(exit::CONFIG.into()) }
}

fn check_migrations(folder: &Path) -> ExitCode {
    let faults = migrations::check(folder, Clock::system().now());
    if faults.is_empty() {
        say(format_args!("the migrations in {} are good, as far as can be told without the database", folder.display()));
        return ExitCode::SUCCESS;
    }
    for fault in faults {
        complain(&in_folder(folder, &fault));
    }
    exit::DATA.into()
}
