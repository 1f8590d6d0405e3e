//! Rows that came with the request: one parameter of JSON text, however many they are.

use super::literal::{array_of_json, hex, json_of, plain_text};
use super::state::{Compiler, Done, Quoted, emit};
use crate::db::Value;
use crate::sql::fault::Fault;
use crate::values::{Datum, Type};

impl Compiler<'_> {
    /// The rows as a table in brackets, in their order.
    pub(super) fn values(&mut self, columns: &[(String, Type)], rows: &[Vec<Datum>]) -> Done {
        if rows.iter().any(|row| row.len() != columns.len()) {
            return Err(Fault::new("42601", "VALUES lists must all be the same length"));
        }
        let sqlite = self.is_sqlite();
        let text = if sqlite { held_json(rows) } else { text_json(columns, rows)? };
        let row = self.alias();
        self.push("(select ");
        if columns.is_empty() {
            emit!(self; "null as \"?\"")?;
        }
        for (place, (name, ty)) in columns.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            let value = format!("{row}.value ->> {place}");
            match (sqlite, ty) {
                (true, Type::Bytea) => emit!(self; "unhex(", value, ")")?,
                (true, _) => emit!(self; value)?,
                (false, Type::Bytea) => emit!(self; "decode(", value, ", 'hex')")?,
                (false, Type::Text) => emit!(self; value)?,
                (false, _) => emit!(self; "(", value, ")::", ty.to_string())?,
            }
            emit!(self; " as ", Quoted(name))?;
        }
        if sqlite {
            self.push(" from json_each(");
            self.bind(Value::Text(text));
            emit!(self; ") as ", row, ")")
        } else {
            self.push(" from jsonb_array_elements(");
            self.bind(Value::Text(text));
            emit!(self; "::text::jsonb) with ordinality as ", row, "(value, place) order by ", row, ".place)")
        }
    }
}

/// Rows as arrays of values that SQLite's `->>` gives back as they are held.
fn held_json(rows: &[Vec<Datum>]) -> String {
    let mut out = String::from("[");
    for row in rows {
        out.push_str(if out.len() > 1 { ",[" } else { "[" });
        for (place, datum) in row.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            json_of(datum, &mut out);
        }
        out.push(']');
    }
    out.push(']');
    out
}

/// Rows as arrays of texts, as PostgreSQL's input functions take them.
fn text_json(columns: &[(String, Type)], rows: &[Vec<Datum>]) -> Result<String, Fault> {
    let rows: Result<Vec<Vec<Option<String>>>, Fault> = rows
        .iter()
        .map(|row| {
            let texts = row.iter().zip(columns).map(|(datum, (_, ty))| match (datum, ty) {
                (Datum::Text(held), Type::Array(_)) => array_of_json(held).map(Some),
                (Datum::Bytes(bytes), _) => Ok(Some(hex(bytes))),
                _ => Ok(plain_text(datum)),
            });
            texts.collect()
        })
        .collect();
    let rows = rows?;
    if rows.iter().flatten().flatten().any(|text| text.contains('\0')) {
        return Err(Fault::new("22021", "a text holds a NUL character"));
    }
    Ok(serde_json::to_string(&rows).unwrap_or_default())
}
