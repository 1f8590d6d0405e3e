//! Functions: which one a name and its arguments mean, their values, and how its rows are read.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::super::request::{CallBody, Query as Request};
use super::outputs::{first, nothing};
use super::scope::{Scope, Seen, literal};
use super::suggest::nearest;
use super::{Planner, text_of};
use crate::data::{Error, Result};
use crate::sql::ast::{Aggregate, Builtin, Expr, Node, Output, Query, Rows, Select, Source, SourceId, Statement};
use crate::sql::catalog::{Argument, Function, Name, Returns};
use crate::sql::lower;
use crate::values::{self, Datum, Type};

/// Arguments as they came.
#[derive(Clone, Copy, Debug)]
pub enum Given<'q> {
    /// By GET, or as a form: text; a name may come again, for a variadic argument.
    Text(&'q [(String, String)]),
    Json(&'q [(String, Box<RawValue>)]),
}

impl<'q> From<&'q CallBody> for Given<'q> {
    fn from(body: &'q CallBody) -> Self {
        match body {
            CallBody::Json(arguments) => Self::Json(arguments),
            CallBody::Form(arguments) => Self::Text(arguments),
        }
    }
}

/// A call with the values of its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    pub function: Arc<Function>,
    pub arguments: Vec<Expr>,
    /// Whether its body writes nothing.
    pub reads: bool,
}

/// What a function answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    Nothing,
    /// One value: bare JSON.
    Value,
    /// Values: an array.
    Values,
    /// One row: an object, or null.
    Row,
    /// Rows: an array, as of a table.
    Rows,
}

impl Call {
    /// Whether it is `strict` and has a null among its arguments: then it is not run, and gives null or no rows.
    #[must_use]
    pub fn is_skipped(&self) -> bool {
        self.function.strict && self.arguments.iter().any(|argument| matches!(argument.node, Node::Literal(Datum::Null)))
    }

    /// What comes of it.
    #[must_use]
    pub fn gives(&self) -> Gives {
        match self.function.returns {
            Returns::Void | Returns::Trigger(_) => Gives::Nothing,
            Returns::Scalar(_) => Gives::Value,
            Returns::SetOfScalar(_) => Gives::Values,
            Returns::Row(_) => Gives::Row,
            Returns::SetOfRow(_) | Returns::Table(_) => Gives::Rows,
        }
    }
}

impl<'a> Planner<'a> {
    /// The function that a name and arguments mean. `is_post` allows a function of one unnamed JSON argument.
    ///
    /// # Errors
    /// PGRST202 and 203; 42501; 22P02 and its like of a value.
    pub fn call(&self, name: &str, given: Given<'_>, is_post: bool) -> Result<Call> {
        let named = self.catalog.functions_named(&Name::public(name)).iter();
        let functions = named.filter(|function| !function.is_for_triggers()).collect::<Vec<_>>();
        let names = given.names();
        let mut fitting = functions.iter().filter(|function| fits(function, &names));
        let (function, is_whole) = match (fitting.next(), fitting.next()) {
            (Some(one), None) => (one, false),
            (Some(_), Some(_)) => return Err(ambiguous(functions.iter().copied().filter(|function| fits(function, &names)))),
            (None, _) => {
                let whole = functions.iter().find(|function| is_post && takes_whole(function, given));
                (whole.ok_or_else(|| self.no_function(name, &names, is_post))?, true)
            }
        };
        if !self.rights.may_call(function) {
            return Err(Error::new("42501", format!("permission denied for function {name}")));
        }
        let arguments = if is_whole { vec![given.whole(&function.arguments[0])?] } else { self.values_of(function, given)? };
        let body = self.schema.body(function).unwrap_or_default();
        let reads = body.iter().all(|statement| matches!(statement, Statement::Query(_)));
        Ok(Call { function: Arc::clone(function), arguments, reads })
    }

    /// That GET may call it: its transaction reads only.
    ///
    /// # Errors
    /// 25006, as PostgreSQL says it when a function writes there.
    pub fn may_get(&self, call: &Call) -> Result<()> {
        let body = self.schema.body(&call.function).unwrap_or_default();
        let word = body.iter().find_map(|statement| match statement {
            Statement::Query(_) => None,
            Statement::Insert(_) => Some("INSERT"),
            Statement::Update(_) => Some("UPDATE"),
            Statement::Delete(_) => Some("DELETE"),
        });
        match word {
            None => Ok(()),
            Some(word) => Err(Error::new("25006", format!("cannot execute {word} in a read-only transaction"))),
        }
    }

