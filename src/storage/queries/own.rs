//! The statements over `storage.objects` and `storage.buckets` that run with the caller's rights: portable SQL, lowered once for each
//! schema and compiled for each caller, so that one engine decides what policies mean.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::db::{self, Conn, Dialect, Row};
use crate::sql::ast::{Expr, Node, Statement};
use crate::sql::compile::{self, Bindings, Compiled, Context, Rights};
use crate::sql::lower::{self, Arguments, Scope};
use crate::sql::{self, Fault, Schema};
use crate::storage::{Error, Result};
use crate::types::Timestamp;
use crate::values::{Datum, Type, from_text};

/// What each statement does. Its arguments are given in the order of its text's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::storage) enum Own {
    Find,
    FindMany,
    Insert,
    Upsert,
    Replace,
    Move,
    Delete,
    Names,
    NamesFrom,
    NamesDown,
    FindBucket,
    ListBuckets,
    InsertBucket,
    UpdateBucket,
    DeleteBucket,
    Folders,
    FoldersDown,
    FoldersAfter,
    Level(Order),
    /// What follows an object in an order by time.
    After(Order),
}

/// How the objects of one level are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::storage) enum Order {
    Name,
    NameDown,
    Created,
    CreatedDown,
    Updated,
    UpdatedDown,
    Accessed,
    AccessedDown,
}

/// The columns of a new object, in the order of its values.
const OBJECT: &str =
    "id, bucket_id, name, owner, owner_id, created_at, updated_at, last_accessed_at, metadata, version, user_metadata";

const TEXT: Type = Type::Text;
const UUID: Type = Type::Uuid;
const TIME: Type = Type::Timestamptz;
const JSON: Type = Type::Jsonb;
const INT: Type = Type::Int8;
const BOOL: Type = Type::Bool;

const ALL: [Own; 32] = [
    Own::Find,
    Own::FindMany,
    Own::Insert,
    Own::Upsert,
    Own::Replace,
    Own::Move,
    Own::Delete,
    Own::Names,
    Own::NamesFrom,
    Own::NamesDown,
    Own::FindBucket,
    Own::ListBuckets,
    Own::InsertBucket,
    Own::UpdateBucket,
    Own::DeleteBucket,
    Own::Folders,
    Own::FoldersDown,
    Own::FoldersAfter,
    Own::Level(Order::Name),
    Own::Level(Order::NameDown),
    Own::Level(Order::Created),
    Own::Level(Order::CreatedDown),
    Own::Level(Order::Updated),
    Own::Level(Order::UpdatedDown),
    Own::Level(Order::Accessed),
    Own::Level(Order::AccessedDown),
    Own::After(Order::Created),
    Own::After(Order::CreatedDown),
    Own::After(Order::Updated),
    Own::After(Order::UpdatedDown),
    Own::After(Order::Accessed),
    Own::After(Order::AccessedDown),
];

