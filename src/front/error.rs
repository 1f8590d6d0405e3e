//! Why the front does not start, or does not take another configuration.

use std::io;
use std::path::PathBuf;

/// Why a site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is not there, is no folder, or may not be read.
    #[error("{path}: {source}")]
    Folder { path: PathBuf, source: io::Error },
    /// The file of passwords cannot be read, or has lines that are none.
    #[error("{path}: {reason}")]
    Passwords { path: PathBuf, reason: String },
    /// An upstream's certificates cannot be checked.
    #[error(transparent)]
    Tls(#[from] super::transport::TlsError),
    /// An expression that the configuration's check lets through does not compile.
    #[error("the regular expression {0} cannot be used")]
    Pattern(String),
    /// The same of a header or a method.
    #[error("{0} cannot be used as a header or a method")]
    Header(String),
}
