//! Values that come out of a statement.

use serde_json::Map;
use uuid::Uuid;

use super::codec::{self, RawRow};
use super::error::{Detail, Error, Result};
use super::value::{Kind, Value};
use crate::sys::sqlite_here::ROW_BYTES;
use crate::types::{FunctionId, FunctionName, KeyId, RequestId, RevisionId, SessionId, Timestamp, UserId};

/// One row of an answer.
pub struct Row(RawRow);

/// A domain type that a row can be turned into.
pub trait FromRow: Sized {
    /// Reads the columns by their names.
    ///
    /// # Errors
    /// [`Error::Column`] when a column is missing or holds something else.
    fn from_row(row: &Row) -> Result<Self>;
}

/// A type that a column can be turned into.
pub trait Column: Sized {
    /// What is asked of the database.
    const KIND: Kind;

    /// Takes the value, which is never null unless the type allows it.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the value.
    fn from_value(value: Value) -> Result<Self, String>;
}

impl Row {
    pub(super) const fn new(raw: RawRow) -> Self {
        Self(raw)
    }

    /// The value of a column.
    ///
    /// # Errors
    /// [`Error::Column`] when there is no such column, or it is null or of another type than `T` takes.
    pub fn get<T: Column>(&self, column: &str) -> Result<T> {
        let index = self.0.index(column).ok_or_else(|| Error::column(column, "the statement does not return it"))?;
        self.take(index, column)
    }

    /// The value of a column by its place, from 0.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn at<T: Column>(&self, index: usize) -> Result<T> {
        if index >= self.0.width() {
            return Err(Error::column(index.to_string(), "the statement returns fewer columns"));
        }
        self.take(index, &index.to_string())
    }

    /// The columns' names, in their order.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        self.0.names()
    }

    /// The value of a column by its place, as the database holds it: on SQLite the kind of the value itself, on PostgreSQL that of the
    /// column's type.
    ///
    /// # Errors
    /// [`Error::Column`] when there is no such column, or its type on PostgreSQL is none of [`Kind`]'s.
    pub fn value(&self, index: usize) -> Result<Value> {
        if index >= self.0.width() {
            return Err(Error::column(index.to_string(), "the statement returns fewer columns"));
        }
        codec::decode_as_held(&self.0, index).map_err(|reason| Error::column(index.to_string(), reason))
    }

    fn take<T: Column>(&self, index: usize, name: &str) -> Result<T> {
        codec::decode(&self.0, index, T::KIND).and_then(T::from_value).map_err(|reason| Error::column(name, reason))
    }
}

impl<T: Column> Column for Option<T> {
    const KIND: Kind = T::KIND;

    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Null(_) => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

fn unexpected(wanted: Kind, value: &Value) -> String {
    match value {
        Value::Null(_) => "it is null".to_owned(),
        other => format!("it is {:?}, not {wanted:?}", other.kind()),
    }
}

macro_rules! column {
    ($($kind:ident: $type:ty, $value:ident => $out:expr;)*) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::$kind;

            fn from_value(value: Value) -> Result<Self, String> {
                match value {
                    Value::$kind($value) => $out,
                    other => Err(unexpected(Kind::$kind, &other)),
                }
            }
        }
    )*};
}

column! {
    Bool: bool, value => Ok(value);
    Int: i64, value => Ok(value);
    Int: i32, value => value.try_into().map_err(|_| "it does not fit 32 bits".to_owned());
    Int: u32, value => value.try_into().map_err(|_| "it does not fit 32 bits without a sign".to_owned());
    Real: f64, value => Ok(value);
    Text: String, value => Ok(value);
    Text: FunctionName, value => value.parse().map_err(|err: crate::types::InvalidName| err.to_string());
    Bytes: Vec<u8>, value => Ok(value);
    Uuid: Uuid, value => Ok(value);
    Uuid: UserId, value => Ok(Self(value));
    Uuid: SessionId, value => Ok(Self(value));
    Uuid: KeyId, value => Ok(Self(value));
    Uuid: FunctionId, value => Ok(Self(value));
    Uuid: RevisionId, value => Ok(Self(value));
    Uuid: RequestId, value => Ok(Self(value));
    Time: Timestamp, value => Ok(value);
    Json: serde_json::Value, value => Ok(value);
    Json: Map<String, serde_json::Value>, value => match value {
        serde_json::Value::Object(map) => Ok(map),
        _ => Err("it is JSON, but not an object".to_owned()),
    };
}

impl<const N: usize> Column for [u8; N] {
    const KIND: Kind = Kind::Bytes;

    fn from_value(value: Value) -> Result<Self, String> {
        let bytes = Vec::<u8>::from_value(value)?;
        bytes.try_into().map_err(|bytes: Vec<u8>| format!("it has {} bytes, not {N}", bytes.len()))
    }
}

/// Tuples take the columns in their order.
macro_rules! tuple {
    ($($type:ident $index:tt),*) => {
        impl<$($type: Column),*> FromRow for ($($type,)*) {
            fn from_row(row: &Row) -> Result<Self> {
                Ok(($(row.at::<$type>($index)?,)*))
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

/// The rows of a statement under way, and how many it changed.
///
/// A statement is stepped to its end also where its rows are too many: what comes after that is dropped as it comes.
pub(super) struct Gathered {
    rows: Vec<Row>,
    affected: u64,
    /// Bytes of the values so far.
    bytes: usize,
    most_bytes: Option<usize>,
}

impl Gathered {
    pub(super) const fn of_at_most(most_bytes: Option<usize>) -> Self {
        Self { rows: Vec::new(), affected: 0, bytes: 0, most_bytes }
    }

    pub(super) const fn most_bytes(&self) -> Option<usize> {
        self.most_bytes
    }

    /// Says that there were too many rows.
    pub(super) fn drop_all(&mut self) {
        self.bytes = usize::MAX;
        self.rows = Vec::new();
    }

    /// Takes a row.
    pub(super) fn take(&mut self, row: RawRow) {
        if let Some(most) = self.most_bytes {
            let own = if self.rows.is_empty() { 0 } else { ROW_BYTES };
            self.bytes = self.bytes.saturating_add(row.bytes()).saturating_add(own);
            if self.bytes > most {
                self.rows = Vec::new();
                return;
            }
        }
        self.rows.push(Row::new(row));
    }

    pub(super) const fn affected(&mut self, rows: u64) {
        self.affected += rows;
    }

    /// The rows, unless they are too many.
    pub(super) fn finish(self) -> Result<(Vec<Row>, u64)> {
        match self.most_bytes {
            Some(most) if self.bytes > most => {
                Err(Error::Other(Detail::plain("54000", format!("the rows hold more than {most} bytes"))))
            }
            _ => Ok((self.rows, self.affected)),
        }
    }
}
