//! Calls: of built-ins, of what comes with the request, and of the app's own functions.

use std::sync::Arc;

use sqlparser::ast::{self as parsed, BinaryOperator, DuplicateTreatment, Expr as Parsed, FunctionArg, FunctionArgExpr};

use super::coerce::{cast, coerce, shown, unify};
use super::operator::{compute, interval_of};
use super::query::{bare, empty_select};
use super::scope::{Lower, Scope, Term, literal, object_name};
use super::types::{Bend, bends};
use super::{aggregate, expression_with, parse};
use crate::sql::ast::{Aggregate, Body, Builtin, Expr, Join, JoinKind, Node, Output, Param, Rows, Select, Source};
use crate::sql::catalog::{Function, Name, Returns};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Datum, Type};

/// An argument of a call.
pub(super) struct Given<'a> {
    /// `name => value`.
    pub(super) name: Option<String>,
    pub(super) value: &'a Parsed,
}

impl<'a> Lower<'a> {
    pub(super) fn call(&mut self, function: &'a parsed::Function) -> Result<Term, Fault> {
        let at = self.at;
        let (name, place) = object_name(&function.name)?;
        let place = if place.line > 0 { place } else { at };
        if !function.within_group.is_empty() || function.null_treatment.is_some() {
            return Err(Fault::unsupported("within group", "use order by and limit").at(place));
        }
        if let Some(over) = &function.over {
            return self.window(&name, function, over).map(|expr| Term::known(expr, at)).map_err(|fault| fault.at(place));
        }
        if matches!(&*name.schema, "public" | "pg_catalog")
            && let Some(kind) = aggregate::named(&name.name)
        {
            return self.aggregate(kind, &name.name, function).map(|expr| Term::known(expr, at)).map_err(|fault| fault.at(place));
        }
        let list = match &function.args {
            parsed::FunctionArguments::None => None,
            parsed::FunctionArguments::List(list) => Some(list),
            parsed::FunctionArguments::Subquery(query) if name == Name::public("array") => {
                return self.array_of(query).map(|expr| Term::known(expr, at)).map_err(|fault| fault.at(place));
            }
            parsed::FunctionArguments::Subquery(_) => {
                return Err(Fault::unsupported("a query as an argument", "put it into brackets of its own").at(place));
            }
        };
        let plain = function.filter.is_none()
            && list.is_none_or(|list| list.clauses.is_empty() && list.duplicate_treatment != Some(DuplicateTreatment::Distinct));
        if !plain {
            let message = format!("{} is not an aggregate function", name.name);
            return Err(Fault::new(sqlstate::WRONG_OBJECT_TYPE, message).at(place));
        }
        let given = list.map_or(Ok(Vec::new()), |list| given(&list.args)).map_err(|fault| fault.at(place))?;
        self.called(&name, &given).map(|expr| Term::known(expr, at)).map_err(|fault| fault.at(place))
    }

