//! Upper and lower case.

/// `lower`.
#[must_use]
pub fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

/// `upper`.
#[must_use]
pub fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

pub(super) fn lower_char(c: char) -> char {
    let mut lower = c.to_lowercase();
    let first = lower.next().unwrap_or(c);
    if lower.next().is_none() { first } else { c }
}

fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    let first = upper.next().unwrap_or(c);
    if upper.next().is_none() { first } else { c }
}

/// `initcap`: the first letter of each word in upper case, the rest in lower.
#[must_use]
pub fn initcap(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        out.push(if inside { lower_char(c) } else { upper_char(c) });
        inside = c.is_alphanumeric();
    }
    out
}
