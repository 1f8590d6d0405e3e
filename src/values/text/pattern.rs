//! `like` and regular expressions.

use std::sync::LazyLock;

use moka::sync::Cache;
use regex::{Captures, Regex, RegexBuilder};

use super::case::lower_char;
use crate::values::Invalid;

/// Bytes of a regular expression at the most, as text and compiled.
const MAX_REGEX: usize = 1000;
const MAX_COMPILED: usize = 1 << 20;

/// Compiled expressions, by whether case matters and their text.
static COMPILED: LazyLock<Cache<(bool, String), Regex>> = LazyLock::new(|| Cache::new(256));

/// `text like pattern`: `%` is any text, `_` any character, and `\` takes its meaning from what follows.
///
/// # Errors
/// 22025 when nothing follows a `\`.
pub fn like(text: &str, pattern: &str, ignore_case: bool) -> Result<bool, Invalid> {
    let fold = |c: char| if ignore_case { lower_char(c) } else { c };
    let text: Vec<char> = text.chars().map(fold).collect();
    let pattern = tokens(pattern, fold)?;
    // Where to go on when what follows the last `%` does not fit: it takes one more character then.
    let (mut at, mut next, mut retry) = (0, 0, None);
    while at < text.len() {
        match pattern.get(next) {
            Some(Token::Any) => {
                retry = Some((at, next));
                next += 1;
            }
            Some(Token::One) => (at, next) = (at + 1, next + 1),
            Some(Token::Char(c)) if *c == text[at] => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((from, star)) = retry else { return Ok(false) };
                retry = Some((from + 1, star));
                (at, next) = (from + 1, star + 1);
            }
        }
    }
    Ok(pattern[next..].iter().all(|token| matches!(token, Token::Any)))
}

enum Token {
    Any,
    One,
    Char(char),
}

fn tokens(pattern: &str, fold: impl Fn(char) -> char) -> Result<Vec<Token>, Invalid> {
    let mut out = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '%' => Token::Any,
            '_' => Token::One,
            '\\' => {
                let escaped = chars.next();
                Token::Char(fold(
                    escaped.ok_or_else(|| Invalid::new("22025", "LIKE pattern must not end with escape character"))?,
                ))
            }
            c => Token::Char(fold(c)),
        });
    }
    Ok(out)
}

/// `text ~ expression`, or `~*`. PostgreSQL's advanced expressions without back references and looking ahead; the time is linear in
/// the text.
///
/// # Errors
/// 2201B when it is none, or too large.
pub fn matches_regex(text: &str, expression: &str, ignore_case: bool) -> Result<bool, Invalid> {
    Ok(compiled(expression, ignore_case)?.is_match(text))
}

/// `regexp_replace(text, expression, replacement, flags)`: the first match, or with the flag `g` all of them; `i` takes upper and lower
/// case as one. In the replacement `\1` to `\9` are what the brackets matched and `\&` is all of the match.
///
/// # Errors
/// 2201B as above; 22023 for other flags; 54000 when the result would be too long.
pub fn replace_regex(text: &str, expression: &str, replacement: &str, flags: &str) -> Result<String, Invalid> {
    if let Some(other) = flags.chars().find(|flag| !matches!(flag, 'g' | 'i' | 'c')) {
        return Err(Invalid::new("22023", format!("invalid regular expression option: \"{other}\"")));
    }
    // The last of the two that contradict each other counts.
    let ignore_case = flags.rfind('i') > flags.rfind('c');
    let regex = compiled(expression, ignore_case)?;
    let mut out = String::with_capacity(text.len());
    let mut after = 0;
    for found in regex.captures_iter(text).take(if flags.contains('g') { usize::MAX } else { 1 }) {
        let Some(whole) = found.get(0) else { break };
        out.push_str(&text[after..whole.start()]);
        expand(replacement, &found, &mut out);
        if out.len() > super::MAX_MADE {
            return Err(Invalid::new("54000", "requested length too large"));
        }
        after = whole.end();
    }
    out.push_str(&text[after..]);
    Ok(out)
}

fn expand(replacement: &str, found: &Captures<'_>, out: &mut String) {
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        let group = match (c, chars.clone().next()) {
            ('\\', Some('&')) => 0,
            ('\\', Some(digit @ '1'..='9')) => usize::from(digit as u8 - b'0'),
            ('\\', Some('\\')) => {
                chars.next();
                out.push('\\');
                continue;
            }
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push_str(found.get(group).map_or("", |group| group.as_str()));
    }
}

fn compiled(expression: &str, ignore_case: bool) -> Result<Regex, Invalid> {
    let key = (ignore_case, expression.to_owned());
    if let Some(regex) = COMPILED.get(&key) {
        return Ok(regex);
    }
    if expression.len() > MAX_REGEX {
        return Err(invalid(&format!("it is longer than {MAX_REGEX} bytes")));
    }
    let mut builder = RegexBuilder::new(&translated(expression));
    builder.case_insensitive(ignore_case).dot_matches_new_line(true).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED);
    let regex = builder.build().map_err(|err| match err {
        regex::Error::CompiledTooBig(_) => invalid("it is too large"),
        err => invalid(err.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ")),
    })?;
    COMPILED.insert(key, regex.clone());
    Ok(regex)
}

fn invalid(reason: &str) -> Invalid {
    Invalid::new("2201B", format!("invalid regular expression: {reason}"))
}

/// What PostgreSQL writes otherwise than the `regex` crate: the ends of words, and what is plain inside brackets.
fn translated(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len() + 8);
    let mut chars = expression.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('y') => out.push_str("\\b"),
                Some('Y') => out.push_str("\\B"),
                Some('m') => out.push_str("\\b{start}"),
                Some('M') => out.push_str("\\b{end}"),
                Some('Z') => out.push_str("\\z"),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' => bracket(&mut chars, &mut out),
            '{' if !chars.peek().is_some_and(char::is_ascii_digit) => out.push_str("\\{"),
            c => out.push(c),
        }
    }
    out
}

/// A bracket expression after its `[`.
fn bracket(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    if chars.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    while let Some(c) = chars.next() {
        match c {
            ']' => return out.push(']'),
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '\\' => {
                out.push('\\');
                out.extend(chars.next());
            }
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
}
