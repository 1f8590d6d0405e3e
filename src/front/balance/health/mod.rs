//! Who is well: by checks that ask each server, and by what becomes of the requests it is sent.

mod active;
mod passive;
mod standing;

use std::fmt;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;

pub(super) use active::keep_asking;
pub(super) use standing::{Standing, Turn};

/// Asks a server whether it is well.
pub(super) trait Health: Send + Sync + fmt::Debug {
    /// Asks the server of this name at this address; what is wrong, when it is not well.
    fn ask<'a>(&'a self, name: &'a str, address: SocketAddr) -> BoxFuture<'a, Result<(), String>>;
}
