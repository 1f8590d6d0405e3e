//! Views, functions, indexes, comments, and what drops them.

use sqlparser::ast::{self as parsed, CommentObject, CreateFunctionBody, FunctionReturnType};

use super::draft::{Ddl, Draft, Effect, Native, list, quoted, target};
use super::index::forget_words;
use super::other::{depend, trigger};
use super::table::cut;
use crate::sql::catalog::{
    Argument, Catalog, Column, Default, Function, Grantee, Index, Name, Relation, Returns, Security, Shape, View, Volatility,
};
use crate::sql::lower;
use crate::sql::{Fault, sqlstate};
use crate::values::Type;

/// Arguments of one function, as in PostgreSQL.
const MAX_ARGUMENTS: usize = 100;

pub(super) fn create_view(draft: &mut Draft, create: &parsed::CreateView) -> Result<Effect, Fault> {
    if create.materialized || create.temporary {
        return Err(Fault::unsupported(
            "a materialized or temporary view",
            "write a plain view, or a table that a trigger fills",
        ));
    }
    let name = Draft::own_name(&create.name)?;
    let named = create.columns.iter().map(|column| lower::name(&column.name)).collect::<Result<Vec<_>, _>>()?;
    let text = match &*named {
        [] => create.query.to_string(),
        named => format!("SELECT * FROM ({}) AS {} ({})", create.query, quoted(&name.name), list(named)),
    };
    let described = lower::describe(&text, &draft.catalog)?;
    let mut columns: Vec<Column> = Vec::with_capacity(described.len());
    let mut origins = Vec::with_capacity(described.len());
    for (shown, ty, origin) in described {
        if columns.iter().any(|column| column.name == shown) {
            let message = format!("column \"{shown}\" specified more than once");
            return Err(Fault::new(sqlstate::DUPLICATE_COLUMN, message).hint("give it another name by as"));
        }
        columns.push(Column { name: shown, ty, not_null: false, default: None, generated: None, comment: None });
        origins.push(origin);
    }
    let old = draft.catalog.relation(&name).cloned();
    let (grants, comment) = match &old {
        None => {
            draft.check_free(&name)?;
            (Vec::new(), None)
        }
        Some(old) if old.view().is_some() && create.or_replace => {
            check_replaced(old, &columns)?;
            (old.grants.clone(), old.comment.clone())
        }
        Some(_) => return Err(Fault::new(sqlstate::DUPLICATE_TABLE, format!("relation \"{name}\" already exists"))),
    };
    let native = format!("create or replace view {} with (security_invoker = true) as {text}", target(&name, true));
    draft.catalog.put_relation(Relation { name, columns, shape: Shape::View(View { text, origins }), grants, comment });
    Ok(Effect::documented("CREATE VIEW", native))
}

/// As in PostgreSQL, a view is replaced by one with the same columns first.
fn check_replaced(old: &Relation, new: &[Column]) -> Result<(), Fault> {
    let same =
        old.columns.len() <= new.len() && old.columns.iter().zip(new).all(|(old, new)| old.name == new.name && old.ty == new.ty);
    if same {
        return Ok(());
    }
    let fault = Fault::new(sqlstate::INVALID_TABLE_DEFINITION, format!("cannot drop or change columns of view \"{}\"", old.name));
    Err(fault.hint("drop the view first; new columns can be added at the end"))
}

