//! How values cross to each database and back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgRow, PgValueRef};
use sqlx::sqlite::{SqliteArguments, SqliteRow, SqliteValueRef};
use sqlx::{Arguments, Column, Decode, Encode, Postgres, Row, Sqlite, Type, TypeInfo, ValueRef};
use uuid::Uuid;

use super::error::Error;
use super::value::{Kind, Value};
use crate::sys::sqlite_functions::Output as Held;
use crate::types::Timestamp;

/// A row as its driver has it.
pub(super) enum RawRow {
    Sqlite(SqliteRow),
    /// Of a statement that ran in the thread that asked.
    Here {
        names: Arc<[String]>,
        values: Box<[Held]>,
    },
    Postgres(PgRow),
}

impl RawRow {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Sqlite(row) => row.len(),
            Self::Here { values, .. } => values.len(),
            Self::Postgres(row) => row.len(),
        }
    }

    /// Bytes of its values, as far as they have a length of their own.
    pub(super) fn bytes(&self) -> usize {
        (0..self.width()).map(|index| self.length(index).unwrap_or_default()).sum()
    }

    fn length(&self, index: usize) -> Option<usize> {
        match self {
            Self::Sqlite(row) => {
                let raw = row.try_get_raw(index).ok()?;
                let has_length = !raw.is_null() && matches!(raw.type_info().name(), "TEXT" | "BLOB");
                if has_length { plain::<&[u8]>(raw).ok().map(<[u8]>::len) } else { Some(8) }
            }
            Self::Here { values, .. } => values.get(index).map(Held::bytes),
            Self::Postgres(row) => row.try_get_raw(index).ok()?.as_bytes().ok().map(<[u8]>::len),
        }
    }

    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Sqlite(row) => row.columns().iter().map(Column::name).collect(),
            Self::Here { names, .. } => names.iter().map(String::as_str).collect(),
            Self::Postgres(row) => row.columns().iter().map(Column::name).collect(),
        }
    }

    pub(super) fn index(&self, column: &str) -> Option<usize> {
        match self {
            Self::Sqlite(row) => sqlx::ColumnIndex::index(&column, row).ok(),
            Self::Here { names, .. } => names.iter().position(|name| name == column),
            Self::Postgres(row) => sqlx::ColumnIndex::index(&column, row).ok(),
        }
    }
}

/// The value of a column as the kind that is asked for; a sentence without the value when it is of another.
pub(super) fn decode(row: &RawRow, index: usize, kind: Kind) -> Result<Value, String> {
    match row {
        RawRow::Sqlite(row) => from_sqlite(row.try_get_raw(index).map_err(|err| err.to_string())?, kind),
        RawRow::Here { values, .. } => from_held(values.get(index).unwrap_or(&Held::Null), kind),
        RawRow::Postgres(row) => from_postgres(row.try_get_raw(index).map_err(|err| err.to_string())?, kind),
    }
}

/// The value of a column as the kind that the database holds it as.
pub(super) fn decode_as_held(row: &RawRow, index: usize) -> Result<Value, String> {
    match row {
        RawRow::Sqlite(row) => {
            let raw = row.try_get_raw(index).map_err(|err| err.to_string())?;
            let kind = match raw.type_info().name() {
                "INTEGER" => Kind::Int,
                "REAL" => Kind::Real,
                "BLOB" => Kind::Bytes,
                _ => Kind::Text,
            };
            from_sqlite(raw, kind)
        }
        RawRow::Here { values, .. } => Ok(match values.get(index).unwrap_or(&Held::Null) {
            Held::Null => Value::Null(Kind::Text),
            Held::Int(value) => Value::Int(*value),
            Held::Real(value) => Value::Real(*value),
            Held::Text(value) => Value::Text(value.clone()),
            Held::Blob(value) => Value::Bytes(value.clone()),
        }),
        RawRow::Postgres(row) => {
            let raw = row.try_get_raw(index).map_err(|err| err.to_string())?;
            let kind = match raw.type_info().name() {
                "BOOL" => Kind::Bool,
                "INT8" | "INT4" | "INT2" => Kind::Int,
                "FLOAT8" | "FLOAT4" => Kind::Real,
                "BYTEA" => Kind::Bytes,
                "UUID" => Kind::Uuid,
                "TIMESTAMPTZ" => Kind::Time,
                "JSON" | "JSONB" => Kind::Json,
                _ => Kind::Text,
            };
            from_postgres(raw, kind)
        }
    }
}

