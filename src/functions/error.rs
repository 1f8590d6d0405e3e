//! Why functions refused. Knows nothing of HTTP: `functions::api` gives each variant its status.

use crate::isolate::protocol::Diagnostic;
use crate::types::FunctionName;
use crate::{auth, blob, db, secrets};

/// What may go wrong with deploying, finding and starting functions; the failure of a function itself is no error of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no function {0}")]
    UnknownFunction(FunctionName),
    /// Neither a version nor an alias of the function is called so.
    #[error("function {function} has neither a version nor an alias {qualifier}")]
    UnknownQualifier { function: FunctionName, qualifier: String },
    /// There is nothing of that kind and name at the function.
    #[error("function {function} has no {what}")]
    Absent { function: FunctionName, what: String },
    /// There is something of that kind and name at the function.
    #[error("function {function} has {what} already")]
    Present { function: FunctionName, what: String },
    /// There is a function of that name.
    #[error("there is a function {0} already")]
    Exists(FunctionName),
    /// The queue feeds the function already, by this mapping.
    #[error("the queue feeds the function already, by the event source mapping {0}")]
    Mapped(uuid::Uuid),
    /// Somebody else changed it at the same time, again and again.
    #[error("function {0} is being changed by others; try again")]
    Contended(FunctionName),
    /// It is no longer the revision that was meant.
    #[error("the revision id given is not that of the latest revision; read it again and retry")]
    OtherRevision,
    /// Something else needs it.
    #[error("{0}")]
    InUse(String),
    /// A field of the configuration is not allowed as it is.
    #[error("{field}: {message}")]
    Invalid { field: String, message: String },
    /// The source does not compile, or has no handler; never empty.
    #[error("{}", first_of(.0))]
    Rejected(Vec<Diagnostic>),
    /// The source is over the limit, in bytes.
    #[error("the source has {size} bytes; {limit} are allowed")]
    SourceTooLarge { size: usize, limit: usize },
    /// The zip is not one that is taken.
    #[error("{0}")]
    BadArchive(String),
    /// The worker that compiled it ended or took too long.
    #[error("the source cannot be compiled: {0}")]
    CompilerFailed(String),
    /// As many calls run as are reserved for the function.
    #[error("ReservedFunctionConcurrentInvocationLimitExceeded: function {function} may run {reserved} calls at once")]
    Reserved { function: FunctionName, reserved: u32 },
    /// No place became free in time.
    #[error("{0}")]
    Busy(&'static str),
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
    /// No worker can be started.
    #[error("no function worker is to be had: {0}")]
    NoWorker(String),
    /// What the database says is stored is not there, or is not what was stored.
    #[error("the package of revision {0} is damaged: {1}")]
    Damaged(crate::types::RevisionId, &'static str),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Blob(#[from] blob::Error),
    #[error(transparent)]
    Vault(#[from] auth::Error),
    /// The function's secrets are not to be had.
    #[error(transparent)]
    Secrets(secrets::Error),
}

impl From<secrets::Error> for Error {
    fn from(err: secrets::Error) -> Self {
        match err {
            secrets::Error::Db(source) => Self::Db(source),
            other => Self::Secrets(other),
        }
    }
}

impl Error {
    /// Whether there is no space left: nothing was changed.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Db(db::Error::Full(_)) | Self::Blob(blob::Error::Full(_)))
    }

    /// Which limit a call met for which there was no place or no room, in AWS Lambda's words; `None` for what is no such refusal.
    #[must_use]
    pub const fn throttle(&self) -> Option<&'static str> {
        match self {
            Self::Reserved { .. } => Some("ReservedFunctionConcurrentInvocationLimitExceeded"),
            Self::Busy(_) => Some("ConcurrentInvocationLimitExceeded"),
            _ => None,
        }
    }
}

/// What functions' verbs return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn first_of(diagnostics: &[Diagnostic]) -> String {
    let Some(first) = diagnostics.first() else { return "the source was refused".to_owned() };
    let place = |part: Option<u32>| part.map(|at| format!(":{at}")).unwrap_or_default();
    format!("{}{}{}: {}", first.file, place(first.line), place(first.column), first.message)
}
