//! `create table`: columns and constraints as the catalogue keeps them.

use sqlparser::ast::{self as parsed, ColumnOption, ReferentialAction, TableConstraint};

use super::draft::{Ddl, Draft, Effect, Native};
use crate::sql::catalog::{Catalog, Check, Column, Default, ForeignKey, Generated, Key, Name, OnDelete, Relation, Shape, Table};
use crate::sql::lower;
use crate::sql::{Fault, sqlstate};
use crate::values::Type;

const MAX_COLUMNS: usize = 1_000;

pub(super) fn create(draft: &mut Draft, create: &parsed::CreateTable) -> Result<Effect, Fault> {
    let name = Draft::own_name(&create.name)?;
    if create.query.is_some() || create.like.is_some() || create.temporary || create.inherits.is_some() {
        return Err(Fault::unsupported("this form of create table", "write create table name (column type, …)"));
    }
    if create.partition_by.is_some() || create.partition_of.is_some() || create.unlogged || create.or_replace {
        return Err(Fault::unsupported("a table that is partitioned, unlogged or replaced", "write a plain create table"));
    }
    if create.if_not_exists && draft.catalog.relation(&name).is_some() {
        return Ok(Effect::tagged("CREATE TABLE"));
    }
    draft.check_free(&name)?;
    let mut relation = Relation {
        name: name.clone(),
        columns: Vec::new(),
        shape: Shape::Table(Table::default()),
        grants: Vec::new(),
        comment: None,
    };
    for definition in &create.columns {
        add_column(draft, &mut relation, definition)?;
    }
    for constraint in &create.constraints {
        add_constraint(draft, &mut relation, constraint)?;
    }
    finish(&mut relation)?;
    draft.catalog.put_relation(relation);
    Ok(Effect { sqlite: vec![Ddl::CreateTable(name.clone())], postgres: vec![Native::CreateTable(name)], tag: "CREATE TABLE" })
}

/// What must hold of a table as a whole.
pub(super) fn finish(relation: &mut Relation) -> Result<(), Fault> {
    let key = relation.table().and_then(|table| table.primary_key.clone());
    if relation.columns.is_empty() {
        return Err(Fault::unsupported("a table without columns", "give it a key"));
    }
    for column in &mut relation.columns {
        if key.as_ref().is_some_and(|key| key.columns.contains(&column.name)) {
            column.not_null = true;
        }
        if column.ty == Type::Tsvector && !matches!(column.generated, Some(Generated::Stored { .. })) {
            let what = format!("a tsvector that is not generated (\"{}\")", column.name);
            return Err(Fault::unsupported(what, "write generated always as (to_tsvector('simple', …)) stored"));
        }
        let is_identity = matches!(column.generated, Some(Generated::IdentityAlways | Generated::IdentityByDefault));
        if is_identity && key.as_ref().is_none_or(|key| key.columns != [column.name.clone()]) {
            let what = format!("an identity column that is not the whole primary key (\"{}\")", column.name);
            return Err(Fault::unsupported(what, "make it the primary key, or use uuid default gen_random_uuid()"));
        }
    }
    Ok(())
}

/// Adds a column with the constraints that stand beside it.
pub(super) fn add_column(draft: &Draft, relation: &mut Relation, definition: &parsed::ColumnDef) -> Result<(), Fault> {
    let name = lower::name(&definition.name)?;
    let place = lower::place_of(definition.name.span.start);
    let same = |column: &Column| column.name.to_lowercase() == name.to_lowercase();
    if relation.columns.iter().any(same) {
        let message = format!("column \"{name}\" specified more than once (case apart)");
        return Err(Fault::new(sqlstate::DUPLICATE_COLUMN, message).at(place));
    }
    if relation.columns.len() >= MAX_COLUMNS {
        return Err(Fault::new("54011", format!("tables can have at most {MAX_COLUMNS} columns")).at(place));
    }
    let (ty, generated) = column_type(&definition.data_type, &draft.catalog).map_err(|fault| fault.at(place))?;
    let not_null = generated.is_some();
    relation.columns.push(Column { name: name.clone(), ty, not_null, default: None, generated, comment: None });
    for option in &definition.options {
        let named = option.name.as_ref().map(lower::name).transpose()?;
        add_option(draft, relation, &name, named, &option.option).map_err(|fault| fault.at(place))?;
    }
    Ok(())
}