impl Own {
    fn text(self) -> String {
        let values = "select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 where true";
        match self {
            Self::Find => "select * from storage.objects where bucket_id = $1 and name = $2".to_owned(),
            Self::FindMany => "select * from storage.objects where bucket_id = $1 and name = any($2)".to_owned(),
            Self::Insert => format!("insert into storage.objects ({OBJECT}) {values}"),
            Self::Upsert => format!(
                "insert into storage.objects ({OBJECT}) {values} on conflict (bucket_id, name) do update set owner = excluded.owner, \
                 owner_id = excluded.owner_id, updated_at = excluded.updated_at, last_accessed_at = excluded.last_accessed_at, \
                 metadata = excluded.metadata, version = excluded.version, user_metadata = excluded.user_metadata returning *"
            ),
            Self::Replace => "update storage.objects set owner = $3, owner_id = $4, updated_at = $5, last_accessed_at = $5, \
                              metadata = $6, version = $7, user_metadata = $8 where bucket_id = $1 and name = $2 returning *"
                .to_owned(),
            Self::Move => "update storage.objects set bucket_id = $3, name = $4, updated_at = $5 \
                           where bucket_id = $1 and name = $2 returning *"
                .to_owned(),
            Self::Delete => "delete from storage.objects where bucket_id = $1 and name = any($2) returning *".to_owned(),
            Self::Names => names(">"),
            Self::NamesFrom => names(">="),
            Self::NamesDown => "select * from storage.objects where bucket_id = $1 and name >= $2 and name < $3 \
                                order by name desc limit $4"
                .to_owned(),
            Self::FindBucket => "select * from storage.buckets where id = $1".to_owned(),
            Self::ListBuckets => {
                "select * from storage.buckets where starts_with(lower(id), lower($1)) order by id limit $2 offset $3".to_owned()
            }
            Self::InsertBucket => "insert into storage.buckets (id, name, owner, owner_id, created_at, updated_at, public, \
                                   file_size_limit, allowed_mime_types) select $1, $1, $2, $3, $4, $4, $5, $6, $7 where true"
                .to_owned(),
            Self::UpdateBucket => "update storage.buckets set public = $2, file_size_limit = $3, allowed_mime_types = $4, \
                                   updated_at = $5 where id = $1 returning *"
                .to_owned(),
            Self::DeleteBucket => "delete from storage.buckets where id = $1 returning *".to_owned(),
            Self::Folders => folders(""),
            Self::FoldersDown => folders(" desc"),
            Self::FoldersAfter => "select distinct split_part(substr(name, $4), '/', 1) as name from storage.objects \
                                   where bucket_id = $1 and name >= $2 and name < $3 and strpos(substr(name, $4), '/') > 0 \
                                   and split_part(substr(name, $4), '/', 1) > $5 order by 1 limit $6"
                .to_owned(),
            Self::Level(order) => level(order),
            Self::After(order) => after(order),
        }
    }

    fn arguments(self) -> Vec<Type> {
        let texts = || Type::Array(Box::new(Type::Text));
        match self {
            Self::Find => vec![TEXT, TEXT],
            Self::FindMany | Self::Delete => vec![TEXT, texts()],
            Self::Insert | Self::Upsert => vec![UUID, TEXT, TEXT, UUID, TEXT, TIME, TIME, TIME, JSON, TEXT, JSON],
            Self::Replace => vec![TEXT, TEXT, UUID, TEXT, TIME, JSON, TEXT, JSON],
            Self::Move => vec![TEXT, TEXT, TEXT, TEXT, TIME],
            Self::Names | Self::NamesFrom | Self::NamesDown => vec![TEXT, TEXT, TEXT, INT],
            Self::FoldersAfter => vec![TEXT, TEXT, TEXT, Type::Int4, TEXT, INT],
            Self::After(_) => vec![TEXT, TEXT, TEXT, TIME, TEXT, BOOL, Type::Int4, INT],
            Self::FindBucket | Self::DeleteBucket => vec![TEXT],
            Self::ListBuckets => vec![TEXT, INT, INT],
            Self::InsertBucket => vec![TEXT, UUID, TEXT, TIME, BOOL, INT, texts()],
            Self::UpdateBucket => vec![TEXT, BOOL, INT, texts(), TIME],
            Self::Folders | Self::FoldersDown | Self::Level(_) => vec![TEXT, TEXT, TEXT, Type::Int4, TEXT, INT, INT],
        }
    }
}

/// Objects from a name on, or after it, and below a bound.
fn names(from: &str) -> String {
    format!("select * from storage.objects where bucket_id = $1 and name {from} $2 and name < $3 order by name limit $4")
}

/// The names between two bounds whose rest, from a place on, begins with a text in whichever case.
const WITHIN: &str =
    "from storage.objects where bucket_id = $1 and name >= $2 and name < $3 and starts_with(lower(substr(name, $4)), lower($5))";

