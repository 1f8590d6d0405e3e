//! Expressions: each node's text. A text stands by itself: operators are in brackets.

use super::context::Context;
use super::operators::{Comparable, Equal};
use super::query::Limited;
use super::state::{Compiler, Done, Piece, Quoted, Seen, emit};
use crate::sql::ast::{Body, Expr, Node, Query, SourceId, Statement};
use crate::sql::catalog::{Function, Privilege, Returns};
use crate::sql::fault::Fault;
use crate::values::Type;

/// From how many constants on a list is one parameter.
const LONG_LIST: usize = 9;

/// An expression over a row's columns (the source 0, not qualified) for a definition: a check, a generated column, an index.
/// Literals are written out, since a definition takes no parameters.
///
/// # Errors
/// 42P17 when it holds what differs from one request to the next; see [`super::statement`].
pub fn expression(expr: &Expr, context: &Context<'_>) -> Result<String, Fault> {
    let mut compiler = Compiler::new(context);
    compiler.define(SourceId(0));
    compiler.expr(expr)?;
    compiler.finish().map(|compiled| compiled.sql)
}

/// The same over the row that is called so, for a trigger: `old`, `new`.
///
/// # Errors
/// See [`expression`].
pub fn expression_of(row: &str, expr: &Expr, context: &Context<'_>) -> Result<String, Fault> {
    let mut compiler = Compiler::new(context);
    compiler.define_of(SourceId(0), row);
    compiler.expr(expr)?;
    compiler.finish().map(|compiled| compiled.sql)
}

/// The same as an index's key, so that it serves comparisons and orders of the expression.
///
/// # Errors
/// See [`expression`].
pub fn index_key(expr: &Expr, context: &Context<'_>) -> Result<String, Fault> {
    let mut compiler = Compiler::new(context);
    compiler.define(SourceId(0));
    compiler.index_key(expr)?;
    compiler.finish().map(|compiled| compiled.sql)
}

