//! Binary operators, with PostgreSQL's choice of types.

use sqlparser::ast::{self as parsed, BinaryOperator, Expr as Parsed};

use super::coerce::{boolean, cast, coerce, comparable, compared, no_operator, shown};
use super::expr::negated;
use super::scope::{Lower, Term, literal};
use super::types::{Bend, arithmetic, common};
use crate::sql::ast::{Builtin, Expr, Node, Operator, Param};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{self, Datum, Family, Type};

impl<'a> Lower<'a> {
    pub(super) fn binary(&mut self, left: &'a Parsed, operator: &BinaryOperator, right: &'a Parsed) -> Result<Term, Fault> {
        let at = self.at;
        let expr = match operator {
            BinaryOperator::And | BinaryOperator::Or => self.junction(left, operator, right)?,
            BinaryOperator::AtAt => self.search(left, right)?,
            _ if matches!((left, right), (Parsed::Tuple(_), Parsed::Tuple(_))) => self.row_compared(left, operator, right)?,
            _ => {
                let left = self.term(left)?;
                let right = self.term(right)?;
                self.apply(left, operator, right)?
            }
        };
        Ok(Term::known(expr, at))
    }

    /// `a and b and c` leans to the left, as deep as it is long: it becomes one list without recursion.
    fn junction(&mut self, left: &'a Parsed, operator: &BinaryOperator, right: &'a Parsed) -> Result<Expr, Fault> {
        let mut operands = vec![right];
        let mut rest = left;
        while let Parsed::BinaryOp { left, op, right } = rest
            && op == operator
        {
            operands.push(right);
            rest = left;
        }
        operands.push(rest);
        let is_and = *operator == BinaryOperator::And;
        let clause = if is_and { "AND" } else { "OR" };
        let mut terms = Vec::with_capacity(operands.len());
        for operand in operands.into_iter().rev() {
            let term = self.condition(operand, clause)?;
            match term.node {
                Node::And(inner) if is_and => terms.extend(inner),
                Node::Or(inner) if !is_and => terms.extend(inner),
                _ => terms.push(term),
            }
        }
        Ok(boolean(if is_and { Node::And(terms) } else { Node::Or(terms) }))
    }

    fn apply(&mut self, left: Term, operator: &BinaryOperator, right: Term) -> Result<Expr, Fault> {
        let sign = operator.to_string();
        if let Some(operator) = comparison(operator) {
            return Ok(compared(operator, comparable(left, right, &sign)?));
        }
        match operator {
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => compute(left, operator, right),
            BinaryOperator::StringConcat => concat(left, right),
            BinaryOperator::PGRegexMatch => self.textual(Operator::Match, &sign, left, right),
            BinaryOperator::PGRegexIMatch => self.textual(Operator::IMatch, &sign, left, right),
            BinaryOperator::PGRegexNotMatch => self.textual(Operator::Match, &sign, left, right).map(negated),
            BinaryOperator::PGRegexNotIMatch => self.textual(Operator::IMatch, &sign, left, right).map(negated),
            BinaryOperator::PGLikeMatch => self.textual(Operator::Like, &sign, left, right),
            BinaryOperator::PGILikeMatch => self.textual(Operator::ILike, &sign, left, right),
            BinaryOperator::PGNotLikeMatch => self.textual(Operator::Like, &sign, left, right).map(negated),
            BinaryOperator::PGNotILikeMatch => self.textual(Operator::ILike, &sign, left, right).map(negated),
            BinaryOperator::PGStartsWith => self.builtin("starts_with", vec![left, right]),
            BinaryOperator::AtArrow => contained(Operator::Contains, &sign, left, right),
            BinaryOperator::ArrowAt => contained(Operator::ContainedBy, &sign, left, right),
            BinaryOperator::PGOverlap => contained(Operator::Overlaps, &sign, left, right),
            BinaryOperator::Question => {
                let left = jsonb(left, &sign)?;
                Ok(compared(Operator::HasKey, (left, coerce(right, &Type::Text, Bend::Implicit)?)))
            }
            BinaryOperator::QuestionPipe => keys(left, right, Node::Or, &sign),
            BinaryOperator::QuestionAnd => keys(left, right, Node::And, &sign),
            BinaryOperator::Arrow => json_get(Operator::JsonGet, left, right, &sign),
            BinaryOperator::LongArrow => json_get(Operator::JsonGetText, left, right, &sign),
            BinaryOperator::HashArrow => json_path(Operator::JsonPath, left, right, &sign),
            BinaryOperator::HashLongArrow => json_path(Operator::JsonPathText, left, right, &sign),
            _ => Err(Fault::unsupported(format!("the operator {sign}"), "see the table of operators in docs/data.md")),
        }
    }

