//! Where in the source something is wrong, in lines and columns.

use oxc_diagnostics::OxcDiagnostic;
use oxc_span::Span;

use super::survey::Survey;
use crate::isolate::protocol::Diagnostic;

/// How many diagnostics one refusal tells.
pub(super) const MOST: usize = 20;

/// The source, to count lines in.
pub(super) struct Places<'s> {
    file: &'s str,
    source: &'s str,
}

impl<'s> Places<'s> {
    /// Refuses a source with these errors; at most [`MOST`] are told.
    pub(super) fn refuse<'d>(&self, errors: impl Iterator<Item = &'d OxcDiagnostic>) -> Result<(), Vec<Diagnostic>> {
        let diagnostics: Vec<_> = errors.take(MOST).map(|error| self.of_error(error)).collect();
        if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics) }
    }

    pub(super) fn new(file: &'s str, source: &'s str) -> Self {
        Self { file, source }
    }

    /// What the parser, or a later check, found.
    pub(super) fn of_error(&self, error: &OxcDiagnostic) -> Diagnostic {
        let message = match &error.help {
            Some(help) => format!("{} ({help})", error.message),
            None => error.message.to_string(),
        };
        match error.labels.first() {
            Some(label) => self.at(label.offset(), message),
            None => self.whole_file(message),
        }
    }

    pub(super) fn whole_file(&self, message: String) -> Diagnostic {
        whole_file(self.file, message)
    }

    /// Refuses decorators, which V8 does not know.
    pub(super) fn refuse_decorators(&self, survey: &Survey) -> Result<(), Vec<Diagnostic>> {
        let message = "decorators are not supported; compile them away before deploying";
        self.refuse_all(survey.decorators.iter().map(|span| (*span, message.to_owned())))
    }

    fn refuse_all(&self, found: impl Iterator<Item = (Span, String)>) -> Result<(), Vec<Diagnostic>> {
        let diagnostics: Vec<_> = found.take(MOST).map(|(span, message)| self.at(span.start, message)).collect();
        if diagnostics.is_empty() { Ok(()) } else { Err(diagnostics) }
    }

    /// What is wrong at a byte of the source.
    pub(super) fn at(&self, offset: u32, message: String) -> Diagnostic {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(self.source.len());
        let before = &self.source[..self.source.floor_char_boundary(offset)];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        let number = |count: usize| Some(u32::try_from(count).unwrap_or(u32::MAX));
        Diagnostic { file: self.file.to_owned(), line: number(line), column: number(column), message }
    }
}

/// A diagnostic without a place.
pub(super) fn whole_file(file: &str, message: String) -> Diagnostic {
    Diagnostic { file: file.to_owned(), line: None, column: None, message }
}
