//! Expressions but for operators and calls.

use sqlparser::ast::{self as parsed, AccessExpr, CastKind, Expr as Parsed, Subscript, UnaryOperator, Value};

use super::coerce::{boolean, cast, coerce, comparable, compared, shown, unify};
use super::operator::interval;
use super::scope::{Lower, Term, literal};
use super::types::Bend;
use super::{parse, types};
use crate::sql::ast::{Builtin, Expr, Node, Operator, Param, Query};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Datum, Family, Type, from_text};

impl<'a> Lower<'a> {
    /// An expression, its type open where it is a literal.
    pub(super) fn term(&mut self, expr: &'a Parsed) -> Result<Term, Fault> {
        let outer = self.at;
        let place = parse::place(expr);
        if place.line > 0 {
            self.at = place;
        }
        let at = self.at;
        let done = self.deeper(1, |lower| lower.dispatch(expr)).map_err(|fault| fault.at(at));
        self.at = outer;
        done.map(|term| Term { at, ..term })
    }

    fn dispatch(&mut self, expr: &'a Parsed) -> Result<Term, Fault> {
        let node = match expr {
            Parsed::Identifier(ident) => self.named(ident)?,
            Parsed::CompoundIdentifier(parts) => self.qualified(parts)?,
            Parsed::Value(value) => return self.constant(&value.value),
            Parsed::Nested(inner) => return self.term(inner),
            Parsed::TypedString(typed) => return self.typed(&typed.data_type, parse::quoted(&typed.value.value)),
            Parsed::Interval(written) => self.interval(written)?,
            Parsed::UnaryOp { op, expr } => return self.unary(*op, expr),
            Parsed::BinaryOp { left, op, right } => return self.binary(left, op, right),
            Parsed::AnyOp { left, compare_op, right, .. } => self.quantified(left, compare_op, right, false)?,
            Parsed::AllOp { left, compare_op, right } => self.quantified(left, compare_op, right, true)?,
            Parsed::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, format: None } => {
                return self.cast_to(expr, data_type);
            }
            Parsed::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())?
            }
            Parsed::Subquery(query) => return self.scalar(query),
            Parsed::Exists { subquery, negated } => {
                let query = self.in_query(|lower| lower.query(subquery))?.query;
                negated_if(*negated, boolean(Node::Exists(Box::new(query))))
            }
            Parsed::Array(array) => self.array(&array.elem)?,
            Parsed::CompoundFieldAccess { root, access_chain } => return self.access(root, access_chain),
            Parsed::Function(function) => return self.call(function),
            Parsed::Collate { .. } => {
                return Err(Fault::unsupported("collate", "leave it out: text is compared by its characters' codes"));
            }
            Parsed::Tuple(_) => {
                return Err(Fault::unsupported("a row by itself", "compare rows by =, <> , <, in: (a, b) = (c, d)"));
            }
            other => return self.predicate(other),
        };
        Ok(Term::known(node, self.at))
    }

    /// Tests, and the functions with a grammar of their own.
    fn predicate(&mut self, expr: &'a Parsed) -> Result<Term, Fault> {
        let node = match expr {
            Parsed::IsNull(inner) => self.is_null(inner)?,
            Parsed::IsNotNull(inner) => negated(self.is_null(inner)?),
            Parsed::IsUnknown(inner) => boolean(Node::IsNull(Box::new(self.condition(inner, "IS UNKNOWN")?))),
            Parsed::IsNotUnknown(inner) => negated(boolean(Node::IsNull(Box::new(self.condition(inner, "IS NOT UNKNOWN")?)))),
            Parsed::IsTrue(inner) => self.is_bool(inner, true)?,
            Parsed::IsNotTrue(inner) => negated(self.is_bool(inner, true)?),
            Parsed::IsFalse(inner) => self.is_bool(inner, false)?,
            Parsed::IsNotFalse(inner) => negated(self.is_bool(inner, false)?),
            Parsed::IsDistinctFrom(left, right) => self.is_distinct(left, right)?,
            Parsed::IsNotDistinctFrom(left, right) => negated(self.is_distinct(left, right)?),
            Parsed::Between { expr, negated: not, low, high } => self.between(expr, low, high, *not)?,
            Parsed::InList { expr, list, negated: not } => negated_if(*not, self.in_list(expr, list)?),
            Parsed::InSubquery { expr, subquery, negated: not } => negated_if(*not, self.in_query_of(expr, subquery)?),
            Parsed::Like { negated: not, any: false, expr, pattern, escape_char } => {
                let matched = self.like(Operator::Like, expr, pattern, escape_char.as_deref())?;
                negated_if(*not, matched)
            }
            Parsed::ILike { negated: not, any: false, expr, pattern, escape_char } => {
                let matched = self.like(Operator::ILike, expr, pattern, escape_char.as_deref())?;
                negated_if(*not, matched)
            }
            Parsed::SimilarTo { .. } => return Err(Fault::unsupported("similar to", "use like or ~ (a regular expression)")),
            Parsed::AtTimeZone { timestamp, time_zone } => {
                let (moment, zone) = (self.term(timestamp)?, self.term(time_zone)?);
                super::call::at_utc(zone, moment)?
            }
            Parsed::GroupingSets(_) | Parsed::Cube(_) | Parsed::Rollup(_) => {
                return Err(Fault::unsupported("grouping sets", "use several queries with union all"));
            }
            other => return self.spelled(other),
        };
        Ok(Term::known(node, self.at))
    }

    fn constant(&mut self, value: &Value) -> Result<Term, Fault> {
        if let Some(text) = parse::quoted(value) {
            return Ok(Term::text(text, self.at));
        }
        let expr = match value {
            Value::Number(digits, _) => number(digits)?,
            Value::Boolean(truth) => literal(Datum::Bool(*truth), Type::Bool),
            Value::Null => return Ok(Term::null(self.at)),
            Value::Placeholder(text) => self.placeholder(text)?,
            other => return Err(Fault::unsupported(format!("the constant {other}"), "write '…', a number, true, false or null")),
        };
        Ok(Term::known(expr, self.at))
    }

    /// `date '2026-01-31'`.
    fn typed(&mut self, ty: &parsed::DataType, text: Option<&str>) -> Result<Term, Fault> {
        let text = text.ok_or_else(|| Fault::new(sqlstate::SYNTAX_ERROR, "a quoted constant is needed after the type"))?;
        if matches!(ty, parsed::DataType::Interval { .. }) {
            return Ok(Term::known(interval(text)?, self.at));
        }
        let expr = coerce(Term::text(text, self.at), &types::data_type(ty, self.catalog)?, Bend::Explicit)?;
        Ok(Term::known(expr, self.at))
    }

    fn interval(&mut self, written: &'a parsed::Interval) -> Result<Expr, Fault> {
        let text = match &*written.value {
            Parsed::Value(value) => parse::quoted(&value.value),
            _ => None,
        };
        let text = text.ok_or_else(|| {
            Fault::unsupported("an interval that is computed", "write interval '…' or make_interval(days => 3)")
        })?;
        match &written.leading_field {
            None => interval(text),
            Some(_) if written.last_field.is_some() => {
                Err(Fault::unsupported("interval '…' x to y", "write interval '1 day 2 hours'"))
            }
            Some(unit) => interval(&format!("{text} {unit}")),
        }
    }

    fn unary(&mut self, operator: UnaryOperator, inner: &'a Parsed) -> Result<Term, Fault> {
        let expr = match operator {
            UnaryOperator::Not => negated(self.condition(inner, "NOT")?),
            UnaryOperator::Plus => return self.term(inner),
            UnaryOperator::Minus => {
                if let Parsed::Value(value) = inner
                    && let Value::Number(digits, _) = &value.value
                {
                    return Ok(Term::known(number(&format!("-{digits}"))?, self.at));
                }
                let term = self.term(inner)?;
                if term.unknown || term.expr.ty.family() != Family::Number {
                    let message = format!("operator does not exist: - {}", term.expr.ty);
                    return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, message));
                }
                let ty = term.expr.ty.bare();
                Expr { node: Node::Negate(Box::new(term.expr)), ty }
            }
            other => {
                return Err(Fault::unsupported(format!("the operator {other}"), "see the table of operators in docs/data.md"));
            }
        };
        Ok(Term::known(expr, self.at))
    }

    fn cast_to(&mut self, inner: &'a Parsed, ty: &'a parsed::DataType) -> Result<Term, Fault> {
        if matches!(ty, parsed::DataType::Interval { .. }) {
            let term = self.term(inner)?;
            let text =
                term.unknown_text().ok_or_else(|| Fault::unsupported("an interval that is computed", "write interval '…'"))?;
            return Ok(Term::known(interval(text)?, self.at));
        }
        let to = types::data_type(ty, self.catalog)?;
        let term = shown(self.term(inner)?)?;
        Ok(Term::known(coerce(term, &to, Bend::Explicit)?, self.at))
    }

    fn case(
        &mut self,
        operand: Option<&'a Parsed>,
        conditions: &'a [parsed::CaseWhen],
        otherwise: Option<&'a Parsed>,
    ) -> Result<Expr, Fault> {
        let mut tests = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len() + 1);
        for branch in conditions {
            tests.push(match operand {
                None => self.condition(&branch.condition, "CASE/WHEN")?,
                Some(operand) => {
                    let (operand, value) = (self.term(operand)?, self.term(&branch.condition)?);
                    compared(Operator::Eq, comparable(operand, value, "=")?)
                }
            });
            results.push(self.shown_term(&branch.result)?);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.shown_term(otherwise)?);
        }
        let (mut results, ty) = unify(results, "CASE")?;
        let otherwise = otherwise.and_then(|_| results.pop()).map(Box::new);
        let branches = tests.into_iter().zip(results).collect();
        Ok(Expr { node: Node::Case { branches, otherwise }, ty })
    }

    /// A term that is a value, no interval.
    pub(super) fn shown_term(&mut self, expr: &'a Parsed) -> Result<Term, Fault> {
        shown(self.term(expr)?)
    }

    /// `(select …)`. `(select auth.uid())`, as policies are told to write, is the value itself.
    fn scalar(&mut self, query: &'a parsed::Query) -> Result<Term, Fault> {
        let lowered = self.in_query(|lower| lower.query(query))?;
        let [column] = &*lowered.columns else {
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a sub-query must give one column"));
        };
        if let Some(param) = bare_param(&lowered.query) {
            return Ok(Term::known(param.clone(), self.at));
        }
        let expr = Expr { ty: column.ty.clone(), node: Node::Scalar(Box::new(lowered.query)) };
        Ok(Term::known(expr, self.at))
    }

    fn array(&mut self, elements: &'a [Parsed]) -> Result<Expr, Fault> {
        let terms = elements.iter().map(|element| self.shown_term(element)).collect::<Result<Vec<_>, _>>()?;
        let (elements, ty) = unify(terms, "ARRAY")?;
        if matches!(ty, Type::Array(_)) {
            return Err(Fault::unsupported("an array of arrays", "use jsonb"));
        }
        Ok(Expr { node: Node::Array(elements), ty: Type::Array(Box::new(ty.bare())) })
    }

    /// `array[1]`, `json['key']`.
    fn access(&mut self, root: &'a Parsed, chain: &'a [AccessExpr]) -> Result<Term, Fault> {
        let mut expr = self.term(root)?.expr;
        for access in chain {
            let AccessExpr::Subscript(Subscript::Index { index }) = access else {
                return Err(Fault::unsupported("this way into a value", "use array[1], or -> and ->> for JSON"));
            };
            let index = self.term(index)?;
            expr = match &expr.ty {
                Type::Array(element) => {
                    let ty = (**element).clone();
                    let index = coerce(index, &Type::Int4, Bend::Assignment)?;
                    Expr { node: Node::Binary(Operator::ArrayGet, Box::new(expr), Box::new(index)), ty }
                }
                Type::Jsonb => {
                    let ty = if index.expr.ty.is_integer() { Type::Int4 } else { Type::Text };
                    let index = coerce(index, &ty, Bend::Implicit)?;
                    Expr { node: Node::Binary(Operator::JsonGet, Box::new(expr), Box::new(index)), ty: Type::Jsonb }
                }
                other => {
                    let message = format!("cannot subscript type {other} because it does not support subscripting");
                    return Err(Fault::new(sqlstate::DATATYPE_MISMATCH, message));
                }
            };
        }
        Ok(Term::known(expr, self.at))
    }

    fn is_null(&mut self, inner: &'a Parsed) -> Result<Expr, Fault> {
        Ok(boolean(Node::IsNull(Box::new(self.shown_term(inner)?.expr))))
    }

    fn is_bool(&mut self, inner: &'a Parsed, truth: bool) -> Result<Expr, Fault> {
        Ok(boolean(Node::IsBool(Box::new(self.condition(inner, "IS TRUE")?), truth)))
    }

    fn is_distinct(&mut self, left: &'a Parsed, right: &'a Parsed) -> Result<Expr, Fault> {
        let (left, right) = (self.term(left)?, self.term(right)?);
        let (left, right) = comparable(left, right, "=")?;
        Ok(boolean(Node::IsDistinct(Box::new(left), Box::new(right))))
    }

    fn between(&mut self, value: &'a Parsed, low: &'a Parsed, high: &'a Parsed, not: bool) -> Result<Expr, Fault> {
        // The value is read twice, so that the sources in it have numbers of their own each time.
        let (from, low) = (self.term(value)?, self.term(low)?);
        let (to, high) = (self.term(value)?, self.term(high)?);
        let from = compared(if not { Operator::Lt } else { Operator::GtEq }, comparable(from, low, ">=")?);
        let to = compared(if not { Operator::Gt } else { Operator::LtEq }, comparable(to, high, "<=")?);
        Ok(boolean(if not { Node::Or(vec![from, to]) } else { Node::And(vec![from, to]) }))
    }

    fn in_list(&mut self, value: &'a Parsed, list: &'a [Parsed]) -> Result<Expr, Fault> {
        if matches!(value, Parsed::Tuple(_)) {
            let rows = list.iter().map(|row| self.row_compared(value, &parsed::BinaryOperator::Eq, row));
            return Ok(boolean(Node::Or(rows.collect::<Result<_, _>>()?)));
        }
        let value = self.term(value)?;
        let list = list.iter().map(|item| self.term(item)).collect::<Result<Vec<_>, _>>()?;
        let mut all = vec![value];
        all.extend(list);
        let at = self.at;
        let (mut all, ty) = unify(all, "IN").map_err(|fault| fault.at(at))?;
        if !types::is_comparable(&ty) {
            return Err(super::coerce::no_operator(&ty, "=", &ty));
        }
        let value = all.remove(0);
        Ok(boolean(Node::In(Box::new(value), all)))
    }

    /// `x in (select …)`.
    pub(super) fn in_query_of(&mut self, value: &'a Parsed, query: &'a parsed::Query) -> Result<Expr, Fault> {
        if matches!(value, Parsed::Tuple(_)) {
            return Err(Fault::unsupported("a row in a sub-query", "use exists (select 1 … where a = … and b = …)"));
        }
        let value = self.term(value)?;
        let mut lowered = self.in_query(|lower| lower.query(query))?;
        let [column] = &*lowered.columns else {
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a sub-query must give one column"));
        };
        let given =
            Term { expr: Expr { node: Node::Literal(Datum::Null), ty: column.ty.clone() }, unknown: column.unknown, at: self.at };
        let (value, wanted) = comparable(value, given, "=")?;
        lowered.bring(0, &wanted.ty, Bend::Implicit)?;
        Ok(boolean(Node::InQuery(Box::new(value), Box::new(lowered.query))))
    }

    fn like(
        &mut self,
        operator: Operator,
        value: &'a Parsed,
        pattern: &'a Parsed,
        escape: Option<&'a Parsed>,
    ) -> Result<Expr, Fault> {
        let backslash = |escape: &Parsed| matches!(escape, Parsed::Value(value) if parse::quoted(&value.value) == Some("\\"));
        if escape.is_some_and(|escape| !backslash(escape)) {
            return Err(Fault::unsupported("escape with another character", "escape with \\, which needs no escape clause"));
        }
        let (value, pattern) = (self.term(value)?, self.term(pattern)?);
        self.textual(operator, "~~", value, pattern)
    }

    /// An operator between two texts that tells true or false.
    pub(super) fn textual(&mut self, operator: Operator, sign: &str, left: Term, right: Term) -> Result<Expr, Fault> {
        let is_text = |term: &Term| term.unknown || term.expr.ty.family() == Family::Text;
        if !is_text(&left) || !is_text(&right) {
            return Err(super::coerce::no_operator(&left.expr.ty, sign, &right.expr.ty).at(left.at));
        }
        let left = coerce(left, &Type::Text, Bend::Implicit)?;
        let right = coerce(right, &Type::Text, Bend::Implicit)?;
        Ok(compared(operator, (left, right)))
    }

    /// `extract(…)`, `trim(…)` and other functions whose arguments are not between commas.
    fn spelled(&mut self, expr: &'a Parsed) -> Result<Term, Fault> {
        let expr = match expr {
            Parsed::Extract { field, expr, .. } => {
                let of = self.term(expr)?;
                self.extract(&field.to_string(), of, Type::Numeric(None))?
            }
            Parsed::Ceil { expr, field: parsed::CeilFloorKind::DateTimeField(parsed::DateTimeField::NoDateTime) } => {
                let argument = self.term(expr)?;
                self.builtin("ceil", vec![argument])?
            }
            Parsed::Floor { expr, field: parsed::CeilFloorKind::DateTimeField(parsed::DateTimeField::NoDateTime) } => {
                let argument = self.term(expr)?;
                self.builtin("floor", vec![argument])?
            }
            Parsed::Position { expr, r#in } => {
                let (what, within) = (self.term(expr)?, self.term(r#in)?);
                self.builtin("strpos", vec![within, what])?
            }
            Parsed::Substring { expr, substring_from, substring_for, .. } => {
                let text = self.term(expr)?;
                let from = match substring_from {
                    Some(from) => self.term(from)?,
                    None => Term::known(literal(Datum::Int(1), Type::Int4), self.at),
                };
                let mut arguments = vec![text, from];
                if let Some(length) = substring_for {
                    arguments.push(self.term(length)?);
                }
                self.builtin("substring", arguments)?
            }
            Parsed::Trim { trim_where, trim_what, expr, trim_characters } => {
                let mut arguments = vec![self.term(expr)?];
                let characters = trim_what.as_deref().or_else(|| trim_characters.as_ref().and_then(|all| all.first()));
                if let Some(characters) = characters {
                    arguments.push(self.term(characters)?);
                }
                let name = match trim_where {
                    Some(parsed::TrimWhereField::Leading) => "ltrim",
                    Some(parsed::TrimWhereField::Trailing) => "rtrim",
                    Some(parsed::TrimWhereField::Both) | None => "btrim",
                };
                self.builtin(name, arguments)?
            }
            _ => return Err(Fault::unsupported("this expression", "see the table of expressions in docs/data.md")),
        };
        Ok(Term::known(expr, self.at))
    }

    /// `extract` and `date_part`, which differ in their type.
    pub(super) fn extract(&mut self, field: &str, of: Term, ty: Type) -> Result<Expr, Fault> {
        const FIELDS: &[&str] = &[
            "century",
            "day",
            "decade",
            "dow",
            "doy",
            "epoch",
            "hour",
            "isodow",
            "isoyear",
            "microseconds",
            "millennium",
            "milliseconds",
            "minute",
            "month",
            "quarter",
            "second",
            "week",
            "year",
        ];
        let field = field.to_lowercase();
        if !FIELDS.contains(&&*field) {
            let message = format!("unit \"{field}\" not recognized for type {}", of.expr.ty);
            return Err(Fault::new("22023", message).hint(format!("one of {}", FIELDS.join(", "))));
        }
        if of.unknown || !matches!(of.expr.ty.family(), Family::Moment | Family::Time) {
            let message = format!("function extract({field}, {}) does not exist", of.expr.ty);
            return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, message).hint("write a cast: extract(… from x::timestamptz)"));
        }
        let extracted = Node::Call(Builtin::Extract, vec![literal(Datum::Text(field), Type::Text), of.expr]);
        Ok(cast(Expr { node: extracted, ty: Type::Numeric(None) }, ty))
    }
}

