//! Both databases with the same tables, and statements that run on both.

use std::time::Duration;

use plinth::config;
use plinth::db::{Databases, Db, Dialect, Error};
use plinth::policy::Caller;
use plinth::sql::ast::{Body, Expr, Node, Output, Query, Select, Statement};
use plinth::sql::catalog::{
    Catalog, Column, Command, Default as DefaultText, Generated, Grant, Grantee, Key, Name, Policy, Privilege, Relation, Shape,
    Table,
};
use plinth::sql::compile::{self, Bindings, Compiled, Context, Rights};
use plinth::sql::lower::{self, Scope};
use plinth::sql::{Fault, Schema};
use plinth::tasks::Tasks;
use plinth::types::{Clock, Secret, Timestamp};
use plinth::values::Type;
use serde_json::Value as Json;
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::postgres::{FreshDatabase, fresh_database};

/// Everything is allowed.
pub(super) const SERVICE: Caller = Caller { role: Grantee::ServiceRole };
pub(super) const ANON: Caller = Caller { role: Grantee::Anon };
pub(super) const USER: Caller = Caller { role: Grantee::Authenticated };

/// The user that is signed in.
pub(super) const ADA: &str = "00000000-0000-4000-8000-00000000ada0";
pub(super) const BOB: &str = "00000000-0000-4000-8000-00000000b0b0";

/// SQLite and PostgreSQL with the tables of one schema.
pub(super) struct Both {
    pub(super) schema: Schema,
    sqlite: Db,
    postgres: Db,
    bindings: Bindings,
    _databases: (Databases, Databases),
    _folders: (TempDir, TempDir),
    /// Dropped last.
    _fresh: FreshDatabase,
}

/// What one database answers: rows as JSON, or the code of the refusal.
pub(super) type Answer = Result<Json, String>;

impl Both {
    pub(super) async fn with(relations: Vec<Relation>) -> Self {
        let mut catalog = Catalog::default();
        relations.into_iter().for_each(|relation| catalog.put_relation(relation));
        Self::of(catalog).await
    }

    pub(super) async fn of(catalog: Catalog) -> Self {
        let fresh = fresh_database().await;
        let (sqlite, sqlite_folder) = open(None).await;
        let (postgres, postgres_folder) = open(Some(&fresh)).await;
        let schema = Schema::build(catalog).expect("the schema is lowered");
        for relation in schema.catalog().relations().filter(|relation| relation.table().is_some_and(|table| !table.is_system)) {
            create(&sqlite.app, relation, Dialect::Sqlite).await;
            create(&postgres.app, relation, Dialect::Postgres).await;
        }
        Self {
            schema,
            sqlite: sqlite.app.clone(),
            postgres: postgres.app.clone(),
            bindings: bindings(),
            _databases: (sqlite, postgres),
            _folders: (sqlite_folder, postgres_folder),
            _fresh: fresh,
        }
    }

    pub(super) fn context<'a>(&'a self, dialect: Dialect, rights: &'a dyn Rights) -> Context<'a> {
        Context { dialect, schema: &self.schema, bindings: &self.bindings, rights }
    }

