//! A body's rows as values of a table's columns.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::super::request::{Body, Fault, Filter, Op};
use super::super::request::{Comparison, Condition};
use super::scope::literal;
use crate::data::{Error, Result};
use crate::sql::ast::Expr;
use crate::sql::catalog::{Column, Generated, Relation};
use crate::values::{self, Datum, Type};

/// Rows to write.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub columns: Vec<String>,
    types: Vec<Type>,
    /// Each as long as `columns`; `None` is the column's default.
    pub rows: Vec<Vec<Option<Datum>>>,
}

/// Rows that have the same columns.
pub(super) struct Group {
    pub columns: Vec<(String, Type)>,
    pub rows: Vec<Vec<Datum>>,
    /// Where each stands in the body.
    pub places: Vec<usize>,
}

/// What the rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Insert,
    Update,
}

impl Incoming {
    /// A body's rows.
    ///
    /// # Errors
    /// PGRST204 for a key that is no column, 428C9 for one that makes its own values, 22P02 and its like for a value, 23502 for a null.
    pub fn of(relation: &Relation, body: &Body, purpose: Purpose, missing_default: bool) -> Result<Self> {
        let table = &relation.name.name;
        let no_column =
            |key: &String| Error::new("PGRST204", format!("Could not find the '{key}' column of '{table}' in the schema cache"));
        let columns: Vec<&Column> = body
            .keys
            .iter()
            .map(|key| relation.column(key).map(|(_, column)| column).ok_or_else(|| no_column(key)))
            .collect::<Result<_>>()?;
        for column in &columns {
            may_be_said(column, purpose)?;
        }
        let value = |(column, raw): (&&Column, &Option<Box<RawValue>>)| match raw {
            None if missing_default => Ok(None),
            None => not_null(table, column, Datum::Null).map(Some),
            Some(raw) => not_null(table, column, values::from_raw_json(&column.ty, raw)?).map(Some),
        };
        let rows = body.rows.iter().map(|row| columns.iter().zip(row).map(value).collect::<Result<Vec<_>>>());
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let incoming = Self { columns: body.keys.clone(), types: columns.iter().map(|column| column.ty.clone()).collect(), rows };
        if purpose == Purpose::Insert && !incoming.rows.is_empty() {
            incoming.has_what_must_be(relation)?;
        }
        Ok(incoming)
    }

    /// That every column which takes no null has a value or makes one.
    fn has_what_must_be(&self, relation: &Relation) -> Result<()> {
        for column in relation.columns.iter().filter(|column| makes_nothing(column)) {
            let is_there = match self.columns.iter().position(|name| *name == column.name) {
                Some(place) => self.rows.iter().all(|row| row[place].is_some()),
                None => false,
            };
            if !is_there {
                return Err(null_refused(&relation.name.name, &column.name));
            }
        }
        Ok(())
    }

    /// The rows by the columns they have, each group in the body's order.
    pub(super) fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<(Vec<bool>, Group)> = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            let has: Vec<bool> = row.iter().map(Option::is_some).collect();
            let at = groups.iter().position(|(other, _)| *other == has).unwrap_or_else(|| {
                let named = self.columns.iter().cloned().zip(self.types.iter().cloned());
                let columns = named.zip(&has).filter(|(_, has)| **has).map(|(column, _)| column).collect();
                groups.push((has, Group { columns, rows: Vec::new(), places: Vec::new() }));
                groups.len() - 1
            });
            groups[at].1.rows.push(row.iter().flatten().cloned().collect());
            groups[at].1.places.push(place);
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// Whether every row has a value of a column of its own.
    pub(super) fn says(&self, column: &str) -> bool {
        (0..self.rows.len()).all(|row| self.value(row, column).is_some())
    }

