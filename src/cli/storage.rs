//! `plinth storage check`: compare the objects with the bytes that are kept of them.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Common, complain, exit, say};
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::config::Loaded;
use crate::data::Schemas;
use crate::db::Databases;
use crate::storage::{Findings, Parts, StorageService};
use crate::tasks::Tasks;
use crate::types::Clock;

#[derive(Args)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compare every object with its bytes, and every blob with the objects
    Check(Check),
}

#[derive(Args)]
struct Check {
    #[command(flatten)]
    common: Common,
    /// Remove blobs that no object has, and objects whose bytes are lost; stop a server on SQLite first
    #[arg(long)]
    repair: bool,
    /// Leave blobs alone that are younger than so many seconds: an upload may be about to name them
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    older_than: u64,
}

/// Why it could not be done, in words.
type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn run(options: &Options) -> ExitCode {
    let Command::Check(check) = &options.command;
    let loaded = match check.common.load() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    match compare(check, &loaded) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => exit::FAILURE.into(),
        Err(err) => {
            complain(&err);
            exit::FAILURE.into()
        }
    }
}

/// Compares, and repairs if asked to; whether everything agrees now.
fn compare(check: &Check, loaded: &Loaded) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let tasks = Tasks::new(runtime.handle().clone());
    let (data, clock) = (&loaded.config.server.data, Clock::system());
    runtime.block_on(async {
        let databases = Databases::open_beside(&loaded.config.database, data, &tasks).await?;
        databases.migrate(&clock).await?;
        let storage = StorageService::new(Parts {
            config: loaded.config.storage.clone(),
            db: databases.app.clone(),
            blobs: Blobs::configured(&loaded.config.storage, data, &tasks)?,
            schemas: Arc::new(Schemas::open(databases.app.clone(), clock.clone(), &tasks, loaded.config.data.clone()).await?),
            vault: &Vault::open(data, loaded.master_key.as_ref())?,
            clock,
        })?;
        let findings = storage.check(Duration::from_secs(check.older_than)).await?;
        tell(&findings);
        let agrees = findings.damaged.is_empty() && findings.orphans.is_empty();
        if check.repair && !agrees {
            storage.repair(&findings).await?;
            say("repaired");
        }
        databases.close().await;
        Ok(agrees || check.repair)
    })
}

fn tell(findings: &Findings) {
    let Findings { objects, bytes, damaged, orphans } = findings;
    for (name, version) in damaged {
        say(format_args!("damaged: {name} (version {version}): its bytes are not there, or not as many as they were"));
    }
    for key in orphans {
        say(format_args!("orphan: {key}: no object has it"));
    }
    let plural = if orphans.len() == 1 { "" } else { "s" };
    say(format_args!("{objects} objects, {bytes} bytes; {} damaged, {} orphan{plural}", damaged.len(), orphans.len()));
}
