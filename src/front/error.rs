//! Why the front does not start.

use std::io;
use std::path::PathBuf;

/// Why a site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is not there, is no folder, or may not be read.
    #[error("{path}: {source}")]
    Folder { path: PathBuf, source: io::Error },
}
