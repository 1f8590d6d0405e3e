//! `/admin/v1/migrations`: the app's migrations. Needs the service key.

use actix_web::web::{Data, Payload};
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::statement::{failure, statement};
use crate::api::{Code, FieldError, Problem, StatementError, json_within};
use crate::auth::api::Caller;
use crate::data::migrations::{Error, FileFault, Migration, Options, Record, Report, Stopped};
use crate::data::{LoadError, Schemas};

/// Bytes of a body.
const MAX_BODY: usize = 32 << 20;

/// Migrations of a body; a folder may have more, which are then sent in parts.
const MAX_SENT: usize = 1_000;

/// Migrations to apply.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MigrationsBody {
    /// Any of the app's migrations, in any order: those that are applied already are passed over. At most 1,000.
    migrations: Vec<MigrationBody>,
    /// Applies those too that are earlier than the last one that is applied.
    #[serde(default)]
    include_all: bool,
    /// Only looks them through, against the schema as it is now.
    #[serde(default)]
    dry_run: bool,
}

/// A migration as its file has it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MigrationBody {
    /// 1 to 18 digits, which order it.
    #[schema(example = "20260101000000")]
    version: String,
    /// At most 200 bytes.
    #[schema(example = "teams")]
    name: String,
    /// Statements in PostgreSQL's grammar, in the portable subset; at most 1 MiB.
    #[schema(example = "create table teams (id uuid primary key default gen_random_uuid(), name text not null);")]
    sql: String,
}

/// The migrations that were applied, in the order of their versions.
#[derive(Debug, Serialize, ToSchema)]
struct MigrationsList {
    migrations: Vec<Record>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct MigrationsAnswer {
    /// What was applied just now, in order.
    applied: Vec<Record>,
    /// What would be applied; for a dry run alone.
    pending: Vec<PendingMigration>,
}

/// A migration that would be applied.
#[derive(Debug, Serialize, ToSchema)]
struct PendingMigration {
    #[schema(example = "20260101000000")]
    version: String,
    #[schema(example = "teams")]
    name: String,
}

/// List the applied migrations
#[utoipa::path(
    tag = "data",
    path = "/admin/v1/migrations",
    security(("bearer" = []), ("apikey" = [])),
    responses((status = 200, description = "All that were applied", body = MigrationsList), Problem),
)]
#[get("/migrations")]
pub(super) async fn list_migrations(caller: Caller, schemas: Data<Schemas>) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let migrations = schemas.applied_migrations().await.map_err(failure)?;
    Ok(HttpResponse::Ok().json(MigrationsList { migrations }))
}

/// Apply migrations
///
/// Applies those of the migrations that are not applied yet, in the order of their versions. Each is one transaction together with the
/// record that it was applied, so it is applied wholly, or not at all; of two callers that apply at once, one waits.
///
/// When a statement is refused, the problem (`/problems/sql_refused`) names its `file`, `line` and `column`, and lists in `applied` the
/// files that were applied before, which stay applied. A migration that was changed after it had been applied, or is earlier than one
/// that is applied, is a problem `/problems/conflict` with an entry in `errors` for each such file; then nothing is applied.
#[utoipa::path(
    tag = "data",
    path = "/admin/v1/migrations",
    request_body = MigrationsBody,
    security(("bearer" = []), ("apikey" = [])),
    responses(
        (status = 200, description = "All of them are applied", body = MigrationsAnswer),
        Problem,
    ),
)]
#[post("/migrations")]
pub(super) async fn apply_migrations(caller: Caller, body: Payload, schemas: Data<Schemas>) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let MigrationsBody { migrations, include_all, dry_run } = json_within(body, MAX_BODY).await?;
    let migrations = checked(migrations)?;
    let Report { applied, pending } = schemas.migrate(migrations, Options { include_all, dry_run }).await.map_err(stopped)?;
    let pending = pending.into_iter().map(|Migration { version, name, .. }| PendingMigration { version, name }).collect();
    Ok(HttpResponse::Ok().json(MigrationsAnswer { applied, pending }))
}

fn checked(sent: Vec<MigrationBody>) -> Result<Vec<Migration>, Problem> {
    if sent.len() > MAX_SENT {
        let message = format!("has {} entries, and at most {MAX_SENT} are taken at once; send them in parts", sent.len());
        return Err(Problem::invalid(vec![FieldError::new("migrations", message)]));
    }
    let mut migrations = Vec::with_capacity(sent.len());
    let mut errors = Vec::new();
    for (place, MigrationBody { version, name, sql }) in sent.into_iter().enumerate() {
        match Migration::new(&version, &name, sql) {
            Ok(migration) => migrations.push(migration),
            Err(message) => errors.push(FieldError::new(format!("migrations[{place}]"), message)),
        }
    }
    if errors.is_empty() { Ok(migrations) } else { Err(Problem::invalid(errors)) }
}

fn stopped(Stopped { applied, error }: Stopped) -> Problem {
    let applied: Vec<String> = applied.iter().map(Record::file_name).collect();
    match *error {
        Error::Files(faults) => {
            let detail = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            Code::Conflict.because(detail).with_errors(faults.into_iter().map(field).collect())
        }
        Error::Statement { file, source } => match statement(source, "data.migration_timeout") {
            Ok((message, statement)) => {
                let statement = StatementError { file: Some(file), applied: Some(applied), ..statement };
                Code::SqlRefused.because(message).with_statement(statement)
            }
            Err(source) => failure(source),
        },
        Error::Db(source) | Error::Schema(LoadError::Db(source)) => failure(source),
        Error::Schema(source) => Problem::internal(source),
    }
}

fn field(FileFault { file, place, message }: FileFault) -> FieldError {
    let number = |number: u64| u32::try_from(number).ok();
    FieldError {
        line: place.and_then(|place| number(place.line)),
        column: place.and_then(|place| number(place.column)),
        ..FieldError::new(file, message)
    }
}
