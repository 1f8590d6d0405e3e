//! Full text under PostgreSQL's configuration `simple`.
//!
//! A document is its runs of letters and digits, in lower case, numbered from 1. PostgreSQL's parser knows more (addresses, numbers
//! with a point, words with hyphens as a whole beside their parts); what a query finds by single words is the same.

mod needed;
mod query;
mod vector;

pub use needed::needed;
pub use vector::{vector, words_of_vector};

use std::collections::HashMap;

use super::Invalid;
use super::text::lower;

/// Text search configurations that PostgreSQL comes with. All read as `simple` here: words are compared as they are.
pub const CONFIGURATIONS: &[&str] = &[
    "simple",
    "arabic",
    "armenian",
    "basque",
    "catalan",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hindi",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "lithuanian",
    "nepali",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "serbian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
    "yiddish",
];

/// How a query is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `to_tsquery`: words with `&`, `|`, `!`, `<->`, `<2>`, parentheses, quotes, and `:*` for beginnings.
    Query,
    /// `plainto_tsquery`: all words.
    Plain,
    /// `phraseto_tsquery`: all words, one after the other.
    Phrase,
    /// `websearch_to_tsquery`: words, `"phrases"`, `or`, `-not`. Nothing is an error.
    Web,
}

/// A query as a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// Any word that begins so when `true`.
    Word(String, bool),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    /// The right so many words after the left.
    Phrase(Box<Self>, Box<Self>, usize),
}

/// Whether a text matches a query. A query without words matches nothing.
///
/// # Errors
/// 42601 when the query is not written as its kind demands.
pub fn matches(text: &str, query: &str, kind: Kind) -> Result<bool, Invalid> {
    let Some(query) = query_of(query, kind)? else { return Ok(false) };
    let mut words: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, word) in words_of(text).enumerate() {
        words.entry(word).or_default().push(place + 1);
    }
    Ok(holds(&query, &words))
}

/// The same of what [`vector()`] made of a text.
///
/// # Errors
/// As [`matches`].
pub fn vector_matches(vector: &str, query: &str, kind: Kind) -> Result<bool, Invalid> {
    Ok(query_of(query, kind)?.is_some_and(|query| holds(&query, &vector::places_of(vector))))
}

/// A query as a tree; `None` when it has no words.
fn query_of(query: &str, kind: Kind) -> Result<Option<Query>, Invalid> {
    Ok(match kind {
        Kind::Query => query::parse(query)?,
        Kind::Plain => query::all(query),
        Kind::Phrase => query::phrase(query),
        Kind::Web => query::web(query),
    })
}

/// The words of a text, in order.
pub fn words_of(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(lower)
}

fn holds(query: &Query, words: &HashMap<String, Vec<usize>>) -> bool {
    match query {
        Query::Word(word, false) => words.contains_key(word),
        Query::Word(start, true) => words.keys().any(|word| word.starts_with(start)),
        Query::Not(inner) => !holds(inner, words),
        Query::And(left, right) => holds(left, words) && holds(right, words),
        Query::Or(left, right) => holds(left, words) || holds(right, words),
        Query::Phrase(..) => {
            let (places, all_but) = places(query, words);
            all_but || !places.is_empty()
        }
    }
}

/// Where the last word of a match stands; when `true`, everywhere else.
fn places(query: &Query, words: &HashMap<String, Vec<usize>>) -> (Vec<usize>, bool) {
    match query {
        Query::Word(word, false) => (words.get(word).cloned().unwrap_or_default(), false),
        Query::Word(start, true) => {
            let found = words.iter().filter(|(word, _)| word.starts_with(start));
            (found.flat_map(|(_, places)| places.iter().copied()).collect(), false)
        }
        Query::Not(inner) => {
            let (places, all_but) = places(inner, words);
            (places, !all_but)
        }
        Query::And(left, right) => both(places(left, words), places(right, words)),
        Query::Or(left, right) => {
            let ((left, not_left), (right, not_right)) = (places(left, words), places(right, words));
            // By De Morgan: neither is outside both.
            let (places, all_but) = both((left, !not_left), (right, !not_right));
            (places, !all_but)
        }
        Query::Phrase(left, right, distance) => {
            let (left, not_left) = places(left, words);
            let moved = left.into_iter().map(|place| place + distance).collect();
            both((moved, not_left), places(right, words))
        }
    }
}

fn both((left, not_left): (Vec<usize>, bool), (right, not_right): (Vec<usize>, bool)) -> (Vec<usize>, bool) {
    let keep = |from: Vec<usize>, among: &[usize], wanted: bool| -> Vec<usize> {
        from.into_iter().filter(|place| among.contains(place) == wanted).collect()
    };
    match (not_left, not_right) {
        (false, _) => (keep(left, &right, !not_right), false),
        (true, false) => (keep(right, &left, false), false),
        (true, true) => (left.into_iter().chain(right).collect(), true),
    }
}