/// A column's type; `serial` is an integer with an identity.
fn column_type(ty: &parsed::DataType, catalog: &Catalog) -> Result<(Type, Option<Generated>), Fault> {
    let serial = match &*ty.to_string().to_lowercase() {
        "serial" | "serial4" => Some(Type::Int4),
        "bigserial" | "serial8" => Some(Type::Int8),
        "smallserial" | "serial2" => Some(Type::Int2),
        _ => None,
    };
    match serial {
        Some(ty) => Ok((ty, Some(Generated::IdentityByDefault))),
        None if *ty == parsed::DataType::TsVector => Ok((Type::Tsvector, None)),
        None => match lower::data_type(ty, catalog)? {
            Type::Void => Err(Fault::new(sqlstate::INVALID_TABLE_DEFINITION, "a column cannot be void")),
            ty => Ok((ty, None)),
        },
    }
}

fn add_option(
    draft: &Draft,
    relation: &mut Relation,
    column: &str,
    named: Option<String>,
    option: &ColumnOption,
) -> Result<(), Fault> {
    let Some(at) = relation.column(column).map(|(at, _)| at) else { return Ok(()) };
    let columns = vec![column.to_owned()];
    match option {
        ColumnOption::Null => {}
        ColumnOption::NotNull => relation.columns[at].not_null = true,
        ColumnOption::Default(value) => relation.columns[at].default = Some(Default { text: value.to_string() }),
        ColumnOption::PrimaryKey(_) => return primary_key(relation, named, columns),
        ColumnOption::Unique(unique) => {
            check_nulls(&unique.nulls_distinct)?;
            return add_unique(draft, relation, named, columns);
        }
        ColumnOption::Check(check) => add_check(relation, named, Some(column), &check.expr),
        ColumnOption::ForeignKey(key) => {
            let key = parsed::ForeignKeyConstraint { columns: vec![parsed::Ident::with_quote('"', column)], ..key.clone() };
            return add_foreign_key(draft, relation, named, &key);
        }
        ColumnOption::Generated { generated_as, generation_expr, generation_expr_mode, sequence_options, .. } => {
            if sequence_options.as_ref().is_some_and(|options| !options.is_empty()) {
                return Err(Fault::unsupported("options of an identity", "leave the brackets out"));
            }
            relation.columns[at].generated = Some(match (generation_expr, generated_as) {
                (Some(_), _) if *generation_expr_mode == Some(parsed::GeneratedExpressionMode::Virtual) => {
                    return Err(Fault::unsupported("a virtual generated column", "write stored, or use a view"));
                }
                (Some(expr), _) => Generated::Stored { text: expr.to_string() },
                (None, _) if !relation.columns[at].ty.is_integer() => {
                    let message = "identity column type must be smallint, integer, or bigint";
                    return Err(Fault::new("22023", message));
                }
                (None, parsed::GeneratedAs::Always) => Generated::IdentityAlways,
                (None, _) => Generated::IdentityByDefault,
            });
            if !matches!(relation.columns[at].generated, Some(Generated::Stored { .. })) {
                relation.columns[at].not_null = true;
            }
        }
        ColumnOption::Collation(_) => {
            return Err(Fault::unsupported("collate", "leave it out: text is ordered by its characters' codes"));
        }
        other => return Err(Fault::unsupported(format!("{other} of a column"), "leave it out")),
    }
    Ok(())
}

/// Adds a table's constraint.
pub(super) fn add_constraint(draft: &Draft, relation: &mut Relation, constraint: &TableConstraint) -> Result<(), Fault> {
    let named = |name: &Option<parsed::Ident>| name.as_ref().map(lower::name).transpose();
    match constraint {
        TableConstraint::PrimaryKey(key) => {
            let columns = key_columns(relation, &key.columns)?;
            primary_key(relation, named(&key.name)?, columns)
        }
        TableConstraint::Unique(unique) => {
            check_nulls(&unique.nulls_distinct)?;
            let columns = key_columns(relation, &unique.columns)?;
            add_unique(draft, relation, named(&unique.name)?, columns)
        }
        TableConstraint::ForeignKey(key) => add_foreign_key(draft, relation, named(&key.name)?, key),
        TableConstraint::Check(check) => {
            let name = named(&check.name)?;
            add_check(relation, name, None, &check.expr);
            Ok(())
        }
        TableConstraint::Exclude(_) => Err(Fault::unsupported("an exclusion constraint", "use unique, or check in a function")),
        _ => Err(Fault::unsupported("this constraint", "use primary key, unique, check or foreign key")),
    }
}

