//! Queries as the query strings that ask for them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use plinth::data::request::{
    Arrow, Condition, Embeds, Field, Filter, Join, JsonKey, JsonStep, Nested, Op, OrderTerm, Quantifier, Query, SelectItem,
};

/// The query string of a query.
pub fn query_string(query: &Query) -> String {
    let mut pairs = vec![("select".to_owned(), select(&query.select))];
    let root = Nested {
        filters: query.filters.clone(),
        order: query.order.clone(),
        limit: query.limit,
        offset: query.offset,
        embeds: query.nested.clone(),
        ..Nested::default()
    };
    scope("", &root, &mut pairs);
    for (key, names) in [("columns", &query.columns), ("on_conflict", &query.on_conflict)] {
        pairs.extend(names.iter().map(|names| (key.to_owned(), joined(names, |part| name(part)))));
    }
    pairs.extend(query.arguments.iter().map(|(key, value)| (name(key), value.clone())));
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    joined_by(&pairs, "&", |(key, value)| format!("{}={}", encoded(key), encoded(value)))
}

fn scope(prefix: &str, nested: &Nested, pairs: &mut Vec<(String, String)>) {
    for condition in &nested.filters {
        pairs.push(match condition {
            Condition::Filter(filter) => (format!("{prefix}{}", field(&filter.field)), operation(filter, false)),
            tree => {
                let (word, nodes) = logic(tree);
                (format!("{prefix}{word}"), nodes)
            }
        });
    }
    if !nested.order.is_empty() {
        pairs.push((format!("{prefix}order"), joined(&nested.order, order_term)));
    }
    pairs.extend(nested.limit.map(|limit| (format!("{prefix}limit"), limit.to_string())));
    if nested.offset > 0 {
        pairs.push((format!("{prefix}offset"), nested.offset.to_string()));
    }
    let Embeds(embeds) = &nested.embeds;
    for embed in embeds {
        scope(&format!("{prefix}{}.", name(embed.key())), embed, pairs);
    }
}

fn select(items: &[SelectItem]) -> String {
    joined(items, |item| match item {
        SelectItem::All => "*".to_owned(),
        SelectItem::Count { alias, cast } => format!("{}count(){}", before(alias, ":"), after("::", cast)),
        SelectItem::Field { name: column, path: steps, cast, aggregate, alias } => {
            let aggregate = aggregate.as_ref().map(|(function, cast)| format!(".{}(){}", function.name(), after("::", cast)));
            let column = format!("{}{}", name(column), path(steps));
            format!("{}{column}{}{}", before(alias, ":"), after("::", cast), aggregate.unwrap_or_default())
        }
        SelectItem::Embed { name: relation, alias, hint, join, select: inner, spread } => {
            let dots = if *spread { "..." } else { "" };
            let hint = hint.as_ref().map(|hint| format!("!{}", name(hint))).unwrap_or_default();
            let join = match join {
                Join::Default => "",
                Join::Inner => "!inner",
                Join::Left => "!left",
            };
            format!("{dots}{}{}{hint}{join}({})", before(alias, ":"), name(relation), select(inner))
        }
    })
}

fn before(alias: &Option<String>, sign: &str) -> String {
    alias.as_ref().map(|alias| format!("{}{sign}", name(alias))).unwrap_or_default()
}

fn after(sign: &str, cast: &Option<String>) -> String {
    cast.as_ref().map(|cast| format!("{sign}{cast}")).unwrap_or_default()
}

fn field(of: &Field) -> String {
    format!("{}{}", name(&of.name), path(&of.path))
}

fn path(steps: &[JsonStep]) -> String {
    let steps = steps.iter().map(|step| {
        let arrow = if step.arrow == Arrow::Text { "->>" } else { "->" };
        match &step.key {
            JsonKey::Index(index) => format!("{arrow}{index}"),
            JsonKey::Key(key) => format!("{arrow}{}", name(key)),
        }
    });
    steps.collect()
}

fn order_term(term: &OrderTerm) -> String {
    let by = match &term.relation {
        Some(relation) => format!("{}({})", name(relation), field(&term.field)),
        None => field(&term.field),
    };
    let nulls = match term.nulls_first {
        None => "",
        Some(true) => ".nullsfirst",
        Some(false) => ".nullslast",
    };
    format!("{by}{}{nulls}", if term.descending { ".desc" } else { "" })
}

/// `not.and` and `(…)`.
fn logic(tree: &Condition) -> (String, String) {
    let nodes = |nodes: &[Condition]| {
        let nodes = joined(nodes, |node| match node {
            Condition::Filter(filter) => format!("{}.{}", field(&filter.field), operation(filter, true)),
            tree => {
                let (word, nodes) = logic(tree);
                format!("{word}{nodes}")
            }
        });
        format!("({nodes})")
    };
    match tree {
        Condition::And(of) => ("and".to_owned(), nodes(of)),
        Condition::Or(of) => ("or".to_owned(), nodes(of)),
        Condition::Not(of) => {
            let (word, nodes) = logic(of);
            (format!("not.{word}"), nodes)
        }
        Condition::Filter(_) => panic!("a filter is no tree"),
    }
}

fn operation(filter: &Filter, is_in_logic: bool) -> String {
    let shown = |value: &String| if is_in_logic { logic_value(value) } else { value.clone() };
    let op = match &filter.op {
        Op::Compare { operator, quantifier, value } => {
            let quantifier = match quantifier {
                None => "",
                Some(Quantifier::Any) => "(any)",
                Some(Quantifier::All) => "(all)",
            };
            format!("{}{quantifier}.{}", operator.name(), shown(value))
        }
        Op::Simple { operator, value } => format!("{}.{}", operator.name(), shown(value)),
        Op::IsDistinct(value) => format!("isdistinct.{}", shown(value)),
        Op::In(list) => format!("in.({})", joined(list, |element| quoted_unless_plain(element))),
        Op::Is(is) => format!("is.{}", is.name()),
        Op::Fts { syntax, config, value } => {
            let config = config.as_ref().map(|config| format!("({config})")).unwrap_or_default();
            format!("{}{config}.{}", syntax.name(), shown(value))
        }
    };
    format!("{}{op}", if filter.negated { "not." } else { "" })
}

fn logic_value(value: &str) -> String {
    let inside = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match inside {
        Some(inside) if !inside.contains(['{', '}']) => value.to_owned(),
        _ => quoted_unless_plain(value),
    }
}

/// Words that mean something where a name may stand.
const WORDS: [&str; 10] = ["count", "inner", "left", "not", "and", "or", "order", "limit", "offset", "select"];

/// A name, in quotes unless it needs none.
fn name(text: &str) -> String {
    let is_word = WORDS.contains(&text) || ["columns", "on_conflict"].contains(&text);
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins_well && !is_word { quoted_unless_plain(text) } else { quoted(text) }
}

fn quoted_unless_plain(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn joined<T>(items: &[T], print: impl Fn(&T) -> String) -> String {
    joined_by(items, ",", print)
}

fn joined_by<T>(items: &[T], separator: &str, print: impl Fn(&T) -> String) -> String {
    items.iter().map(print).collect::<Vec<_>>().join(separator)
}