/// The folders of one level.
fn folders(direction: &str) -> String {
    format!(
        "select distinct split_part(substr(name, $4), '/', 1) as name {WITHIN} and strpos(substr(name, $4), '/') > 0 \
         order by 1{direction} limit $6 offset $7"
    )
}

/// The objects of one level.
fn level(order: Order) -> String {
    let order = match order {
        Order::Name => "name",
        Order::NameDown => "name desc",
        Order::Created => "created_at, name",
        Order::CreatedDown => "created_at desc, name desc",
        Order::Updated => "updated_at, name",
        Order::UpdatedDown => "updated_at desc, name desc",
        Order::Accessed => "last_accessed_at, name",
        Order::AccessedDown => "last_accessed_at desc, name desc",
    };
    format!("select * {WITHIN} and strpos(substr(name, $4), '/') = 0 order by {order} limit $6 offset $7")
}

/// The objects between two bounds that follow a time and a name: all of them, or those of one level.
fn after(order: Order) -> String {
    let (column, is_down) = match order {
        Order::Name => ("name", false),
        Order::NameDown => ("name", true),
        Order::Created => ("created_at", false),
        Order::CreatedDown => ("created_at", true),
        Order::Updated => ("updated_at", false),
        Order::UpdatedDown => ("updated_at", true),
        Order::Accessed => ("last_accessed_at", false),
        Order::AccessedDown => ("last_accessed_at", true),
    };
    let (sign, direction) = if is_down { ("<", " desc") } else { (">", "") };
    format!(
        "select * from storage.objects where bucket_id = $1 and name >= $2 and name < $3 \
         and ({column} {sign} $4 or ({column} = $4 and name {sign} $5)) and ($6 or strpos(substr(name, $7), '/') = 0) \
         order by {column}{direction}, name{direction} limit $8"
    )
}

/// Every statement, lowered over one schema.
pub(in crate::storage) struct Statements {
    pub(in crate::storage) schema: Arc<Schema>,
    lowered: Vec<(Own, Statement)>,
}

impl Statements {
    /// Lowers the statements over a schema.
    ///
    /// # Errors
    /// The schema is not one that this program makes.
    pub(in crate::storage) fn over(schema: Arc<Schema>) -> Result<Self> {
        let mut lowered = Vec::with_capacity(ALL.len());
        for own in ALL {
            let arguments = own.arguments().into_iter().map(|ty| (String::new(), ty)).collect();
            let scope = Scope { arguments: Arguments(arguments), is_servers: true, ..Scope::default() };
            let text = own.text();
            let parsed = lower::parse_statement(&text)?;
            lowered.push((own, lower::statement(&parsed, &schema, &scope)?));
        }
        Ok(Self { schema, lowered })
    }
}

/// Who asks, over which schema and on which database.
#[derive(Clone)]
pub(in crate::storage) struct Ask {
    pub(in crate::storage) statements: Arc<Statements>,
    pub(in crate::storage) bindings: Arc<Bindings>,
    pub(in crate::storage) rights: Arc<dyn Rights + Send>,
    pub(in crate::storage) dialect: Dialect,
}

