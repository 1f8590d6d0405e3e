//! Full text under PostgreSQL's configuration `simple`.
//!
//! A document is its runs of letters and digits, in lower case, numbered from 1. PostgreSQL's parser knows more (addresses, numbers
//! with a point, words with hyphens as a whole beside their parts); what a query finds by single words is the same.

mod needed;
mod query;
mod tree;
mod vector;

pub use needed::needed;
pub use vector::{vector, words_of_vector};

use std::collections::HashMap;

use self::tree::{Query, holds};
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
/// As [`matches()`].
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