    /// `(a, b) = (c, d)` and its like, by the columns one after the other.
    pub(super) fn row_compared(&mut self, left: &'a Parsed, operator: &BinaryOperator, right: &'a Parsed) -> Result<Expr, Fault> {
        let (Parsed::Tuple(left), Parsed::Tuple(right)) = (left, right) else {
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a row is compared with a row: (a, b) = (c, d)"));
        };
        if left.len() != right.len() || left.is_empty() {
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, "unequal number of entries in row expressions"));
        }
        let mut pairs = Vec::with_capacity(left.len());
        for (left, right) in left.iter().zip(right) {
            let (left, right) = (self.term(left)?, self.term(right)?);
            pairs.push(comparable(left, right, &operator.to_string())?);
        }
        self.count(pairs.len() * pairs.len())?;
        let equal = |pairs: &[(Expr, Expr)]| pairs.iter().cloned().map(|pair| compared(Operator::Eq, pair)).collect::<Vec<_>>();
        let (strict, last) = match comparison(operator) {
            Some(Operator::Eq) => return Ok(boolean(Node::And(equal(&pairs)))),
            Some(Operator::NotEq) => return Ok(negated(boolean(Node::And(equal(&pairs))))),
            Some(last @ (Operator::Lt | Operator::LtEq)) => (Operator::Lt, last),
            Some(last @ (Operator::Gt | Operator::GtEq)) => (Operator::Gt, last),
            _ => return Err(Fault::unsupported(format!("{operator} between rows"), "compare column by column")),
        };
        let terms = (0..pairs.len()).map(|place| {
            let operator = if place + 1 == pairs.len() { last } else { strict };
            let mut all = equal(&pairs[..place]);
            all.push(compared(operator, pairs[place].clone()));
            boolean(Node::And(all))
        });
        Ok(boolean(Node::Or(terms.collect())))
    }

    /// `x = any (array)`, `x <> all (array)`, and the same over a sub-query.
    pub(super) fn quantified(
        &mut self,
        left: &'a Parsed,
        operator: &BinaryOperator,
        right: &'a Parsed,
        all: bool,
    ) -> Result<Expr, Fault> {
        let sign = operator.to_string();
        let operation = comparison(operator).or(match operator {
            BinaryOperator::PGLikeMatch => Some(Operator::Like),
            BinaryOperator::PGILikeMatch => Some(Operator::ILike),
            BinaryOperator::PGRegexMatch => Some(Operator::Match),
            BinaryOperator::PGRegexIMatch => Some(Operator::IMatch),
            _ => None,
        });
        let operation = operation.ok_or_else(|| Fault::unsupported(format!("{sign} with any or all"), "use a comparison"))?;
        let inner = unwrapped(right);
        if let Parsed::Subquery(query) = inner {
            return match (operation, all) {
                (Operator::Eq, false) => self.in_query_of(left, query),
                (Operator::NotEq, true) => self.in_query_of(left, query).map(negated),
                _ => Err(Fault::unsupported(format!("{sign} with any or all of a sub-query"), "use exists (select 1 … where …)")),
            };
        }
        let left = self.term(left)?;
        let array = self.term(inner)?;
        let element = match (&array.expr.ty, array.unknown, left.unknown) {
            (_, true, true) => Type::Text,
            (_, true, false) => left.expr.ty.bare(),
            (Type::Array(element), false, _) => (**element).clone(),
            (other, false, _) => {
                let message = format!("op ANY/ALL (array) requires array on right side, not {other}");
                return Err(Fault::new(sqlstate::WRONG_OBJECT_TYPE, message).at(array.at));
            }
        };
        let ty = if left.unknown { Some(element.clone()) } else { common(&left.expr.ty, &element) };
        let ty = ty.ok_or_else(|| no_operator(&left.expr.ty, &sign, &element))?;
        let left = coerce(left, &ty, Bend::Implicit)?;
        let array = coerce(array, &Type::Array(Box::new(ty)), Bend::Implicit)?;
        Ok(boolean(Node::Quantified { operator: operation, all, left: Box::new(left), array: Box::new(array) }))
    }

    /// `to_tsvector('simple', text) @@ to_tsquery('simple', query)`.
    fn search(&mut self, left: &'a Parsed, right: &'a Parsed) -> Result<Expr, Fault> {
        let hint = "write to_tsvector('simple', text) @@ plainto_tsquery('simple', words)";
        let refused = || Fault::unsupported("this form of full-text search", hint);
        let (kind, query) = configured(right)?.ok_or_else(refused)?;
        let text = match configured(left)? {
            Some(("to_tsvector", text)) => self.of_type(text, &Type::Text)?,
            _ => Some(self.term(left)?).filter(|term| term.expr.ty == Type::Tsvector).ok_or_else(refused)?.expr,
        };
        let operator = match kind {
            "to_tsquery" => Operator::Fts,
            "plainto_tsquery" => Operator::PlainFts,
            "phraseto_tsquery" => Operator::PhraseFts,
            "websearch_to_tsquery" => Operator::WebFts,
            _ => {
                return Err(Fault::unsupported(
                    "this form of full-text search",
                    "the right side is to_tsquery or one of its kin",
                ));
            }
        };
        let query = self.of_type(query, &Type::Text)?;
        Ok(compared(operator, (text, query)))
    }
}

