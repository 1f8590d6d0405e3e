//! Rows as JSON text, put together by the database: what the data API's answers are made of.
//!
//! On SQLite a row is one `json_object`, and rows are joined as text, so that nothing is parsed again but what is embedded. Values
//! whose form differs from PostgreSQL's `to_json` go through `plinth_out`.

use super::query::Outputs;
use super::state::{Compiler, Done, Seen, emit};
use crate::sql::ast::{Body, Expr, Node, Query};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Family, Type};

/// PostgreSQL's functions take a hundred arguments, two for each member.
const MAX_MEMBERS: usize = 50;
/// SQLite's take a thousand.
const MAX_MEMBERS_OF_SQLITE: usize = 500;
/// Bytes of a name on PostgreSQL; longer ones are cut off.
const MAX_NAME: usize = 63;

impl Compiler<'_> {
    /// An object of these members.
    pub(super) fn json_object(&mut self, members: &[(String, Expr)]) -> Done {
        if self.is_sqlite() {
            return self.members(members.iter().map(|(key, value)| (key.as_str(), value)));
        }
        if members.len() <= MAX_MEMBERS {
            emit!(self; "json_build_object(")?;
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    self.push(", ");
                }
                self.key(key)?;
                emit!(self; ", ", value)?;
            }
            return emit!(self; ")");
        }
        if members.iter().any(|(key, _)| !fits(key)) {
            return Err(too_many(MAX_MEMBERS));
        }
        let row = self.alias();
        emit!(self; "(select row_to_json(", row, ") from (select ")?;
        self.separated(members, ", ", |this, (key, value)| emit!(this; value, " as ", super::state::Quoted(key)))?;
        emit!(self; ") as ", row, ")")
    }

    /// `json_object(…)` on SQLite.
    pub(super) fn members<'e>(&mut self, members: impl Iterator<Item = (&'e str, &'e Expr)>) -> Done {
        emit!(self; "json_object(")?;
        for (index, (key, value)) in members.enumerate() {
            if index >= MAX_MEMBERS_OF_SQLITE {
                return Err(too_many(MAX_MEMBERS_OF_SQLITE));
            }
            if index > 0 {
                self.push(", ");
            }
            self.key(key)?;
            self.push(", ");
            self.json_value(value)?;
        }
        emit!(self; ")")
    }

    /// A member's name: written out where it is a plain word, so that a statement's text tells what it gives; bound otherwise.
    fn key(&mut self, key: &str) -> Done {
        let is_word = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_word || self.is_definition {
            emit!(self; super::literal::quoted(key)?)
        } else {
            self.literal(&crate::values::Datum::Text(key.to_owned()), &Type::Text)
        }
    }

    /// A value as an argument of SQLite's JSON functions.
    pub(super) fn json_value(&mut self, value: &Expr) -> Done {
        if !self.is_sqlite() || matches!(value.node, Node::JsonObject(_)) {
            return self.expr(value);
        }
        match &value.ty {
            Type::Bool => emit!(self; "json(case ", value, " when 1 then 'true' when 0 then 'false' end)"),
            Type::Int2 | Type::Int4 | Type::Int8 | Type::Uuid | Type::Date | Type::Enum(_) => emit!(self; value),
            ty if ty.family() == Family::Text => emit!(self; value),
            Type::Json | Type::Jsonb => emit!(self; "json(", value, ")"),
            // Six digits of a second, of which the last zeros are not shown.
            Type::Timestamp | Type::Time => emit!(self; "rtrim(rtrim(", value, ", '0'), '.')"),
            Type::Timestamptz => emit!(self; "rtrim(rtrim(substr(", value, ", 1, 26), '0'), '.') || '+00:00'"),
            // `hex` of a null is an empty text.
            Type::Bytea => emit!(self; "case when ", value, " is not null then '\\x' || lower(hex(", value, ")) end"),
            Type::Array(element) if element.is_integer() || matches!(**element, Type::Text | Type::Uuid | Type::Date) => {
                emit!(self; "json(", value, ")")
            }
            Type::Void => emit!(self; "null"),
            ty => emit!(self; "json(plinth_out(", value, ", '", ty.to_string(), "'))"),
        }
    }

    /// The rows of a query, `[]` when there are none.
    pub(super) fn json_rows(&mut self, query: &Query) -> Done {
        if self.is_sqlite() {
            emit!(self; "(select coalesce('[' || group_concat(j, ',') || ']', '[]') from (")?;
            self.rows_as_objects(query)?;
            return emit!(self; "))");
        }
        let row = self.alias();
        if names(query).all(fits) {
            return emit!(self; "(select coalesce(json_agg(", row, "), '[]'::json) from (", query, ") as ", row, ")");
        }
        emit!(self; "(select coalesce(json_agg(j), '[]'::json) from (")?;
        self.renamed_objects(query)?;
        emit!(self; ") as ", row, ")")
    }

    /// The first row of a query, null when there is none.
    pub(super) fn json_row(&mut self, query: &Query) -> Done {
        if self.is_sqlite() {
            self.push("(");
            self.rows_as_objects(query)?;
            return emit!(self; ")");
        }
        let row = self.alias();
        if names(query).all(fits) {
            return emit!(self; "(select row_to_json(", row, ") from (", super::query::Limited(query), ") as ", row, ")");
        }
        emit!(self; "(select j from (")?;
        self.renamed_objects(query)?;
        emit!(self; ") as ", row, " limit 1)")
    }

    /// A query whose one column `j` is each row's object, on SQLite.
    pub(super) fn rows_as_objects(&mut self, query: &Query) -> Done {
        match &query.body {
            Body::Select(select) if !select.distinct => self.query_as(query, Outputs::Object),
            _ => self.renamed_objects(query),
        }
    }

    /// As [`Self::rows_as_objects`], over the query as it is with its columns called by their places.
    fn renamed_objects(&mut self, query: &Query) -> Done {
        let (rows, id) = (self.alias(), self.fresh_id());
        let places: Vec<String> = (1..=query.columns().len()).map(|place| format!("c{place}")).collect();
        let columns: Vec<(String, Expr)> = query
            .columns()
            .iter()
            .zip(&places)
            .map(|(output, place)| {
                (output.name.clone(), Expr { node: Node::Column(id, place.clone()), ty: output.expr.ty.clone() })
            })
            .collect();
        self.see(id, Seen::Columns { alias: rows.clone(), relation: None, guarded: false, optional: false });
        emit!(self; "select ")?;
        self.json_object(&columns)?;
        emit!(self; " as j from (")?;
        self.query_as(query, Outputs::Named(&places))?;
        emit!(self; ") as ", rows)
    }
}

/// The names of a query's columns.
fn names(query: &Query) -> impl Iterator<Item = &str> {
    query.columns().iter().map(|output| output.name.as_str())
}

const fn fits(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME
}

fn too_many(most: usize) -> Fault {
    Fault::new(sqlstate::PROGRAM_LIMIT, format!("a row has more than {most} members, or a member's name is longer than 63 bytes"))
        .hint("select fewer columns, and give them shorter names")
}
