//! The types of body, and what each gives.

use serde_json::value::{RawValue, to_raw_value};

use super::rows::Rows;
use super::{csv, json};
use crate::data::request::fault::{Fault, quoted};
use crate::data::request::form;
use crate::data::request::limits::{MAX_BODY_BYTES, MAX_COLUMNS};

/// A type of body that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Json,
    Csv,
    Form,
}

/// Rows to write.
#[derive(Clone, Debug)]
pub struct Body {
    /// The columns that are written: those that `columns` lists, or the keys that every row has. Each once.
    pub keys: Vec<String>,
    /// Each as long as `keys`; `None` where `columns` lists one that the row does not have.
    pub rows: Vec<Vec<Option<Box<RawValue>>>>,
    /// Whether rows came as an array (or as CSV), not as one object.
    pub is_array: bool,
}

/// Arguments of a function, by name.
#[derive(Clone, Debug)]
pub enum CallBody {
    Json(Vec<(String, Box<RawValue>)>),
    /// Text, as in a query string; a name may come again, for a variadic argument.
    Form(Vec<(String, String)>),
}

impl Content {
    /// Of a `Content-Type`; JSON when there is none.
    ///
    /// # Errors
    ///
    /// [`Fault::Body`] for a type that is not read.
    pub fn of(header: Option<&str>) -> Result<Self, Fault> {
        let Some(header) = header else { return Ok(Self::Json) };
        let mut parts = header.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "" | "application/json" | "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" => Ok(Self::Json),
            "text/csv" => Ok(Self::Csv),
            "application/x-www-form-urlencoded" => Ok(Self::Form),
            _ => Err(Fault::Body(format!("Content-Type not acceptable: {}", quoted(&name)))),
        }
    }
}

impl Body {
    /// Rows of a table. `columns` is the query's.
    ///
    /// # Errors
    ///
    /// [`Fault::Body`] when it is malformed or, without `columns`, when rows have other keys than the first;
    /// [`Fault::BodyLimit`].
    pub fn parse(content: Content, bytes: &[u8], columns: Option<&[String]>) -> Result<Self, Fault> {
        let text = text(bytes)?;
        match content {
            Content::Json => json::rows(text, columns),
            Content::Csv => csv::rows(text, columns),
            Content::Form => {
                let mut rows = Rows::new(columns);
                let mut row = rows.row()?;
                for (key, value) in pairs(text)? {
                    row.put(key, || json_text(&value))?;
                }
                row.end()?;
                Ok(rows.into_body(false))
            }
        }
    }
}

impl CallBody {
    /// The arguments of a call. An empty body has none; with `columns` only those listed count.
    ///
    /// # Errors
    ///
    /// [`Fault::Body`] when it is no JSON object and no form; [`Fault::BodyLimit`].
    pub fn parse(content: Content, bytes: &[u8], columns: Option<&[String]>) -> Result<Self, Fault> {
        let text = text(bytes)?;
        let is_listed = |key: &String| columns.is_none_or(|columns| columns.contains(key));
        match content {
            Content::Json if text.trim().is_empty() => Ok(Self::Json(Vec::new())),
            Content::Json => {
                let body = json::rows(text, None)?;
                let Some(row) = body.rows.into_iter().next().filter(|_| !body.is_array) else {
                    return Err(Fault::Body("The body of a call must be a JSON object of named arguments".to_owned()));
                };
                let arguments = body.keys.into_iter().zip(row).filter_map(|(key, value)| Some((key, value?)));
                Ok(Self::Json(arguments.filter(|(key, _)| is_listed(key)).collect()))
            }
            Content::Form => Ok(Self::Form(pairs(text)?.into_iter().filter(|(key, _)| is_listed(key)).collect())),
            Content::Csv => Err(Fault::Body("Content-Type not acceptable: text/csv".to_owned())),
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(Fault::BodyLimit { what: "bytes", limit: MAX_BODY_BYTES });
    }
    std::str::from_utf8(bytes).map_err(|_| Fault::Body("The body is not UTF-8".to_owned()))
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, Fault> {
    let pairs = form::pairs(text).ok_or_else(|| Fault::Body("The form is not UTF-8".to_owned()))?;
    if pairs.len() > MAX_COLUMNS {
        return Err(Fault::BodyLimit { what: "fields", limit: MAX_COLUMNS });
    }
    Ok(pairs.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// A text as JSON.
pub(super) fn json_text(text: &str) -> Result<Box<RawValue>, Fault> {
    to_raw_value(text).map_err(|error| Fault::Body(error.to_string()))
}