/// Both forms are the same to PostgreSQL: `any ((select …))`.
fn unwrapped(mut expr: &Parsed) -> &Parsed {
    while let Parsed::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// A call of a full-text function with one of PostgreSQL's configurations, which all read as `simple`: its name and text.
fn configured(expr: &Parsed) -> Result<Option<(&str, &Parsed)>, Fault> {
    let Some((name, arguments)) = plain_call(expr) else { return Ok(None) };
    match &*arguments {
        [configuration, text] if is_configuration(configuration) => Ok(Some((name, text))),
        [_, _] => Err(Fault::unsupported("a full-text configuration of its own", "write 'simple'")),
        _ => Err(Fault::unsupported("full-text search without its configuration", "write 'simple' as the first argument")),
    }
}

/// The text of `to_tsvector(configuration, text)`, as an index is over it, whichever of PostgreSQL's configurations it names.
pub fn document(expr: &Parsed) -> Option<&Parsed> {
    let (name, arguments) = plain_call(expr)?;
    match &*arguments {
        [configuration, text] if name.eq_ignore_ascii_case("to_tsvector") => is_configuration(configuration).then_some(*text),
        _ => None,
    }
}

/// The name and the arguments of a call of a function.
fn plain_call(expr: &Parsed) -> Option<(&str, Vec<&Parsed>)> {
    let Parsed::Function(function) = unwrapped(expr) else { return None };
    let name = function.name.0.last().and_then(parsed::ObjectNamePart::as_ident)?;
    let parsed::FunctionArguments::List(list) = &function.args else { return None };
    let arguments = list.args.iter().filter_map(|argument| match argument {
        parsed::FunctionArg::Unnamed(parsed::FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    Some((&name.value, arguments.collect()))
}

/// `'simple'`, `'pg_catalog.simple'::regconfig`.
pub(super) fn is_configuration(expr: &Parsed) -> bool {
    let expr = match expr {
        Parsed::Cast { expr, .. } => &**expr,
        other => other,
    };
    let Parsed::Value(value) = expr else { return false };
    let name = super::parse::quoted(&value.value).unwrap_or_default();
    values::fts::CONFIGURATIONS.contains(&name.strip_prefix("pg_catalog.").unwrap_or(name))
}

const fn comparison(operator: &BinaryOperator) -> Option<Operator> {
    Some(match operator {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    })
}

fn binary(operator: Operator, left: Expr, right: Expr, ty: Type) -> Expr {
    Expr { node: Node::Binary(operator, Box::new(left), Box::new(right)), ty }
}

/// `+ - * / %` of numbers and of moments.
pub(super) fn compute(left: Term, sign: &BinaryOperator, right: Term) -> Result<Expr, Fault> {
    let operator = match sign {
        BinaryOperator::Plus => Operator::Add,
        BinaryOperator::Minus => Operator::Subtract,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        _ => Operator::Modulo,
    };
    let (l, r) = (left.expr.ty.clone(), right.expr.ty.clone());
    let refused = || no_operator(&l, &sign.to_string(), &r).at(left.at);
    if l == Type::Void || r == Type::Void || (!left.unknown && !right.unknown && l.family() == Family::Moment) {
        return moment(left.clone(), operator, right).ok_or_else(refused)?;
    }
    // `jsonb - 'key'`, `jsonb - 0`.
    if l == Type::Jsonb && !left.unknown && operator == Operator::Subtract {
        let key = if !right.unknown && r.is_integer() { Type::Int4 } else { Type::Text };
        if !right.unknown && !r.is_integer() && r.family() != Family::Text {
            return Err(refused());
        }
        let key = coerce(right, &key, Bend::Assignment)?;
        return Ok(binary(operator, left.expr, key, Type::Jsonb));
    }
    let ty = match (left.unknown, right.unknown) {
        (true, true) => return Err(refused()),
        (true, false) => r.bare(),
        (false, true) => l.bare(),
        (false, false) if l.is_integer() && r == Type::Date && operator == Operator::Add => {
            return Ok(binary(operator, right.expr, cast(left.expr, Type::Int4), Type::Date));
        }
        (false, false) => arithmetic(&l, &r).ok_or_else(refused)?,
    };
    if ty.family() != Family::Number || (operator == Operator::Modulo && ty.is_float()) {
        return Err(refused());
    }
    let (left, right) = (coerce(left, &ty, Bend::Implicit)?, coerce(right, &ty, Bend::Implicit)?);
    Ok(binary(operator, left, right, ty))
}

/// Moments with intervals, days and one another. `None`: there is no such operator.
fn moment(left: Term, operator: Operator, right: Term) -> Option<Result<Expr, Fault>> {
    let (l, r) = (left.expr.ty.clone(), right.expr.ty.clone());
    // An interval can stand to the left of +.
    if l == Type::Void && operator == Operator::Add && r.family() == Family::Moment && !right.unknown {
        return moment(right, operator, left);
    }
    if l.family() != Family::Moment {
        return None;
    }
    Some(match (&l, operator, &r) {
        (_, Operator::Add | Operator::Subtract, Type::Void) => {
            let to = if l == Type::Date { Type::Timestamp } else { l };
            let operator = if operator == Operator::Add { Operator::AddInterval } else { Operator::SubtractInterval };
            Ok(binary(operator, cast(left.expr, to.clone()), right.expr, to))
        }
        (Type::Date, Operator::Add | Operator::Subtract, days) if days.is_integer() => {
            Ok(binary(operator, left.expr, cast(right.expr, Type::Int4), Type::Date))
        }
        (Type::Date, Operator::Subtract, Type::Date) => Ok(binary(operator, left.expr, right.expr, Type::Int4)),
        (_, Operator::Subtract, other) if other.family() == Family::Moment => Err(Fault::unsupported(
            "the interval between two moments",
            "compare with a moment (created_at > now() - interval '1 day'), or subtract extract(epoch from …)",
        )),
        _ => return None,
    })
}

/// `||` of texts, arrays and jsonb.
fn concat(left: Term, right: Term) -> Result<Expr, Fault> {
    let (left, right) = (shown(left)?, shown(right)?);
    let (l, r) = (left.expr.ty.clone(), right.expr.ty.clone());
    match (&l, &r) {
        (Type::Array(element), _) if !left.unknown => {
            if right.unknown || matches!(r, Type::Array(_)) {
                return arrays(left, right, element);
            }
            let element = (**element).clone();
            let right = coerce(right, &element, Bend::Implicit)?;
            Ok(Expr { node: Node::Call(Builtin::ArrayAppend, vec![left.expr, right]), ty: l })
        }
        (_, Type::Array(element)) if !right.unknown => {
            if left.unknown {
                return arrays(left, right, element);
            }
            let element = (**element).clone();
            let left = coerce(left, &element, Bend::Implicit)?;
            Ok(Expr { node: Node::Call(Builtin::ArrayPrepend, vec![left, right.expr]), ty: r })
        }
        (Type::Jsonb, _) | (_, Type::Jsonb) if (l == r || left.unknown || right.unknown) && l != Type::Json => {
            let left = coerce(left, &Type::Jsonb, Bend::Implicit)?;
            let right = coerce(right, &Type::Jsonb, Bend::Implicit)?;
            Ok(binary(Operator::Concat, left, right, Type::Jsonb))
        }
        _ => {
            let textual = |term: &Term| term.unknown || term.expr.ty.family() == Family::Text;
            if !textual(&left) && !textual(&right) {
                return Err(no_operator(&l, "||", &r).at(left.at));
            }
            let left = coerce(left, &Type::Text, Bend::Assignment)?;
            let right = coerce(right, &Type::Text, Bend::Assignment)?;
            Ok(binary(Operator::Concat, left, right, Type::Text))
        }
    }
}

fn arrays(left: Term, right: Term, element: &Type) -> Result<Expr, Fault> {
    let other = if left.unknown || right.unknown { element.clone() } else { element_of(&left, &right, element) };
    let ty = Type::Array(Box::new(other.bare()));
    let (left, right) = (coerce(left, &ty, Bend::Implicit)?, coerce(right, &ty, Bend::Implicit)?);
    Ok(binary(Operator::Concat, left, right, ty))
}

/// The element type that both arrays are brought to.
fn element_of(left: &Term, right: &Term, element: &Type) -> Type {
    match common(&left.expr.ty, &right.expr.ty) {
        Some(Type::Array(common)) => *common,
        _ => element.clone(),
    }
}

/// `@>`, `<@` and `&&`.
fn contained(operator: Operator, sign: &str, left: Term, right: Term) -> Result<Expr, Fault> {
    let ty = match (left.unknown, right.unknown) {
        (false, true) => left.expr.ty.bare(),
        (true, false) => right.expr.ty.bare(),
        _ => common(&left.expr.ty, &right.expr.ty).unwrap_or(Type::Void),
    };
    let fits = matches!(ty, Type::Array(_)) || (ty == Type::Jsonb && operator != Operator::Overlaps);
    if !fits {
        return Err(no_operator(&left.expr.ty, sign, &right.expr.ty).at(left.at));
    }
    Ok(compared(operator, (coerce(left, &ty, Bend::Implicit)?, coerce(right, &ty, Bend::Implicit)?)))
}

fn jsonb(term: Term, sign: &str) -> Result<Expr, Fault> {
    if term.unknown || term.expr.ty != Type::Jsonb {
        return Err(no_operator(&term.expr.ty, sign, &Type::Text).at(term.at));
    }
    Ok(term.expr)
}

/// `?|` and `?&` with a literal list of keys.
fn keys(left: Term, right: Term, junction: fn(Vec<Expr>) -> Node, sign: &str) -> Result<Expr, Fault> {
    let left = jsonb(left, sign)?;
    let keys = coerce(right, &Type::Array(Box::new(Type::Text)), Bend::Implicit)?;
    let keys: Vec<Expr> = match keys.node {
        Node::Array(keys) => keys,
        Node::Literal(Datum::Text(text)) => {
            let keys: Vec<Option<String>> = serde_json::from_str(&text).unwrap_or_default();
            keys.into_iter().flatten().map(|key| literal(Datum::Text(key), Type::Text)).collect()
        }
        _ => return Err(Fault::unsupported(format!("{sign} with keys that are computed"), "write array['a', 'b']")),
    };
    let tests = keys.into_iter().map(|key| compared(Operator::HasKey, (left.clone(), key)));
    Ok(boolean(junction(tests.collect())))
}

/// `->` and `->>`.
fn json_get(operator: Operator, left: Term, right: Term, sign: &str) -> Result<Expr, Fault> {
    let ty = json_type(&left, &right, sign)?;
    let key = if right.unknown || right.expr.ty.family() == Family::Text {
        coerce(right, &Type::Text, Bend::Implicit)?
    } else if right.expr.ty.is_integer() {
        cast(right.expr, Type::Int4)
    } else {
        return Err(no_operator(&left.expr.ty, sign, &right.expr.ty).at(left.at));
    };
    check_claim(&left.expr, &key)?;
    let ty = if operator == Operator::JsonGet { ty } else { Type::Text };
    Ok(binary(operator, left.expr, key, ty))
}

/// `#>` and `#>>`.
fn json_path(operator: Operator, left: Term, right: Term, sign: &str) -> Result<Expr, Fault> {
    let ty = json_type(&left, &right, sign)?;
    let path = coerce(right, &Type::Array(Box::new(Type::Text)), Bend::Implicit)?;
    check_claim(&left.expr, &path)?;
    let ty = if operator == Operator::JsonPath { ty } else { Type::Text };
    Ok(binary(operator, left.expr, path, ty))
}

fn json_type(left: &Term, right: &Term, sign: &str) -> Result<Type, Fault> {
    let is_json = !left.unknown && left.expr.ty.family() == Family::Json;
    if is_json { Ok(left.expr.ty.clone()) } else { Err(no_operator(&left.expr.ty, sign, &right.expr.ty).at(left.at)) }
}

/// What users can edit themselves must not decide what they may do.
fn check_claim(of: &Expr, key: &Expr) -> Result<(), Fault> {
    if of.node != Node::Param(Param::Jwt) {
        return Ok(());
    }
    let names = |text: &str| text == "user_metadata" || text.starts_with("[\"user_metadata\"");
    match &key.node {
        Node::Literal(Datum::Text(text)) if names(text) => {
            let fault = Fault::unsupported("user_metadata of auth.jwt(), which users edit themselves,", "");
            Err(fault.hint("use app_metadata: auth.jwt() -> 'app_metadata' ->> 'role'"))
        }
        _ => Ok(()),
    }
}

/// An interval: literals of months, days and microseconds.
pub(super) fn interval(text: &str) -> Result<Expr, Fault> {
    let parsed = values::interval(text)?;
    Ok(interval_of(parsed.months.into(), parsed.days.into(), parsed.micros))
}

/// The same from its parts.
pub(super) fn interval_of(months: i64, days: i64, micros: i64) -> Expr {
    let parts = vec![
        literal(Datum::Int(months), Type::Int4),
        literal(Datum::Int(days), Type::Int4),
        literal(Datum::Int(micros), Type::Int8),
    ];
    Expr { node: Node::Call(Builtin::Interval, parts), ty: Type::Void }
}
