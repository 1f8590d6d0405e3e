//! Regular expressions of the front: matched in linear time, and small enough to be.

use regex::{Regex, RegexBuilder};

/// The longest expression, in bytes.
pub const LONGEST: usize = 1000;

/// What an expression may take once it is compiled, in bytes: `a{1000}{1000}` does not.
const LARGEST: usize = 512 * 1024;

/// A regular expression; `None` when it is not one, or too long or too large.
#[must_use]
pub fn compile(text: &str) -> Option<Regex> {
    if text.len() > LONGEST {
        return None;
    }
    RegexBuilder::new(text).size_limit(LARGEST).dfa_size_limit(LARGEST).build().ok()
}
