//! Opens connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Io, Tls};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(in crate::front) enum OpenError {
    #[error("no connection: {0}")]
    Tcp(io::Error),
    #[error("no TLS: {0}")]
    Tls(io::Error),
    #[error("{0:?} is no name that a certificate can be for; set tls_name")]
    Name(String),
}

/// Opens a connection, encrypted for the server of a name where `tls` is given. Says whether HTTP/2 is spoken on it: without TLS when it is
/// asked for, with TLS when the server agrees. The caller sets the time limit.
pub(in crate::front) async fn open(address: SocketAddr, tls: Option<(&Tls, &str)>, http2: bool) -> Result<(Io, bool), OpenError> {
    let tcp = TcpStream::connect(address).await.map_err(OpenError::Tcp)?;
    tcp.set_nodelay(true).map_err(OpenError::Tcp)?;
    let Some((tls, name)) = tls else { return Ok((Io::Plain(tcp), http2)) };
    let config = if http2 { &tls.http2 } else { &tls.http1 };
    let server = ServerName::try_from(name.to_owned()).map_err(|_| OpenError::Name(name.to_owned()))?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(server, tcp).await.map_err(OpenError::Tls)?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok((Io::Tls(Box::new(stream)), is_http2))
}
