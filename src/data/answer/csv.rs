//! Rows as CSV: RFC 4180's quoting, a line feed after each line but the last, as PostgREST has it.
//!
//! NULL is nothing at all and the empty text is `""`, so that the two can be told apart. Booleans are `t` and `f`, as in PostgreSQL's
//! text of a row. Arrays and objects are JSON text: who wants PostgreSQL's `{a,b}` casts to text in the query.

use serde_json::value::RawValue;

/// Lines of fields; `None` is NULL.
#[derive(Debug, Default)]
pub struct Csv {
    text: String,
    has_lines: bool,
}

impl Csv {
    /// With the names of the columns as its first line.
    #[must_use]
    pub fn with_header<S: AsRef<str>>(columns: &[S]) -> Self {
        let mut csv = Self::default();
        csv.line(columns.iter().map(|column| Some(column.as_ref())));
        csv
    }

    /// Adds a line.
    pub fn line<'a>(&mut self, fields: impl IntoIterator<Item = Option<&'a str>>) {
        if self.has_lines {
            self.text.push('\n');
        }
        self.has_lines = true;
        for (index, field) in fields.into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            match field {
                None => {}
                Some(field) if field.is_empty() || field.contains([',', '"', '\n', '\r']) => {
                    self.text.push('"');
                    self.text.push_str(&field.replace('"', "\"\""));
                    self.text.push('"');
                }
                Some(field) => self.text.push_str(field),
            }
        }
    }

    /// The text so far.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

/// The CSV of a JSON array of objects, each with the keys `columns` in any order; a key that is not there is NULL.
///
/// # Errors
///
/// When the text is no JSON array of objects.
pub fn of_json_rows(columns: &[String], rows: &str) -> Result<String, serde_json::Error> {
    let rows: Vec<std::collections::HashMap<String, &RawValue>> = serde_json::from_str(rows)?;
    let mut csv = Csv::with_header(columns);
    for row in rows {
        let fields = columns.iter().map(|column| row.get(column.as_str()).map_or(Ok(None), |value| field(value)));
        let fields: Vec<Option<String>> = fields.collect::<Result<_, _>>()?;
        csv.line(fields.iter().map(Option::as_deref));
    }
    Ok(csv.into_text())
}

fn field(value: &RawValue) -> Result<Option<String>, serde_json::Error> {
    Ok(match value.get() {
        "null" => None,
        "true" => Some("t".to_owned()),
        "false" => Some("f".to_owned()),
        text if text.starts_with('"') => Some(serde_json::from_str(text)?),
        other => Some(other.to_owned()),
    })
}
