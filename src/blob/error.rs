//! Why the blob store refused.

use std::io::{self, ErrorKind};

use super::key::InvalidKey;

/// Why a blob could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// The folder could not be made, or the store elsewhere not be set up.
    #[error("cannot open the blob store {folder}: {reason}")]
    Open { folder: String, reason: String },
    /// There are no bytes under a key that must have some.
    #[error("there is no blob {0}")]
    Missing(String),
    /// There is no space left, or the file would be larger than this process may write.
    #[error("the blob store is full: {0}")]
    Full(String),
    /// A store elsewhere does not answer, or answers with an error.
    #[error("the blob store does not do what it is asked: {0}")]
    Unavailable(String),
    /// The disk refused.
    #[error("the blob store: {0}")]
    Store(String),
}

impl From<object_store::Error> for Error {
    fn from(err: object_store::Error) -> Self {
        match &err {
            object_store::Error::Generic { store: "S3", .. } => Self::Unavailable(err.to_string()),
            err if is_full(err) => Self::Full(err.to_string()),
            err => Self::Store(err.to_string()),
        }
    }
}

/// Whether what is behind an error is a lack of space.
fn is_full(err: &(dyn std::error::Error + 'static)) -> bool {
    let kind = err.downcast_ref::<io::Error>().map(io::Error::kind);
    let here = matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge));
    here || err.source().is_some_and(is_full)
}
