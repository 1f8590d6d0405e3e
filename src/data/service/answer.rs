//! From the database's JSON text to the body in the form that is wanted.

use super::json;
use super::model::{Answer, Shape, Wants};
use crate::data::answer::csv;
use crate::data::{Error, Result};

impl Wants {
    /// An answer from the rows as a JSON array's text.
    ///
    /// # Errors
    /// PGRST116 when one row is wanted and there is another number, 54000 when the body is larger than `limit`.
    pub(super) fn answer(&self, rows: String, limit: usize) -> Result<Answer> {
        if rows.len() > limit {
            return Err(Error::too_large());
        }
        let count = json::elements(&rows);
        if self.shape == Shape::Object && count != 1 {
            return Err(Error::not_single(count));
        }
        let rows = if self.nulls_stripped { json::without_nulls(&rows) } else { rows };
        let body = match self.shape {
            Shape::Array => rows,
            Shape::Object => json::only(&rows).to_owned(),
            Shape::Csv => csv_of(&rows)?,
        };
        Ok(Answer { body, rows: count, ..Answer::default() })
    }
}

/// Rows as CSV, with the keys of the first one as its header.
fn csv_of(rows: &str) -> Result<String> {
    let unreadable = |err: serde_json::Error| Error::new("XX000", format!("the database gave rows that are no JSON: {err}"));
    let first: Vec<json::Keys> = serde_json::from_str(rows).map_err(unreadable)?;
    let columns = first.into_iter().next().map(|json::Keys(keys)| keys).unwrap_or_default();
    csv::of_json_rows(&columns, rows).map_err(unreadable)
}