/// Values as SQLite holds them.
pub(super) fn held(values: Vec<Value>) -> Vec<Held> {
    let held = values.into_iter().map(|value| match value {
        Value::Null(_) => Held::Null,
        Value::Bool(value) => Held::Int(value.into()),
        Value::Int(value) => Held::Int(value),
        Value::Real(value) => Held::Real(value),
        Value::Text(value) => Held::Text(value),
        Value::Bytes(value) => Held::Blob(value),
        Value::Uuid(value) => Held::Text(value.to_string()),
        Value::Time(value) => Held::Text(value.rfc3339()),
        Value::Json(value) => Held::Text(value.to_string()),
    });
    held.collect()
}

/// The arguments of a SQLite statement that sqlx runs.
pub(super) fn sqlite_arguments(values: Vec<Held>) -> Result<SqliteArguments, sqlx::Error> {
    let mut out = SqliteArguments::default();
    for value in values {
        let added = match value {
            Held::Null => out.add(None::<i64>),
            Held::Int(value) => out.add(value),
            Held::Real(value) => out.add(value),
            Held::Text(value) => out.add(value),
            Held::Blob(value) => out.add(value),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(out)
}

/// The arguments of a PostgreSQL statement.
pub(super) fn postgres_arguments(values: Vec<Value>) -> Result<PgArguments, Error> {
    let mut out = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Null(kind) => add_null(&mut out, kind),
            Value::Bool(value) => out.add(value),
            Value::Int(value) => out.add(value),
            Value::Real(value) => out.add(value),
            Value::Text(value) => out.add(value),
            Value::Bytes(value) => out.add(value),
            Value::Uuid(value) => out.add(value),
            Value::Time(value) => out.add(value.to_chrono()),
            Value::Json(value) => out.add(value),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(out)
}

fn add_null(out: &mut PgArguments, kind: Kind) -> Result<(), sqlx::error::BoxDynError> {
    fn add<T>(out: &mut PgArguments) -> Result<(), sqlx::error::BoxDynError>
    where
        T: for<'q> Encode<'q, Postgres> + Type<Postgres> + sqlx::postgres::PgHasArrayType,
        Option<T>: for<'q> Encode<'q, Postgres> + Type<Postgres>,
    {
        out.add(None::<T>)
    }
    match kind {
        Kind::Bool => add::<bool>(out),
        Kind::Int => add::<i64>(out),
        Kind::Real => add::<f64>(out),
        Kind::Text => add::<String>(out),
        Kind::Bytes => add::<Vec<u8>>(out),
        Kind::Uuid => add::<Uuid>(out),
        Kind::Time => add::<DateTime<Utc>>(out),
        Kind::Json => add::<serde_json::Value>(out),
    }
}

fn from_sqlite(raw: SqliteValueRef<'_>, kind: Kind) -> Result<Value, String> {
    if raw.is_null() {
        return Ok(Value::Null(kind));
    }
    let stored = raw.type_info().name().to_owned();
    let mismatch = || format!("it is {stored}, not {kind:?}");
    match (kind, stored.as_str()) {
        (Kind::Bool, "INTEGER") => match plain::<i64>(raw)? {
            0 => Ok(Value::Bool(false)),
            1 => Ok(Value::Bool(true)),
            _ => Err("it is neither 0 nor 1".to_owned()),
        },
        (Kind::Int, "INTEGER") => plain(raw).map(Value::Int),
        (Kind::Real, "REAL" | "INTEGER") => plain(raw).map(Value::Real),
        (Kind::Text, "TEXT") => plain(raw).map(Value::Text),
        (Kind::Bytes, "BLOB") => plain(raw).map(Value::Bytes),
        (Kind::Uuid, "TEXT") => parsed_uuid(plain(raw)?),
        (Kind::Time, "TEXT") => parsed_time(plain(raw)?),
        (Kind::Json, "TEXT") => parsed_json(plain(raw)?),
        _ => Err(mismatch()),
    }
}

fn from_held(held: &Held, kind: Kind) -> Result<Value, String> {
    match (kind, held) {
        (_, Held::Null) => Ok(Value::Null(kind)),
        (Kind::Bool, Held::Int(0)) => Ok(Value::Bool(false)),
        (Kind::Bool, Held::Int(1)) => Ok(Value::Bool(true)),
        (Kind::Bool, Held::Int(_)) => Err("it is neither 0 nor 1".to_owned()),
        (Kind::Int, Held::Int(value)) => Ok(Value::Int(*value)),
        (Kind::Real, Held::Real(value)) => Ok(Value::Real(*value)),
        #[expect(clippy::cast_precision_loss, reason = "what SQLite does with an integer where a float is asked for")]
        (Kind::Real, Held::Int(value)) => Ok(Value::Real(*value as f64)),
        (Kind::Text, Held::Text(text)) => Ok(Value::Text(text.clone())),
        (Kind::Bytes, Held::Blob(bytes)) => Ok(Value::Bytes(bytes.clone())),
        (Kind::Uuid, Held::Text(text)) => parsed_uuid(text),
        (Kind::Time, Held::Text(text)) => parsed_time(text),
        (Kind::Json, Held::Text(text)) => parsed_json(text),
        (_, held) => Err(format!("it is {}, not {kind:?}", name_of(held))),
    }
}

/// What SQLite calls the type of a value.
const fn name_of(held: &Held) -> &'static str {
    match held {
        Held::Null => "NULL",
        Held::Int(_) => "INTEGER",
        Held::Real(_) => "REAL",
        Held::Text(_) => "TEXT",
        Held::Blob(_) => "BLOB",
    }
}

fn parsed_uuid(text: &str) -> Result<Value, String> {
    Uuid::parse_str(text).map(Value::Uuid).map_err(|_| "it is not a UUID".to_owned())
}

fn parsed_time(text: &str) -> Result<Value, String> {
    text.parse::<Timestamp>().map(Value::Time).map_err(|_| "it is not an RFC 3339 time".to_owned())
}

fn parsed_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map(Value::Json).map_err(|_| "it is not JSON".to_owned())
}

