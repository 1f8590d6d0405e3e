//! Schema-qualified names on a database without schemas.
//!
//! SQL text says `auth.users` everywhere. PostgreSQL takes it as it is; for SQLite the name becomes one quoted identifier with the
//! dot in it, `"auth.users"`, since SQLite would take `auth` for an attached database. Only the prefixes below are touched, and
//! never inside a string, a quoted identifier, a comment or a dollar quote. `auth.users.email` becomes `"auth.users".email`.
//!
//! So nothing else may be called by a prefix: a table alias `auth` would be taken for the schema.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use moka::sync::Cache;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// The schemas SQL text may name.
pub const SCHEMAS: [&str; 4] = ["auth", "storage", "plinth", "realtime"];

/// A statement's text.
pub(super) enum Text {
    Static(&'static str),
    Owned(String),
}

impl Text {
    /// The text as it was written.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Owned(text) => text,
        }
    }

    /// The text as it was written, for PostgreSQL.
    pub(super) fn verbatim(self) -> SqlStr {
        match self {
            Self::Static(text) => text.into_sql_str(),
            Self::Owned(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }

    /// The text with its names rewritten, for SQLite, after statements that go with it (or `""`); remembered.
    pub(super) fn rewritten(self, prelude: &'static str) -> SqlStr {
        match self {
            Self::Static(text) => REMEMBERED.of_static(prelude, text),
            Self::Owned(text) if prelude.is_empty() => REMEMBERED.of_owned(text),
            Self::Owned(text) => REMEMBERED.of_owned(format!("{prelude}; {text}")),
        }
    }
}

static REMEMBERED: LazyLock<Remembered> = LazyLock::new(Remembered::new);

/// What was rewritten before. Both halves are bounded.
struct Remembered {
    /// By the address and length of both texts: a program has so many literals and no more.
    literals: RwLock<HashMap<[usize; 4], SqlStr>>,
    /// By text, the least used forgotten first.
    composed: Cache<String, Arc<str>>,
}

impl Remembered {
    const LITERALS: usize = 8192;
    const COMPOSED_BYTES: u64 = 4 << 20;

    fn new() -> Self {
        let weigh = |text: &String, out: &Arc<str>| u32::try_from(text.len() + out.len()).unwrap_or(u32::MAX);
        let composed = Cache::builder().weigher(weigh).max_capacity(Self::COMPOSED_BYTES).build();
        Self { literals: RwLock::default(), composed }
    }

    fn of_static(&self, prelude: &'static str, text: &'static str) -> SqlStr {
        let key = [prelude.as_ptr().addr(), prelude.len(), text.as_ptr().addr(), text.len()];
        if let Some(found) = self.literals.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return found.clone();
        }
        let done = match rewrite(text) {
            Cow::Borrowed(same) if prelude.is_empty() => same.into_sql_str(),
            new if prelude.is_empty() => AssertSqlSafe(Arc::<str>::from(new)).into_sql_str(),
            rest => AssertSqlSafe(Arc::<str>::from(format!("{prelude}; {rest}"))).into_sql_str(),
        };
        let mut literals = self.literals.write().unwrap_or_else(PoisonError::into_inner);
        if literals.len() < Self::LITERALS {
            literals.insert(key, done.clone());
        }
        done
    }

    fn of_owned(&self, text: String) -> SqlStr {
        if let Some(found) = self.composed.get(&text) {
            return AssertSqlSafe(found).into_sql_str();
        }
        let done = Arc::<str>::from(rewrite(&text).as_ref());
        self.composed.insert(text, Arc::clone(&done));
        AssertSqlSafe(done).into_sql_str()
    }
}

