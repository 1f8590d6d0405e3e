//! A small shop on both databases, and requests to it as clients write them.

use std::sync::Arc;
use std::time::Duration;

use plinth::auth::principal::Role;
use plinth::config;
use plinth::data::Error;
use plinth::data::request::{Body, CallBody, Content, Kind, Preferences, Query};
use plinth::data::service::{Answer, Caller, Current, DataService, Shape, Wants};
use plinth::db::{Databases, Db};
use plinth::sql::Schema;
use plinth::sql::catalog::{
    Argument, Catalog, Column, Command, Default as DefaultText, ForeignKey, Function, Generated, Grant, Grantee, Key, Name,
    OnDelete, Policy, Privilege, Relation, Returns, Security, Shape as RelationShape, Table, View, ViewColumn, Volatility,
};
use plinth::tasks::Tasks;
use plinth::types::{Clock, Secret};
use plinth::values::Type;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::postgres::{FreshDatabase, fresh_database};

pub(super) const ADA: &str = "00000000-0000-4000-8000-00000000ada0";
pub(super) const BOB: &str = "00000000-0000-4000-8000-00000000b0b0";

/// The tables, as SQLite has them; PostgreSQL's types are put in the place of the marked ones.
const TABLES: &str = r#"
create table "clients" ("id" integer primary key, "name" text not null, "city" text);
create table "profiles" ("client_id" integer primary key references "clients"("id"), "bio" text);
create table "projects" ("id" integer primary key, "name" text not null, "client_id" integer references "clients"("id"),
  "backup_id" integer references "clients"("id"), "budget" %numeric%, "tags" %textarray%, "specs" %jsonb%, "done" %boolean%, "due" %date%);
create table "users" ("id" integer primary key, "name" text not null, "boss_id" integer references "users"("id"));
create table "members" ("project_id" integer not null references "projects"("id"), "user_id" integer not null references "users"("id"),
  "role" text, primary key ("project_id", "user_id"));
create table "items" ("id" %identity%, "sku" text not null unique, "qty" integer not null, "note" text, constraint "items_qty_check" check ("qty" >= 0));
create table "notes" ("owner" %uuid% not null, "body" text not null, "stamp" %timestamptz%);
create table "secrets" ("id" integer primary key, "shown" text, "hidden" text);
insert into "clients" values (1,'Acme','Bonn'),(2,'Bolt',null),(3,'Cord','Rome');
insert into "profiles" values (1,'old');
insert into "projects" values
 (1,'Alpha',1,2,'10.50',%tags:a,b%,%json:{"a":{"b":"x"},"n":7}%,%true%,'2026-01-31'),
 (2,'Beta',1,null,'2.00',%tags:b%,%json:{"n":10}%,%false%,null),
 (3,'Gamma',2,1,null,null,null,null,'2026-02-01'),
 (4,'Delta',null,null,'100.00',%tags:%,%json:[1,2]%,%true%,'2025-12-31');
insert into "users" values (1,'Ann',null),(2,'Ben',1),(3,'Cy',1);
insert into "members" values (1,1,'lead'),(1,2,'dev'),(2,2,'lead');
insert into "items" ("sku","qty","note") values ('x',1,'one'),('y',2,null);
insert into "notes" values ('00000000-0000-4000-8000-00000000ada0','hers','2026-01-01T00:00:00.000000Z'),
 ('00000000-0000-4000-8000-00000000b0b0','his','2026-01-02T00:00:00.000000Z');
insert into "secrets" values (1,'open','closed')
"#;

/// The shop and who serves it.
pub(super) struct Shop {
    pub(super) service: DataService,
    pub(super) db: Db,
    _databases: Databases,
    _folder: TempDir,
    /// Dropped last.
    _fresh: Option<FreshDatabase>,
}

struct Fixed(Arc<Schema>);

impl Current for Fixed {
    fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.0)
    }
}

