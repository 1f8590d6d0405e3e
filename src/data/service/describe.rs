//! The schema of the moment as a caller may use it, for documents.

use super::handle::DataService;
use super::model::Caller;
use crate::data::openapi::{Described, DescribedArgument, DescribedColumn, DescribedFunction, DescribedTable, Returned};
use crate::data::{Error, Result};
use crate::policy::{self, ColumnSet};
use crate::sql::catalog::{Column, Function, Generated, Grantee, Name, Privilege, Relation, Returns, Volatility};

impl DataService {
    /// The app's tables, views and functions that the caller may use; `url` is where they are.
    #[must_use]
    pub fn describe(&self, caller: &Caller, url: &str) -> Described {
        let schema = self.schema();
        let role = caller.grantee();
        let catalog = schema.catalog();
        let tables = catalog.relations().filter(|relation| relation.name.is_public());
        let functions = catalog.functions().filter(|function| function.name.is_public() && !function.is_for_triggers());
        let functions = functions.filter(|function| may_call(role, function));
        Described {
            title: "The app's data".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            url: url.to_owned(),
            tables: tables.map(|relation| table(role, relation)).collect(),
            functions: functions.map(|function| described(function)).collect(),
        }
    }

    /// Whether a relation is a table, and no view.
    ///
    /// # Errors
    /// PGRST205.
    pub fn is_table(&self, relation: &str) -> Result<bool> {
        let schema = self.schema();
        let found = schema.catalog().relation(&Name::public(relation));
        let absent = || Error::new("PGRST205", format!("Could not find the table 'public.{relation}' in the schema cache"));
        found.map(|relation| relation.table().is_some()).ok_or_else(absent)
    }
}

fn may_call(role: Grantee, function: &Function) -> bool {
    role == Grantee::ServiceRole || function.execute.iter().any(|to| *to == Grantee::Public || *to == role)
}

fn table(role: Grantee, relation: &Relation) -> DescribedTable {
    let rights = |privilege| policy::columns(role, relation, privilege);
    let (select, insert, update) = (rights(Privilege::Select), rights(Privilege::Insert), rights(Privilege::Update));
    let is_table = relation.table().is_some();
    let may = |columns: &ColumnSet, column: &Column| columns.contains(&column.name);
    let writes =
        |column: &Column| is_table && !matches!(column.generated, Some(Generated::Stored { .. } | Generated::IdentityAlways));
    let columns = relation.columns.iter().map(|column| DescribedColumn {
        labels: match &column.ty {
            crate::values::Type::Enum(of) => of.labels.clone(),
            _ => Vec::new(),
        },
        name: column.name.clone(),
        ty: column.ty.to_string(),
        comment: column.comment.clone(),
        nullable: !column.not_null,
        default: column.default.as_ref().map(|default| default.text.clone()),
        primary_key: primary_key(relation).contains(&column.name),
        foreign_key: foreign_key(relation, &column.name),
        readable: may(&select, column),
        insertable: writes(column) && may(&insert, column),
        updatable: writes(column) && may(&update, column),
    });
    DescribedTable {
        name: relation.name.name.clone(),
        comment: relation.comment.clone(),
        columns: columns.collect(),
        insertable: is_table && !insert.is_empty(),
        updatable: is_table && !update.is_empty(),
        deletable: is_table && !rights(Privilege::Delete).is_empty(),
    }
}

fn primary_key(relation: &Relation) -> &[String] {
    relation.table().and_then(|table| table.primary_key.as_ref()).map_or(&[], |key| &key.columns)
}

/// The table and column that a column alone refers to.
fn foreign_key(relation: &Relation, column: &str) -> Option<(String, String)> {
    let keys = &relation.table()?.foreign_keys;
    let key = keys.iter().find(|key| key.columns == [column])?;
    Some((key.references.to_string(), key.referenced_columns.first()?.clone()))
}

fn described(function: &Function) -> DescribedFunction {
    let arguments = function.arguments.iter().filter(|argument| !argument.name.is_empty()).map(|argument| DescribedArgument {
        name: argument.name.clone(),
        ty: argument.ty.to_string(),
        required: argument.default.is_none() && !argument.variadic,
        variadic: argument.variadic,
    });
    DescribedFunction {
        name: function.name.name.clone(),
        comment: function.comment.clone(),
        arguments: arguments.collect(),
        volatile: function.volatility == Volatility::Volatile,
        returns: match &function.returns {
            Returns::Void | Returns::Trigger(_) => Returned::Void,
            Returns::Scalar(ty) => Returned::Scalar(ty.to_string()),
            Returns::SetOfScalar(ty) => Returned::SetOfScalar(ty.to_string()),
            Returns::Row(name) => Returned::Row(name.name.clone()),
            Returns::SetOfRow(name) => Returned::SetOfRow(name.name.clone()),
            Returns::Table(columns) => Returned::Table(columns.iter().map(|(name, ty)| (name.clone(), ty.to_string())).collect()),
        },
    }
}
