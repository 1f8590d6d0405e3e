//! Operators: PostgreSQL's own there; on SQLite what gives the same answers.

use std::sync::Arc;

use super::state::{Compiler, Done, Emit, Quoted, Seen, emit};
use crate::db::Value;
use crate::sql::ast::{Expr, Node, Operator, SourceId};
use crate::sql::catalog::Relation;
use crate::sql::fault::Fault;
use crate::sql::indexes::{self, Over};
use crate::sql::walk;
use crate::values::{Datum, Enum, Family, Type, fts};

/// An operand of `=` and its like: on SQLite under the collation of its type.
pub(super) struct Comparable<'e>(pub &'e Expr);

/// An operand of `=` and its like that an index may serve: on PostgreSQL an expression's text goes by its bytes, as an index over it has
/// it.
pub(super) struct Equal<'e>(pub &'e Expr);

/// An operand of `<` and its like, and a term of `order by`: text goes by its bytes on both databases.
pub(super) struct Ordered<'e>(pub &'e Expr);

/// An operand as SQLite's REAL.
pub(super) struct Real<'e>(pub &'e Expr);

impl Emit for Comparable<'_> {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        match (to.is_sqlite(), &self.0.ty) {
            (true, Type::Numeric(_)) => emit!(to; "(", self.0, " collate plinth_numeric)"),
            (true, Type::Jsonb) => emit!(to; "(", self.0, " collate plinth_jsonb)"),
            (true, Type::Char(_)) => emit!(to; "rtrim(", self.0, ", ' ')"),
            _ => emit!(to; self.0),
        }
    }
}

impl Emit for Equal<'_> {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        let is_text = self.0.ty.family() == Family::Text && !is_plain(self.0);
        if is_text && !to.is_sqlite() {
            return emit!(to; "(", self.0, " collate \"C\")");
        }
        to.as_indexed(self.0)
    }
}

impl Emit for Ordered<'_> {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        if matches!(self.0.ty, Type::Array(_)) {
            return Err(Fault::unsupported("the order of arrays", "order by their elements or their lengths"));
        }
        if !to.is_sqlite() && self.0.ty.family() == Family::Text {
            return emit!(to; "(", self.0, " collate \"C\")");
        }
        if let (true, Type::Enum(of)) = (to.is_sqlite(), &self.0.ty) {
            return emit!(to; rank(&to.text_of(self.0)?, of)?);
        }
        to.as_indexed(self.0)
    }
}

impl Emit for Real<'_> {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        if self.0.ty.is_float() { emit!(to; self.0) } else { emit!(to; "cast(", self.0, " as real)") }
    }
}

