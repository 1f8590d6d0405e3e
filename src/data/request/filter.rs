//! Filters: operations, and the trees of `and` and `or`.

use super::ast::{Comparison, Condition, Filter, Fts, Is, Op, Quantifier, Simple};
use super::cursor::{Cursor, Read, Stop};
use super::fault::Fault;
use super::limits::{MAX_FILTERS, MAX_IN_ELEMENTS, MAX_LOGIC_DEPTH};

const OPERATOR: &str = "operator (eq, gt, ...)";
const NOT_OR_OPERATOR: &str = "\"not\" or operator (eq, gt, ...)";

/// What has been counted so far in a query.
#[derive(Default)]
pub(super) struct Counted {
    filters: usize,
    elements: usize,
}

/// Where an operation stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is a whole value: what follows the operator is data to the last character.
    Whole,
    /// In a logic tree, where quotes and braces delimit and `,` and `)` end.
    Logic,
}

/// The operation that a whole value is, and whether it is negated.
pub(super) fn operation(text: &str, counted: &mut Counted) -> Result<(bool, Op), Fault> {
    let mut cursor = Cursor::new(text);
    let read = counted.filter().and_then(|()| op(&mut cursor, Place::Whole, counted)).and_then(|op| {
        cursor.end("end of input")?;
        Ok(op)
    });
    read.map_err(|stop| cursor.fault(stop, "filter", text))
}

/// The tree of `and=(…)` or `or=(…)`.
pub(super) fn tree(is_or: bool, value: &str, counted: &mut Counted) -> Result<Condition, Fault> {
    // With its operator in front, so that an error counts columns as PostgREST does.
    let word = if is_or { "or" } else { "and" };
    let text = format!("{word}{value}");
    let mut cursor = Cursor::new(&text);
    let read = node(&mut cursor, counted, 1).and_then(|tree| match tree {
        // `or=.eq.1` would read as a condition on a column `or`.
        Condition::Filter(_) => Err(Stop::Syntax { at: word.len(), expecting: "\"(\"" }),
        tree => cursor.end("end of input").map(|()| tree),
    });
    read.map_err(|stop| cursor.fault(stop, "logic tree", value))
}

fn node(cursor: &mut Cursor, counted: &mut Counted, depth: usize) -> Read<Condition> {
    cursor.spaces();
    let Some(head) = LogicHead::at(cursor.rest()) else {
        counted.filter()?;
        let field = cursor.field()?;
        cursor.expect(".", "delimiter (.)")?;
        let (negated, op) = op(cursor, Place::Logic, counted)?;
        return Ok(Condition::Filter(Filter { field, negated, op }));
    };
    if depth > MAX_LOGIC_DEPTH {
        return Err(Stop::Fault(Fault::QueryLimit { what: "levels of and/or", limit: MAX_LOGIC_DEPTH }));
    }
    cursor.eat(head.text);
    let mut nodes = Vec::new();
    loop {
        nodes.push(node(cursor, counted, depth + 1)?);
        cursor.spaces();
        if !cursor.eat(",") {
            break;
        }
    }
    cursor.expect(")", "\",\" or \")\"")?;
    cursor.spaces();
    let tree = if head.is_or { Condition::Or(nodes) } else { Condition::And(nodes) };
    Ok(if head.negated { Condition::Not(Box::new(tree)) } else { tree })
}

/// `not.and(`.
struct LogicHead<'a> {
    text: &'a str,
    negated: bool,
    is_or: bool,
}

impl<'a> LogicHead<'a> {
    fn at(rest: &'a str) -> Option<Self> {
        let (negated, named) = rest.strip_prefix("not.").map_or((false, rest), |named| (true, named));
        let (is_or, after) = match named.strip_prefix("or") {
            Some(after) => (true, after),
            None => (false, named.strip_prefix("and")?),
        };
        let inside = after.trim_start_matches([' ', '\t']).strip_prefix('(')?;
        Some(Self { text: &rest[..rest.len() - inside.len()], negated, is_or })
    }
}

fn op(cursor: &mut Cursor, place: Place, counted: &mut Counted) -> Read<(bool, Op)> {
    let negated = cursor.eat("not.");
    let start = cursor.at();
    let word = cursor.run(|c| c.is_ascii_lowercase());
    let read = if let Some(operator) = comparison(word) {
        let quantifier = quantifier(cursor);
        value(cursor, place).map(|value| Op::Compare { operator, quantifier, value })
    } else if let Some(operator) = simple(word) {
        value(cursor, place).map(|value| Op::Simple { operator, value })
    } else if let Some(syntax) = fts(word) {
        let config = config(cursor);
        value(cursor, place).map(|value| Op::Fts { syntax, config, value })
    } else {
        match word {
            "isdistinct" => value(cursor, place).map(Op::IsDistinct),
            "in" if cursor.eat(".") => return list(cursor, counted).map(|list| (negated, Op::In(list))),
            "is" if cursor.eat(".") => return is(cursor).map(|is| (negated, Op::Is(is))),
            _ => None,
        }
    };
    read.map(|op| (negated, op)).ok_or_else(|| {
        cursor.back_to(start);
        cursor.expected(if negated { OPERATOR } else { NOT_OR_OPERATOR })
    })
}