fn plain<'r, T: Decode<'r, Sqlite>>(raw: SqliteValueRef<'r>) -> Result<T, String> {
    T::decode(raw).map_err(|err| err.to_string())
}

fn from_postgres(raw: PgValueRef<'_>, kind: Kind) -> Result<Value, String> {
    if raw.is_null() {
        return Ok(Value::Null(kind));
    }
    let info = raw.type_info().into_owned();
    match (kind, info.name()) {
        (Kind::Bool, "BOOL") => wire(raw).map(Value::Bool),
        (Kind::Int, "INT8") => wire(raw).map(Value::Int),
        (Kind::Int, "INT4") => wire::<i32>(raw).map(|value| Value::Int(value.into())),
        (Kind::Int, "INT2") => wire::<i16>(raw).map(|value| Value::Int(value.into())),
        (Kind::Real, "FLOAT8") => wire(raw).map(Value::Real),
        (Kind::Real, "FLOAT4") => wire::<f32>(raw).map(|value| Value::Real(value.into())),
        (Kind::Text, "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN") => wire(raw).map(Value::Text),
        (Kind::Bytes, "BYTEA") => wire(raw).map(Value::Bytes),
        (Kind::Uuid, "UUID") => wire(raw).map(Value::Uuid),
        (Kind::Time, "TIMESTAMPTZ") => wire(raw).map(|value| Value::Time(Timestamp::from_chrono(value))),
        (Kind::Json, "JSON" | "JSONB") => wire(raw).map(Value::Json),
        (_, stored) => Err(format!("it is {stored}, not {kind:?}")),
    }
}

fn wire<'r, T: Decode<'r, Postgres>>(raw: PgValueRef<'r>) -> Result<T, String> {
    T::decode(raw).map_err(|err| err.to_string())
}
