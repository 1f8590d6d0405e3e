//! Opens connections to upstreams' servers.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connection::{Connection, Http1};
use super::io::Io;
use super::pool::{self, Key};
use super::source::Outgoing;
use super::tls::Tls;
use crate::config::front::KeepAlive;

/// How much an HTTP/2 server may send that nobody has read: of one answer, and of all on a connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Where a connection leads, and how it is made.
pub(super) struct Target<'a> {
    pub(super) key: &'a Key,
    pub(super) tls: Option<&'a Arc<Tls>>,
    pub(super) keep: &'a KeepAlive,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("no connection: {0}")]
    Tcp(io::Error),
    #[error("no TLS: {0}")]
    Tls(io::Error),
    #[error("{0:?} is no name that a certificate can be for; set tls_name")]
    Name(String),
    #[error("no HTTP: {0}")]
    Http(hyper::Error),
}

/// Opens a connection. The caller sets the time limit.
pub(super) async fn connect(target: &Target<'_>) -> Result<Connection, ConnectError> {
    let tcp = TcpStream::connect(target.key.address).await.map_err(ConnectError::Tcp)?;
    tcp.set_nodelay(true).map_err(ConnectError::Tcp)?;
    let (io, is_http2) = match (target.tls, &target.key.tls) {
        (Some(tls), Some((_, name))) => encrypt(tcp, tls, name, target.key.http2).await?,
        _ => (Io::Plain(tcp), target.key.http2),
    };
    if !is_http2 {
        let connection = Http1::open(io).await.map_err(ConnectError::Http)?;
        return Ok(Connection::Http1(Box::new(connection)));
    }
    let mut builder = http2::Builder::new(OnThisWorker);
    builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    let (sender, driver) = builder.handshake::<_, Outgoing>(TokioIo::new(io)).await.map_err(ConnectError::Http)?;
    let address: SocketAddr = target.key.address;
    actix_web::rt::spawn(async move {
        if let Err(err) = driver.await {
            tracing::debug!(backend = %address, error = %err, "an HTTP/2 connection to {address} ended: {err}");
        }
    });
    pool::share(target.key, sender.clone(), target.keep);
    Ok(Connection::Http2(sender))
}

/// The TLS handshake; says whether the server chose HTTP/2.
async fn encrypt(tcp: TcpStream, tls: &Tls, name: &str, http2: bool) -> Result<(Io, bool), ConnectError> {
    let config = if http2 { &tls.http2 } else { &tls.http1 };
    let server = ServerName::try_from(name.to_owned()).map_err(|_| ConnectError::Name(name.to_owned()))?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(server, tcp).await.map_err(ConnectError::Tls)?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok((Io::Tls(Box::new(stream)), is_http2))
}

/// Runs what hyper has to do for an HTTP/2 connection on the web worker that opened it, where its socket is.
#[derive(Clone, Copy, Debug)]
struct OnThisWorker;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for OnThisWorker {
    fn execute(&self, task: F) {
        actix_web::rt::spawn(task);
    }
}