/// An argument.
pub(in crate::storage) enum Value {
    Text(String),
    /// Text or nothing.
    Said(Option<String>),
    Texts(Option<Vec<String>>),
    Id(Option<Uuid>),
    At(Timestamp),
    Json(Option<serde_json::Value>),
    Int(Option<i64>),
    Flag(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Value> for Datum {
    fn from(value: Value) -> Self {
        let optional = |text: Option<String>| text.map_or(Self::Null, Self::Text);
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Said(text) => optional(text),
            Value::Texts(texts) => optional(texts.map(|texts| serde_json::Value::from(texts).to_string())),
            Value::Id(id) => optional(id.map(|id| id.to_string())),
            Value::At(at) => Self::Text(at.rfc3339()),
            Value::Json(json) => {
                json.map(|json| json.to_string()).map_or(Self::Null, |text| from_text(&Type::Jsonb, &text).unwrap_or(Self::Null))
            }
            Value::Int(number) => number.map_or(Self::Null, Self::Int),
            Value::Flag(flag) => Self::Bool(flag),
        }
    }
}

impl Ask {
    /// A statement with its arguments, as the database runs it for the caller.
    ///
    /// # Errors
    /// 42501 when the role may not; what is wrong with a policy.
    pub(in crate::storage) fn compiled(&self, own: Own, values: Vec<Value>) -> Result<Compiled> {
        let found = self.statements.lowered.iter().find(|(other, _)| *other == own);
        let (_, statement) = found.ok_or_else(|| Fault::new("XX000", "a statement of storage is not there"))?;
        let arguments: Vec<Expr> =
            own.arguments().into_iter().zip(values).map(|(ty, value)| Expr { node: Node::Literal(value.into()), ty }).collect();
        Ok(compile::servers(statement, &arguments, &self.context())?)
    }

    /// What tells whether the caller may insert an object; the values are those of [`Own::Insert`].
    ///
    /// # Errors
    /// As [`Ask::compiled`].
    pub(in crate::storage) fn insertable(&self, values: Vec<Value>) -> Result<Compiled> {
        let name = sql::objects();
        let relation = self.statements.schema.relation(&name);
        let relation = relation.ok_or_else(|| Fault::new("XX000", "storage.objects is not there"))?;
        let mut given: Vec<(&str, Datum)> = OBJECT.split(", ").zip(values.into_iter().map(Datum::from)).collect();
        let tokens = given.iter().find(|(column, _)| *column == "name").map_or(Datum::Null, |(_, name)| match name {
            Datum::Text(name) => Value::Texts(Some(name.split('/').map(str::to_owned).collect())).into(),
            _ => Datum::Null,
        });
        given.push(("path_tokens", tokens));
        let columns: Vec<(String, Type)> =
            relation.columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect();
        let value = |(name, _): &(String, Type)| {
            given.iter().find(|(column, _)| column == name).map_or(Datum::Null, |(_, datum)| datum.clone())
        };
        let row = columns.iter().map(value).collect();
        Ok(compile::insertable(relation, &columns, row, &self.context())?)
    }

    fn context(&self) -> Context<'_> {
        Context {
            dialect: self.dialect,
            schema: self.statements.schema.as_ref(),
            bindings: &self.bindings,
            rights: self.rights.as_ref(),
        }
    }
}

/// Runs a statement; its rows, unless a policy forbids one of those that it makes.
///
/// # Errors
/// [`Error::Refused`]; what the database says.
pub(in crate::storage) async fn rows<T: DeserializeOwned>(conn: &mut Conn, compiled: Compiled) -> Result<Vec<T>> {
    let done = run(conn, compiled).await?;
    let mut rows = Vec::with_capacity(done.len());
    for row in &done {
        let columns = row.columns();
        if columns.contains(&"allowed") && !row.get::<bool>("allowed")? {
            return Err(Error::row_refused("objects"));
        }
        if columns.contains(&"row") {
            rows.push(read(&row.get::<String>("row")?)?);
        }
    }
    Ok(rows)
}

/// Runs a statement whose rows are not looked at.
///
/// # Errors
/// As [`rows`].
pub(in crate::storage) async fn done(conn: &mut Conn, compiled: Compiled) -> Result<()> {
    rows::<serde::de::IgnoredAny>(conn, compiled).await.map(drop)
}

async fn run(conn: &mut Conn, compiled: Compiled) -> db::Result<Vec<Row>> {
    let query = conn.query_owned(compiled.sql);
    compiled.values.into_iter().fold(query, db::Query::bind).fetch_rows().await
}

fn read<T: DeserializeOwned>(row: &str) -> Result<T> {
    serde_json::from_str(row).map_err(|err| Fault::new("XX000", format!("a row of storage cannot be read: {err}")).into())
}
