//! Queries as trees, held against the places of words.

use std::collections::HashMap;

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

/// Whether words in these places match.
pub(super) fn holds(query: &Query, words: &HashMap<String, Vec<usize>>) -> bool {
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
