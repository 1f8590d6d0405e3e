//! The way to the app's migrations: a running server's API, or the database itself where no server holds it.

use std::path::Path;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::exit;
use super::migrate::{Place, faults_in, in_folder};
use super::target::{self, Target, explain};
use crate::config::Loaded;
use crate::data::Schemas;
use crate::data::migrations::{Error, FileFault, Migration, Options, Record, Stopped};
use crate::db::{self, Databases};
use crate::tasks::Tasks;
use crate::types::Clock;
use crate::{server, sql};

/// How long the server is given for one migration: its own limit comes first.
const PATIENCE: Duration = Duration::from_secs(2 * 86_400);

/// Why a command went no further.
pub(super) struct Failure {
    pub(super) code: u8,
    /// What is said of it; nothing when it was said already.
    pub(super) message: String,
}

/// A way to the migrations that were applied, with the runtime it needs.
pub(super) struct Door {
    runtime: Runtime,
    way: Way,
}

enum Way {
    Server(Target),
    Database { databases: Databases, schemas: Schemas, tasks: Tasks },
}

impl Door {
    /// The server that is named, or that runs on the data folder; the database when there is none.
    pub(super) fn open(place: &Place, loaded: Loaded) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|err| Failure::plain(err.to_string()))?;
        let named = target::named(place.url.as_deref(), place.key.as_deref()).0.is_some();
        if named || server::running_url(&loaded.config.server.data).is_some() {
            let target = Target::find(&place.common, place.url.as_deref(), place.key.as_deref()).map_err(Failure::plain)?;
            return Ok(Self { runtime, way: Way::Server(target) });
        }
        let tasks = Tasks::new(runtime.handle().clone());
        let opened = runtime.block_on(async {
            let (config, clock) = (loaded.config, Clock::system());
            let databases = Databases::open(&config.database, &config.server.data, &tasks).await?;
            databases.migrate(&clock).await?;
            let schemas = Schemas::open(databases.app.clone(), clock, &tasks, config.data).await;
            Ok::<_, db::Error>((databases, schemas))
        });
        let (databases, schemas) = opened.map_err(|err| Failure::of_database(&err))?;
        match schemas {
            Ok(schemas) => Ok(Self { runtime, way: Way::Database { databases, schemas, tasks } }),
            Err(err) => {
                runtime.block_on(databases.close());
                Err(Failure { code: exit::migration_code(&Error::Schema(err)), message: "the schema cannot be read".to_owned() })
            }
        }
    }

    /// What was applied.
    pub(super) fn applied(&self) -> Result<Vec<Record>, Failure> {
        match &self.way {
            Way::Server(target) => {
                let answer = self.runtime.block_on(target.send(target.request(Method::GET, "/migrations")));
                let mut answer = answer.map_err(Failure::plain)?;
                serde_json::from_value(answer["migrations"].take())
                    .map_err(|err| Failure::plain(format!("the server's list: {err}")))
            }
            Way::Database { schemas, .. } => {
                self.runtime.block_on(schemas.applied_migrations()).map_err(|err| Failure::of_database(&err))
            }
        }
    }

    /// Looks migrations through; gives the files that would be applied.
    pub(super) fn dry_run(&self, folder: &Path, files: Vec<Migration>, include_all: bool) -> Result<Vec<String>, Failure> {
        let names = files.iter().map(Migration::file_name).collect();
        self.run(folder, files, Options { include_all, dry_run: true })?;
        Ok(names)
    }

    /// Applies one; gives how many milliseconds that took, `None` when another had applied it.
    pub(super) fn apply(&self, folder: &Path, file: Migration, include_all: bool) -> Result<Option<i64>, Failure> {
        let applied = self.run(folder, vec![file], Options { include_all, dry_run: false })?;
        Ok(applied.first().map(|record| record.duration_ms))
    }

    fn run(&self, folder: &Path, files: Vec<Migration>, options: Options) -> Result<Vec<Record>, Failure> {
        match &self.way {
            Way::Server(target) => {
                let files: Vec<Value> = files
                    .iter()
                    .map(|Migration { version, name, sql, .. }| json!({ "version": version, "name": name, "sql": sql }))
                    .collect();
                let body = json!({ "migrations": files, "include_all": options.include_all, "dry_run": options.dry_run });
                let request = target.request(Method::POST, "/migrations").timeout(PATIENCE).json(&body);
                let (status, text) = self.runtime.block_on(target.ask(request)).map_err(Failure::plain)?;
                if !status.is_success() {
                    return Err(refusal(folder, status, &text));
                }
                let mut answer: Value = serde_json::from_str(&text).unwrap_or_default();
                serde_json::from_value(answer["applied"].take())
                    .map_err(|err| Failure::plain(format!("the server's answer: {err}")))
            }
            Way::Database { schemas, .. } => {
                let done = self.runtime.block_on(schemas.migrate(files, options));
                done.map(|report| report.applied).map_err(|Stopped { error, .. }| {
                    let message = match &*error {
                        Error::Files(faults) => faults_in(folder, faults),
                        Error::Statement { .. } => in_folder(folder, &error),
                        _ => error.to_string(),
                    };
                    Failure { code: exit::migration_code(&error), message }
                })
            }
        }
    }

    /// Lets the database go.
    pub(super) fn close(self) {
        if let Way::Database { databases, tasks, .. } = self.way {
            self.runtime.block_on(async {
                tasks.stop(Duration::from_secs(5)).await;
                databases.close().await;
            });
        }
    }
}

impl Failure {
    pub(super) const fn plain(message: String) -> Self {
        Self { code: exit::FAILURE, message }
    }

    fn of_database(err: &db::Error) -> Self {
        Self { code: exit::database_code(err), message: err.to_string() }
    }
}

/// What the server refused, in the words that the database itself would have been reported in.
fn refusal(folder: &Path, status: StatusCode, text: &str) -> Failure {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    let word = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    if let Some(file) = problem["file"].as_str() {
        let number = |name: &str| problem[name].as_u64();
        let place = number("line").zip(number("column")).map(|(line, column)| sql::Place { line, column });
        let hint = problem["hint"].as_str().map(|hint| format!("; {hint}")).unwrap_or_default();
        let fault = FileFault { file: file.to_owned(), place, message: format!("{} ({}){hint}", word("detail"), word("code")) };
        return Failure { code: exit::DATA, message: faults_in(folder, &[fault]) };
    }
    let listed = problem["errors"].as_array().is_some_and(|errors| !errors.is_empty());
    if status == StatusCode::CONFLICT && listed {
        let lines: Vec<String> = word("detail").lines().map(|line| in_folder(folder, &line)).collect();
        return Failure { code: exit::DATA, message: lines.join("\n") };
    }
    Failure::plain(explain(status, text))
}