/// A number as PostgreSQL types it: `integer`, else `bigint`, else `numeric`.
pub(super) fn number(digits: &str) -> Result<Expr, Fault> {
    if let Ok(number) = digits.parse::<i64>() {
        let ty = if i32::try_from(number).is_ok() { Type::Int4 } else { Type::Int8 };
        return Ok(literal(Datum::Int(number), ty));
    }
    let ty = Type::Numeric(None);
    Ok(literal(from_text(&ty, digits)?, ty))
}

/// `not`.
pub(super) fn negated(expr: Expr) -> Expr {
    boolean(Node::Not(Box::new(expr)))
}

pub(super) fn negated_if(not: bool, expr: Expr) -> Expr {
    if not { negated(expr) } else { expr }
}

/// The value of a query that only selects something that comes with the request.
fn bare_param(query: &Query) -> Option<&Expr> {
    let crate::sql::ast::Body::Select(select) = &query.body else { return None };
    let plain = select.from.is_empty() && select.filter.is_none() && select.having.is_none() && query.limit.is_none();
    let [only] = &*select.columns else { return None };
    let comes_with_request = match &only.expr.node {
        Node::Param(Param::Argument(_)) => false,
        Node::Param(_) => true,
        Node::Binary(Operator::JsonGet | Operator::JsonGetText, of, key) => {
            matches!(of.node, Node::Param(Param::Jwt)) && matches!(key.node, Node::Literal(_))
        }
        _ => false,
    };
    (plain && query.offset.is_none() && comes_with_request).then_some(&only.expr)
}
