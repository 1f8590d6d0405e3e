//! A whole query string.

use super::ast::{Condition, Filter, OrderTerm, SelectItem};
use super::cursor::{Cursor, Read, Stop};
use super::embeds::{Embeds, Nested};
use super::fault::{Fault, OutOfRange};
use super::filter::{self, Counted};
use super::form;
use super::headers::Range;
use super::limits::{MAX_COLUMNS, MAX_ORDER_TERMS, MAX_PAIRS, MAX_QUERY_BYTES};
use super::select;

/// What a query string asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// `*` when not said; empty when said to be.
    pub select: Vec<SelectItem>,
    /// All must be true, in the order they came.
    pub filters: Vec<Condition>,
    pub order: Vec<OrderTerm>,
    pub limit: Option<u64>,
    pub offset: u64,
    /// The columns that are written, each once; the others of the body are ignored.
    pub columns: Option<Vec<String>>,
    /// The columns of the unique key that an upsert goes by.
    pub on_conflict: Option<Vec<String>>,
    pub nested: Embeds,
    /// Of a function called by GET: the pairs that are no operation, in order; a name may come again, for a variadic argument.
    pub arguments: Vec<(String, String)>,
}

/// What a query string is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A table or view.
    Table,
    /// A function, its arguments in the query.
    RpcGet,
    /// A function, its arguments in the body.
    RpcPost,
}

/// What a key says, by its last word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Order,
    Limit,
    Offset,
    Logic { is_or: bool },
    Filter,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            select: vec![SelectItem::All],
            filters: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: 0,
            columns: None,
            on_conflict: None,
            nested: Embeds::default(),
            arguments: Vec::new(),
        }
    }
}

impl Query {
    /// Of a query string as it was sent, without the `?`.
    ///
    /// Where `select`, `columns`, `on_conflict` or an `order` come again, the first counts; of `limit` and `offset` the last.
    ///
    /// # Errors
    ///
    /// [`Fault::Query`], [`Fault::QueryLimit`], [`Fault::NotEmbedded`] for a prefix that is not in `select`, and [`Fault::Range`] for a
    /// negative limit.
    pub fn parse(query_string: &str, kind: Kind) -> Result<Self, Fault> {
        let pairs = pairs(query_string)?;
        let first = |key: &str| pairs.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str());
        let columns = first("columns").map(|text| names(text, "columns parameter")).transpose()?;
        let on_conflict = first("on_conflict").map(|text| names(text, "on_conflict parameter")).transpose()?;
        let select = first("select").map_or_else(|| Ok(vec![SelectItem::All]), select::parse)?;
        let root = Nested { embeds: Embeds::of(&select), ..Nested::default() };
        root.embeds.check()?;
        let mut reader = Reader { root, counted: Counted::default(), order_terms: 0, arguments: Vec::new(), kind };
        for (key, value) in &pairs {
            if !matches!(key.as_str(), "select" | "columns" | "on_conflict") {
                reader.pair(key, value)?;
            }
        }
        let Reader { root, arguments, .. } = reader;
        let Nested { filters, order, limit, offset, embeds, .. } = root;
        Ok(Self { select, filters, order, limit, offset, columns, on_conflict, nested: embeds, arguments })
    }

    /// Keeps what a `Range` header and `limit` and `offset` have in common. `limit=0` stays as it is.
    ///
    /// # Errors
    ///
    /// [`Fault::Range`] when that is nothing.
    pub fn narrow(&mut self, range: Range) -> Result<(), Fault> {
        if self.limit == Some(0) {
            return Ok(());
        }
        let start = self.offset.max(range.first);
        let asked_end = self.limit.map(|limit| self.offset.saturating_add(limit));
        let range_end = range.last.map(|last| last.saturating_add(1));
        let end = [asked_end, range_end].into_iter().flatten().min();
        if end.is_some_and(|end| end <= start) {
            return Err(Fault::Range(OutOfRange::Negative));
        }
        self.offset = start;
        self.limit = end.map(|end| end - start);
        Ok(())
    }

    /// PUT is about one row, by its key.
    ///
    /// # Errors
    ///
    /// [`Fault::PutLimit`] when there is a limit or an offset.
    pub fn check_put(&self) -> Result<(), Fault> {
        if self.limit.is_none() && self.offset == 0 { Ok(()) } else { Err(Fault::PutLimit) }
    }
}

