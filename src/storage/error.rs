//! Why storage refused.

use super::model::InvalidName;
use crate::sql::{Fault, sqlstate};
use crate::{blob, db};

/// What storage's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why storage refused. Knows nothing of HTTP.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Bucket not found")]
    NoSuchBucket,
    #[error("Object not found")]
    NoSuchKey,
    /// An upload in pieces that is not there, or over.
    #[error("the upload does not exist: it was finished, ended, or expired")]
    NoSuchUpload,
    /// The object is not the one that the request is for: it has another entity tag.
    #[error("the object has changed: its entity tag is another")]
    Changed,
    /// A bucket or object of that name is there.
    #[error("The resource already exists")]
    Duplicate,
    #[error("the bucket has objects; empty it first")]
    BucketNotEmpty,
    /// A policy does not allow it; the text is PostgreSQL's.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    #[error("{0}")]
    InvalidInput(String),
    #[error("The object exceeded the maximum allowed size of {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the bucket would hold more than its quota of {quota} bytes")]
    OverQuota { quota: u64 },
    #[error("mime type {0} is not supported")]
    MimeNotAllowed(String),
    /// A signed URL's token does not do; says why.
    #[error("{0}")]
    InvalidToken(&'static str),
    /// The body ended before it was whole.
    #[error("the upload broke off: {0}")]
    BrokenOff(String),
    /// What a piece of an upload says does not fit what is there.
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    Blob(#[from] blob::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
    /// A policy cannot be evaluated.
    #[error("{0}")]
    Sql(Fault),
}

impl Error {
    /// A resumable upload stands at another offset than a piece begins at.
    pub(super) fn elsewhere() -> Self {
        Self::Conflict("Upload-Offset is not where the upload stands; ask with HEAD and go on from there".to_owned())
    }

    /// What PostgreSQL says of a new row that no policy allows.
    pub(super) fn row_refused(table: &str) -> Self {
        Self::Refused(format!("new row violates row-level security policy for table \"{table}\""))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        if fault.code == sqlstate::INSUFFICIENT_PRIVILEGE { Self::Refused(fault.message) } else { Self::Sql(fault) }
    }
}
