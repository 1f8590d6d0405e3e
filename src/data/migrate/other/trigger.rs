//! The triggers that there are: before an update, columns are set to the moment. By `moddatetime`, or by a function in plpgsql that does
//! no more than that, which is how most apps have written it.

use sqlparser::ast::{self as parsed, TriggerEvent, TriggerObject, TriggerPeriod};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::super::draft::{Draft, Effect};
use crate::sql::catalog::{Name, Relation, Returns, Touch};
use crate::sql::lower;
use crate::sql::{Fault, sqlstate};
use crate::values::Type;

/// What is said to whoever writes another trigger.
const HINT: &str = "for updated_at write a trigger before update for each row that calls moddatetime(updated_at), or a function whose body is \
                    begin new.updated_at = now(); return new; end; else use defaults, generated columns, or a function that writes both tables";

/// The moment, in the ways that apps write it: without blanks, in small letters. A session's time zone is UTC.
const MOMENTS: &[&str] = &[
    "now()",
    "current_timestamp",
    "transaction_timestamp()",
    "statement_timestamp()",
    "clock_timestamp()",
    "timezone('utc',now())",
    "timezone('utc'::text,now())",
    "now()attimezone'utc'",
    "current_timestampattimezone'utc'",
];

/// `create trigger … before update on … for each row execute function …`.
pub(in crate::data::migrate) fn create(draft: &mut Draft, create: &parsed::CreateTrigger) -> Result<Effect, Fault> {
    let Some(called) = create.exec_body.as_ref().map(|body| &body.func_desc) else {
        return Err(Fault::unsupported("a trigger that executes nothing", HINT));
    };
    let (columns, function) = match touched(called) {
        Some(column) => (vec![column?], None),
        None => by_function(draft, called)?,
    };
    let each_row = matches!(
        create.trigger_object,
        Some(parsed::TriggerObjectKind::ForEach(TriggerObject::Row) | parsed::TriggerObjectKind::For(TriggerObject::Row))
    );
    let before_update = create.period == Some(TriggerPeriod::Before)
        && matches!(&*create.events, [TriggerEvent::Update(columns)] if columns.is_empty());
    if !each_row || !before_update || create.condition.is_some() || create.is_constraint {
        return Err(Fault::unsupported("another trigger than before update for each row, without a condition", HINT));
    }
    let mut relation = draft.table(&create.table_name)?;
    let trigger = trigger_name(&create.name)?;
    columns.iter().try_for_each(|column| check_column(&relation, column))?;
    let name = relation.name.clone();
    if let Some(table) = relation.table_mut() {
        if !create.or_replace && table.touches.iter().any(|touch| touch.trigger == trigger) {
            let message = format!("trigger \"{trigger}\" for relation \"{name}\" already exists");
            return Err(Fault::new(sqlstate::DUPLICATE_OBJECT, message));
        }
        table.touches.retain(|touch| touch.trigger != trigger);
        let touch = |column| Touch { trigger: trigger.clone(), column, function: function.clone() };
        table.touches.extend(columns.into_iter().map(touch));
    }
    draft.catalog.put_relation(relation);
    Ok(Effect::tagged("CREATE TRIGGER"))
}

pub(in crate::data::migrate) fn drop(draft: &mut Draft, drop: &parsed::DropTrigger) -> Result<Effect, Fault> {
    let Some(table_name) = &drop.table_name else {
        return Err(Fault::new(sqlstate::SYNTAX_ERROR, "drop trigger names its table: drop trigger … on …"));
    };
    let mut relation = match draft.table(table_name) {
        Err(fault) if drop.if_exists && fault.code == sqlstate::UNDEFINED_TABLE => return Ok(Effect::tagged("DROP TRIGGER")),
        found => found?,
    };
    let trigger = trigger_name(&drop.trigger_name)?;
    let name = relation.name.clone();
    if let Some(table) = relation.table_mut() {
        let before = table.touches.len();
        table.touches.retain(|touch| touch.trigger != trigger);
        if table.touches.len() == before && !drop.if_exists {
            let message = format!("trigger \"{trigger}\" for table \"{name}\" does not exist");
            return Err(Fault::new(sqlstate::UNDEFINED_OBJECT, message));
        }
    }
    draft.catalog.put_relation(relation);
    Ok(Effect::tagged("DROP TRIGGER"))
}

/// The columns that a trigger function's body sets to the moment: `begin new.a = now(); …; return new; end`.
///
/// # Errors
/// 0A000 when it does anything else.
pub(in crate::data::migrate) fn body(text: &str) -> Result<Vec<String>, Fault> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize();
    let tokens = tokens.map_err(|err| Fault::new(sqlstate::SYNTAX_ERROR, err.message.to_lowercase()))?;
    let tokens = tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect::<Vec<_>>();
    assigned(&tokens).ok_or_else(|| Fault::unsupported("a trigger function that does more than set columns to the moment", HINT))
}