    fn called(&mut self, name: &Name, given: &[Given<'a>]) -> Result<Expr, Fault> {
        match &*name.schema {
            "auth" => return of_request(&name.name, given),
            "storage" => return self.of_storage(&name.name, given),
            "public" | "pg_catalog" => {}
            _ => return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("function {name} does not exist"))),
        }
        if name.is_public() && !self.catalog.functions_named(name).is_empty() {
            return self.own(name, given);
        }
        if name.name == "make_interval" {
            return make_interval(given);
        }
        if given.iter().any(|argument| argument.name.is_some()) {
            return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("function {} has no named arguments", name.name)));
        }
        if let ("to_tsvector", [configuration, text]) = (&*name.name, given)
            && super::operator::is_configuration(configuration.value)
        {
            let text = self.of_type(text.value, &Type::Text)?;
            return Ok(call(Builtin::ToTsvector, vec![text], Type::Tsvector));
        }
        let terms = given.iter().map(|argument| self.shown_term(argument.value)).collect::<Result<Vec<_>, _>>()?;
        self.builtin_or_special(&name.name, terms)
    }

    /// Built-ins whose types depend on one another's, before those with a fixed signature.
    fn builtin_or_special(&mut self, name: &str, mut terms: Vec<Term>) -> Result<Expr, Fault> {
        let expr = match (name, terms.len()) {
            ("now" | "current_timestamp" | "transaction_timestamp", 0) => {
                Expr { node: Node::Param(Param::Now), ty: Type::Timestamptz }
            }
            ("current_date", 0) => call(Builtin::CurrentDate, Vec::new(), Type::Date),
            ("coalesce", 1..) => unified(Builtin::Coalesce, terms, "COALESCE")?,
            ("greatest", 1..) => unified(Builtin::Greatest, terms, "GREATEST")?,
            ("least", 1..) => unified(Builtin::Least, terms, "LEAST")?,
            ("nullif", 2) => {
                let (right, left) = (terms.pop(), terms.pop());
                let (Some(left), Some(right)) = (left, right) else { return Err(no_function(name, &[])) };
                let (left, right) = super::coerce::comparable(left, right, "=")?;
                let ty = left.ty.clone();
                call(Builtin::NullIf, vec![left, right], ty)
            }
            ("timezone", 2) => {
                let moment = terms.remove(1);
                at_utc(terms.remove(0), moment)?
            }
            ("mod", 2) => {
                let right = terms.remove(1);
                compute(terms.remove(0), &BinaryOperator::Modulo, right)?
            }
            ("date_part", 2) => {
                let of = terms.remove(1);
                let field = terms.remove(0);
                let field = field.unknown_text().ok_or_else(|| Fault::unsupported("a field that is computed", "write '…'"))?;
                self.extract(field, of, Type::Float8)?
            }
            _ => return self.builtin(name, terms),
        };
        Ok(expr)
    }

    /// `array(select …)`: the values of a query's one column, in its order.
    fn array_of(&mut self, query: &'a parsed::Query) -> Result<Expr, Fault> {
        let mut lowered = self.in_query(|lower| lower.query(query))?;
        let [column] = &*lowered.columns else {
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a sub-query must give one column"));
        };
        let element = column.ty.clone();
        if matches!(element, Type::Array(_)) {
            return Err(Fault::unsupported("an array of arrays", "use jsonb"));
        }
        lowered.bring(0, &element, Bend::Implicit)?;
        lowered.rename(&["value".to_owned()]);
        let ty = Type::Array(Box::new(element.bare()));
        let id = self.new_id();
        let value = Expr { node: Node::Column(id, "value".to_owned()), ty: element };
        let all = Node::Aggregate {
            function: Aggregate::ArrayAgg,
            argument: Some(Box::new(value)),
            separator: None,
            distinct: false,
            filter: None,
            order: Vec::new(),
        };
        let columns = vec![Output { name: "array".to_owned(), expr: Expr { node: all, ty: ty.clone() } }];
        let source = Source { id, rows: Rows::Query(Box::new(lowered.query)) };
        let from = vec![Join { kind: JoinKind::Cross, source, on: None }];
        let query = bare(Body::Select(Box::new(Select { columns, from, ..empty_select() })));
        let found = Expr { node: Node::Scalar(Box::new(query)), ty: ty.clone() };
        let none = literal(Datum::Text("[]".to_owned()), ty.clone());
        Ok(call(Builtin::Coalesce, vec![found, none], ty))
    }

    fn of_storage(&mut self, name: &str, given: &[Given<'a>]) -> Result<Expr, Fault> {
        let (builtin, ty) = match name {
            "foldername" => (Builtin::StorageFolderName, Type::Array(Box::new(Type::Text))),
            "filename" => (Builtin::StorageFileName, Type::Text),
            "extension" => (Builtin::StorageExtension, Type::Text),
            _ => return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("function storage.{name} does not exist"))),
        };
        let [argument] = given else { return Err(no_function(name, &[])) };
        let argument = self.of_type(argument.value, &Type::Text)?;
        Ok(call(builtin, vec![argument], ty))
    }

    /// A function of the app, where a value is needed.
    fn own(&mut self, name: &Name, given: &[Given<'a>]) -> Result<Expr, Fault> {
        let (function, arguments) = self.resolve(name, given)?;
        let ty = match &function.returns {
            Returns::Scalar(ty) if *ty != Type::Void => ty.clone(),
            Returns::Trigger(_) => return Err(called_trigger()),
            Returns::Void | Returns::Scalar(_) => {
                return Err(Fault::unsupported("a function that returns nothing as a value", "call it by itself, through rpc"));
            }
            _ => {
                return Err(Fault::unsupported(
                    format!("the rows of {name} as a value"),
                    format!("write (select … from {name}(…))"),
                ));
            }
        };
        check_one_query(&function)?;
        Ok(Expr { node: Node::Function(function, arguments), ty })
    }

    /// The function that a call means, with its arguments in order and in its types.
    pub(super) fn resolve(&mut self, name: &Name, given: &[Given<'a>]) -> Result<(Arc<Function>, Vec<Expr>), Fault> {
        let named = given.iter().map(|argument| Ok((argument.name.clone(), self.shown_term(argument.value)?)));
        let terms = named.collect::<Result<Vec<_>, Fault>>()?;
        let candidates = self.catalog.functions_named(name);
        let fitting = candidates.iter().filter_map(|function| Some((function, places(function, &terms)?))).collect::<Vec<_>>();
        let exact = fitting.iter().position(|(function, places)| {
            terms
                .iter()
                .zip(places)
                .all(|((_, term), place)| term.unknown || term.expr.ty.bare() == function.arguments[*place].ty.bare())
        });
        let chosen = match (exact, &*fitting) {
            (Some(at), _) if fitting.len() == 1 || terms.iter().all(|(_, term)| !term.unknown) => &fitting[at],
            (_, [only]) => only,
            (_, []) => {
                let types = terms.iter().map(|(_, term)| shown_type(term)).collect::<Vec<_>>();
                return Err(no_function(&name.to_string(), &types));
            }
            _ => {
                let message = format!("function {name} is not unique");
                return Err(Fault::new(sqlstate::AMBIGUOUS_FUNCTION, message).hint("cast the arguments"));
            }
        };
        let (function, places) = (Arc::clone(chosen.0), chosen.1.clone());
        let mut arguments: Vec<Option<Expr>> = vec![None; function.arguments.len()];
        for ((_, term), place) in terms.into_iter().zip(places) {
            arguments[place] = Some(coerce(term, &function.arguments[place].ty, Bend::Implicit)?);
        }
        let arguments =
            arguments.into_iter().zip(&function.arguments).map(|(given, argument)| match (given, &argument.default) {
                (Some(given), _) => Ok(given),
                (None, Some(default)) => {
                    self.count(8)?;
                    expression_with(&default.text, self.catalog, &Scope::default().expecting(argument.ty.clone()))
                }
                (None, None) => Err(no_function(&name.to_string(), &[])),
            });
        let arguments = arguments.collect::<Result<_, _>>()?;
        Ok((function, arguments))
    }
}

/// Which argument of the function each given one is; `None` when it cannot be called so.
fn places(function: &Function, given: &[(Option<String>, Term)]) -> Option<Vec<usize>> {
    let mut places = Vec::with_capacity(given.len());
    for (at, (name, term)) in given.iter().enumerate() {
        let place = match name {
            None => at,
            Some(name) => function.arguments.iter().position(|argument| argument.name == *name)?,
        };
        let argument = function.arguments.get(place)?;
        if places.contains(&place) || argument.variadic {
            return None;
        }
        if !term.unknown && !bends(&term.expr.ty, &argument.ty, Bend::Implicit) {
            return None;
        }
        places.push(place);
    }
    let missing =
        function.arguments.iter().enumerate().any(|(place, argument)| !places.contains(&place) && argument.default.is_none());
    (!missing).then_some(places)
}

/// The arguments of a call.
pub(super) fn given(arguments: &[FunctionArg]) -> Result<Vec<Given<'_>>, Fault> {
    let given = arguments.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Ok(Given { name: None, value }),
        FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => Ok(Given { name: Some(parse::name(name)?), value }),
        FunctionArg::ExprNamed { name: Parsed::Identifier(name), arg: FunctionArgExpr::Expr(value), .. } => {
            Ok(Given { name: Some(parse::name(name)?), value })
        }
        _ => Err(Fault::unsupported("* as an argument", "name columns; count(*) is the exception")),
    });
    given.collect()
}