impl Shop {
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
        let database = config::Database { url, connections: 4, timeout: Duration::from_secs(20) };
        let databases = Databases::open(&database, folder.path(), &tasks).await.expect("the databases open");
        databases.migrate(&Clock::system()).await.expect("the migrations are applied");
        let db = databases.app.clone();
        for statement in dressed(TABLES, db.is_postgres()).split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
            let sql = statement.to_owned();
            let made: Result<u64, plinth::db::Error> = db
                .write(move |tx| {
                    let sql = sql.clone();
                    Box::pin(async move { tx.query_owned(sql).execute().await })
                })
                .await;
            made.unwrap_or_else(|err| panic!("{statement}: {err}"));
        }
        let schema = Schema::build(catalog()).unwrap_or_else(|fault| panic!("the schema: {fault}"));
        let settings = config::Data {
            max_rows: 1000,
            max_result_bytes: 1 << 20,
            statement_timeout: Duration::from_secs(20),
            tx_rollback: true,
            ..config::Data::default()
        };
        let service = DataService::new(db.clone(), Arc::new(Fixed(Arc::new(schema))), Clock::system(), settings);
        Self { service, db, _databases: databases, _folder: folder, _fresh: fresh }
    }

    /// A request line such as `GET items?select=sku`, with what `Prefer` and `Accept` say before a `|` each, and a body after a space.
    pub(super) async fn ask(&self, caller: &Caller, line: &str, prefer: &str, body: &str) -> Result<Answer, Error> {
        let (method, rest) = line.split_once(' ').expect("a method");
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (shape, prefer) = match prefer.strip_prefix("object,") {
            Some(prefer) => (Shape::Object, prefer),
            None => (if prefer.contains("csv,") { Shape::Csv } else { Shape::Array }, prefer),
        };
        let preferences = Preferences::parse([prefer.trim_start_matches("csv,")]).map_err(Error::from)?;
        let wants = Wants { shape, nulls_stripped: false, preferences };
        if let Some(name) = path.strip_prefix("rpc/") {
            let kind = if method == "GET" { Kind::RpcGet } else { Kind::RpcPost };
            let query = Query::parse(query, kind).map_err(Error::from)?;
            let body = (method != "GET").then(|| CallBody::parse(Content::Json, body.as_bytes(), None)).transpose()?;
            return self.service.rpc(caller, name, &query, body.as_ref(), &wants).await;
        }
        let asked = query;
        let query = Query::parse(asked, Kind::Table).map_err(Error::from)?;
        let rows = || Body::parse(Content::Json, body.as_bytes(), query.columns.as_deref()).map_err(Error::from);
        match method {
            "GET" => self.service.read(caller, path, &query, asked, &wants).await,
            "POST" => self.service.insert(caller, path, &query, &rows()?, &wants).await,
            "PATCH" => self.service.update(caller, path, &query, &rows()?, &wants).await,
            "PUT" => self.service.put(caller, path, &query, &rows()?, &wants).await,
            "DELETE" => self.service.delete(caller, path, &query, &wants).await,
            other => panic!("no method {other}"),
        }
    }

    /// What a table of cases expects: `line`, `prefer`, `body` and the answer's body, or `code status details`.
    pub(super) async fn holds(&self, caller: &Caller, cases: &[(&str, &str)]) {
        let mut wrong = Vec::new();
        for (asked, expected) in cases {
            let mut parts = asked.splitn(3, '|').map(str::trim);
            let line = parts.next().unwrap_or_default();
            let (prefer, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let found = shown(self.ask(caller, line, prefer, body).await);
            if !is_same(&found, expected) {
                wrong.push(format!("{asked}\n  expected {expected}\n  found    {found}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} cases on {:?}:\n{}", wrong.len(), cases.len(), self.db, wrong.join("\n"));
    }
}

/// The body, or the code with its status and, where there are any, its details.
fn shown(answer: Result<Answer, Error>) -> String {
    match answer {
        Ok(answer) => match answer.total {
            Some(total) => format!("{} of {total}", answer.body),
            None => answer.body,
        },
        Err(error) => format!("{} {} {}", error.code, error.status, error.message),
    }
}

/// JSON is compared as JSON; errors by their beginning.
fn is_same(found: &str, expected: &str) -> bool {
    let total = |text: &str| text.rsplit_once(" of ").map(|(body, total)| (body.to_owned(), total.to_owned()));
    let json = |text: &str| serde_json::from_str::<Json>(text).ok();
    if let (Some((found, found_total)), Some((expected, expected_total))) = (total(found), total(expected)) {
        return json(&found) == json(&expected) && found_total == expected_total;
    }
    match (json(found), json(expected)) {
        (Some(found), Some(expected)) => found == expected,
        (None, None) => {
            if expected.is_empty() {
                found.is_empty()
            } else {
                found.starts_with(expected)
            }
        }
        _ => false,
    }
}

pub(super) fn user(id: &str) -> Caller {
    let claims = serde_json::json!({ "sub": id, "role": "authenticated" });
    Caller {
        role: Role::Authenticated,
        claims: Arc::new(claims.as_object().cloned().unwrap_or_default()),
        uid: Some(id.parse().expect("a UUID")),
    }
}

pub(super) fn anon() -> Caller {
    Caller { role: Role::Anon, claims: Arc::default(), uid: None }
}

/// The marks replaced by what the database has.
fn dressed(sql: &str, is_postgres: bool) -> String {
    let pick = |sqlite: &str, postgres: &str| if is_postgres { postgres.to_owned() } else { sqlite.to_owned() };
    let mut sql = sql.to_owned();
    if is_postgres {
        for (plain, qualified) in [
            ("create table ", "create table public."),
            ("insert into ", "insert into public."),
            ("references ", "references public."),
        ] {
            sql = sql.replace(plain, qualified);
        }
    }
    for (mark, sqlite, postgres) in [
        ("%numeric%", "text collate plinth_numeric", "numeric(10,2)"),
        ("%textarray%", "text", "text[]"),
        ("%jsonb%", "text collate plinth_jsonb", "jsonb"),
        ("%boolean%", "integer", "boolean"),
        ("%date%", "text", "date"),
        ("%uuid%", "text", "uuid"),
        ("%timestamptz%", "text", "timestamptz"),
        ("%identity%", "integer primary key autoincrement", "bigint generated by default as identity primary key"),
        ("%true%", "1", "true"),
        ("%false%", "0", "false"),
        ("%tags:a,b%", r#"'["a","b"]'"#, "'{a,b}'"),
        ("%tags:b%", r#"'["b"]'"#, "'{b}'"),
        ("%tags:%", "'[]'", "'{}'"),
    ] {
        sql = sql.replace(mark, &pick(sqlite, postgres));
    }
    while let Some(start) = sql.find("%json:") {
        let end = start + 6 + sql[start + 6..].find('%').expect("the mark's end");
        let text = sql[start + 6..end].to_owned();
        sql.replace_range(start..=end, &format!("'{text}'"));
    }
    sql
}

fn column(name: &str, ty: Type) -> Column {
    Column { name: name.to_owned(), ty, not_null: false, default: None, generated: None, comment: None }
}

fn required(name: &str, ty: Type) -> Column {
    Column { not_null: true, ..column(name, ty) }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn table(name: &str, columns: Vec<Column>, key: &[&str]) -> Relation {
    let primary_key =
        (!key.is_empty()).then(|| Key { name: format!("{name}_pkey"), columns: names(key), nulls_not_distinct: false });
    let shape = RelationShape::Table(Table { primary_key, ..Table::default() });
    let all = [Privilege::Select, Privilege::Insert, Privilege::Update, Privilege::Delete];
    let grants = all.map(|privilege| Grant { grantee: Grantee::Authenticated, privilege, columns: None }).to_vec();
    Relation { name: Name::public(name), columns, shape, grants, comment: None }
}

fn refers(mut relation: Relation, column: &str, to: &str) -> Relation {
    let key = ForeignKey {
        name: format!("{}_{column}_fkey", relation.name.name),
        columns: names(&[column]),
        references: Name::public(to),
        referenced_columns: names(&["id"]),
        on_delete: OnDelete::NoAction,
        on_update: OnDelete::NoAction,
        deferrable: false,
    };
    relation.table_mut().expect("a table").foreign_keys.push(key);
    relation
}

fn policy(command: Command, using: Option<&str>, with_check: Option<&str>) -> Policy {
    Policy {
        name: format!("{command:?}"),
        permissive: true,
        command,
        roles: vec![Grantee::Authenticated],
        using: using.map(str::to_owned),
        with_check: with_check.map(str::to_owned),
    }
}

pub(super) fn catalog() -> Catalog {
    let id = || required("id", Type::Int4);
    let text = |name: &str| column(name, Type::Text);
    let mut catalog = Catalog::default();
    catalog.put_relation(table("clients", vec![id(), required("name", Type::Text), text("city")], &["id"]));
    catalog.put_relation(refers(
        table("profiles", vec![required("client_id", Type::Int4), text("bio")], &["client_id"]),
        "client_id",
        "clients",
    ));
    let projects = vec![
        id(),
        required("name", Type::Text),
        column("client_id", Type::Int4),
        column("backup_id", Type::Int4),
        column("budget", Type::Numeric(Some((10, 2)))),
        column("tags", Type::Array(Box::new(Type::Text))),
        column("specs", Type::Jsonb),
        column("done", Type::Bool),
        column("due", Type::Date),
    ];
    catalog.put_relation(refers(refers(table("projects", projects, &["id"]), "client_id", "clients"), "backup_id", "clients"));
    let users = table("users", vec![id(), required("name", Type::Text), column("boss_id", Type::Int4)], &["id"]);
    catalog.put_relation(refers(users, "boss_id", "users"));
    let members = vec![required("project_id", Type::Int4), required("user_id", Type::Int4), text("role")];
    let members = table("members", members, &["project_id", "user_id"]);
    catalog.put_relation(refers(refers(members, "project_id", "projects"), "user_id", "users"));
    let mut items = table(
        "items",
        vec![
            Column { generated: Some(Generated::IdentityByDefault), ..required("id", Type::Int8) },
            required("sku", Type::Text),
            Column { default: Some(DefaultText { text: "5".to_owned() }), ..required("qty", Type::Int4) },
            text("note"),
        ],
        &["id"],
    );
    let sku = Key { name: "items_sku_key".to_owned(), columns: names(&["sku"]), nulls_not_distinct: false };
    items.table_mut().expect("a table").uniques.push(sku);
    catalog.put_relation(items);
    let stamp = Column { default: Some(DefaultText { text: "now()".to_owned() }), ..column("stamp", Type::Timestamptz) };
    let mut notes = table("notes", vec![required("owner", Type::Uuid), required("body", Type::Text), stamp], &[]);
    let own = "owner = auth.uid()";
    let rows = notes.table_mut().expect("a table");
    rows.row_security = true;
    rows.policies = vec![
        policy(Command::Select, Some(own), None),
        policy(Command::Insert, None, Some(own)),
        policy(Command::Update, Some(own), Some(own)),
        policy(Command::Delete, Some(own), None),
    ];
    catalog.put_relation(notes);
    let mut secrets = table("secrets", vec![id(), text("shown"), text("hidden")], &["id"]);
    let some = Some(names(&["id", "shown"]));
    secrets.grants = vec![Grant { grantee: Grantee::Authenticated, privilege: Privilege::Select, columns: some }];
    catalog.put_relation(secrets);
    let origin = |column: &str| Some(ViewColumn { relation: Name::public("projects"), column: column.to_owned() });
    let view = View {
        text: "select id, name, client_id from projects where done".to_owned(),
        origins: ["id", "name", "client_id"].map(origin).to_vec(),
    };
    let grant = Grant { grantee: Grantee::Authenticated, privilege: Privilege::Select, columns: None };
    catalog.put_relation(Relation {
        name: Name::public("finished"),
        columns: vec![column("id", Type::Int4), text("name"), column("client_id", Type::Int4)],
        shape: RelationShape::View(view),
        grants: vec![grant],
        comment: None,
    });
    let argument = |name: &str, ty: Type, default: Option<&str>| Argument {
        name: name.to_owned(),
        ty,
        default: default.map(|text| DefaultText { text: text.to_owned() }),
        variadic: false,
    };
    let function = |name: &str, arguments, returns, volatility, body: &str| Function {
        name: Name::public(name),
        arguments,
        returns,
        volatility,
        security: Security::Invoker,
        strict: false,
        body: body.to_owned(),
        execute: vec![Grantee::Public],
        comment: None,
    };
    let two = || vec![argument("a", Type::Int4, None), argument("b", Type::Int4, Some("10"))];
    catalog.put_function(function("plus", two(), Returns::Scalar(Type::Int4), Volatility::Immutable, "select a + b"));
    catalog.put_function(function(
        "of_client",
        vec![argument("client", Type::Int4, None)],
        Returns::SetOfRow(Name::public("projects")),
        Volatility::Stable,
        "select * from projects where client_id = client",
    ));
    catalog.put_function(function(
        "stock",
        vec![argument("named", Type::Text, None), argument("n", Type::Int4, None)],
        Returns::SetOfRow(Name::public("items")),
        Volatility::Volatile,
        "update items set qty = n where sku = named returning *",
    ));
    catalog.put_function(function(
        "names",
        Vec::new(),
        Returns::SetOfScalar(Type::Text),
        Volatility::Stable,
        "select name from users order by id",
    ));
    catalog.put_function(function(
        "touch",
        Vec::new(),
        Returns::Void,
        Volatility::Volatile,
        "update items set note = 'touched' where sku = 'y'",
    ));
    catalog
}
