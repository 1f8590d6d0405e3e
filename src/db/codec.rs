//! How values cross to each database and back.

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgRow, PgValueRef};
use sqlx::sqlite::{SqliteArguments, SqliteRow, SqliteValueRef};
use sqlx::{Arguments, Column, Decode, Encode, Postgres, Row, Sqlite, Type, TypeInfo, ValueRef};
use uuid::Uuid;

use super::error::Error;
use super::value::{Kind, Value};
use crate::types::Timestamp;

/// A row as its driver has it.
pub(super) enum RawRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl RawRow {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Sqlite(row) => row.len(),
            Self::Postgres(row) => row.len(),
        }
    }

    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Sqlite(row) => row.columns().iter().map(Column::name).collect(),
            Self::Postgres(row) => row.columns().iter().map(Column::name).collect(),
        }
    }

    pub(super) fn index(&self, column: &str) -> Option<usize> {
        match self {
            Self::Sqlite(row) => sqlx::ColumnIndex::index(&column, row).ok(),
            Self::Postgres(row) => sqlx::ColumnIndex::index(&column, row).ok(),
        }
    }
}

/// The value of a column as the kind that is asked for; a sentence without the value when it is of another.
pub(super) fn decode(row: &RawRow, index: usize, kind: Kind) -> Result<Value, String> {
    match row {
        RawRow::Sqlite(row) => from_sqlite(row.try_get_raw(index).map_err(|err| err.to_string())?, kind),
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

/// The arguments of a SQLite statement.
pub(super) fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments, Error> {
    let mut out = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Null(_) => out.add(None::<i64>),
            Value::Bool(value) => out.add(value),
            Value::Int(value) => out.add(value),
            Value::Real(value) => out.add(value),
            Value::Text(value) => out.add(value),
            Value::Bytes(value) => out.add(value),
            Value::Uuid(value) => out.add(value.to_string()),
            Value::Time(value) => out.add(value.rfc3339()),
            Value::Json(value) => out.add(value.to_string()),
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
        (Kind::Uuid, "TEXT") => Uuid::parse_str(plain(raw)?).map(Value::Uuid).map_err(|_| "it is not a UUID".to_owned()),
        (Kind::Time, "TEXT") => {
            plain::<&str>(raw)?.parse::<Timestamp>().map(Value::Time).map_err(|_| "it is not an RFC 3339 time".to_owned())
        }
        (Kind::Json, "TEXT") => serde_json::from_str(plain(raw)?).map(Value::Json).map_err(|_| "it is not JSON".to_owned()),
        _ => Err(mismatch()),
    }
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