/// The pairs that have a value.
fn pairs(query_string: &str) -> Result<Vec<(String, String)>, Fault> {
    if query_string.len() > MAX_QUERY_BYTES {
        return Err(Fault::QueryLimit { what: "bytes in the query string", limit: MAX_QUERY_BYTES });
    }
    let pairs = form::pairs(query_string).ok_or_else(|| Fault::Query {
        message: "\"failed to decode the query string\"".to_owned(),
        details: "what its percent escapes stand for is not UTF-8".to_owned(),
    })?;
    if pairs.len() > MAX_PAIRS {
        return Err(Fault::QueryLimit { what: "parameters in the query string", limit: MAX_PAIRS });
    }
    Ok(pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}

fn names(text: &str, what: &str) -> Result<Vec<String>, Fault> {
    let mut cursor = Cursor::new(text);
    let names = cursor.names().map_err(|stop| cursor.fault(stop, what, text))?;
    if names.len() > MAX_COLUMNS {
        return Err(Fault::QueryLimit { what: "names in columns or on_conflict", limit: MAX_COLUMNS });
    }
    let mut seen = std::collections::HashSet::new();
    Ok(names.into_iter().filter(|name| seen.insert(name.clone())).collect())
}

/// Takes pairs in, one after the other.
struct Reader {
    /// The table itself, as if it were an embed.
    root: Nested,
    counted: Counted,
    order_terms: usize,
    arguments: Vec<(String, String)>,
    kind: Kind,
}

impl Reader {
    fn pair(&mut self, key: &str, value: &str) -> Result<(), Fault> {
        match word_of(key) {
            Word::Order => {
                let order = self.order(value)?;
                let place = self.place(key)?;
                if place.order.is_empty() {
                    place.order = order;
                }
            }
            Word::Limit => self.place(key)?.limit = number(value)?,
            Word::Offset => self.place(key)?.offset = number(value)?.unwrap_or(0),
            Word::Logic { is_or } => {
                let tree = filter::tree(is_or, value, &mut self.counted)?;
                let (path, negated) = logic_path(key)?;
                let tree = if negated { Condition::Not(Box::new(tree)) } else { tree };
                self.at(&path)?.filters.push(tree);
            }
            Word::Filter => self.filter(key, value)?,
        }
        Ok(())
    }

    fn filter(&mut self, key: &str, value: &str) -> Result<(), Fault> {
        let mut cursor = Cursor::new(key);
        let (path, field) = cursor.key().map_err(|stop| cursor.fault(stop, "tree path", key))?;
        let (negated, op) = match filter::operation(value, &mut self.counted) {
            Err(Fault::Query { .. }) if self.kind == Kind::RpcGet && path.is_empty() && field.path.is_empty() => {
                self.arguments.push((field.name, value.to_owned()));
                return Ok(());
            }
            read => read?,
        };
        self.at(&path)?.filters.push(Condition::Filter(Filter { field, negated, op }));
        Ok(())
    }

    fn order(&mut self, value: &str) -> Result<Vec<OrderTerm>, Fault> {
        let mut cursor = Cursor::new(value);
        let mut terms = Vec::new();
        loop {
            self.order_terms += 1;
            if self.order_terms > MAX_ORDER_TERMS {
                return Err(Fault::QueryLimit { what: "terms of order", limit: MAX_ORDER_TERMS });
            }
            terms.push(order_term(&mut cursor).map_err(|stop| cursor.fault(stop, "order", value))?);
            if !cursor.eat(",") {
                return Ok(terms);
            }
        }
    }

    /// What a key such as `clients.projects.limit` is about.
    fn place(&mut self, key: &str) -> Result<&mut Nested, Fault> {
        let mut cursor = Cursor::new(key);
        let (path, _) = cursor.key().map_err(|stop| cursor.fault(stop, "tree path", key))?;
        self.at(&path)
    }

    fn at(&mut self, path: &[String]) -> Result<&mut Nested, Fault> {
        match path.split_first() {
            None => Ok(&mut self.root),
            Some((first, below)) => self.root.embeds.find(first, below),
        }
    }
}

fn word_of(key: &str) -> Word {
    match key.rsplit('.').next().unwrap_or(key) {
        "order" => Word::Order,
        "limit" => Word::Limit,
        "offset" => Word::Offset,
        "and" => Word::Logic { is_or: false },
        "or" => Word::Logic { is_or: true },
        _ => Word::Filter,
    }
}

/// `clients.not.or`: the embeds that it is about, and whether it is negated. An embed that is called `not` is in quotes.
fn logic_path(key: &str) -> Result<(Vec<String>, bool), Fault> {
    let mut cursor = Cursor::new(key);
    let (mut path, _) = cursor.key().map_err(|stop| cursor.fault(stop, "logic path", key))?;
    let negated = key.rsplit('.').nth(1) == Some("not");
    if negated {
        path.pop();
    }
    Ok((path, negated))
}

fn order_term(cursor: &mut Cursor) -> Read<OrderTerm> {
    let mut field = cursor.field()?;
    let mut relation = None;
    if field.path.is_empty() && cursor.eat("(") {
        relation = Some(std::mem::replace(&mut field, cursor.field()?).name);
        cursor.expect(")", "\")\"")?;
    }
    let mut descending = false;
    let mut is_directed = false;
    let mut nulls_first = None;
    while cursor.rest().starts_with('.') && nulls_first.is_none() {
        let expected = cursor.expected(match is_directed {
            false => "\"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"",
            true => "\"nullsfirst\" or \"nullslast\"",
        });
        cursor.eat(".");
        match cursor.run(|c| c.is_alphanumeric() || c == '_') {
            word @ ("asc" | "desc") if !is_directed => (is_directed, descending) = (true, word == "desc"),
            word @ ("nullsfirst" | "nullslast") => nulls_first = Some(word == "nullsfirst"),
            _ => return Err(expected),
        }
    }
    cursor.spaces();
    if matches!(cursor.peek(), None | Some(',')) {
        return Ok(OrderTerm { relation, field, descending, nulls_first });
    }
    Err(Stop::Syntax { at: cursor.at(), expecting: "delimiter (.), \",\" or end of input" })
}

/// A limit or an offset; `None` for what is no number, which is ignored.
fn number(value: &str) -> Result<Option<u64>, Fault> {
    let value = value.trim();
    let (negative, digits) = value.strip_prefix('-').map_or((false, value), |digits| (true, digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    // More than a database can count to means all.
    let number = digits.parse::<u64>().unwrap_or(u64::MAX).min(i64::MAX as u64);
    if negative && number > 0 { Err(Fault::Range(OutOfRange::Negative)) } else { Ok(Some(number)) }
}