/// Rewrites every schema-qualified name of a statement, or of several.
#[must_use]
pub fn rewrite(sql: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut after_dot = false;
    while at < sql.len() {
        let token = Token::at(sql, at);
        let name = if token.kind == TokenKind::Word && !after_dot { Qualified::parse(sql, at, token.end) } else { None };
        if let Some(name) = name {
            out.push_str(&sql[copied..at]);
            name.write(&mut out, sql);
            copied = name.end;
            at = name.end;
            after_dot = false;
        } else {
            after_dot = token.kind == TokenKind::Dot;
            at = token.end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(sql);
    }
    out.push_str(&sql[copied..]);
    Cow::Owned(out)
}

/// A name with one of the prefixes: `auth.users` or `auth."users"`.
struct Qualified<'a> {
    schema: &'a str,
    table: &'a str,
    end: usize,
}

impl<'a> Qualified<'a> {
    fn parse(sql: &'a str, start: usize, end: usize) -> Option<Self> {
        let schema = &sql[start..end];
        if !SCHEMAS.iter().any(|known| known.eq_ignore_ascii_case(schema)) || !sql[end..].starts_with('.') {
            return None;
        }
        let start = end + 1;
        if start >= sql.len() {
            return None;
        }
        let token = Token::at(sql, start);
        let table = match token.kind {
            TokenKind::Word => &sql[start..token.end],
            TokenKind::Identifier => &sql[start + 1..token.end - 1],
            _ => return None,
        };
        Some(Self { schema, table, end: token.end })
    }

    /// Two quoted things side by side would read as one with a quote in it, so a space goes between.
    fn write(&self, out: &mut String, sql: &str) {
        if out.ends_with('"') {
            out.push(' ');
        }
        for part in ["\"", self.schema, ".", self.table, "\""] {
            out.push_str(part);
        }
        if sql[self.end..].starts_with('"') {
            out.push(' ');
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Word,
    /// A whole `"…"`.
    Identifier,
    Dot,
    /// Whatever else, one character or a whole string, comment, number or parameter.
    Other,
}

struct Token {
    kind: TokenKind,
    end: usize,
}

impl Token {
    /// The token that starts at `at`, which is inside the text and on a character's edge.
    fn at(sql: &str, at: usize) -> Self {
        let rest = &sql[at..];
        let first = rest.chars().next().unwrap_or(' ');
        let (kind, len) = match first {
            '.' => (TokenKind::Dot, 1),
            '\'' | '`' => (TokenKind::Other, quoted(rest, first).unwrap_or(rest.len())),
            '"' => quoted(rest, '"').map_or((TokenKind::Other, rest.len()), |len| (TokenKind::Identifier, len)),
            '[' => (TokenKind::Other, rest.find(']').map_or(rest.len(), |end| end + 1)),
            '-' if rest.starts_with("--") => (TokenKind::Other, rest.find('\n').map_or(rest.len(), |end| end + 1)),
            '/' if rest.starts_with("/*") => (TokenKind::Other, rest[2..].find("*/").map_or(rest.len(), |end| end + 4)),
            '$' => (TokenKind::Other, dollar(rest)),
            _ if first.is_alphabetic() || first == '_' => (TokenKind::Word, word(rest)),
            _ if first.is_ascii_digit() => (TokenKind::Other, word(rest)),
            _ => (TokenKind::Other, first.len_utf8()),
        };
        Self { kind, end: at + len }
    }
}

/// The length of a word: letters, digits, `_` and `$`.
fn word(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len())
}

/// The length of what is between two of `quote`, where a doubled one stands for itself; `None` when it does not end.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let end = from + text[from..].find(quote)? + 1;
        if !text[end..].starts_with(quote) {
            return Some(end);
        }
        from = end + 1;
    }
}

/// The length of a dollar quote (`$$…$$`, `$tag$…$tag$`), or of a parameter (`$1`).
fn dollar(text: &str) -> usize {
    let tag = text[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(text.len(), |len| len + 1);
    let opens = text[tag..].starts_with('$') && !text[1..].starts_with(|c: char| c.is_ascii_digit());
    if !opens {
        return tag;
    }
    let fence = &text[..=tag];
    text[fence.len()..].find(fence).map_or(text.len(), |end| end + 2 * fence.len())
}