pub(super) fn create_function(draft: &mut Draft, create: &parsed::CreateFunction) -> Result<Effect, Fault> {
    let name = Draft::own_name(&create.name)?;
    let language = create.language.as_ref().map(lower::name).transpose()?;
    let for_triggers = matches!(&create.return_type, Some(FunctionReturnType::DataType(parsed::DataType::Trigger)));
    if language.as_deref().is_some_and(|language| language != "sql" && !(for_triggers && language == "plpgsql")) {
        let what = format!("a function in {}", language.unwrap_or_default());
        return Err(Fault::unsupported(what, "write language sql, or a JavaScript function (plinth functions deploy)"));
    }
    let arguments = create.args.iter().flatten().map(|of| argument(of, &draft.catalog)).collect::<Result<Vec<_>, _>>()?;
    if arguments.len() > MAX_ARGUMENTS {
        return Err(Fault::new("54023", format!("functions cannot have more than {MAX_ARGUMENTS} arguments")));
    }
    let text = body_text(create.function_body.as_ref())?;
    let (returns, body) = if for_triggers {
        (Returns::Trigger(trigger::body(&text)?), text)
    } else {
        (returns(create.return_type.as_ref(), &draft.catalog)?, normalised(&text)?)
    };
    let function = Function {
        returns,
        volatility: match create.behavior {
            Some(parsed::FunctionBehavior::Immutable) => Volatility::Immutable,
            Some(parsed::FunctionBehavior::Stable) => Volatility::Stable,
            Some(parsed::FunctionBehavior::Volatile) | None => Volatility::Volatile,
        },
        security: match create.security {
            Some(parsed::FunctionSecurity::Definer) => Security::Definer,
            Some(parsed::FunctionSecurity::Invoker) | None => Security::Invoker,
        },
        strict: matches!(
            create.called_on_null,
            Some(parsed::FunctionCalledOnNull::Strict | parsed::FunctionCalledOnNull::ReturnsNullOnNullInput)
        ),
        body,
        execute: vec![Grantee::Public],
        comment: None,
        name,
        arguments,
    };
    let named = draft.catalog.functions_named(&function.name);
    let old = named.iter().find(|other| other.has_same_arguments(&function)).cloned();
    let function = match old {
        Some(_) if !create.or_replace => {
            let message = format!("function \"{}\" already exists with same argument types", function.name);
            return Err(Fault::new(sqlstate::DUPLICATE_FUNCTION, message).hint("write create or replace function"));
        }
        Some(old) if old.returns != function.returns && !(old.is_for_triggers() && for_triggers) => {
            let fault = Fault::new(sqlstate::INVALID_FUNCTION_DEFINITION, "cannot change return type of existing function");
            return Err(fault.hint("drop the function first"));
        }
        Some(old) => Function { execute: old.execute.clone(), comment: old.comment.clone(), ..function },
        None => function,
    };
    if let Returns::Trigger(columns) = &function.returns {
        trigger::replaced(draft, &function.name, columns)?;
    }
    draft.catalog.put_function(function);
    Ok(if for_triggers { Effect::tagged("CREATE FUNCTION") } else { Effect::documented("CREATE FUNCTION", create) })
}

fn argument(argument: &parsed::OperateFunctionArg, catalog: &Catalog) -> Result<Argument, Fault> {
    if matches!(argument.mode, Some(parsed::ArgMode::Out | parsed::ArgMode::InOut)) {
        return Err(Fault::unsupported("an out argument", "write returns table (…)"));
    }
    let variadic = argument.mode == Some(parsed::ArgMode::Variadic);
    Ok(Argument {
        name: argument.name.as_ref().map_or(Ok(String::new()), lower::name)?,
        ty: lower::data_type(&argument.data_type, catalog)?,
        default: argument.default_expr.as_ref().map(|default| Default { text: default.to_string() }),
        variadic,
    })
}

fn returns(ty: Option<&FunctionReturnType>, catalog: &Catalog) -> Result<Returns, Fault> {
    let one = |ty: &parsed::DataType| -> Result<Result<Type, Name>, Fault> {
        match (lower::data_type(ty, catalog), ty) {
            (Ok(ty), _) => Ok(Ok(ty)),
            (Err(fault), parsed::DataType::Custom(name, _)) if fault.code == sqlstate::UNDEFINED_OBJECT => {
                Ok(Err(Draft::own_name(name)?))
            }
            (Err(fault), _) => Err(fault),
        }
    };
    match ty {
        None => Err(Fault::new(sqlstate::INVALID_FUNCTION_DEFINITION, "function result type must be specified")),
        Some(FunctionReturnType::DataType(parsed::DataType::Table(Some(columns)))) => {
            let columns =
                columns.iter().map(|column| Ok((lower::name(&column.name)?, lower::data_type(&column.data_type, catalog)?)));
            Ok(Returns::Table(columns.collect::<Result<_, Fault>>()?))
        }
        Some(FunctionReturnType::DataType(ty)) => Ok(match one(ty)? {
            Ok(Type::Void) => Returns::Void,
            Ok(ty) => Returns::Scalar(ty),
            Err(name) => Returns::Row(name),
        }),
        Some(FunctionReturnType::SetOf(ty)) => Ok(match one(ty)? {
            Ok(ty) => Returns::SetOfScalar(ty),
            Err(name) => Returns::SetOfRow(name),
        }),
    }
}

