//! Reading queries.

use super::{Query, words_of};
use crate::values::Invalid;

/// Parentheses in parentheses at the most.
const MAX_DEPTH: usize = 64;
const MAX_DISTANCE: usize = 16_384;

/// Every word, by `&`.
pub(super) fn all(text: &str) -> Option<Query> {
    words_of(text).map(|word| Query::Word(word, false)).reduce(and)
}

/// Every word, one after the other.
pub(super) fn phrase(text: &str) -> Option<Query> {
    words_of(text).map(|word| Query::Word(word, false)).reduce(|left, right| follow(left, right, 1))
}

fn and(left: Query, right: Query) -> Query {
    Query::And(Box::new(left), Box::new(right))
}

fn or(left: Query, right: Query) -> Query {
    Query::Or(Box::new(left), Box::new(right))
}

fn follow(left: Query, right: Query, distance: usize) -> Query {
    Query::Phrase(Box::new(left), Box::new(right), distance)
}

/// `"a phrase" word -not or other`.
pub(super) fn web(text: &str) -> Option<Query> {
    let mut alternatives: Vec<Option<Query>> = vec![None];
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = &rest[start..];
        let negative = rest.starts_with('-');
        let item = rest.trim_start_matches('-');
        let (query, after) = match item.strip_prefix('"') {
            Some(inner) => {
                let (inner, after) = inner.split_once('"').unwrap_or((inner, ""));
                (phrase(inner), after)
            }
            None => {
                let end = item.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(item.len());
                let (word, after) = item.split_at(end);
                if word.eq_ignore_ascii_case("or") && !negative && alternatives.last().is_some_and(Option::is_some) {
                    alternatives.push(None);
                    rest = after;
                    continue;
                }
                (phrase(word), after)
            }
        };
        rest = after;
        let Some(query) = query else { continue };
        let query = if negative { Query::Not(Box::new(query)) } else { query };
        if let Some(last) = alternatives.last_mut() {
            *last = Some(match last.take() {
                Some(before) => and(before, query),
                None => query,
            });
        }
    }
    alternatives.into_iter().flatten().reduce(or)
}

/// `to_tsquery`'s own syntax.
pub(super) fn parse(text: &str) -> Result<Option<Query>, Invalid> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { whole: text, rest: text, depth: 0 };
    let query = parser.alternatives()?;
    parser.space();
    if parser.rest.is_empty() { Ok(query) } else { Err(parser.syntax()) }
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    depth: usize,
}

/// Each level binds closer than the one before. A part without words counts as not there.
impl Parser<'_> {
    fn syntax(&self) -> Invalid {
        Invalid::new("42601", format!("syntax error in tsquery: \"{}\"", self.whole))
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, wanted: char) -> bool {
        self.space();
        let after = self.rest.strip_prefix(wanted);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn alternatives(&mut self) -> Result<Option<Query>, Invalid> {
        let mut left = self.conjunction()?;
        while self.take('|') {
            left = joined(left, self.conjunction()?, or);
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Option<Query>, Invalid> {
        let mut left = self.phrase()?;
        while self.take('&') {
            left = joined(left, self.phrase()?, and);
        }
        Ok(left)
    }

    fn phrase(&mut self) -> Result<Option<Query>, Invalid> {
        let mut left = self.operand()?;
        while self.take('<') {
            let (distance, after) = self.rest.split_once('>').ok_or_else(|| self.syntax())?;
            let distance = match distance {
                "-" => 1,
                number => number.parse().ok().filter(|number| *number <= MAX_DISTANCE).ok_or_else(|| self.syntax())?,
            };
            self.rest = after;
            left = joined(left, self.operand()?, |left, right| follow(left, right, distance));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Option<Query>, Invalid> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.syntax());
        }
        let query = if self.take('!') {
            self.operand()?.map(|query| Query::Not(Box::new(query)))
        } else if self.take('(') {
            let inner = self.alternatives()?;
            if !self.take(')') {
                return Err(self.syntax());
            }
            inner
        } else if self.take('\'') {
            self.quoted()?
        } else {
            let end = self.rest.find(|c: char| c.is_whitespace() || "&|!()<>:'".contains(c)).unwrap_or(self.rest.len());
            let (word, after) = self.rest.split_at(end);
            if self.rest.is_empty() {
                return Err(Invalid::new("42601", format!("no operand in tsquery: \"{}\"", self.whole)));
            }
            if word.is_empty() {
                return Err(self.syntax());
            }
            self.rest = after;
            self.with_flags(word)
        };
        self.depth -= 1;
        Ok(query)
    }

    /// What is in quotes is a phrase; a quote in it is doubled.
    fn quoted(&mut self) -> Result<Option<Query>, Invalid> {
        let mut word = String::new();
        loop {
            let (part, after) = self.rest.split_once('\'').ok_or_else(|| self.syntax())?;
            word.push_str(part);
            self.rest = after;
            match self.rest.strip_prefix('\'') {
                Some(after) => {
                    word.push('\'');
                    self.rest = after;
                }
                None => return Ok(self.with_flags(&word)),
            }
        }
    }

    /// After a word: `:*`, and the weights `A` to `D`, which nothing here has.
    fn with_flags(&mut self, text: &str) -> Option<Query> {
        let mut prefix = false;
        if let Some(flags) = self.rest.strip_prefix(':') {
            let end = flags.find(|c: char| !"*ABCDabcd".contains(c)).unwrap_or(flags.len());
            prefix = flags[..end].contains('*');
            self.rest = &flags[end..];
        }
        let words = words_of(text).map(|word| Query::Word(word, prefix));
        words.reduce(|left, right| follow(left, right, 1))
    }
}

fn joined(left: Option<Query>, right: Option<Query>, join: impl FnOnce(Query, Query) -> Query) -> Option<Query> {
    match (left, right) {
        (Some(left), Some(right)) => Some(join(left, right)),
        (one, other) => one.or(other),
    }
}