/// Only a function that is one query can stand inside a query.
pub(super) fn check_one_query(function: &Function) -> Result<(), Fault> {
    let statements = parse::statements(&function.body)?;
    match &*statements {
        [only] if matches!(only.statement, parsed::Statement::Query(_)) => Ok(()),
        _ => {
            let what = format!("{}, a function of more than one query, inside a query", function.name);
            Err(Fault::unsupported(what, "call it by itself, through rpc"))
        }
    }
}

/// `auth.uid()` and its kin.
fn of_request(name: &str, given: &[Given<'_>]) -> Result<Expr, Fault> {
    let (param, ty) = match (name, given) {
        ("uid", []) => (Param::Uid, Type::Uuid),
        ("role", []) => (Param::Role, Type::Text),
        ("jwt", []) => (Param::Jwt, Type::Jsonb),
        ("email", []) => (Param::Email, Type::Text),
        _ => {
            let fault = Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("function auth.{name} does not exist"));
            return Err(fault.hint("there are auth.uid(), auth.role(), auth.email() and auth.jwt()"));
        }
    };
    Ok(Expr { node: Node::Param(param), ty })
}

/// `timezone('utc', moment)`, `moment at time zone 'utc'`: the same moment with its zone, or without it.
pub(super) fn at_utc(zone: Term, moment: Term) -> Result<Expr, Fault> {
    let is_utc = match &zone.expr.node {
        Node::Literal(Datum::Text(zone)) => {
            matches!(&*zone.to_lowercase(), "utc" | "gmt" | "z" | "zulu" | "etc/utc" | "etc/gmt" | "universal" | "uct")
        }
        _ => false,
    };
    if !is_utc {
        let hint = "moments are kept and shown in UTC: write 'utc', and convert to other zones in the client";
        return Err(Fault::unsupported("a time zone other than UTC", hint).at(zone.at));
    }
    let moment = if moment.unknown { Term::known(coerce(moment, &Type::Timestamptz, Bend::Explicit)?, zone.at) } else { moment };
    match &moment.expr.ty {
        Type::Timestamptz => Ok(cast(moment.expr, Type::Timestamp)),
        Type::Timestamp => Ok(cast(moment.expr, Type::Timestamptz)),
        Type::Date => Ok(cast(cast(moment.expr, Type::Timestamptz), Type::Timestamp)),
        other => Err(no_function("timezone", &["unknown".to_owned(), other.to_string()]).at(moment.at)),
    }
}

