//! Lists, a page at a time: `MaxItems`, and markers that mean nothing to a client.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{Exception, Result};
use super::request::Call;

/// The most items of a page, as AWS Lambda has it, whatever is asked for.
const MOST: u32 = 50;

/// Which page is wanted.
pub(super) struct Page {
    pub(super) size: u32,
    /// What the last page ended with.
    pub(super) after: Option<String>,
}

impl Page {
    pub(super) fn of(call: &Call) -> Result<Self> {
        let size = match call.query("MaxItems") {
            None => MOST,
            Some(text) => {
                let size = text.parse::<u32>().ok().filter(|size| (1..=10_000).contains(size));
                let wrong = || Exception::invalid("MaxItems must be a whole number from 1 to 10000");
                size.ok_or_else(wrong)?.min(MOST)
            }
        };
        let read = |marker: String| {
            let text = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            text.ok_or_else(|| Exception::invalid("Marker is not one that this server gave"))
        };
        let after = call.query("Marker").filter(|marker| !marker.is_empty()).map(read).transpose()?;
        Ok(Self { size, after })
    }

    /// How many items to read: one more than are shown.
    pub(super) const fn limit(&self) -> u32 {
        self.size + 1
    }

    /// Takes the surplus item off; gives the marker of the next page, if there is one.
    pub(super) fn cut<T>(&self, items: &mut Vec<T>, key: impl Fn(&T) -> String) -> Option<String> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if items.len() <= size {
            return None;
        }
        items.truncate(size);
        items.last().map(|last| URL_SAFE_NO_PAD.encode(key(last)))
    }
}