    /// What reads a call's answer where it writes nothing: `body`, and `total` when `count`. See [`Gives`].
    ///
    /// # Errors
    /// As [`Planner::read`].
    pub fn read_call(&mut self, call: &Call, request: &Request, count: bool) -> Result<Query> {
        let id = self.id();
        let rows = Rows::Function(Arc::clone(&call.function), call.arguments.clone());
        match &call.function.returns {
            Returns::Void | Returns::Trigger(_) => {
                let one = Output { name: "body".to_owned(), expr: literal(Type::Text, Datum::Text(String::new())) };
                Ok(Select { columns: vec![one], ..nothing() }.into())
            }
            Returns::Scalar(ty) => {
                let node = Node::Function(Arc::clone(&call.function), call.arguments.clone());
                let value = Expr { node, ty: ty.clone() };
                let members = vec![("value".to_owned(), value)];
                let body = Output { name: "body".to_owned(), expr: text_of(Node::JsonObject(members)) };
                Ok(Select { columns: vec![body], ..nothing() }.into())
            }
            Returns::SetOfScalar(ty) => Ok(array_of(id, rows, &call.function.name.name, ty)),
            Returns::Row(_) | Returns::SetOfRow(_) | Returns::Table(_) => {
                let (function, rows) = (self.function(&call.function)?, Source { id, rows });
                let scope = self.scope_of(id, function)?;
                self.answer(&scope, rows, request, count)
            }
        }
    }

    /// What `select` and its like say of rows that a function gave, each with all its columns: as [`Planner::read_call`].
    ///
    /// # Errors
    /// As [`Planner::read`].
    pub fn represent_call(&mut self, call: &Call, request: &Request, rows: Vec<Vec<Datum>>, count: bool) -> Result<Query> {
        let id = self.id();
        let scope = self.scope_of(id, self.function(&call.function)?)?;
        let columns = scope.columns.iter().map(|column| (column.name.to_owned(), column.ty.clone())).collect();
        let source = Source { id, rows: Rows::Values { columns, rows } };
        self.answer(&scope, source, request, count)
    }

    /// The columns of the rows that a function gives.
    ///
    /// # Errors
    /// 42P01 when it gives rows of a relation that is gone.
    pub fn columns_of(&self, call: &Call) -> Result<Vec<(String, Type)>> {
        let scope = self.scope_of(SourceId(0), self.function(&call.function)?)?;
        Ok(scope.columns.iter().map(|column| (column.name.to_owned(), column.ty.clone())).collect())
    }

    /// The catalogue's own copy, which lives as long as the planner.
    fn function(&self, function: &Arc<Function>) -> Result<&'a Function> {
        let functions = self.catalog.functions_named(&function.name).iter();
        let mut same = functions.filter(|other| Arc::ptr_eq(other, function));
        same.next().map(AsRef::as_ref).ok_or_else(|| Error::new("42883", format!("function {} does not exist", function.name)))
    }

    fn scope_of(&self, id: SourceId, function: &'a Function) -> Result<Scope<'a>> {
        let label = function.name.name.as_str();
        match &function.returns {
            Returns::Row(name) | Returns::SetOfRow(name) => {
                let gone = || Error::new("42P01", format!("relation \"{name}\" does not exist"));
                let relation = self.catalog.relation(name).ok_or_else(gone)?;
                Ok(Scope::of_relation(id, relation, |_| true))
            }
            Returns::Table(columns) => {
                let columns = columns.iter().map(|(name, ty)| Seen { name, ty, readable: true }).collect();
                Ok(Scope { id, label, origin: None, columns })
            }
            _ => Ok(Scope { id, label, origin: None, columns: Vec::new() }),
        }
    }

    fn values_of(&self, function: &Function, given: Given<'_>) -> Result<Vec<Expr>> {
        let value = |argument: &Argument| match given.value(argument)? {
            Some(datum) => Ok(literal(argument.ty.clone(), datum)),
            None => match &argument.default {
                Some(default) => {
                    let scope = lower::Scope::default().expecting(argument.ty.clone());
                    Ok(lower::expression(&default.text, self.schema, &scope)?)
                }
                None => Ok(literal(argument.ty.clone(), Datum::Null)),
            },
        };
        function.arguments.iter().map(value).collect()
    }

    fn no_function(&self, name: &str, names: &HashSet<&str>, is_post: bool) -> Error {
        let mut sorted: Vec<_> = names.iter().copied().collect();
        sorted.sort_unstable();
        let list = sorted.join(", ");
        let (shown, with) = match sorted.len() {
            0 => (" without parameters".to_owned(), " without parameters".to_owned()),
            1 => (format!("({list})"), format!(" with parameter {list}")),
            _ => (format!("({list})"), format!(" with parameters {list}")),
        };
        let or = if is_post { " or with a single unnamed json/jsonb parameter" } else { "" };
        let error = Error::new("PGRST202", format!("Could not find the function public.{name}{shown} in the schema cache"))
            .details(format!(
                "Searched for the function public.{name}{with}{or}, but no matches were found in the schema cache."
            ));
        let usable = || {
            let functions = self.catalog.functions().filter(|function| !function.is_for_triggers());
            functions.filter(|function| function.name.is_public() && self.rights.may_call(function))
        };
        if let Some(same) = usable().find(|function| function.name.name == name) {
            return error.hint(format!("Perhaps you meant to call the function public.{name}{}", signature(same)));
        }
        match nearest(name, usable().map(|function| function.name.name.as_str())) {
            Some(near) => error.hint(format!("Perhaps you meant to call the function public.{near}")),
            None => error,
        }
    }
}

