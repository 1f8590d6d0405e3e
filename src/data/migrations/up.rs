//! Applies migrations.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::check::rehearse;
use super::file::{FileFault, Migration, in_order};
use super::plan::{Plan, Record, changed, out_of_order};
use crate::data::migrate::{self, apply_in};
use crate::data::queries::migrations as queries;
use crate::data::{LoadError, Schemas};
use crate::db::{self, Tx};
use crate::sql::Schema;
use crate::sql::lower::Parsed;
use crate::types::Timestamp;

/// How long before it is tried again where another applies one, or a table is in use.
const AGAIN: Duration = Duration::from_millis(200);

/// How migrations are applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Those too that are earlier than the last one that is applied.
    pub include_all: bool,
    /// Only looks them through.
    pub dry_run: bool,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was applied, in order.
    pub applied: Vec<Record>,
    /// What would be; for a dry run alone.
    pub pending: Vec<Migration>,
}

/// Why it went no further.
#[derive(Debug)]
pub struct Stopped {
    /// What was applied before, and stays applied.
    pub applied: Vec<Record>,
    pub error: Box<Error>,
}

/// Why a migration is not applied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is wrong with the files; nothing was run.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Files(Vec<FileFault>),
    /// A statement of this file was refused, and nothing of the file was kept.
    #[error("{}", located(file, source))]
    Statement { file: String, source: migrate::Error },
    /// The database fails.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// The schema in the database cannot be read.
    #[error(transparent)]
    Schema(LoadError),
}

/// What became of one migration.
enum Step {
    Applied(Record, Option<Arc<Schema>>),
    /// By another, a moment ago.
    Already,
}

/// Why one was not applied, inside its transaction.
enum Refused {
    File(String),
    Statement(migrate::Error),
}

impl From<db::Error> for Refused {
    fn from(err: db::Error) -> Self {
        Self::Statement(err.into())
    }
}

impl Schemas {
    /// The migrations that were applied, in the order of their versions.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn applied_migrations(&self) -> db::Result<Vec<Record>> {
        queries::all(&mut self.db.read().await?).await
    }

    /// Applies those migrations that are not applied yet, in order, each in a transaction of its own. It goes on when the caller goes
    /// away.
    ///
    /// # Errors
    ///
    /// [`Stopped`], with what was applied before.
    pub async fn migrate(&self, migrations: Vec<Migration>, options: Options) -> Result<Report, Stopped> {
        let schemas = self.clone();
        let run = async move {
            let mut applied = Vec::new();
            match schemas.migrate_here(migrations, options, &mut applied).await {
                Ok(pending) => Ok(Report { applied, pending }),
                Err(error) => Err(Stopped { applied, error: Box::new(error) }),
            }
        };
        let done = self.on_the_core(run).await;
        done.unwrap_or_else(|err| Err(Stopped { applied: Vec::new(), error: Box::new(err.into()) }))
    }

    async fn migrate_here(
        &self,
        migrations: Vec<Migration>,
        options: Options,
        applied: &mut Vec<Record>,
    ) -> Result<Vec<Migration>, Error> {
        let mut migrations = in_order(migrations).map_err(Error::Files)?;
        let plan = Plan::of(&migrations, &self.applied_migrations().await?);
        let faults = plan.faults(options.include_all);
        if !faults.is_empty() {
            return Err(Error::Files(faults));
        }
        migrations.retain(|migration| plan.is_due(migration));
        if options.dry_run {
            return self.dry_run(migrations).await;
        }
        for migration in migrations {
            match self.apply_one(migration, options.include_all).await? {
                Step::Applied(record, schema) => {
                    if let Some(schema) = schema {
                        self.replace(schema);
                    }
                    tracing::info!(file = record.file_name(), duration_ms = record.duration_ms, "a migration was applied");
                    applied.push(record);
                }
                Step::Already => drop(self.refresh().await.map_err(Error::Schema)?),
            }
        }
        Ok(Vec::new())
    }

    async fn dry_run(&self, pending: Vec<Migration>) -> Result<Vec<Migration>, Error> {
        self.refresh().await.map_err(Error::Schema)?;
        let (catalog, now) = (self.current().catalog().clone(), self.clock.now());
        let looked = tokio::task::spawn_blocking(move || (rehearse(catalog, now, &pending), pending)).await;
        let (faults, pending) = looked.map_err(|_| db::Error::Panicked)?;
        if faults.is_empty() { Ok(pending) } else { Err(Error::Files(faults)) }
    }

    async fn apply_one(&self, migration: Migration, include_all: bool) -> Result<Step, Error> {
        let file = migration.file_name();
        let failed = |source| Error::Statement { file: file.clone(), source };
        let parsed = Arc::new(migrate::parse(migration.sql.clone()).await.map_err(failed)?);
        let migration = Arc::new(migration);
        let limit = self.settings.migration_timeout;
        let until = Instant::now() + limit;
        loop {
            let (parsed, migration, now) = (Arc::clone(&parsed), Arc::clone(&migration), self.clock.now());
            let done = self.db.write_within(limit, move |tx| {
                let (parsed, migration) = (Arc::clone(&parsed), Arc::clone(&migration));
                Box::pin(async move { step(tx, &migration, &parsed, include_all, now).await })
            });
            match done.await {
                Ok(step) => return Ok(step),
                Err(Refused::Statement(migrate::Error::Db(db::Error::Busy(_)))) if Instant::now() < until => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(Refused::Statement(source)) => return Err(failed(source)),
                Err(Refused::File(message)) => return Err(Error::Files(vec![FileFault::new(file, message)])),
            }
        }
    }
}

/// Applies one migration in a transaction, with its row, unless another was faster.
async fn step(tx: &mut Tx, migration: &Migration, parsed: &[Parsed], include_all: bool, now: Timestamp) -> Result<Step, Refused> {
    queries::lock(tx).await?;
    let (same, last) = queries::around(tx, migration.number).await?;
    match (same, last) {
        (Some(same), _) if same.checksum == migration.checksum() => return Ok(Step::Already),
        (Some(_), _) => return Err(Refused::File(changed())),
        (None, Some(last)) if !include_all && last.number() > migration.number => {
            return Err(Refused::File(out_of_order(&last.file_name())));
        }
        _ => {}
    }
    let started = Instant::now();
    let done = apply_in(tx, now, parsed).await.map_err(Refused::Statement)?;
    done.warn();
    let record = Record {
        version: migration.version.clone(),
        name: migration.name.clone(),
        checksum: migration.checksum(),
        applied_at: now,
        duration_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
    };
    queries::insert(tx, migration.number, &record).await?;
    Ok(Step::Applied(record, done.schema))
}

/// `FILE:line:column: what is wrong`.
fn located(file: &str, source: &migrate::Error) -> String {
    match source {
        migrate::Error::Refused(fault) => FileFault::of(file.to_owned(), fault.clone()).to_string(),
        migrate::Error::Statement { .. } => format!("{file}:{source}"),
        migrate::Error::Db(_) => format!("{file}: {source}"),
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Stopped {}