    /// A statement's text, lowered.
    pub(super) fn lower(&self, sql: &str) -> Statement {
        let parsed = lower::parse_statement(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
        lower::statement(&parsed, &self.schema, &Scope::default()).unwrap_or_else(|fault| panic!("{sql}: {fault}"))
    }

    /// Compiles for one database. A query's rows become one JSON text, and so does each row that a write returns.
    pub(super) fn compile(&self, sql: &str, dialect: Dialect, rights: &dyn Rights) -> Result<Compiled, Fault> {
        let statement = match self.lower(sql) {
            Statement::Query(query) => Statement::Query(as_json(query)),
            Statement::Insert(mut insert) => {
                insert.returning = object(insert.returning);
                Statement::Insert(insert)
            }
            Statement::Update(mut update) => {
                update.returning = object(update.returning);
                Statement::Update(update)
            }
            Statement::Delete(mut delete) => {
                delete.returning = object(delete.returning);
                Statement::Delete(delete)
            }
        };
        compile::statement(&statement, &self.context(dialect, rights))
    }

    /// What both answer, PostgreSQL first.
    pub(super) async fn answers(&self, sql: &str, rights: &dyn Rights) -> (Answer, Answer) {
        let run = async |db: &Db, dialect| match self.compile(sql, dialect, rights) {
            Ok(compiled) => run(db, compiled).await.map_err(|err| code(&err)),
            Err(fault) => Err(fault.code.to_owned()),
        };
        (run(&self.postgres, Dialect::Postgres).await, run(&self.sqlite, Dialect::Sqlite).await)
    }

    /// What both answer, which must be the same.
    pub(super) async fn same(&self, sql: &str, rights: &dyn Rights) -> Answer {
        let (postgres, sqlite) = self.answers(sql, rights).await;
        assert_eq!(postgres, sqlite, "PostgreSQL and SQLite differ in: {sql}\n{:?}", self.compile(sql, Dialect::Sqlite, rights));
        postgres
    }

    /// As [`Self::same`] for everything, where literals may be refused before they reach a database.
    pub(super) async fn try_same(&self, sql: &str) -> Answer {
        let parsed = lower::parse_statement(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
        match lower::statement(&parsed, &self.schema, &Scope::default()) {
            Err(fault) => Err(fault.code.to_owned()),
            Ok(_) => self.same(sql, &SERVICE).await,
        }
    }

    /// Runs a statement on both that must succeed.
    pub(super) async fn run(&self, sql: &str) {
        self.same(sql, &SERVICE).await.unwrap_or_else(|code| panic!("{sql}: {code}"));
    }

    /// What is compiled is run as it is: each row's columns as texts, or the code of the refusal.
    pub(super) async fn same_compiled(&self, what: &str, compile: impl Fn(&Context<'_>) -> Result<Compiled, Fault>, rights: &dyn Rights) -> Answer {
        let mut answers = Vec::new();
        for (db, dialect) in [(&self.postgres, Dialect::Postgres), (&self.sqlite, Dialect::Sqlite)] {
            answers.push(match compile(&self.context(dialect, rights)) {
                Ok(compiled) => run(db, compiled).await.map_err(|err| code(&err)),
                Err(fault) => Err(fault.code.to_owned()),
            });
        }
        assert_eq!(answers[0], answers[1], "PostgreSQL and SQLite differ in: {what}");
        answers.remove(0)
    }
}

/// `select <expression>` as one value.
pub(super) fn select_value(expr: Expr) -> Query {
    let columns = vec![Output { name: "body".to_owned(), expr }];
    let select = Select { distinct: false, columns, from: Vec::new(), filter: None, group_by: Vec::new(), having: None };
    Query { body: Body::Select(Box::new(select)), order: Vec::new(), limit: None, offset: None }
}

fn as_json(query: Query) -> Query {
    select_value(Expr { node: Node::JsonRows(Box::new(query)), ty: Type::Json })
}

fn object(returning: Vec<Output>) -> Vec<Output> {
    if returning.is_empty() {
        return returning;
    }
    let members = returning.into_iter().map(|output| (output.name, output.expr)).collect();
    vec![Output { name: "body".to_owned(), expr: Expr { node: Node::JsonObject(members), ty: Type::Json } }]
}

fn bindings() -> Bindings {
    Bindings {
        uid: Some(ADA.parse::<Uuid>().expect("a UUID")),
        role: "authenticated".to_owned(),
        jwt: serde_json::json!({ "sub": ADA, "role": "authenticated", "app_metadata": { "team": "red", "n": 1.5 } }),
        email: Some("ada@example.com".to_owned()),
        now: "2026-03-04T05:06:07.890000Z".parse::<Timestamp>().expect("a moment"),
    }
}

async fn run(db: &Db, compiled: Compiled) -> Result<Json, Error> {
    let rows: Vec<(String,)> = db
        .write(move |tx| {
            let compiled = compiled.clone();
            Box::pin(async move {
                let query = tx.query_owned(compiled.sql);
                compiled.values.into_iter().fold(query, |query, value| query.bind(value)).fetch_all().await
            })
        })
        .await?;
    let rows: Vec<Json> = rows.iter().map(|(text,)| serde_json::from_str(text).expect("JSON")).collect();
    Ok(match <[Json; 1]>::try_from(rows) {
        Ok([one]) => one,
        Err(rows) => Json::Array(rows),
    })
}

fn code(err: &Error) -> String {
    match err {
        Error::Other(detail) => detail.code.clone(),
        Error::Unique { .. } => "23505".to_owned(),
        Error::ForeignKey { .. } => "23503".to_owned(),
        Error::Check { .. } => "23514".to_owned(),
        Error::NotNull { .. } => "23502".to_owned(),
        other => format!("{other:?}"),
    }
}

async fn open(fresh: Option<&FreshDatabase>) -> (Databases, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    let url = fresh.map(|fresh| Secret::new(fresh.url().to_owned()));
    let config = config::Database { url, connections: 4, timeout: Duration::from_secs(20) };
    let databases = Databases::open(&config, folder.path(), &tasks).await.expect("the databases open");
    databases.migrate(&Clock::system()).await.expect("the migrations are applied");
    (databases, folder)
}

/// Makes a table as migrations do, as far as these tests need it.
async fn create(db: &Db, relation: &Relation, dialect: Dialect) {
    let table = relation.table().expect("a table");
    let mut parts: Vec<String> = relation.columns.iter().map(|column| declared(column, table, dialect)).collect();
    for key in &table.uniques {
        parts.push(format!("unique ({})", key.columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")));
    }
    let (name, end) = if dialect == Dialect::Sqlite { ("", " strict") } else { ("public.", "") };
    let sql = format!("create table {name}\"{}\" ({}){end}", relation.name.name, parts.join(", "));
    db.write::<_, Error, _>(move |tx| {
        let sql = sql.clone();
        Box::pin(async move { tx.query_owned(sql).execute().await })
    })
    .await
    .expect("the table is made");
}

fn declared(column: &Column, table: &Table, dialect: Dialect) -> String {
    let is_key = table.primary_key.as_ref().is_some_and(|key| key.columns == [column.name.clone()]);
    let sqlite = dialect == Dialect::Sqlite;
    let ty = if sqlite { column.ty.sqlite().to_owned() } else { column.ty.to_string() };
    let collation = match column.ty {
        Type::Numeric(_) if sqlite => " collate plinth_numeric",
        Type::Jsonb if sqlite => " collate plinth_jsonb",
        _ => "",
    };
    let identity = match column.generated {
        Some(Generated::IdentityAlways | Generated::IdentityByDefault) if !sqlite => " generated by default as identity",
        _ => "",
    };
    let not_null = if column.not_null && !is_key { " not null" } else { "" };
    let key = if is_key { " primary key" } else { "" };
    format!("\"{}\" {ty}{collation}{identity}{not_null}{key}", column.name)
}

/// A table of these columns; the first is the key.
pub(super) fn table(name: &str, columns: &[(&str, Type)]) -> Relation {
    let columns = columns.iter().enumerate().map(|(place, (name, ty))| Column {
        name: (*name).to_owned(),
        ty: ty.clone(),
        not_null: place == 0,
        default: None,
        generated: None,
        comment: None,
    });
    let columns: Vec<Column> = columns.collect();
    let key = Key { name: format!("{name}_pkey"), columns: vec![columns[0].name.clone()], nulls_not_distinct: false };
    let shape = Shape::Table(Table { primary_key: Some(key), ..Table::default() });
    Relation { name: Name::public(name), columns, shape, grants: Vec::new(), comment: None }
}

/// A table's changes, one after the other.
pub(super) trait With: Sized {
    fn default(self, column: &str, text: &str) -> Self;
    fn identity(self, column: &str) -> Self;
    fn unique(self, column: &str) -> Self;
    fn grant(self, grantee: Grantee, privileges: &[Privilege]) -> Self;
    fn grant_columns(self, grantee: Grantee, privilege: Privilege, columns: &[&str]) -> Self;
    fn policy(self, policy: Policy) -> Self;
}

impl With for Relation {
    fn default(mut self, column: &str, text: &str) -> Self {
        let found = self.columns.iter_mut().find(|other| other.name == column).expect("the column");
        found.default = Some(DefaultText { text: text.to_owned() });
        self
    }

    fn identity(mut self, column: &str) -> Self {
        let found = self.columns.iter_mut().find(|other| other.name == column).expect("the column");
        found.generated = Some(Generated::IdentityByDefault);
        self
    }

    fn unique(mut self, column: &str) -> Self {
        let name = format!("{}_{column}_key", self.name.name);
        let key = Key { name, columns: vec![column.to_owned()], nulls_not_distinct: false };
        self.table_mut().expect("a table").uniques.push(key);
        self
    }

    fn grant(mut self, grantee: Grantee, privileges: &[Privilege]) -> Self {
        self.grants.extend(privileges.iter().map(|privilege| Grant { grantee, privilege: *privilege, columns: None }));
        self
    }

    fn grant_columns(mut self, grantee: Grantee, privilege: Privilege, columns: &[&str]) -> Self {
        let columns = Some(columns.iter().map(|name| (*name).to_owned()).collect());
        self.grants.push(Grant { grantee, privilege, columns });
        self
    }

    fn policy(mut self, policy: Policy) -> Self {
        let table = self.table_mut().expect("a table");
        table.row_security = true;
        table.policies.push(policy);
        self
    }
}

/// `create policy … for command to everybody using (…) with check (…)`; empty texts are left out.
pub(super) fn policy(command: Command, using: &str, with_check: &str) -> Policy {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Policy {
        name: format!("{command:?} {using} {with_check}"),
        permissive: true,
        command,
        roles: Vec::new(),
        using: text(using),
        with_check: text(with_check),
    }
}

/// All privileges.
pub(super) const ALL: &[Privilege] = &[Privilege::Select, Privilege::Insert, Privilege::Update, Privilege::Delete];