fn assigned(tokens: &[Token]) -> Option<Vec<String>> {
    let mut statements = tokens.split(|token| *token == Token::SemiColon);
    let mut first = Some(statements.next()?.split_first().filter(|(begin, _)| is_word(begin, "begin"))?.1);
    let mut columns = Vec::new();
    loop {
        let statement = first.take().or_else(|| statements.next())?;
        if let [returns, new] = statement {
            let ends = is_word(returns, "return") && is_word(new, "new");
            let is_end = |rest: &[Token]| matches!(rest, [end] if is_word(end, "end"));
            let over = statements.next().is_some_and(is_end) && statements.all(<[Token]>::is_empty);
            return (ends && over && !columns.is_empty()).then_some(columns);
        }
        let [new, Token::Period, Token::Word(column), Token::Eq | Token::Assignment, value @ ..] = statement else { return None };
        let value = value.iter().map(|token| token.to_string().to_lowercase()).collect::<String>();
        let bare = value.strip_prefix('(').and_then(|value| value.strip_suffix(')')).unwrap_or(&value);
        if !is_word(new, "new") || !(MOMENTS.contains(&&*value) || MOMENTS.contains(&bare)) {
            return None;
        }
        columns.push(if column.quote_style.is_some() { column.value.clone() } else { column.value.to_lowercase() });
    }
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

/// Gives the triggers of a function that was replaced what it sets now.
///
/// # Errors
/// 42703 and 42804 when a table has no such column.
pub(in crate::data::migrate) fn replaced(draft: &mut Draft, function: &Name, columns: &[String]) -> Result<(), Fault> {
    for mut relation in with_triggers_of(draft, function) {
        columns.iter().try_for_each(|column| check_column(&relation, column))?;
        if let Some(table) = relation.table_mut() {
            let (mut there, mut others): (Vec<_>, Vec<_>) =
                std::mem::take(&mut table.touches).into_iter().partition(|touch| touch.function.as_ref() == Some(function));
            there.dedup_by(|one, other| one.trigger == other.trigger);
            let anew = |touch: Touch| columns.iter().map(move |column| Touch { column: column.clone(), ..touch.clone() });
            others.extend(there.into_iter().flat_map(anew));
            table.touches = others;
        }
        draft.catalog.put_relation(relation);
    }
    Ok(())
}

/// Takes away the triggers of a function that is dropped.
///
/// # Errors
/// 2BP01 when there are any and `cascade` was not said.
pub(in crate::data::migrate) fn dropped(draft: &mut Draft, function: &Name, cascade: bool) -> Result<(), Fault> {
    let relations = with_triggers_of(draft, function);
    if let Some(first) = relations.first().filter(|_| !cascade) {
        let of = first.table().and_then(|table| table.touches.iter().find(|touch| touch.function.as_ref() == Some(function)));
        let trigger = of.map(|touch| touch.trigger.clone()).unwrap_or_default();
        let message = format!(
            "cannot drop function {function} because other objects depend on it: trigger {trigger} on table {}",
            first.name
        );
        return Err(Fault::new(sqlstate::DEPENDENT_OBJECTS, message).hint("use drop … cascade to drop them too"));
    }
    for mut relation in relations {
        if let Some(table) = relation.table_mut() {
            table.touches.retain(|touch| touch.function.as_ref() != Some(function));
        }
        draft.catalog.put_relation(relation);
    }
    Ok(())
}

fn with_triggers_of(draft: &Draft, function: &Name) -> Vec<Relation> {
    let calls = |relation: &Relation| {
        relation.table().is_some_and(|table| table.touches.iter().any(|touch| touch.function.as_ref() == Some(function)))
    };
    draft.catalog.relations().filter(|relation| calls(relation)).map(|relation| (**relation).clone()).collect()
}

/// The columns that an app's own trigger function sets, and its name.
fn by_function(draft: &Draft, called: &parsed::FunctionDesc) -> Result<(Vec<String>, Option<Name>), Fault> {
    let name = Draft::own_name(&called.name)?;
    let function = draft.catalog.functions_named(&name).iter().find(|function| function.arguments.is_empty());
    let Some(function) = function else {
        return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("function {name}() does not exist")).hint(HINT));
    };
    match &function.returns {
        Returns::Trigger(columns) if called.args.as_deref().is_none_or(<[_]>::is_empty) => Ok((columns.clone(), Some(name))),
        Returns::Trigger(_) => Err(Fault::unsupported("arguments of a trigger", HINT)),
        _ => {
            let message = format!("function {name} must return type trigger");
            Err(Fault::new(sqlstate::INVALID_OBJECT_DEFINITION, message))
        }
    }
}

fn check_column(relation: &Relation, column: &str) -> Result<(), Fault> {
    match relation.column(column) {
        Some((_, found)) if !matches!(found.ty, Type::Timestamptz | Type::Timestamp) => {
            let message = format!("attribute \"{column}\" of \"{}\" must be type TIMESTAMP or TIMESTAMPTZ", relation.name);
            Err(Fault::new(sqlstate::DATATYPE_MISMATCH, message))
        }
        Some(_) => Ok(()),
        None => {
            let message = format!("\"{}\" has no attribute \"{column}\"", relation.name);
            Err(Fault::new(sqlstate::UNDEFINED_COLUMN, message))
        }
    }
}

fn trigger_name(name: &parsed::ObjectName) -> Result<String, Fault> {
    match &*name.0 {
        [parsed::ObjectNamePart::Identifier(name)] => lower::name(name),
        _ => Err(Fault::new(sqlstate::SYNTAX_ERROR, "a trigger's name has no schema")),
    }
}

/// The column that a call of `moddatetime` names; `None` when it is another function.
fn touched(called: &parsed::FunctionDesc) -> Option<Result<String, Fault>> {
    let name = called.name.to_string().to_lowercase().replace('"', "");
    if !matches!(&*name, "moddatetime" | "extensions.moddatetime" | "public.moddatetime") {
        return None;
    }
    let wrong = || Err(Fault::new("39000", "moddatetime takes one argument, the column's name"));
    Some(match called.args.as_deref() {
        Some([argument]) => match &argument.data_type {
            parsed::DataType::Custom(name, _) if argument.name.is_none() => match &*name.0 {
                [parsed::ObjectNamePart::Identifier(column)] => lower::name(column),
                _ => wrong(),
            },
            _ => wrong(),
        },
        _ => wrong(),
    })
}