fn check_nulls(nulls: &parsed::NullsDistinctOption) -> Result<(), Fault> {
    match nulls {
        parsed::NullsDistinctOption::NotDistinct => {
            Err(Fault::unsupported("nulls not distinct", "make the column not null, with a default that means none"))
        }
        _ => Ok(()),
    }
}

fn key_columns(relation: &Relation, columns: &[parsed::IndexColumn]) -> Result<Vec<String>, Fault> {
    let names = columns.iter().map(|column| match &column.column.expr {
        parsed::Expr::Identifier(ident) => existing(relation, &lower::name(ident)?),
        _ => Err(Fault::new(sqlstate::SYNTAX_ERROR, "a key is over columns; write create unique index for expressions")),
    });
    names.collect()
}

fn existing(relation: &Relation, name: &str) -> Result<String, Fault> {
    relation.column(name).map(|(_, column)| column.name.clone()).ok_or_else(|| {
        let message = format!("column \"{name}\" named in key does not exist");
        Fault::new(sqlstate::UNDEFINED_COLUMN, message)
    })
}

fn primary_key(relation: &mut Relation, named: Option<String>, columns: Vec<String>) -> Result<(), Fault> {
    let name = named.unwrap_or_else(|| cut(&relation.name.name, "", "pkey"));
    let table_name = relation.name.clone();
    let Some(table) = relation.table_mut() else { return Ok(()) };
    if table.primary_key.is_some() {
        let message = format!("multiple primary keys for table \"{table_name}\" are not allowed");
        return Err(Fault::new(sqlstate::INVALID_TABLE_DEFINITION, message));
    }
    table.primary_key = Some(Key { name, columns, nulls_not_distinct: false });
    finish_nulls(relation);
    Ok(())
}

fn finish_nulls(relation: &mut Relation) {
    let key = relation.table().and_then(|table| table.primary_key.clone()).map(|key| key.columns).unwrap_or_default();
    for column in relation.columns.iter_mut().filter(|column| key.contains(&column.name)) {
        column.not_null = true;
    }
}

