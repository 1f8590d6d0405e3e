//! The catalogue as a change is making it.

use sqlparser::ast::{self as parsed, ObjectName};

use crate::sql::catalog::{Catalog, Check, Column, Name, Relation, Shape};
use crate::sql::lower;
use crate::sql::{Fault, Place, sqlstate};

/// Things of an app, of one kind.
const MAX_OBJECTS: usize = 5_000;

/// A catalogue that is being changed by one statement after the other.
pub(super) struct Draft {
    pub(super) catalog: Catalog,
}

/// What one statement does in the databases, beyond the catalogue.
#[derive(Debug, Default)]
pub(super) struct Effect {
    pub(super) sqlite: Vec<Ddl>,
    /// PostgreSQL's own statements.
    pub(super) postgres: Vec<Native>,
    /// What a client is told that was done: `CREATE TABLE`.
    pub(super) tag: &'static str,
}

/// A definition on SQLite, written once the schema with it is whole.
#[derive(Debug)]
pub(super) enum Ddl {
    Sql(String),
    CreateTable(Name),
    CreateIndex(Name, String),
    /// The table is made anew and its rows are put over; what each column comes from.
    Rebuild {
        table: Name,
        columns: Vec<(String, From)>,
    },
}

/// Where a column of a table that is made anew gets its values.
#[derive(Clone, Debug)]
pub(super) enum From {
    /// A column of the table as it was.
    Column(String),
    /// The same, which was of this type and gets another.
    Cast(String, crate::values::Type),
    /// An expression over the columns of the table as it was: `using`.
    Using(crate::sql::ast::Expr),
    /// What a new row would get.
    Default,
    Null,
}

/// A definition on PostgreSQL.
#[derive(Debug)]
pub(super) enum Native {
    Sql(String),
    /// As documentation and as a second wall: requests never depend on it, so it may fail.
    Optional(String),
    CreateTable(Name),
    AddColumn(Name, Column),
    AddCheck(Name, Check),
    /// Of the table, the index of the name.
    CreateIndex(Name, String),
}

impl Effect {
    /// Something that is in the catalogue alone.
    pub(super) const fn tagged(tag: &'static str) -> Self {
        Self { sqlite: Vec::new(), postgres: Vec::new(), tag }
    }

    /// The same statement where it does no more than document, on PostgreSQL.
    pub(super) fn documented(tag: &'static str, native: impl ToString) -> Self {
        Self { sqlite: Vec::new(), postgres: vec![Native::Optional(native.to_string())], tag }
    }
}

impl Draft {
    /// A name of the app's own schema.
    pub(super) fn own_name(name: &ObjectName) -> Result<Name, Fault> {
        let parts = name.0.iter().filter_map(parsed::ObjectNamePart::as_ident).collect::<Vec<_>>();
        let place = parts.first().map_or_else(Place::default, |part| lower::place_of(part.span.start));
        let own = match &*parts {
            [only] => Name::public(lower::name(only)?),
            [schema, only] => Name::new(lower::name(schema)?, lower::name(only)?),
            _ => {
                return Err(Fault::new(sqlstate::INVALID_NAME, format!("{name} is not a name with at most one schema")).at(place));
            }
        };
        if !own.is_public() {
            let fault = Fault::new(sqlstate::INSUFFICIENT_PRIVILEGE, format!("permission denied for schema {}", own.schema));
            return Err(fault.hint("an app's own things are in the schema public").at(place));
        }
        Ok(own)
    }

    /// Refuses a name that a relation has already, and names that the server keeps for itself.
    pub(super) fn check_free(&self, name: &Name) -> Result<(), Fault> {
        if self.catalog.relation(name).is_some() || self.catalog.enumeration(&name.name).is_some() {
            return Err(Fault::new(sqlstate::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
        }
        let reserved = ["plinth_", "sqlite_", "pg_"].iter().any(|prefix| name.name.to_lowercase().starts_with(prefix));
        if reserved || name.name.contains('.') {
            let fault = Fault::new(sqlstate::RESERVED_NAME, format!("unacceptable name \"{name}\""));
            return Err(fault.hint("names do not begin with plinth_, sqlite_ or pg_, and have no dot"));
        }
        let own = || self.catalog.relations().filter(|relation| relation.name.is_public());
        if own().any(|relation| relation.name.name.to_lowercase() == name.name.to_lowercase()) {
            let fault = Fault::new(sqlstate::DUPLICATE_TABLE, format!("\"{name}\" differs from another relation in case alone"));
            return Err(fault.hint("such names are one name on SQLite"));
        }
        if self.catalog.relations().count() >= MAX_OBJECTS {
            return Err(Fault::new(sqlstate::PROGRAM_LIMIT, format!("more than {MAX_OBJECTS} tables and views")));
        }
        Ok(())
    }

    /// A relation of the app to change.
    pub(super) fn relation(&self, name: &ObjectName) -> Result<Relation, Fault> {
        let own = Self::own_name(name)?;
        let found = self.catalog.relation(&own).map(|relation| (**relation).clone());
        found.ok_or_else(|| Fault::new(sqlstate::UNDEFINED_TABLE, format!("relation \"{own}\" does not exist")))
    }

    /// A table of the app to change.
    pub(super) fn table(&self, name: &ObjectName) -> Result<Relation, Fault> {
        let relation = self.relation(name)?;
        match relation.shape {
            Shape::Table(_) => Ok(relation),
            Shape::View(_) => Err(Fault::new(sqlstate::WRONG_OBJECT_TYPE, format!("\"{}\" is not a table", relation.name))),
        }
    }

    /// A table whose policies are the app's to write: its own, and those of the server's that hold files.
    pub(super) fn policed(&self, name: &ObjectName) -> Result<Relation, Fault> {
        let (said, place) = lower::object_name(name)?;
        match self.catalog.relation(&said) {
            Some(relation)
                if !said.is_public() && relation.table().is_some_and(|table| table.is_system && table.row_security) =>
            {
                Ok((**relation).clone())
            }
            _ => self.table(name).map_err(|fault| fault.at(place)),
        }
    }

    /// Whether a constraint or index of this name is there, in any table: SQLite and PostgreSQL keep index names together.
    pub(super) fn has_index(&self, name: &str) -> bool {
        self.catalog.relations().filter_map(|relation| relation.table()).any(|table| {
            table.indexes.iter().any(|index| index.name == name)
                || table.primary_key.iter().chain(&table.uniques).any(|key| key.name == name)
        })
    }
}

/// A name as it stands in SQL text.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Several of them, between commas.
pub(super) fn list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// A relation's name as it stands in SQL text for a database: without the schema on SQLite, where `public` has none.
pub(super) fn target(name: &Name, postgres: bool) -> String {
    match (name.is_public(), postgres) {
        (true, false) => quoted(&name.name),
        (true, true) => format!("public.{}", quoted(&name.name)),
        // The server's own: `db` knows what these are on SQLite.
        (false, _) => format!("{}.{}", name.schema, name.name),
    }
}
