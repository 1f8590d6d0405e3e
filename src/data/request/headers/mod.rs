//! The headers that say how to answer.

mod accept;
mod prefer;
mod profile;
mod range;

pub use accept::{Accept, Media, Offers};
pub use prefer::{Action, Count, Handling, Missing, Preferences, Representation, Resolution, Tx};
pub use profile::Profile;
pub use range::{ContentRange, Range};

/// Splits at a separator that is not inside double quotes.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut in_quotes = false;
    text.split(move |c| {
        in_quotes ^= c == '"';
        c == separator && !in_quotes
    })
}
