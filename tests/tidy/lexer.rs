//! Rust text without its comments, and its string literals apart: enough to read imports and words by.

/// A file's code with comments, strings and characters blanked out, and the strings' contents.
pub struct Lexed {
    pub code: String,
    pub strings: Vec<String>,
}

/// Takes a text apart.
pub fn lex(text: &str) -> Lexed {
    let mut lexed = Lexed { code: String::with_capacity(text.len()), strings: Vec::new() };
    let mut rest = text;
    while !rest.is_empty() {
        rest = step(rest, &mut lexed);
    }
    lexed
}

/// Consumes one piece of the text and gives what is left.
fn step<'a>(rest: &'a str, lexed: &mut Lexed) -> &'a str {
    let last_is_name = lexed.code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return &rest[rest.find('\n').unwrap_or(rest.len())..];
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if let Some((hashes, start)) = raw_string(rest).filter(|_| !last_is_name) {
        let end = format!("\"{}", "#".repeat(hashes));
        let len = rest[start..].find(&end).unwrap_or(rest.len() - start);
        lexed.strings.push(rest[start..start + len].to_owned());
        return rest.get(start + len + end.len()..).unwrap_or_default();
    }
    if let Some(inner) = rest.strip_prefix('"') {
        let len = string_length(inner);
        lexed.strings.push(inner[..len].to_owned());
        return inner.get(len + 1..).unwrap_or_default();
    }
    if let Some(len) = character(rest) {
        return &rest[len..];
    }
    let first = rest.chars().next().expect("the rest is not empty");
    lexed.code.push(first);
    &rest[first.len_utf8()..]
}

fn block_comment(rest: &str) -> &str {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    &rest[at..]
}

/// The number of `#` and where the content begins, when a raw string begins here.
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then(|| (hashes, rest.len() - after.len() + hashes + 1))
}

fn string_length(inner: &str) -> usize {
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    inner.len()
}

/// The length of a character literal that begins here; `None` for a lifetime or anything else.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return Some(inner.get(2..)?.find('\'')? + 4);
    }
    let first = inner.chars().next()?;
    inner[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}