    /// A row's value of a column; `None` when it has none or its default.
    #[must_use]
    pub fn value(&self, row: usize, column: &str) -> Option<&Datum> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.rows.get(row)?[place].as_ref()
    }

    /// That no two rows have the same key: a row cannot be changed twice by one command.
    ///
    /// # Errors
    /// 21000, as PostgreSQL says it.
    pub fn has_no_row_twice(&self, key: &[String]) -> Result<()> {
        if self.first_twice(key).is_none() {
            return Ok(());
        }
        let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
        let hint = "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.";
        Err(Error::new("21000", message).hint(hint))
    }

    /// The first row with the same key as one before it.
    #[must_use]
    pub fn first_twice(&self, key: &[String]) -> Option<usize> {
        let mut seen = HashSet::new();
        (0..self.rows.len()).find(|row| {
            let parts = key.iter().map(|column| self.value(*row, column).filter(|datum| **datum != Datum::Null));
            let parts: Option<Vec<String>> = parts.map(|datum| datum.map(|datum| format!("{datum:?}"))).collect();
            parts.is_some_and(|parts| !seen.insert(parts))
        })
    }

    /// One of the rows by itself.
    #[must_use]
    pub fn only(&self, row: usize) -> Self {
        let rows = self.rows.get(row).cloned().into_iter().collect();
        Self { columns: self.columns.clone(), types: self.types.clone(), rows }
    }

    /// A row's values of some columns as PostgreSQL's errors list them; `None` when it does not have all.
    #[must_use]
    pub fn shown(&self, row: usize, columns: &[String]) -> Option<String> {
        let text = |column: &String| {
            let place = self.columns.iter().position(|name| name == column)?;
            let datum = self.rows.get(row)?[place].as_ref()?;
            Some(values::to_text(&self.types[place], datum).unwrap_or_else(|| "null".to_owned()))
        };
        Some(columns.iter().map(text).collect::<Option<Vec<_>>>()?.join(", "))
    }

    /// That PUT is about one row, and its address and its body say the same key.
    ///
    /// # Errors
    /// PGRST105 for other filters than `eq` on each column of the key, PGRST115 for another key or another number of rows.
    pub fn is_put_to(&self, relation: &Relation, filters: &[Condition]) -> Result<()> {
        let key = super::key(relation);
        let mut given = Vec::new();
        for filter in filters {
            match filter {
                Condition::Filter(Filter {
                    field,
                    negated: false,
                    op: Op::Compare { operator: Comparison::Eq, quantifier: None, value },
                }) if field.path.is_empty() => given.push((&field.name, value)),
                _ => return Err(Fault::PutFilters.into()),
            }
        }
        let names: HashSet<&String> = given.iter().map(|(name, _)| *name).collect();
        if key.is_empty() || names != key.iter().collect() {
            return Err(Fault::PutFilters.into());
        }
        if self.rows.len() != 1 {
            return Err(Fault::PutMismatch.into());
        }
        for (name, text) in given {
            let (_, column) = relation.column(name).ok_or_else(|| Error::no_column(&relation.name.name, name))?;
            if self.value(0, name) != Some(&values::from_text(&column.ty, text)?) {
                return Err(Fault::PutMismatch.into());
            }
        }
        Ok(())
    }
}

/// A value of a column.
pub(super) fn literal_of(column: &Column, datum: Datum) -> Expr {
    literal(column.ty.clone(), datum)
}

fn may_be_said(column: &Column, purpose: Purpose) -> Result<()> {
    let name = &column.name;
    let details = match (&column.generated, purpose) {
        (Some(Generated::IdentityAlways), Purpose::Insert) => {
            format!("Column \"{name}\" is an identity column defined as GENERATED ALWAYS.")
        }
        (Some(Generated::IdentityAlways), Purpose::Update) => {
            format!("Column \"{name}\" is an identity column defined as GENERATED ALWAYS.")
        }
        (Some(Generated::Stored { .. }), _) => format!("Column \"{name}\" is a generated column."),
        _ => return Ok(()),
    };
    let message = match purpose {
        Purpose::Insert => format!("cannot insert a non-DEFAULT value into column \"{name}\""),
        Purpose::Update => format!("column \"{name}\" can only be updated to DEFAULT"),
    };
    Err(Error::new("428C9", message).details(details))
}

fn not_null(table: &str, column: &Column, datum: Datum) -> Result<Datum> {
    let is_identity = matches!(column.generated, Some(Generated::IdentityAlways | Generated::IdentityByDefault));
    if datum == Datum::Null && (column.not_null || is_identity) {
        return Err(null_refused(table, &column.name));
    }
    Ok(datum)
}

fn makes_nothing(column: &Column) -> bool {
    column.not_null && column.default.is_none() && column.generated.is_none()
}

fn null_refused(table: &str, column: &str) -> Error {
    Error::new("23502", format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"))
}

/// The same of a row as JSON.
#[must_use]
pub fn values_of_row(row: &str, columns: &[String]) -> Option<String> {
    let members: std::collections::HashMap<String, serde_json::Value> = serde_json::from_str(row).ok()?;
    let text = |column: &String| match members.get(column)? {
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Some(columns.iter().map(text).collect::<Option<Vec<_>>>()?.join(", "))
}
