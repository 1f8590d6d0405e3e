//! What goes wrong on a connection.

use std::io;

use crate::front::proxy::source::ClientFault;

/// Why an exchange broke off.
#[derive(Debug, thiserror::Error)]
pub(in crate::front) enum Error {
    #[error("the connection was closed before the end of the answer")]
    Closed,
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The server does not keep to HTTP/1.1.
    #[error("{0}")]
    Malformed(&'static str),
    #[error(transparent)]
    Client(#[from] ClientFault),
}
