//! Checks: each server is asked again and again, by a task of its own on the core runtime.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Health;
use crate::config::front::{CheckKind, HealthCheck, Protocol, Transport};
use crate::front::balance::backend::Backend;
use crate::front::balance::selection::Chance;
use crate::front::balance::upstream::Upstream;
use crate::front::transport::{TlsConfigs, open, server_name};

/// A GET on a connection of its own.
#[derive(Debug)]
struct HttpCheck {
    path: String,
    host: Option<String>,
    status: Vec<RangeInclusive<u16>>,
    upstream: String,
    transport: Transport,
    /// What TLS is spoken with, where it is.
    tls: Option<Arc<TlsConfigs>>,
}

/// A connection.
#[derive(Debug)]
struct TcpCheck;

/// Asks one server for as long as the upstream is there.
pub(in crate::front::balance) async fn keep_asking(
    upstream: Weak<Upstream>,
    backend: Arc<Backend>,
    rules: HealthCheck,
    chance: Chance,
) {
    let mut address = backend.address;
    address.set_port(rules.port.unwrap_or(address.port()));
    loop {
        // Anew each time: certificates are read again by a reload.
        let Some(health) = upstream.upgrade().map(|upstream| configured(&upstream, &rules)) else { return };
        let verdict = match timeout(rules.timeout, health.ask(&backend.name, address)).await {
            Ok(verdict) => verdict,
            Err(_) => Err(format!("no answer to the health check within {:?}", rules.timeout)),
        };
        let Some(upstream) = upstream.upgrade() else { return };
        upstream.checked(&backend, verdict, &rules);
        drop(upstream);
        sleep(jittered(rules.interval, &chance)).await;
    }
}

fn configured(upstream: &Upstream, rules: &HealthCheck) -> Box<dyn Health> {
    if rules.kind == CheckKind::Tcp {
        return Box::new(TcpCheck);
    }
    let settings = upstream.config();
    let is_tls = rules.tls.unwrap_or(settings.transport.tls && rules.port.is_none());
    Box::new(HttpCheck {
        path: rules.path.clone(),
        host: rules.host.clone(),
        status: rules.status.clone(),
        upstream: settings.name.clone(),
        transport: settings.transport.clone(),
        tls: is_tls.then(|| Arc::clone(&upstream.shared.tls)),
    })
}

/// A tenth more or less, in steps of a thousandth.
fn jittered(time: Duration, chance: &Chance) -> Duration {
    let part = u32::try_from(900 + chance.below(201)).unwrap_or(1000);
    time * part / 1000
}

impl Health for TcpCheck {
    fn ask<'a>(&'a self, _: &'a str, address: SocketAddr) -> BoxFuture<'a, Result<(), String>> {
        async move { TcpStream::connect(address).await.map(drop).map_err(|err| format!("no connection: {err}")) }.boxed()
    }
}

impl Health for HttpCheck {
    fn ask<'a>(&'a self, name: &'a str, address: SocketAddr) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let status = self.status(name, address).await?;
            let good = self.status.iter().any(|span| span.contains(&status));
            if good { Ok(()) } else { Err(format!("the health check was answered {status}")) }
        }
        .boxed()
    }
}

impl HttpCheck {
    async fn status(&self, name: &str, address: SocketAddr) -> Result<u16, String> {
        let tls = self
            .tls
            .as_ref()
            .map(|configs| configs.of(&self.upstream, &self.transport))
            .transpose()
            .map_err(|err| err.to_string())?;
        let tls = tls.as_deref().map(|tls| (tls, server_name(&self.transport, name)));
        let http2 = tls.is_none() && self.transport.protocol == Protocol::H2c;
        let (io, is_http2) = open(address, tls, http2).await.map_err(|err| err.to_string())?;
        let host = self.host.as_deref().unwrap_or(name);
        let broken = |err: hyper::Error| format!("the health check failed: {err}");
        let request = http::Request::get(if is_http2 { format!("http://{host}{}", self.path) } else { self.path.clone() })
            .header(http::header::USER_AGENT, "plinth-health-check");
        let request =
            if is_http2 { request } else { request.header(http::header::HOST, host).header(http::header::CONNECTION, "close") };
        let request = request.body(Empty::<Bytes>::new()).map_err(|err| err.to_string())?;
        let answer = if is_http2 {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.map_err(broken)?;
            first(sender.send_request(request), connection).await
        } else {
            let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.map_err(broken)?;
            first(sender.send_request(request), connection).await
        };
        answer.map(|answer| answer.status().as_u16()).map_err(broken)
    }
}

/// An answer's head. Its connection moves on only while it is polled; what follows the head is not read.
async fn first<A, C>(answer: impl Future<Output = A>, connection: impl Future<Output = C>) -> A {
    match select(Box::pin(answer), Box::pin(connection)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, answer)) => answer.await,
    }
}
