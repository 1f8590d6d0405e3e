//! Why secrets were refused. Knows nothing of HTTP: `secrets::api` gives each variant its status.

use super::model::{MAX_SECRETS, SecretName};
use crate::{auth, db};

/// What may go wrong with secrets. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no secret {0}")]
    Unknown(SecretName),
    /// A field is not as it must be: what is allowed.
    #[error("{field}: {message}")]
    Invalid { field: &'static str, message: String },
    #[error("there are {MAX_SECRETS} secrets already, which is the most; delete one first")]
    TooMany,
    /// What was stored is not what the server writes.
    #[error("the secret {0} cannot be opened: {1}")]
    Damaged(SecretName, String),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Vault(#[from] auth::Error),
}

/// What secrets' verbs return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
