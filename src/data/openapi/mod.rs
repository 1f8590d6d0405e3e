//! The app's tables and functions as OpenAPI documents: pure functions from what a role may do to JSON.
//!
//! [`swagger()`] is OpenAPI 2.0 in the shape that PostgREST answers with at `/rest/v1/`, which generators of types read (the notes
//! `<pk/>` and `<fk …/>` in its descriptions are for them). [`openapi()`] is OpenAPI 3.1, for `/docs`.
//!
//! A document has nothing that the caller may not use: no column that cannot be read, inserted or updated, no operation that would be
//! refused for every row, no default or comment of such a column.

mod described;
mod kind;
mod swagger;
mod three;

pub use described::{Described, DescribedArgument, DescribedColumn, DescribedFunction, DescribedTable, Returned};
pub use swagger::swagger;
pub use three::openapi;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in a path and in a fragment.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as a segment of a path.
fn segment(name: &str) -> String {
    utf8_percent_encode(name, PLAIN).to_string()
}

/// A key as a part of a reference (RFC 6901 in a fragment).
fn pointer(key: &str) -> String {
    segment(&key.replace('~', "~0").replace('/', "~1"))
}

/// The first line of a comment, and what follows.
fn summary(comment: Option<&str>) -> (Option<&str>, Option<&str>) {
    let Some(comment) = comment else { return (None, None) };
    match comment.split_once('\n') {
        Some((first, rest)) => (Some(first), Some(rest.trim_start_matches('\n')).filter(|rest| !rest.is_empty())),
        None => (Some(comment), None),
    }
}