impl Given<'_> {
    fn names(&self) -> HashSet<&str> {
        match self {
            Self::Text(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Json(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }

    /// An argument's value; the last one counts, and all of a variadic one.
    fn value(&self, argument: &Argument) -> Result<Option<Datum>> {
        match self {
            Self::Json(pairs) => {
                let found = pairs.iter().rev().find(|(name, _)| *name == argument.name);
                Ok(found.map(|(_, raw)| values::from_raw_json(&argument.ty, raw)).transpose()?)
            }
            Self::Text(pairs) => {
                let all: Vec<&String> = pairs.iter().filter(|(name, _)| *name == argument.name).map(|(_, value)| value).collect();
                let is_list = all.first().is_some_and(|first| first.starts_with('{'));
                if argument.variadic && !all.is_empty() && !(all.len() == 1 && is_list) {
                    let list: Vec<String> = all.into_iter().cloned().collect();
                    return Ok(Some(values::from_text(&argument.ty, &super::filter::array_literal(&list))?));
                }
                Ok(all.last().map(|text| values::from_text(&argument.ty, text)).transpose()?)
            }
        }
    }

    /// The whole body as one JSON value.
    fn whole(&self, argument: &Argument) -> Result<Expr> {
        let members = match self {
            Self::Json(pairs) => {
                pairs.iter().map(|(name, raw)| format!("{}:{}", serde_json::Value::from(name.as_str()), raw.get()))
            }
            Self::Text(_) => return Err(Error::new("PGRST102", "Empty or invalid json")),
        };
        let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        Ok(literal(argument.ty.clone(), values::from_text(&argument.ty, &text)?))
    }
}

/// Whether the names are the function's: all that have no default, and none that it has not.
fn fits(function: &Function, names: &HashSet<&str>) -> bool {
    let arguments = &function.arguments;
    let is_known = |name: &&str| arguments.iter().any(|argument| argument.name == **name);
    let is_there = |argument: &Argument| argument.default.is_some() || names.contains(argument.name.as_str());
    names.iter().all(is_known) && arguments.iter().all(is_there)
}

fn takes_whole(function: &Function, given: Given<'_>) -> bool {
    let is_json = |argument: &Argument| argument.name.is_empty() && matches!(argument.ty, Type::Json | Type::Jsonb);
    matches!(given, Given::Json(_)) && matches!(&function.arguments[..], [argument] if is_json(argument))
}

fn signature(function: &Function) -> String {
    let names: Vec<_> = function.arguments.iter().map(|argument| argument.name.as_str()).collect();
    if names.is_empty() { " without parameters".to_owned() } else { format!("({})", names.join(", ")) }
}

fn ambiguous<'f>(functions: impl Iterator<Item = &'f Arc<Function>>) -> Error {
    let shown = functions.map(|function| {
        let arguments = function.arguments.iter().map(|argument| format!("{} => {}", argument.name, argument.ty.bare()));
        format!("public.{}({})", function.name.name, arguments.collect::<Vec<_>>().join(", "))
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    Error::new("PGRST203", format!("Could not choose the best candidate function between: {shown}"))
        .hint("Try renaming the parameters or the function itself in the database so function overloading can be resolved")
}

/// `body`: the values of a function's one column as a JSON array's text.
fn array_of(id: SourceId, rows: Rows, column: &str, ty: &Type) -> Query {
    let value = Expr { node: Node::Column(id, column.to_owned()), ty: ty.clone() };
    let gathered = Node::Aggregate {
        function: Aggregate::JsonAgg,
        argument: Some(Box::new(value)),
        separator: None,
        distinct: false,
        filter: None,
        order: Vec::new(),
    };
    let none = literal(Type::Json, Datum::Text("[]".to_owned()));
    let body = text_of(Node::Call(Builtin::Coalesce, vec![Expr { node: gathered, ty: Type::Json }, none]));
    let columns = vec![Output { name: "body".to_owned(), expr: body }];
    Select { columns, from: vec![first(Source { id, rows })], ..nothing() }.into()
}
