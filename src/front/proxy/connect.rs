//! Opens connections to upstreams' servers.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;

use super::connection::Connection;
use super::http1::Http1;
use super::pool::{self, Key};
use super::source::Outgoing;
use crate::config::front::KeepAlive;
use crate::front::transport::{OpenError, Tls, open};

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
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("no HTTP: {0}")]
    Http(hyper::Error),
}

/// Opens a connection. The caller sets the time limit.
pub(super) async fn connect(target: &Target<'_>) -> Result<Connection, ConnectError> {
    let tls = target.tls.zip(target.key.tls.as_ref()).map(|(tls, (_, name))| (&**tls, name.as_str()));
    let (io, is_http2) = open(target.key.address, tls, target.key.http2).await?;
    if !is_http2 {
        return Ok(Connection::Http1(Box::new(Http1::new(io))));
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

/// Runs what hyper has to do for an HTTP/2 connection on the web worker that opened it, where its socket is.
#[derive(Clone, Copy, Debug)]
struct OnThisWorker;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for OnThisWorker {
    fn execute(&self, task: F) {
        actix_web::rt::spawn(task);
    }
}
