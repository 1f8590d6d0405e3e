//! Connections to upstreams' servers, encrypted or not: what requests and health checks have in common.

mod io;
mod open;
mod tls;

pub(super) use self::io::Io;
pub(super) use self::open::{OpenError, open};
pub use self::tls::TlsError;
pub(super) use self::tls::{Tls, TlsConfigs, server_name};
