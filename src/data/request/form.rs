//! Form data: a query string, or a body of `application/x-www-form-urlencoded`, to its pairs.

use percent_encoding::percent_decode_str;

/// A key, and its value when there is a `=`.
pub(super) type Pair = (String, Option<String>);

/// The pairs in order, `+` and percent escapes decoded; `None` when that gives anything but UTF-8.
pub(super) fn pairs(text: &str) -> Option<Vec<Pair>> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((key, value)) => Some((decoded(key)?, Some(decoded(value)?))),
            None => Some((decoded(part)?, None)),
        })
        .collect()
}

fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