/// The body's text.
fn body_text(body: Option<&CreateFunctionBody>) -> Result<String, Fault> {
    let text = match body {
        Some(CreateFunctionBody::AsBeforeOptions { body, link_symbol: None } | CreateFunctionBody::AsAfterOptions(body)) => {
            match body {
                parsed::Expr::Value(value) => lower::quoted(&value.value).map(str::to_owned),
                _ => None,
            }
        }
        Some(CreateFunctionBody::Return(expr)) => Some(format!("SELECT {expr}")),
        _ => None,
    };
    text.ok_or_else(|| Fault::unsupported("this form of a function's body", "write as $$ … $$, or return …"))
}

/// The statements' normalised text.
fn normalised(text: &str) -> Result<String, Fault> {
    let statements = lower::parse(text)?;
    Ok(statements.iter().map(|parsed| parsed.statement.to_string()).collect::<Vec<_>>().join("; "))
}

pub(super) fn drop_function(draft: &mut Draft, drop: &parsed::DropFunction) -> Result<Effect, Fault> {
    let cascade = drop.drop_behavior == Some(parsed::DropBehavior::Cascade);
    for described in &drop.func_desc {
        let name = Draft::own_name(&described.name)?;
        let types = described.args.as_ref().map(|arguments| {
            arguments
                .iter()
                .map(|argument| Ok(lower::data_type(&argument.data_type, &draft.catalog)?.bare()))
                .collect::<Result<Vec<_>, Fault>>()
        });
        let types = types.transpose()?;
        let fits = |function: &Function| {
            types
                .as_ref()
                .is_none_or(|types| function.arguments.iter().map(|argument| argument.ty.bare()).eq(types.iter().cloned()))
        };
        let found = draft.catalog.functions_named(&name).iter().filter(|function| fits(function)).cloned().collect::<Vec<_>>();
        match &*found {
            [only] => {
                trigger::dropped(draft, &name, cascade)?;
                draft.catalog.remove_function(only);
            }
            [] if drop.if_exists => {}
            [] => return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("function {name} does not exist"))),
            _ => {
                let fault = Fault::new(sqlstate::AMBIGUOUS_FUNCTION, format!("function name \"{name}\" is not unique"));
                return Err(fault.hint("name its argument types"));
            }
        }
    }
    let what = drop.func_desc.iter().map(|described| format!("function {}", described.name)).collect::<Vec<_>>().join(", ");
    let mut effect = Effect::documented("DROP FUNCTION", drop);
    depend::settle(draft, &what, cascade, &mut effect)?;
    Ok(effect)
}

