//! What a command says: answers to standard output, everything else to standard error.

use std::io::Write;

/// Writes a line to standard output; a reader that went away is no error.
pub(super) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    drop(written);
}

/// Writes a question to standard error, whose answer follows on the same line.
pub(super) fn ask(question: &impl std::fmt::Display) {
    let mut out = std::io::stderr().lock();
    let written = write!(out, "{question}").and_then(|()| out.flush());
    drop(written);
}

/// Writes a line that is no answer to standard error.
pub(super) fn note(line: &impl std::fmt::Display) {
    let written = writeln!(std::io::stderr().lock(), "{line}");
    drop(written);
}

/// Writes a line about an error to standard error.
pub(super) fn complain(line: &impl std::fmt::Display) {
    let written = writeln!(std::io::stderr().lock(), "plinth: {line}");
    drop(written);
}