impl Compiler<'_> {
    /// Writes an expression.
    pub(super) fn expr(&mut self, expr: &Expr) -> Done {
        self.deeper(|this| this.node(expr))
    }

    fn node(&mut self, expr: &Expr) -> Done {
        let is_filter = std::mem::replace(&mut self.is_filter, false);
        match &expr.node {
            Node::Literal(datum) => self.literal(datum, &expr.ty),
            Node::Param(param) => self.param(param),
            Node::Column(source, name) => self.column(*source, name),
            Node::Not(inner) => emit!(self; "(not ", inner, ")"),
            Node::Negate(inner) => self.negate(inner, &expr.ty),
            Node::And(parts) => self.junction(parts, " and ", "true", is_filter),
            Node::Or(parts) => self.junction(parts, " or ", "false", is_filter),
            Node::Binary(operator, left, right) if is_filter && operator.is_full_text() => {
                self.full_text_filter(*operator, left, right)
            }
            Node::Binary(operator, left, right) => self.binary(*operator, left, right, &expr.ty),
            Node::Quantified { operator, all, left, array } => self.quantified((*operator, *all), left, array),
            Node::IsNull(inner) => emit!(self; "(", inner, " is null)"),
            Node::IsBool(inner, value) => emit!(self; "(", inner, if *value { " is true)" } else { " is false)" }),
            Node::IsDistinct(left, right) => self.distinct_from(left, right),
            Node::In(left, list) => self.in_list(left, list),
            Node::InQuery(left, query) => emit!(self; "(", Comparable(left), " in (", **query, "))"),
            Node::Exists(query) => emit!(self; "exists (", **query, ")"),
            Node::Scalar(query) => self.scalar(query),
            Node::Case { branches, otherwise } => self.case(branches, otherwise.as_deref()),
            Node::Cast(inner) => self.cast(inner, &expr.ty),
            Node::Call(builtin, arguments) => self.call(*builtin, arguments, &expr.ty),
            Node::Function(function, arguments) => self.function_call(function, arguments),
            Node::Aggregate { .. } => self.aggregate(expr),
            Node::Window { function, over } => self.window(function, over),
            Node::Array(elements) => self.array(elements, &expr.ty),
            Node::JsonObject(members) => self.json_object(members),
            Node::JsonRows(query) => self.json_rows(query),
            Node::JsonRow(query) => self.json_row(query),
        }
    }

    pub(super) fn column(&mut self, source: SourceId, name: &str) -> Done {
        match self.seen(source)? {
            Seen::Columns { alias, relation, guarded, .. } => {
                if let (Some(relation), true) = (relation, guarded) {
                    self.ask(&relation, Privilege::Select, name)?;
                }
                emit!(self; alias, ".", Quoted(name))
            }
            Seen::Bare => emit!(self; Quoted(name)),
            Seen::Value(text) => emit!(self; text),
        }
    }

    fn junction(&mut self, parts: &[Expr], between: &str, empty: &str, is_filter: bool) -> Done {
        if parts.is_empty() {
            return emit!(self; empty);
        }
        self.push("(");
        self.separated(parts, between, |this, part| {
            this.is_filter = is_filter;
            this.expr(part)
        })?;
        emit!(self; ")")
    }

    fn distinct_from(&mut self, left: &Expr, right: &Expr) -> Done {
        let operator = if self.is_sqlite() { " is not " } else { " is distinct from " };
        emit!(self; "(", Comparable(left), operator, Comparable(right), ")")
    }

    fn in_list(&mut self, left: &Expr, list: &[Expr]) -> Done {
        if list.is_empty() {
            return emit!(self; "false");
        }
        let long = if list.len() >= LONG_LIST { self.list(list)? } else { None };
        match long {
            Some(values) if self.is_sqlite() => emit!(self; "(", Equal(left), " in ", values, ")"),
            Some(values) => emit!(self; "(", Equal(left), " = any ", values, ")"),
            None => {
                emit!(self; "(", Equal(left), " in (")?;
                self.separated(list, ", ", |this, item| emit!(this; Comparable(item)))?;
                emit!(self; "))")
            }
        }
    }

    /// The value of a query's first row.
    fn scalar(&mut self, query: &Query) -> Done {
        emit!(self; "(", *query, ")")
    }

    fn case(&mut self, branches: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Done {
        self.push("case");
        for (condition, value) in branches {
            emit!(self; " when ", condition, " then ", value)?;
        }
        if let Some(otherwise) = otherwise {
            emit!(self; " else ", otherwise)?;
        }
        emit!(self; " end")
    }

    fn array(&mut self, elements: &[Expr], ty: &Type) -> Done {
        let (open, close) = if self.is_sqlite() { ("json_array(", ")") } else { ("array[", "]") };
        self.push(open);
        self.separated(elements, ", ", |this, element| this.expr(element))?;
        self.push(close);
        if !self.is_sqlite() {
            self.push(&format!("::{ty}"));
        }
        Ok(())
    }

    /// A function whose body is one query, as the value it gives.
    fn function_call(&mut self, function: &Function, arguments: &[Expr]) -> Done {
        let body = self.body_of(function)?;
        let [Statement::Query(query)] = body else {
            return Err(Fault::unsupported(
                format!("calling {} here, whose body is more than one query,", function.name),
                "call it by itself, or make its body one select",
            ));
        };
        if !matches!(function.returns, Returns::Scalar(_)) {
            return Err(Fault::unsupported(format!("{} as a value", function.name), "select from it"));
        }
        let piece = self.piece_of(function, arguments)?;
        let nulls: Vec<String> = piece.arguments.iter().map(|text| format!("({text}) is null")).collect();
        let strict = function.strict && !nulls.is_empty();
        if strict {
            self.push(&format!("case when not ({}) then ", nulls.join(" or ")));
        }
        self.within(piece, |this| this.inlined(query))?;
        if strict {
            self.push(" end");
        }
        Ok(())
    }

    fn inlined(&mut self, query: &Query) -> Done {
        match plain_value(query) {
            Some(expr) => self.expr(expr),
            None => emit!(self; "(", Limited(query), ")"),
        }
    }

    /// Writes in a function's body, as rows.
    pub(super) fn function_rows(&mut self, function: &Function, arguments: &[Expr], names: &[String]) -> Done {
        let body = self.body_of(function)?;
        let [Statement::Query(query)] = body else {
            return Err(Fault::unsupported(
                format!("selecting from {}, whose body is more than one query,", function.name),
                "call it by itself, or make its body one select",
            ));
        };
        let piece = self.piece_of(function, arguments)?;
        let once = matches!(function.returns, Returns::Scalar(_) | Returns::Row(_));
        let strict =
            function.strict.then(|| piece.arguments.iter().map(|text| format!("({text}) is not null")).collect::<Vec<_>>());
        self.within(piece, |this| this.named_query(query, names, once))?;
        if let Some(conditions) = strict.filter(|conditions| !conditions.is_empty()) {
            // The rows are wrapped once more, so that a null argument leaves none.
            self.push(&format!(" where {}", conditions.join(" and ")));
        }
        Ok(())
    }

    /// A new piece with the current one's rights.
    pub(super) fn piece_like_this(&self) -> Piece {
        Piece { as_owner: self.piece().as_owner, ..Piece::default() }
    }
}

/// The expression of `select expression`, which can stand by itself.
fn plain_value(query: &Query) -> Option<&Expr> {
    let Body::Select(select) = &query.body else { return None };
    let is_plain = select.from.is_empty()
        && select.filter.is_none()
        && select.group_by.is_empty()
        && select.having.is_none()
        && query.limit.is_none()
        && query.offset.is_none();
    match &*select.columns {
        [output] if is_plain && is_free_of_aggregates(&output.expr) => Some(&output.expr),
        _ => None,
    }
}

/// Whether no aggregate is in an expression, as far as is easily seen: a query around it is right too.
fn is_free_of_aggregates(expr: &Expr) -> bool {
    match &expr.node {
        Node::Literal(_) | Node::Param(_) | Node::Exists(_) | Node::Scalar(_) | Node::JsonRows(_) | Node::JsonRow(_) => true,
        Node::Binary(_, left, right) | Node::IsDistinct(left, right) => {
            [left, right].into_iter().all(|e| is_free_of_aggregates(e))
        }
        Node::Call(_, parts) | Node::And(parts) | Node::Or(parts) | Node::Function(_, parts) | Node::Array(parts) => {
            parts.iter().all(is_free_of_aggregates)
        }
        Node::Cast(e) | Node::Not(e) | Node::Negate(e) | Node::IsNull(e) | Node::InQuery(e, _) | Node::IsBool(e, _) => {
            is_free_of_aggregates(e)
        }
        Node::In(left, list) => is_free_of_aggregates(left) && list.iter().all(is_free_of_aggregates),
        _ => false,
    }
}
