//! `plinth keys`: show the address and the keys of a data folder, whether a server runs on it or not.

use std::process::ExitCode;

use clap::Args;

use super::{Common, complain, exit, say};
use crate::auth::keys::{self, KeySet};
use crate::auth::vault::Vault;
use crate::config::Loaded;
use crate::db::Databases;
use crate::server;
use crate::tasks::Tasks;
use crate::types::Clock;
use crate::{auth, db};

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The address and the keys, as they are shown.
pub(super) struct Shown {
    pub(super) url: String,
    pub(super) anon_key: String,
    pub(super) service_key: String,
    access_key_id: String,
    secret_access_key: String,
}

pub(super) fn run(options: &Options) -> ExitCode {
    let loaded = match options.common.load() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    match of_data_folder(&loaded) {
        Ok(shown) => {
            shown.print(options.json);
            ExitCode::SUCCESS
        }
        Err(err) => {
            complain(&err);
            exit::auth_code(&err).into()
        }
    }
}

/// Reads the address and the keys; makes the keys, and the data folder, when there are none yet.
pub(super) fn of_data_folder(loaded: &Loaded) -> Result<Shown, auth::Error> {
    let data = &loaded.config.server.data;
    let cannot = |err: std::io::Error| db::Error::Open { what: data.display().to_string(), reason: err.to_string() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(cannot)?;
    let clock = Clock::system();
    let url = server::running_url(data).unwrap_or_else(|| server::public_url(&loaded.config, loaded.config.server.listen));
    let keys: KeySet = runtime.block_on(async {
        std::fs::create_dir_all(data).map_err(cannot)?;
        let tasks = Tasks::new(runtime.handle().clone());
        let databases = Databases::open_beside(&loaded.config.database, data, &tasks).await?;
        databases.migrate(&clock).await?;
        let vault = Vault::open(data, loaded.master_key.as_ref())?;
        let keys = keys::show(&databases.app, &vault, &clock).await;
        databases.close().await;
        keys
    })?;
    Ok(Shown {
        url,
        anon_key: keys.anon_key,
        service_key: keys.service_key,
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key,
    })
}

impl Shown {
    fn print(self, json: bool) {
        let fields = [
            ("url", self.url),
            ("anon_key", self.anon_key),
            ("service_key", self.service_key),
            ("access_key_id", self.access_key_id),
            ("secret_access_key", self.secret_access_key),
        ];
        if json {
            let object: serde_json::Map<_, _> = fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            say(serde_json::Value::Object(object));
        } else {
            for (name, value) in fields {
                say(format_args!("{name}: {value}"));
            }
        }
    }
}