pub(super) fn create_index(draft: &mut Draft, create: &parsed::CreateIndex) -> Result<Effect, Fault> {
    let mut relation = draft.table(&create.table_name)?;
    if create.nulls_distinct == Some(false) {
        return Err(Fault::unsupported("nulls not distinct", "make the column not null, with a default that means none"));
    }
    let mut columns = Vec::with_capacity(create.columns.len());
    for column in &create.columns {
        match &column.column.expr {
            parsed::Expr::Identifier(ident) => columns.push(Some(lower::name(ident)?)),
            _ => columns.push(None),
        }
    }
    let label = columns.iter().map(|column| column.clone().unwrap_or_else(|| "expr".to_owned())).collect::<Vec<_>>().join("_");
    let name = match &create.name {
        Some(name) => Draft::own_name(name)?.name,
        None => {
            let base = cut(&relation.name.name, &label, "idx");
            let free =
                (0..).map(|n| if n == 0 { base.clone() } else { format!("{base}{n}") }).find(|name| !draft.has_index(name));
            free.unwrap_or(base)
        }
    };
    if draft.has_index(&name) || draft.catalog.relation(&Name::public(&*name)).is_some() {
        if create.if_not_exists {
            return Ok(Effect::tagged("CREATE INDEX"));
        }
        return Err(Fault::new(sqlstate::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
    }
    let mut whole = create.clone();
    whole.name = Some(parsed::ObjectName::from(vec![parsed::Ident::with_quote('"', &*name)]));
    // A migration is one transaction, in which nothing is built on the side.
    whole.concurrently = false;
    let text = whole.to_string();
    let plain = columns.iter().cloned().collect::<Option<Vec<_>>>().unwrap_or_default();
    if let Some(missing) = plain.iter().find(|column| relation.column(column).is_none()) {
        return Err(Fault::new(sqlstate::UNDEFINED_COLUMN, format!("column \"{missing}\" does not exist")));
    }
    let is_vector = |column: &String| relation.column(column).is_some_and(|(_, column)| column.ty == Type::Tsvector);
    let words = match &*create.columns {
        [only] => plain.iter().any(is_vector) || lower::document(&only.column.expr).is_some(),
        _ => false,
    };
    let index =
        Index { name: name.clone(), unique: create.unique, text, columns: plain, partial: create.predicate.is_some(), words };
    let table = relation.name.clone();
    if let Some(of) = relation.table_mut() {
        of.indexes.push(index);
    }
    draft.catalog.put_relation(relation);
    Ok(Effect {
        sqlite: vec![Ddl::CreateIndex(table.clone(), name.clone())],
        postgres: vec![Native::CreateIndex(table, name)],
        tag: "CREATE INDEX",
    })
}

pub(super) fn drop_index(draft: &mut Draft, name: &parsed::ObjectName, if_exists: bool) -> Result<Effect, Fault> {
    let name = Draft::own_name(name)?;
    let has =
        |relation: &Relation| relation.table().is_some_and(|table| table.indexes.iter().any(|index| index.name == name.name));
    let Some(mut relation) = draft.catalog.relations().find(|relation| has(relation)).map(|relation| (**relation).clone()) else {
        if if_exists {
            return Ok(Effect::tagged("DROP INDEX"));
        }
        return Err(Fault::new(sqlstate::UNDEFINED_OBJECT, format!("index \"{name}\" does not exist")));
    };
    if let Some(table) = relation.table_mut() {
        table.indexes.retain(|index| index.name != name.name);
    }
    draft.catalog.put_relation(relation);
    let own = format!("drop index if exists {}", quoted(&name.name));
    Ok(Effect {
        sqlite: forget_words(&name.name).into_iter().chain([own]).map(Ddl::Sql).collect(),
        postgres: vec![Native::Sql(format!("drop index {}", target(&name, true)))],
        tag: "DROP INDEX",
    })
}

pub(super) fn drop_view(draft: &mut Draft, name: &parsed::ObjectName, if_exists: bool) -> Result<Effect, Fault> {
    let name = Draft::own_name(name)?;
    match draft.catalog.relation(&name) {
        Some(relation) if relation.view().is_some() => {}
        Some(_) => return Err(Fault::new(sqlstate::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a view"))),
        None if if_exists => return Ok(Effect::tagged("DROP VIEW")),
        None => return Err(Fault::new(sqlstate::UNDEFINED_TABLE, format!("view \"{name}\" does not exist"))),
    }
    draft.catalog.remove_relation(&name);
    Ok(Effect::documented("DROP VIEW", format!("drop view if exists {} cascade", target(&name, true))))
}

pub(super) fn drop_table(draft: &mut Draft, name: &parsed::ObjectName, if_exists: bool, cascade: bool) -> Result<Effect, Fault> {
    let name = Draft::own_name(name)?;
    match draft.catalog.relation(&name) {
        Some(relation) if relation.table().is_some() => {}
        Some(_) => return Err(Fault::new(sqlstate::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a table"))),
        None if if_exists => return Ok(Effect::tagged("DROP TABLE")),
        None => return Err(Fault::new(sqlstate::UNDEFINED_TABLE, format!("table \"{name}\" does not exist"))),
    }
    let refers = |relation: &Relation| {
        relation.name != name && relation.table().is_some_and(|table| table.foreign_keys.iter().any(|key| key.references == name))
    };
    let referring = draft.catalog.relations().filter(|relation| refers(relation)).map(|r| (**r).clone()).collect::<Vec<_>>();
    let mut effect = Effect::tagged("DROP TABLE");
    if let Some(first) = referring.first().filter(|_| !cascade) {
        let message = format!("cannot drop table {name} because other objects depend on it: a foreign key of {}", first.name);
        return Err(
            Fault::new(sqlstate::DEPENDENT_OBJECTS, message).hint("use drop table … cascade to drop the foreign keys too")
        );
    }
    for mut relation in referring {
        let table = relation.name.clone();
        let columns = super::alter::unchanged(&relation);
        if let Some(of) = relation.table_mut() {
            of.foreign_keys.retain(|key| key.references != name);
        }
        draft.catalog.put_relation(relation);
        effect.sqlite.push(Ddl::Rebuild { table, columns });
    }
    let indexes = draft.catalog.relation(&name).and_then(|relation| relation.table()).map(|table| table.indexes.clone());
    draft.catalog.remove_relation(&name);
    effect.sqlite.push(Ddl::Sql(format!("drop table {}", target(&name, false))));
    let words = indexes.iter().flatten().flat_map(|index| forget_words(&index.name));
    effect.sqlite.extend(words.map(Ddl::Sql));
    // Native views are documentation: they go with what they are over.
    effect.postgres.push(Native::Sql(format!("drop table {} cascade", target(&name, true))));
    Ok(effect)
}

pub(super) fn comment(
    draft: &mut Draft,
    kind: CommentObject,
    name: &parsed::ObjectName,
    text: Option<&String>,
) -> Result<Effect, Fault> {
    match kind {
        CommentObject::Table | CommentObject::View => {
            let mut relation = draft.relation(name)?;
            relation.comment = text.cloned();
            draft.catalog.put_relation(relation);
        }
        CommentObject::Column => {
            let mut of = name.clone();
            let column = of.0.pop().and_then(|part| part.as_ident().cloned());
            let column = column.ok_or_else(|| Fault::new(sqlstate::SYNTAX_ERROR, "a column is named as table.column"))?;
            let mut relation = draft.relation(&of)?;
            let column = lower::name(&column)?;
            let Some(found) = relation.columns.iter_mut().find(|other| other.name == column) else {
                let message = format!("column \"{column}\" of relation \"{of}\" does not exist");
                return Err(Fault::new(sqlstate::UNDEFINED_COLUMN, message));
            };
            found.comment = text.cloned();
            draft.catalog.put_relation(relation);
        }
        CommentObject::Function => {
            let name = Draft::own_name(name)?;
            let [only] = draft.catalog.functions_named(&name) else {
                return Err(Fault::new(
                    sqlstate::UNDEFINED_FUNCTION,
                    format!("function {name} does not exist, or is not the only one"),
                ));
            };
            let mut function = (**only).clone();
            function.comment = text.cloned();
            draft.catalog.put_function(function);
        }
        CommentObject::Index | CommentObject::Extension | CommentObject::Schema => {}
        other => return Err(Fault::unsupported(format!("comment on {other}"), "comment on table, column, view or function")),
    }
    // The parser's own text of the statement does not double the quotes in it.
    let quoted = text.map_or_else(|| "null".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
    Ok(Effect::documented("COMMENT", format!("comment on {kind} {name} is {quoted}")))
}
