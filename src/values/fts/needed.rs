//! What a query asks of a text's words at least, for an index of words that answers sooner than the texts themselves.

use super::{Kind, Query, query_of};

/// Words, and levels of brackets, that are asked for; a query may have more.
const MAX_WORDS: usize = 64;
const MAX_LEVELS: usize = 8;
/// How deep a query is looked into. A chain of words is as deep as it is long.
const MAX_DEPTH: usize = 1000;

/// A condition on which words there are.
enum Needed {
    Word(String, bool),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// What every text meets that matches a query, in the syntax of SQLite's FTS5: words in double quotes, `*` after a beginning, `AND`,
/// `OR`, brackets. A text may meet it and not match.
///
/// `None` where nothing narrower than all texts can be said: of a query that only says which words there are not, has no words, is
/// not written as its kind demands, or is too large.
#[must_use]
pub fn needed(query: &str, kind: Kind) -> Option<String> {
    let query = query_of(query, kind).ok()??;
    let mut out = String::new();
    of(&query, 0)?.write(&mut out);
    Some(out)
}

fn of(query: &Query, depth: usize) -> Option<Needed> {
    match query {
        Query::Word(word, prefix) => Some(Needed::Word(word.clone(), *prefix)),
        Query::Not(_) => None,
        _ if depth > MAX_DEPTH => None,
        // In a phrase a word that must not stand there asks for nothing either.
        Query::And(left, right) | Query::Phrase(left, right, _) => match (of(left, depth + 1), of(right, depth + 1)) {
            (Some(left), Some(right)) => left.and(right),
            (one, other) => one.or(other),
        },
        Query::Or(left, right) => of(left, depth + 1)?.or(of(right, depth + 1)?),
    }
}

impl Needed {
    /// Without what would be too much: fewer conditions let more texts through.
    fn and(self, other: Self) -> Option<Self> {
        let mut all = match self {
            Self::All(all) => all,
            one => vec![one],
        };
        match other {
            Self::All(more) => all.extend(more),
            one => all.push(one),
        }
        all.retain(|one| one.levels() < MAX_LEVELS);
        all.truncate(MAX_WORDS);
        (!all.is_empty()).then_some(Self::All(all))
    }

    fn or(self, other: Self) -> Option<Self> {
        let mut any = match self {
            Self::Any(any) => any,
            one => vec![one],
        };
        match other {
            Self::Any(more) => any.extend(more),
            one => any.push(one),
        }
        let fits = any.len() <= MAX_WORDS && any.iter().all(|one| one.levels() < MAX_LEVELS);
        fits.then_some(Self::Any(any))
    }

    fn levels(&self) -> usize {
        match self {
            Self::Word(..) => 0,
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::levels).max().unwrap_or(0),
        }
    }

    fn write(&self, out: &mut String) {
        let (parts, between) = match self {
            Self::Word(word, prefix) => {
                // Words are letters and digits alone, so that nothing in them ends the quotes.
                out.push_str(&format!("\"{word}\"{}", if *prefix { "*" } else { "" }));
                return;
            }
            Self::All(parts) => (parts, " AND "),
            Self::Any(parts) => (parts, " OR "),
        };
        out.push('(');
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                out.push_str(between);
            }
            part.write(out);
        }
        out.push(')');
    }
}