fn add_unique(draft: &Draft, relation: &mut Relation, named: Option<String>, columns: Vec<String>) -> Result<(), Fault> {
    let base = columns.join("_");
    let name = match named {
        Some(name) if draft.has_index(&name) || has_constraint(relation, &name) => {
            return Err(Fault::new(sqlstate::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
        }
        Some(name) => name,
        None => free_name(draft, relation, &base, "key"),
    };
    if let Some(table) = relation.table_mut() {
        table.uniques.push(Key { name, columns, nulls_not_distinct: false });
    }
    Ok(())
}

fn add_check(relation: &mut Relation, named: Option<String>, column: Option<&str>, condition: &parsed::Expr) {
    let name = named.unwrap_or_else(|| {
        let base = cut(&relation.name.name, column.unwrap_or_default(), "check");
        (0..)
            .map(|n| if n == 0 { base.clone() } else { format!("{base}{n}") })
            .find(|name| !has_constraint(relation, name))
            .unwrap_or(base)
    });
    let text = condition.to_string();
    if let Some(table) = relation.table_mut() {
        table.checks.push(Check { name, text });
    }
}

fn add_foreign_key(
    draft: &Draft,
    relation: &mut Relation,
    named: Option<String>,
    key: &parsed::ForeignKeyConstraint,
) -> Result<(), Fault> {
    if key.match_kind.is_some() {
        return Err(Fault::unsupported("match full or partial", "leave it out"));
    }
    let columns = key.columns.iter().map(|column| existing(relation, &lower::name(column)?)).collect::<Result<Vec<_>, _>>()?;
    let references = match &*key.foreign_table.0 {
        [schema, table] => match (schema.as_ident(), table.as_ident()) {
            (Some(schema), Some(table)) => Name::new(lower::name(schema)?, lower::name(table)?),
            _ => return Err(Fault::new(sqlstate::INVALID_NAME, "a table's name is needed after references")),
        },
        _ => Draft::own_name(&key.foreign_table)?,
    };
    let referred = key.referred_columns.iter().map(lower::name).collect::<Result<Vec<_>, _>>()?;
    let own = references == relation.name;
    let target = if own { Some(&*relation) } else { draft.catalog.relation(&references).map(|target| &**target) };
    let target =
        target.ok_or_else(|| Fault::new(sqlstate::UNDEFINED_TABLE, format!("relation \"{references}\" does not exist")))?;
    let referenced_columns = referenced(target, referred, &columns)?;
    check_types(relation, &columns, target, &referenced_columns)?;
    let name = named.unwrap_or_else(|| free_name(draft, relation, &columns.join("_"), "fkey"));
    let deferrable = key.characteristics.as_ref().is_some_and(|c| c.deferrable == Some(true) || c.initially.is_some());
    let foreign_key = ForeignKey {
        name,
        columns,
        references,
        referenced_columns,
        on_delete: action(key.on_delete),
        on_update: action(key.on_update),
        deferrable,
    };
    if let Some(table) = relation.table_mut() {
        table.foreign_keys.push(foreign_key);
    }
    Ok(())
}

/// The columns that a foreign key refers to: those that were named, else the primary key; a key must be over them.
fn referenced(target: &Relation, named: Vec<String>, columns: &[String]) -> Result<Vec<String>, Fault> {
    let Some(table) = target.table() else {
        return Err(Fault::new(sqlstate::WRONG_OBJECT_TYPE, format!("referenced relation \"{}\" is not a table", target.name)));
    };
    let key = table.primary_key.as_ref().map(|key| key.columns.clone());
    let chosen = if named.is_empty() { key.unwrap_or_default() } else { named };
    if chosen.len() != columns.len() {
        let message = "number of referencing and referenced columns for foreign key disagree";
        return Err(Fault::new(sqlstate::INVALID_FOREIGN_KEY, message));
    }
    let same = |other: &[String]| other.len() == chosen.len() && chosen.iter().all(|column| other.contains(column));
    let keys = table.primary_key.iter().chain(&table.uniques).map(|key| &*key.columns);
    let indexes = table.indexes.iter().filter(|index| index.unique && !index.partial).map(|index| &*index.columns);
    if keys.chain(indexes).any(same) {
        return Ok(chosen);
    }
    let message = format!("there is no unique constraint matching given keys for referenced table \"{}\"", target.name);
    Err(Fault::new(sqlstate::INVALID_FOREIGN_KEY, message))
}

fn check_types(from: &Relation, columns: &[String], to: &Relation, referenced: &[String]) -> Result<(), Fault> {
    for (column, target) in columns.iter().zip(referenced) {
        let (Some((_, column)), Some((_, target))) = (from.column(column), to.column(target)) else { continue };
        let integers = column.ty.is_integer() && target.ty.is_integer();
        if !integers && column.ty.bare() != target.ty.bare() {
            let message = format!(
                "foreign key column \"{}\" is of type {}, and \"{}\" of type {}",
                column.name, column.ty, target.name, target.ty
            );
            return Err(Fault::new(sqlstate::DATATYPE_MISMATCH, message).hint("give both the same type"));
        }
    }
    Ok(())
}

const fn action(action: Option<ReferentialAction>) -> OnDelete {
    match action {
        None | Some(ReferentialAction::NoAction) => OnDelete::NoAction,
        Some(ReferentialAction::Restrict) => OnDelete::Restrict,
        Some(ReferentialAction::Cascade) => OnDelete::Cascade,
        Some(ReferentialAction::SetNull) => OnDelete::SetNull,
        Some(ReferentialAction::SetDefault) => OnDelete::SetDefault,
    }
}

/// Whether a constraint of the table has the name.
pub(super) fn has_constraint(relation: &Relation, name: &str) -> bool {
    relation.table().is_some_and(|table| {
        table.primary_key.iter().chain(&table.uniques).any(|key| key.name == name)
            || table.foreign_keys.iter().any(|key| key.name == name)
            || table.checks.iter().any(|check| check.name == name)
    })
}

/// A name as PostgreSQL makes it, with a number behind it when it is taken.
fn free_name(draft: &Draft, relation: &Relation, columns: &str, suffix: &str) -> String {
    let base = cut(&relation.name.name, columns, suffix);
    let is_free = |name: &String| !has_constraint(relation, name) && !draft.has_index(name);
    (0..).map(|n| if n == 0 { base.clone() } else { format!("{base}{n}") }).find(is_free).unwrap_or(base)
}

/// `table_columns_suffix`, at most 63 bytes: the longer of the first two is cut.
pub(super) fn cut(table: &str, columns: &str, suffix: &str) -> String {
    let (mut table, mut columns) = (table.to_owned(), columns.to_owned());
    let room = 63 - suffix.len() - 1 - usize::from(!columns.is_empty());
    while table.len() + columns.len() > room {
        if table.len() > columns.len() {
            table.pop();
        } else {
            columns.pop();
        }
    }
    if columns.is_empty() { format!("{table}_{suffix}") } else { format!("{table}_{columns}_{suffix}") }
}