fn comparison(word: &str) -> Option<Comparison> {
    use Comparison::{Eq, Gt, Gte, ILike, IMatch, Like, Lt, Lte, Match};
    [Eq, Gt, Gte, Lt, Lte, Like, ILike, Match, IMatch].into_iter().find(|operator| operator.name() == word)
}

fn simple(word: &str) -> Option<Simple> {
    use Simple::{Adjacent, ContainedBy, Contains, Neq, NotExtendsLeft, NotExtendsRight, Overlaps, StrictlyLeft, StrictlyRight};
    let all = [Neq, Contains, ContainedBy, Overlaps, StrictlyLeft, StrictlyRight, NotExtendsRight, NotExtendsLeft, Adjacent];
    all.into_iter().find(|operator| operator.name() == word)
}

fn fts(word: &str) -> Option<Fts> {
    [Fts::Query, Fts::Plain, Fts::Phrase, Fts::Web].into_iter().find(|syntax| syntax.name() == word)
}

fn quantifier(cursor: &mut Cursor) -> Option<Quantifier> {
    if cursor.eat("(any)") {
        return Some(Quantifier::Any);
    }
    cursor.eat("(all)").then_some(Quantifier::All)
}

/// `(english)`; where there is anything else, nothing is read and the operator is not one.
fn config(cursor: &mut Cursor) -> Option<String> {
    let start = cursor.at();
    if cursor.eat("(")
        && let Ok(config) = cursor.identifier()
        && cursor.eat(")")
    {
        return Some(config);
    }
    cursor.back_to(start);
    None
}

/// `.value`; `None` without the dot.
fn value(cursor: &mut Cursor, place: Place) -> Option<String> {
    if !cursor.eat(".") {
        return None;
    }
    Some(match place {
        Place::Whole => cursor.take_rest().to_owned(),
        Place::Logic => logic_value(cursor),
    })
}

/// In quotes that end the value, one array literal without others inside, or everything up to `,` or `)`.
fn logic_value(cursor: &mut Cursor) -> String {
    if let Some(text) = cursor.quoted_until(is_over) {
        return text;
    }
    let rest = cursor.rest();
    if let Some(inside) = rest.strip_prefix('{')
        && let Some(end) = inside.find(['{', '}'])
        && inside[end..].starts_with('}')
    {
        let array = &rest[..end + 2];
        cursor.eat(array);
        return array.to_owned();
    }
    cursor.run(|c| !matches!(c, ',' | ')')).to_owned()
}

fn is_over(next: Option<char>) -> bool {
    matches!(next, None | Some(',' | ')'))
}

/// `(a,"b")`.
fn list(cursor: &mut Cursor, counted: &mut Counted) -> Read<Vec<String>> {
    cursor.spaces();
    cursor.expect("(", "\"(\"")?;
    cursor.spaces();
    let mut list = Vec::new();
    if !cursor.eat(")") {
        loop {
            counted.element()?;
            let element = cursor.quoted_until(is_over);
            list.push(element.unwrap_or_else(|| cursor.run(|c| !matches!(c, ',' | ')')).to_owned()));
            if !cursor.eat(",") {
                break;
            }
        }
        cursor.expect(")", "\",\" or \")\"")?;
    }
    cursor.spaces();
    Ok(list)
}

fn is(cursor: &mut Cursor) -> Read<Is> {
    let expected = cursor.expected("isVal: (null, not_null, true, false, unknown)");
    let word = cursor.run(|c| c.is_ascii_alphabetic() || c == '_').to_ascii_lowercase();
    let all = [Is::Null, Is::NotNull, Is::True, Is::False, Is::Unknown];
    let found = all.into_iter().find(|is| is.name() == word).ok_or(expected)?;
    cursor.spaces();
    Ok(found)
}

impl Counted {
    fn filter(&mut self) -> Read<()> {
        self.filters += 1;
        within(self.filters, MAX_FILTERS, "filters")
    }

    fn element(&mut self) -> Read<()> {
        self.elements += 1;
        within(self.elements, MAX_IN_ELEMENTS, "elements of in lists")
    }
}

fn within(count: usize, limit: usize, what: &'static str) -> Read<()> {
    if count <= limit { Ok(()) } else { Err(Stop::Fault(Fault::QueryLimit { what, limit })) }
}