/// `make_interval(days => 3)`.
fn make_interval(given: &[Given<'_>]) -> Result<Expr, Fault> {
    const NAMES: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
    let (mut months, mut days, mut micros) = (0_i64, 0_i64, 0_i64);
    for (place, argument) in given.iter().enumerate() {
        let unit = argument.name.as_deref().or_else(|| NAMES.get(place).copied()).unwrap_or_default();
        let number = literal_integer(argument.value)
            .ok_or_else(|| Fault::unsupported("an interval that is computed", "write whole numbers in make_interval"))?;
        let add = |to: &mut i64, each: i64| -> Option<()> {
            *to = to.checked_add(number.checked_mul(each)?)?;
            Some(())
        };
        let added = match unit {
            "years" => add(&mut months, 12),
            "months" => add(&mut months, 1),
            "weeks" => add(&mut days, 7),
            "days" => add(&mut days, 1),
            "hours" => add(&mut micros, 3_600_000_000),
            "mins" => add(&mut micros, 60_000_000),
            "secs" => add(&mut micros, 1_000_000),
            _ => return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("make_interval has no argument \"{unit}\""))),
        };
        added.ok_or_else(|| Fault::new("22008", "interval out of range"))?;
    }
    if i32::try_from(months).is_err() || i32::try_from(days).is_err() {
        return Err(Fault::new("22008", "interval out of range"));
    }
    Ok(interval_of(months, days, micros))
}

fn literal_integer(expr: &Parsed) -> Option<i64> {
    match expr {
        Parsed::Value(value) => match &value.value {
            parsed::Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Parsed::UnaryOp { op: parsed::UnaryOperator::Minus, expr } => literal_integer(expr)?.checked_neg(),
        _ => None,
    }
}

fn unified(builtin: Builtin, terms: Vec<Term>, what: &str) -> Result<Expr, Fault> {
    let terms = terms.into_iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    let (arguments, ty) = unify(terms, what)?;
    Ok(call(builtin, arguments, ty))
}

/// A call of a built-in.
pub(super) fn call(builtin: Builtin, arguments: Vec<Expr>, ty: Type) -> Expr {
    Expr { node: Node::Call(builtin, arguments), ty }
}

/// A term's type, as PostgreSQL names it in messages.
pub(super) fn shown_type(term: &Term) -> String {
    if term.unknown && !matches!(term.expr.node, Node::Literal(Datum::Bool(_))) {
        "unknown".to_owned()
    } else {
        term.expr.ty.to_string()
    }
}

/// PostgreSQL's refusal of a call of a trigger's function.
pub(super) fn called_trigger() -> Fault {
    Fault::new(sqlstate::FEATURE_NOT_SUPPORTED, "trigger functions can only be called as triggers")
}

/// PostgreSQL's refusal of a call.
pub(super) fn no_function(name: &str, types: &[String]) -> Fault {
    let message = format!("function {name}({}) does not exist", types.join(", "));
    Fault::new(sqlstate::UNDEFINED_FUNCTION, message).hint("see the table of functions in docs/data.md; casts may be needed")
}
