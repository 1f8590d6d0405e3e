//! What a document is made from: tables and functions as one role sees them, free of the catalogue's own types.

/// Everything that the role may use, and where.
#[derive(Clone, Debug, Default)]
pub struct Described {
    pub title: String,
    /// Of the server.
    pub version: String,
    /// With its scheme, up to and with `/rest/v1`: `https://example.com/rest/v1`.
    pub url: String,
    pub tables: Vec<DescribedTable>,
    pub functions: Vec<DescribedFunction>,
}

/// A table or view.
#[derive(Clone, Debug, Default)]
pub struct DescribedTable {
    pub name: String,
    /// Its first line is the summary.
    pub comment: Option<String>,
    /// Those that the role may not touch may be here: they are left out.
    pub columns: Vec<DescribedColumn>,
    /// Whether rows may be inserted at all; which columns then, they say themselves.
    pub insertable: bool,
    pub updatable: bool,
    pub deletable: bool,
}

/// A column.
#[derive(Clone, Debug, Default)]
pub struct DescribedColumn {
    pub name: String,
    /// PostgreSQL's display text: `character varying`, `integer[]`.
    pub ty: String,
    /// Of an enumeration, in their order; empty for other types.
    pub labels: Vec<String>,
    pub comment: Option<String>,
    pub nullable: bool,
    /// As SQL: `now()`, `'new'::text`, `0`.
    pub default: Option<String>,
    pub primary_key: bool,
    /// The table and column that it alone refers to, if it does.
    pub foreign_key: Option<(String, String)>,
    pub readable: bool,
    pub insertable: bool,
    pub updatable: bool,
}

/// A function that the role may call.
#[derive(Clone, Debug)]
pub struct DescribedFunction {
    pub name: String,
    pub comment: Option<String>,
    pub arguments: Vec<DescribedArgument>,
    /// Whether it may write; then it is called by POST alone.
    pub volatile: bool,
    pub returns: Returned,
}

/// An argument with a name.
#[derive(Clone, Debug)]
pub struct DescribedArgument {
    pub name: String,
    /// PostgreSQL's display text; an array when variadic.
    pub ty: String,
    /// Whether it has no default.
    pub required: bool,
    pub variadic: bool,
}

/// What a function answers; types are PostgreSQL's display texts.
#[derive(Clone, Debug)]
pub enum Returned {
    Void,
    Scalar(String),
    SetOfScalar(String),
    /// One row of a table.
    Row(String),
    SetOfRow(String),
    /// Rows of columns of its own.
    Table(Vec<(String, String)>),
}

impl DescribedTable {
    /// The columns that the role may do anything with.
    pub(super) fn visible(&self) -> impl Iterator<Item = &DescribedColumn> {
        self.columns.iter().filter(|column| column.readable || self.takes(column) || self.changes(column))
    }

    pub(super) fn readable(&self) -> impl Iterator<Item = &DescribedColumn> {
        self.columns.iter().filter(|column| column.readable)
    }

    /// Whether a column may be in a row that is inserted.
    pub(super) fn takes(&self, column: &DescribedColumn) -> bool {
        self.insertable && column.insertable
    }

    /// Whether a column may be updated.
    pub(super) fn changes(&self, column: &DescribedColumn) -> bool {
        self.updatable && column.updatable
    }

    pub(super) fn is_readable(&self) -> bool {
        self.readable().next().is_some()
    }

    pub(super) fn is_insertable(&self) -> bool {
        self.columns.iter().any(|column| self.takes(column))
    }

    pub(super) fn is_updatable(&self) -> bool {
        self.columns.iter().any(|column| self.changes(column))
    }

    /// Whether there is any operation.
    pub(super) fn is_usable(&self) -> bool {
        self.is_readable() || self.is_insertable() || self.is_updatable() || self.deletable
    }
}

impl DescribedColumn {
    /// The comment, and notes of keys in the form that generators of types know.
    pub(super) fn description(&self) -> Option<String> {
        let key = self.primary_key.then(|| "This is a Primary Key.<pk/>".to_owned());
        let reference = self.foreign_key.as_ref().map(|(table, column)| {
            format!("This is a Foreign Key to `{table}.{column}`.<fk table='{table}' column='{column}'/>")
        });
        let notes: Vec<String> = key.into_iter().chain(reference).collect();
        if notes.is_empty() {
            return self.comment.clone();
        }
        let comment = self.comment.as_ref().map(|comment| format!("{comment}\n\n")).unwrap_or_default();
        Some(format!("{comment}Note:\n{}", notes.join("\n")))
    }
}
