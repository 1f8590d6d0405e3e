//! An app's schema in a database without a server, and how the database would run a request.

use std::time::Duration;

use plinth::config;
use plinth::data::migrate;
use plinth::data::plan::{Planner, Relationships};
use plinth::data::request::{Kind, Query};
use plinth::db::{Databases, Db, Dialect, Error};
use plinth::policy::Caller;
use plinth::sql::Schema;
use plinth::sql::catalog::Grantee;
use plinth::sql::compile::{self, Bindings, Compiled, Context};
use plinth::tasks::Tasks;
use plinth::types::{Clock, Secret};
use tempfile::TempDir;

use crate::support::postgres::{FreshDatabase, fresh_database};

/// How long a text of definitions may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Who asks.
pub(super) const ADA: &str = "00000000-0000-4000-8000-00000000ada0";

/// A database with an app's schema.
pub(super) struct App {
    pub(super) db: Db,
    pub(super) schema: Schema,
    _databases: Databases,
    _folder: TempDir,
    /// Dropped last.
    _fresh: Option<FreshDatabase>,
}

impl App {
    pub(super) async fn sqlite() -> Self {
        Self::open(None).await
    }

    pub(super) async fn postgres() -> Self {
        Self::open(Some(fresh_database().await)).await
    }

    async fn open(fresh: Option<FreshDatabase>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        let url = fresh.as_ref().map(|fresh| Secret::new(fresh.url().to_owned()));
        let database = config::Database { url, connections: 4, timeout: Duration::from_secs(60) };
        let databases = Databases::open(&database, folder.path(), &tasks).await.expect("the databases open");
        databases.migrate(&Clock::system()).await.expect("the migrations are applied");
        let db = databases.app.clone();
        Self { db, schema: Schema::default(), _databases: databases, _folder: folder, _fresh: fresh }
    }

    pub(super) async fn apply(&mut self, sql: &str) {
        let applied = migrate::apply(&self.db, &Clock::system(), sql.to_owned(), LIMIT).await;
        let applied = applied.unwrap_or_else(|err| panic!("{err}\n{sql}"));
        if let Some(schema) = applied.schema {
            self.schema = std::sync::Arc::into_inner(schema).expect("nobody else has the schema");
        }
    }

    /// Runs one statement of the database's own.
    pub(super) async fn raw(&self, sql: String) {
        let done: Result<u64, Error> = self
            .db
            .write(move |tx| {
                let sql = sql.clone();
                Box::pin(async move { tx.query_owned(sql).execute().await })
            })
            .await;
        done.expect("the statement runs");
    }

    /// What a request reads, compiled: `table?filters`.
    pub(super) fn compiled(&self, request: &str, role: Grantee) -> Compiled {
        let (table, query) = request.split_once('?').expect("a query");
        let rights = Caller { role };
        let relationships = Relationships::of(self.schema.catalog());
        let mut planner = Planner::new(&self.schema, &relationships, &rights, 1000);
        let query = Query::parse(query, Kind::Table).unwrap_or_else(|err| panic!("{request}: {err:?}"));
        let relation = planner.relation(table).expect("the table");
        let plan = planner.read(relation, &query, false).unwrap_or_else(|err| panic!("{request}: {err:?}"));
        let bindings = Bindings {
            uid: Some(ADA.parse().expect("a UUID")),
            role: "authenticated".to_owned(),
            jwt: serde_json::json!({ "sub": ADA }),
            email: None,
            now: Clock::system().now(),
        };
        let dialect = if self.db.is_postgres() { Dialect::Postgres } else { Dialect::Sqlite };
        compile::query(&plan, &Context { dialect, schema: &self.schema, bindings: &bindings, rights: &rights })
            .unwrap_or_else(|fault| panic!("{request}: {fault}"))
    }

    /// The body that a request reads.
    pub(super) async fn read(&self, request: &str) -> String {
        let compiled = self.compiled(request, Grantee::ServiceRole);
        let mut conn = self.db.read().await.expect("a connection");
        let query = compiled.values.into_iter().fold(conn.query_owned(compiled.sql), plinth::db::Query::bind);
        let (body,): (String,) = query.fetch_one().await.unwrap_or_else(|err| panic!("{request}: {err}"));
        body
    }

    /// How the database would run a statement, a line for each step.
    pub(super) async fn plan(&self, compiled: Compiled) -> String {
        let is_postgres = self.db.is_postgres();
        let steps: Result<Vec<String>, Error> = self
            .db
            .write(move |tx| {
                let compiled = compiled.clone();
                Box::pin(async move {
                    if is_postgres {
                        // The tables are small: what counts is whether an index can serve.
                        tx.query("set local enable_seqscan = off").execute().await?;
                        let query = tx.query_owned(format!("explain (costs off) {}", compiled.sql));
                        let rows: Vec<(String,)> =
                            compiled.values.into_iter().fold(query, plinth::db::Query::bind).fetch_all().await?;
                        return Ok(rows.into_iter().map(|(line,)| line).collect());
                    }
                    let query = tx.query_owned(format!("explain query plan {}", compiled.sql));
                    let rows: Vec<(i64, i64, i64, String)> =
                        compiled.values.into_iter().fold(query, plinth::db::Query::bind).fetch_all().await?;
                    Ok(rows.into_iter().map(|(_, _, _, line)| line).collect())
                })
            })
            .await;
        steps.expect("the plan is told").join("\n")
    }
}
