//! `select`: columns, aggregates and embeds.

use super::ast::{Aggregate, Join, SelectItem};
use super::cursor::{Cursor, Name, Read, Stop};
use super::fault::Fault;
use super::limits::{MAX_EMBED_DEPTH, MAX_EMBEDS, MAX_SELECT_ITEMS};

const END_OF_ITEM: &str = "\",\", \")\" or end of input";

/// What has been counted so far.
#[derive(Default)]
struct Counted {
    items: usize,
    embeds: usize,
}

/// The items of a whole `select`; none when it is empty.
pub(super) fn parse(text: &str) -> Result<Vec<SelectItem>, Fault> {
    let mut cursor = Cursor::new(text);
    let read = items(&mut cursor, &mut Counted::default(), 0).and_then(|items| {
        cursor.end(END_OF_ITEM)?;
        Ok(items)
    });
    read.map_err(|stop| cursor.fault(stop, "select parameter", text))
}

fn items(cursor: &mut Cursor, counted: &mut Counted, depth: usize) -> Read<Vec<SelectItem>> {
    cursor.spaces();
    if matches!(cursor.peek(), None | Some(')')) {
        return Ok(Vec::new());
    }
    let mut items = Vec::new();
    loop {
        counted.items += 1;
        within(counted.items, MAX_SELECT_ITEMS, "items in select")?;
        cursor.spaces();
        items.push(item(cursor, counted, depth)?);
        cursor.spaces();
        if !cursor.eat(",") {
            return Ok(items);
        }
    }
}

fn item(cursor: &mut Cursor, counted: &mut Counted, depth: usize) -> Read<SelectItem> {
    if cursor.eat("*") {
        return Ok(SelectItem::All);
    }
    if cursor.eat("...") {
        let name = cursor.name()?.text;
        return embed(cursor, counted, depth, Head { name, alias: None, spread: true });
    }
    let mut name = cursor.name()?;
    let mut alias = None;
    if cursor.rest().starts_with(':') && !cursor.rest().starts_with("::") {
        cursor.eat(":");
        alias = Some(std::mem::replace(&mut name, cursor.name()?).text);
    }
    if is_count(&name) && cursor.eat("()") {
        return Ok(SelectItem::Count { alias, cast: cast(cursor)? });
    }
    match cursor.peek() {
        Some('!' | '(') => embed(cursor, counted, depth, Head { name: name.text, alias, spread: false }),
        _ => field(cursor, name, alias),
    }
}

fn is_count(name: &Name) -> bool {
    !name.is_quoted && name.text == Aggregate::Count.name()
}

fn field(cursor: &mut Cursor, name: Name, alias: Option<String>) -> Read<SelectItem> {
    let path = cursor.json_path()?;
    cursor.spaces();
    let cast_to = cast(cursor)?;
    let aggregate = if cursor.eat(".") { Some((aggregate(cursor)?, cast(cursor)?)) } else { None };
    Ok(SelectItem::Field { name: name.text, path, cast: cast_to, aggregate, alias })
}

fn aggregate(cursor: &mut Cursor) -> Read<Aggregate> {
    let expected = cursor.expected("aggregate function (sum(), avg(), count(), min(), max())");
    let word = cursor.run(|c| c.is_ascii_lowercase());
    let all = [Aggregate::Sum, Aggregate::Avg, Aggregate::Count, Aggregate::Min, Aggregate::Max];
    let found = all.into_iter().find(|aggregate| aggregate.name() == word);
    if cursor.eat("()") { found.ok_or(expected) } else { Err(expected) }
}

fn cast(cursor: &mut Cursor) -> Read<Option<String>> {
    if cursor.eat("::") { cursor.identifier().map(Some) } else { Ok(None) }
}

/// What stands before an embed's modifiers.
struct Head {
    name: String,
    alias: Option<String>,
    spread: bool,
}

fn embed(cursor: &mut Cursor, counted: &mut Counted, depth: usize, head: Head) -> Read<SelectItem> {
    counted.embeds += 1;
    within(counted.embeds, MAX_EMBEDS, "embeds in select")?;
    within(depth + 1, MAX_EMBED_DEPTH, "embeds inside each other")?;
    let (mut hint, mut join) = (None, Join::Default);
    while cursor.rest().starts_with('!') {
        let again = cursor.expected("\"(\"");
        cursor.eat("!");
        let name = cursor.name()?;
        let said = match name.text.as_str() {
            "inner" if !name.is_quoted => Some(Join::Inner),
            "left" if !name.is_quoted => Some(Join::Left),
            _ => None,
        };
        match said {
            Some(said) if join == Join::Default => join = said,
            None if hint.is_none() => hint = Some(name.text),
            _ => return Err(again),
        }
    }
    cursor.expect("(", "\"!\" or \"(\"")?;
    let select = items(cursor, counted, depth + 1)?;
    cursor.expect(")", "\",\" or \")\"")?;
    Ok(SelectItem::Embed { name: head.name, alias: head.alias, hint, join, select, spread: head.spread })
}

fn within(count: usize, limit: usize, what: &'static str) -> Read<()> {
    if count <= limit { Ok(()) } else { Err(Stop::Fault(Fault::QueryLimit { what, limit })) }
}
