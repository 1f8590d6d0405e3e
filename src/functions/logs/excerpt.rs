//! The end of one call's log, for whoever made the call.

use super::buffer::What;
use crate::types::{RequestId, Timestamp};

/// What is kept, in bytes, as AWS Lambda does.
const SIZE: usize = 4096;

/// The last lines of one call, in the form that AWS Lambda's text logs have.
#[derive(Debug, Default)]
pub(in crate::functions) struct Excerpt {
    text: String,
}

impl Excerpt {
    /// Adds a line.
    pub(in crate::functions) fn push(&mut self, at: Timestamp, request: RequestId, what: &What) {
        let line = what.line(request);
        let at = at.to_chrono().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        match what {
            What::Line(level, _) => self.add(&format!("{at}\t{request}\t{}\t{}", level.as_str(), line.replace('\n', "\r"))),
            What::Failed(_) => self.add(&format!("{at}\t{request}\tERROR\tInvoke Error \t{line}")),
            _ => self.add(&line),
        }
    }

    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        // Cut now and then, not at every line.
        if self.text.len() > 2 * SIZE {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let from = self.text.ceil_char_boundary(self.text.len().saturating_sub(SIZE));
        self.text.drain(..from);
    }

    /// The last 4 KB.
    pub(in crate::functions) fn into_text(mut self) -> String {
        self.cut();
        self.text
    }
}
