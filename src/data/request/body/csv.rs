//! CSV bodies: a header line, then a row a line. `NULL` is null, everything else text.

use serde_json::value::RawValue;

use super::Body;
use super::content::json_text;
use super::rows::Rows;
use crate::data::request::fault::{Fault, quoted};

pub(super) fn rows(text: &str, columns: Option<&[String]>) -> Result<Body, Fault> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| malformed(&error))?.clone();
    if header.is_empty() {
        return Err(Fault::Body("The CSV has no header line".to_owned()));
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(again) = header.iter().find(|name| !seen.insert(*name)) {
        return Err(Fault::Body(format!("The CSV has the column {} twice", quoted(again))));
    }
    let mut rows = Rows::new(columns);
    for record in reader.records() {
        let record = record.map_err(|error| malformed(&error))?;
        let mut row = rows.row()?;
        for (key, value) in header.iter().zip(&record) {
            row.put(key.to_owned(), || if value == "NULL" { Ok(RawValue::NULL.to_owned()) } else { json_text(value) })?;
        }
        row.end()?;
    }
    Ok(rows.into_body(true))
}

fn malformed(error: &csv::Error) -> Fault {
    Fault::Body(match error.kind() {
        csv::ErrorKind::UnequalLengths { .. } => "All lines must have same number of fields".to_owned(),
        _ => "Empty or invalid csv".to_owned(),
    })
}
