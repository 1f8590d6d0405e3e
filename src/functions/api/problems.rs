//! The status of each refusal.

use std::time::Duration;

use crate::api::{Code, FieldError, Problem};
use crate::functions::Error;

/// When a call that found no place should be tried again.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<Error> for Problem {
    fn from(err: Error) -> Self {
        match err {
            Error::UnknownFunction(_) | Error::UnknownQualifier { .. } | Error::Absent { .. } => Code::NotFound.because(err),
            Error::Present { .. }
            | Error::Exists(_)
            | Error::Contended(_)
            | Error::OtherRevision
            | Error::InUse(_)
            | Error::Mapped(_) => Code::Conflict.because(err),
            Error::Invalid { field, message } => Self::invalid(vec![FieldError::new(field, message)]),
            Error::Rejected(ref diagnostics) => {
                let error = |at: &crate::isolate::protocol::Diagnostic| FieldError {
                    line: at.line,
                    column: at.column,
                    ..FieldError::new(&at.file, &at.message)
                };
                let errors = diagnostics.iter().map(error).collect();
                Code::InvalidSource.because(err).with_errors(errors)
            }
            Error::SourceTooLarge { .. } => Code::TooLarge.because(err),
            Error::BadArchive(_) | Error::CompilerFailed(_) => Code::InvalidSource.because(err),
            Error::Busy(_) | Error::Reserved { .. } => Code::TooManyRequests.because(err).retry_after(RETRY_AFTER),
            Error::Stopping => Code::Unavailable.because(err).retry_after(RETRY_AFTER),
            Error::NoWorker(_) => {
                tracing::error!(error = %err, "a function was not run: {err}");
                let message = "no function worker can be started at the moment; the server's log says why";
                Code::Unavailable.because(message).retry_after(RETRY_AFTER)
            }
            err if err.is_full() => {
                tracing::error!(error = %err, "a function's deployment was refused: {err}");
                Code::StorageFull.because("the server's disk is full: nothing was changed; try again when there is space")
            }
            Error::Db(source) if source.is_transient() => {
                tracing::error!(error = %source, "the database does not serve: {source}");
                Code::Unavailable.plain()
            }
            Error::Damaged(..) | Error::Db(_) | Error::Blob(_) | Error::Vault(_) | Error::Secrets(_) => Self::internal(err),
        }
    }
}