impl Compiler<'_> {
    pub(super) fn binary(&mut self, operator: Operator, left: &Expr, right: &Expr, ty: &Type) -> Done {
        use Operator as O;
        match operator {
            O::Eq | O::NotEq | O::Lt | O::LtEq | O::Gt | O::GtEq => self.comparison(operator, left, right),
            O::Add | O::Subtract | O::Multiply | O::Divide | O::Modulo if self.is_sqlite() => {
                self.arithmetic(operator, left, right, ty)
            }
            O::AddInterval | O::SubtractInterval => self.interval(operator, left, right, ty),
            O::Fts | O::PlainFts | O::PhraseFts | O::WebFts => self.full_text(operator, left, right),
            _ if self.is_sqlite() => self.function_for(operator, left, right, ty),
            // Letters are the database's own, whatever order a column is in.
            O::ILike | O::Match | O::IMatch => emit!(self; "(", left, LOCALE, " ", spelling(operator), " ", right, LOCALE, ")"),
            O::ArrayGet => emit!(self; "(", left, ")[", right, "]"),
            _ => emit!(self; "(", left, " ", spelling(operator), " ", right, ")"),
        }
    }

    /// Two values compared; numbers of different types by the wider of both.
    pub(super) fn comparison(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Done {
        let spelling = spelling(operator);
        let is_equality = matches!(operator, Operator::Eq | Operator::NotEq);
        if self.is_sqlite() && left.ty.family() == Family::Number && left.ty.bare() != right.ty.bare() {
            return self.mixed_comparison(spelling, left, right);
        }
        if is_equality {
            emit!(self; "(", Equal(left), " ", spelling, " ", Equal(right), ")")
        } else {
            emit!(self; "(", Ordered(left), " ", spelling, " ", Ordered(right), ")")
        }
    }

    fn mixed_comparison(&mut self, spelling: &str, left: &Expr, right: &Expr) -> Done {
        let is_numeric = |expr: &Expr| matches!(expr.ty, Type::Numeric(_));
        // Affinity would compare a number with text as the kinds of value they are.
        match (is_numeric(left), is_numeric(right)) {
            _ if left.ty.is_float() || right.ty.is_float() => emit!(self; "(", Real(left), " ", spelling, " ", Real(right), ")"),
            (true, false) => emit!(self; "(", Comparable(left), " ", spelling, " cast(", right, " as text))"),
            (false, true) => emit!(self; "(cast(", left, " as text) ", spelling, " ", Comparable(right), ")"),
            _ => emit!(self; "(", left, " ", spelling, " ", right, ")"),
        }
    }

    fn arithmetic(&mut self, operator: Operator, left: &Expr, right: &Expr, ty: &Type) -> Done {
        if let Some(bytes) = width(ty) {
            if left.ty == Type::Date && right.ty == Type::Date {
                return emit!(self; "plinth_date_diff(", left, ", ", right, ")");
            }
            return match operator {
                Operator::Divide => emit!(self; "plinth_int_check(plinth_int_div(", left, ", ", right, "), ", bytes, ")"),
                Operator::Modulo => emit!(self; "plinth_int_mod(", left, ", ", right, ")"),
                _ => emit!(self; "plinth_int_check(", left, " ", spelling(operator), " ", right, ", ", bytes, ")"),
            };
        }
        match ty {
            Type::Numeric(_) => {
                let name = match operator {
                    Operator::Add => "add",
                    Operator::Subtract => "sub",
                    Operator::Multiply => "mul",
                    Operator::Divide => "div",
                    _ => "mod",
                };
                emit!(self; "plinth_num_", name, "(", left, ", ", right, ")")
            }
            Type::Date => {
                let (date, days) = if left.ty == Type::Date { (left, right) } else { (right, left) };
                let sign = if operator == Operator::Subtract { "-" } else { "" };
                emit!(self; "substr(plinth_moment_add(", date, ", 'date', 0, ", sign, days, ", 0), 1, 10)")
            }
            Type::Jsonb => emit!(self; "plinth_jsonb_delete(", left, ", ", right, ")"),
            _ if operator == Operator::Divide => emit!(self; "plinth_float_div(", Real(left), ", ", Real(right), ")"),
            _ => emit!(self; "(", Real(left), " ", spelling(operator), " ", Real(right), ")"),
        }
    }

    pub(super) fn negate(&mut self, inner: &Expr, ty: &Type) -> Done {
        match (self.is_sqlite(), ty, width(ty)) {
            (true, Type::Numeric(_), _) => emit!(self; "plinth_num_neg(", inner, ")"),
            (true, _, Some(bytes)) => emit!(self; "plinth_int_check(-", inner, ", ", bytes, ")"),
            _ => emit!(self; "(- ", inner, ")"),
        }
    }

    /// What SQLite has a function for.
    fn function_for(&mut self, operator: Operator, left: &Expr, right: &Expr, ty: &Type) -> Done {
        use Operator as O;
        let is_jsonb = left.ty.family() == Family::Json;
        let name = match operator {
            O::Like => return self.like(left, right),
            O::Concat => return self.concat(left, right, ty),
            O::ContainedBy if is_jsonb => return emit!(self; "plinth_jsonb_contains(", right, ", ", left, ")"),
            O::ContainedBy => return emit!(self; "plinth_array_contains(", right, ", ", left, ")"),
            O::ILike => "plinth_ilike",
            O::Match => "plinth_regex",
            O::IMatch => "plinth_iregex",
            O::Contains if is_jsonb => "plinth_jsonb_contains",
            O::Contains => "plinth_array_contains",
            O::Overlaps => "plinth_array_overlaps",
            O::HasKey => "plinth_jsonb_exists",
            O::JsonGet => "plinth_json_get",
            O::JsonGetText => "plinth_json_get_text",
            O::JsonPath => "plinth_json_path",
            O::JsonPathText => "plinth_json_path_text",
            _ => "plinth_array_get",
        };
        emit!(self; name, "(", left, ", ", right, ")")
    }

    fn concat(&mut self, left: &Expr, right: &Expr, ty: &Type) -> Done {
        let is_array = |expr: &Expr| matches!(expr.ty, Type::Array(_));
        match ty {
            Type::Array(_) if is_array(left) && is_array(right) => emit!(self; "plinth_array_concat(", left, ", ", right, ")"),
            Type::Array(_) if is_array(left) => emit!(self; "plinth_array_append(", left, ", ", right, ")"),
            Type::Array(_) => emit!(self; "plinth_array_prepend(", left, ", ", right, ")"),
            Type::Jsonb | Type::Json => emit!(self; "plinth_jsonb_concat(", left, ", ", right, ")"),
            _ => emit!(self; "(", left, " || ", right, ")"),
        }
    }

    /// `like`, with the range of its constant beginning, so that an index can serve it.
    fn like(&mut self, left: &Expr, right: &Expr) -> Done {
        let beginning = match &right.node {
            Node::Literal(Datum::Text(pattern)) if !self.is_definition => constant_beginning(pattern),
            _ => String::new(),
        };
        if beginning.is_empty() {
            return emit!(self; "plinth_like(", left, ", ", right, ")");
        }
        let after = following(&beginning);
        emit!(self; "(", left, " >= ")?;
        self.bind(Value::Text(beginning));
        if let Some(after) = after {
            emit!(self; " and ", left, " < ")?;
            self.bind(Value::Text(after));
        }
        emit!(self; " and plinth_like(", left, ", ", right, "))")
    }

    /// A key of an index: a column under its own order, an expression under the one that it is compared by.
    pub(super) fn index_key(&mut self, expr: &Expr) -> Done {
        match &expr.node {
            Node::Column(..) => self.expr(expr),
            _ => emit!(self; "(", Equal(expr), ")"),
        }
    }

    /// A constant's or column's own text, or an expression's as an index on SQLite has it: with its constants written out.
    fn as_indexed(&mut self, expr: &Expr) -> Done {
        let is_indexed = self.is_sqlite() && !self.is_definition && !is_plain(expr) && self.is_indexed(expr);
        if !is_indexed {
            return emit!(self; Comparable(expr));
        }
        self.is_definition = true;
        let done = emit!(self; Comparable(expr));
        self.is_definition = false;
        done
    }

    fn is_indexed(&self, expr: &Expr) -> bool {
        let is_key = |over: &Over| match over {
            Over::Values(keys) => keys.iter().any(|key| indexes::row_of(expr, key).is_some()),
            Over::Words(_) => false,
        };
        self.relation_of(expr)
            .is_some_and(|(_, relation)| self.context.schema.indexes(&relation.name).iter().any(|index| is_key(&index.over)))
    }

    /// A query of a text's words where it decides which rows there are. On SQLite the table of an index's words is asked first: it
    /// gives at least the rows that match.
    pub(super) fn full_text_filter(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Done {
        let narrowed = if self.is_sqlite() && !self.is_definition { self.narrowed(operator, left, right)? } else { None };
        let Some(narrowed) = narrowed else { return self.full_text(operator, left, right) };
        emit!(self; "(", narrowed, " and ")?;
        self.full_text(operator, left, right)?;
        emit!(self; ")")
    }

    fn narrowed(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Result<Option<String>, Fault> {
        let Some((alias, relation)) = self.relation_of(left) else { return Ok(None) };
        let is_over = |over: &Over| matches!(over, Over::Words(document) if indexes::row_of(left, document).is_some());
        let indexes = self.context.schema.indexes(&relation.name);
        let Some(index) = indexes.iter().find(|index| is_over(&index.over)) else { return Ok(None) };
        let Some(number) = indexes::row_number(&relation) else { return Ok(None) };
        let (kind, name, _) = full_text_of(operator);
        let table = index.words_table();
        if let Node::Literal(datum) = &right.node {
            let needed = if let Datum::Text(query) = datum { fts::needed(query, kind) } else { None };
            let Some(needed) = needed else { return Ok(None) };
            let text = self.captured(|this| {
                emit!(this; alias, ".", number, " in (select rowid from ", Quoted(&table), " where ", Quoted(&table), " match ")?;
                this.bind(Value::Text(needed));
                emit!(this; ")")
            })?;
            return Ok(Some(text));
        }
        let query = self.text_of(right)?;
        if query.contains('.') {
            // It names a column, so that it is another for each row.
            return Ok(None);
        }
        let needed = format!("plinth_fts_needed({query}, '{name}')");
        let text = self.captured(|this| {
            emit!(this; alias, ".", number, " in (select rowid from ", Quoted(&table), " where ", Quoted(&table))?;
            // Two quotes match no row.
            emit!(this; " match coalesce(", needed, ", '\"\"') union all select ", number, " from ")?;
            this.table(&relation.name)?;
            emit!(this; " where ", needed, " is null)")
        })?;
        Ok(Some(text))
    }

    /// The table whose row an expression is of, and what it is called, when there is one and no other.
    fn relation_of(&self, expr: &Expr) -> Option<(String, Arc<Relation>)> {
        let mut source = None;
        let alone = only_source(expr, &mut source);
        match self.seen(source.filter(|_| alone)?) {
            Ok(Seen::Columns { alias, relation: Some(relation), .. }) if relation.table().is_some() && alias != "excluded" => {
                Some((alias, relation))
            }
            _ => None,
        }
    }

    fn full_text(&mut self, operator: Operator, left: &Expr, right: &Expr) -> Done {
        let (_, kind, query) = full_text_of(operator);
        if left.ty == Type::Tsvector {
            return if self.is_sqlite() {
                emit!(self; "plinth_fts_vector(", left, ", ", right, ", '", kind, "')")
            } else {
                emit!(self; "(", left, " @@ ", query, "('simple', ", right, "))")
            };
        }
        if self.is_sqlite() {
            emit!(self; "plinth_fts(", left, ", ", right, ", '", kind, "')")
        } else {
            emit!(self; "(to_tsvector('simple', ", left, ") @@ ", query, "('simple', ", right, "))")
        }
    }

    /// A moment and an interval of months, days and microseconds.
    fn interval(&mut self, operator: Operator, moment: &Expr, interval: &Expr, ty: &Type) -> Done {
        let Node::Call(crate::sql::ast::Builtin::Interval, parts) = &interval.node else {
            return Err(Fault::unsupported("an interval that is not a constant", "write interval '…'"));
        };
        let [months, days, micros] = &**parts else {
            return Err(Fault::new("42883", "an interval has months, days and microseconds"));
        };
        let sign = if operator == Operator::SubtractInterval { "-" } else { "+" };
        if self.is_sqlite() {
            let sign = if sign == "-" { "-" } else { "" };
            emit!(self; "plinth_moment_add(", moment, ", '", moment.ty.to_string(), "', ")?;
            emit!(self; sign, months, ", ", sign, days, ", ", sign, micros, ")")?;
        } else {
            emit!(self; "(", moment, " ", sign, " make_interval(months => (", months, ")::integer, days => (", days)?;
            emit!(self; ")::integer, secs => (", micros, ")::double precision / 1000000))")?;
        }
        if *ty == Type::Time && self.is_sqlite() {
            return Err(Fault::unsupported("an interval added to a time", "use a timestamp"));
        }
        Ok(())
    }

    /// `left operator any (array)` and `all`.
    pub(super) fn quantified(&mut self, (operator, all): (Operator, bool), left: &Expr, array: &Expr) -> Done {
        let element = match &array.ty {
            Type::Array(element) => (**element).clone(),
            _ => return Err(Fault::new("42809", "op ANY/ALL (array) requires array on right side")),
        };
        if !self.is_sqlite() {
            let word = if all { " all (" } else { " any (" };
            return match operator {
                Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {
                    emit!(self; "(", Ordered(left), " ", spelling(operator), word, array, "))")
                }
                Operator::ILike | Operator::Match | Operator::IMatch => {
                    emit!(self; "(", left, LOCALE, " ", spelling(operator), word, array, "))")
                }
                _ => emit!(self; "(", Equal(left), " ", spelling(operator), word, array, "))"),
            };
        }
        let is_given = matches!(array.node, Node::Literal(ref datum) if *datum != Datum::Null);
        let array = self.text_of(array)?;
        if !is_given {
            self.push(&format!("case when ({array}) is not null then "));
        }
        match (operator, all) {
            (Operator::Eq, false) => {
                emit!(self; "(", Equal(left), " in (select value from json_each(", array, ")))")?;
            }
            (Operator::NotEq, true) => {
                emit!(self; "(", Comparable(left), " not in (select value from json_each(", array, ")))")?;
            }
            _ => self.each_element((operator, all), left, (&array, element))?,
        }
        if !is_given {
            self.push(" end");
        }
        Ok(())
    }

    /// True, false or null as PostgreSQL counts the elements' answers.
    fn each_element(&mut self, (operator, all): (Operator, bool), left: &Expr, (array, element): (&str, Type)) -> Done {
        let source = self.alias();
        let id = self.fresh_id();
        self.see(id, super::state::Seen::Value(format!("{source}.value")));
        let element = Expr { node: Node::Column(id, "value".to_owned()), ty: element };
        let answer = self.captured(|this| this.binary(operator, left, &element, &Type::Bool))?;
        let (deciding, decided, otherwise) = if all { ("min", "0", "1") } else { ("max", "1", "0") };
        emit!(self; "(select case when ", deciding, "(", answer, ") = ", decided, " then ", decided)?;
        emit!(self; " when count(*) > count(", answer, ") then null else ", otherwise, " end from json_each(", array, ") as ")?;
        emit!(self; source, ")")
    }
}

/// The place of a label among its type's, on SQLite.
pub(super) fn rank(text: &str, of: &Enum) -> Result<String, Fault> {
    let mut out = format!("(case {text}");
    for (place, label) in of.labels.iter().enumerate() {
        out.push_str(&format!(" when {} then {place}", super::literal::quoted(label)?));
    }
    out.push_str(" end)");
    Ok(out)
}

/// What makes PostgreSQL take a text's letters as the database does, and not as its order `"C"` does.
pub(super) const LOCALE: &str = " collate \"default\"";

/// Whether it is one that no index over expressions is about.
const fn is_plain(expr: &Expr) -> bool {
    matches!(expr.node, Node::Column(..) | Node::Literal(_) | Node::Param(_))
}

/// Whether all columns in an expression are of one source, which is put into `source`.
fn only_source(expr: &Expr, source: &mut Option<SourceId>) -> bool {
    if let Node::Column(id, _) = &expr.node {
        return *source.get_or_insert(*id) == *id;
    }
    walk::try_children(expr, &mut |child| if only_source(child, source) { Ok(()) } else { Err(()) }).is_ok()
}

/// How a query of words is written, what SQLite's function calls that, and what PostgreSQL's function is called.
const fn full_text_of(operator: Operator) -> (fts::Kind, &'static str, &'static str) {
    match operator {
        Operator::Fts => (fts::Kind::Query, "fts", "to_tsquery"),
        Operator::PlainFts => (fts::Kind::Plain, "plfts", "plainto_tsquery"),
        Operator::PhraseFts => (fts::Kind::Phrase, "phfts", "phraseto_tsquery"),
        _ => (fts::Kind::Web, "wfts", "websearch_to_tsquery"),
    }
}

/// Bytes of an integer type, as text.
pub(super) const fn width(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Int2 => Some("2"),
        Type::Int4 => Some("4"),
        Type::Int8 => Some("8"),
        _ => None,
    }
}

const fn spelling(operator: Operator) -> &'static str {
    use Operator as O;
    match operator {
        O::Eq => "=",
        O::NotEq => "<>",
        O::Lt => "<",
        O::LtEq => "<=",
        O::Gt => ">",
        O::GtEq => ">=",
        O::Add | O::AddInterval => "+",
        O::Subtract | O::SubtractInterval => "-",
        O::Multiply => "*",
        O::Divide => "/",
        O::Modulo => "%",
        O::Concat => "||",
        O::Like => "like",
        O::ILike => "ilike",
        O::Match => "~",
        O::IMatch => "~*",
        O::Contains => "@>",
        O::ContainedBy => "<@",
        O::Overlaps => "&&",
        O::HasKey => "?",
        O::JsonGet => "->",
        O::JsonGetText => "->>",
        O::JsonPath => "#>",
        O::JsonPathText => "#>>",
        O::ArrayGet => "",
        O::Fts | O::PlainFts | O::PhraseFts | O::WebFts => "@@",
    }
}

/// What a `like` pattern begins with before its first `%` or `_`.
fn constant_beginning(pattern: &str) -> String {
    let mut beginning = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' | '_' => break,
            '\\' => beginning.extend(chars.next()),
            c => beginning.push(c),
        }
    }
    beginning
}

/// The least text above all that begin so.
fn following(beginning: &str) -> Option<String> {
    let mut chars: Vec<char> = beginning.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}
