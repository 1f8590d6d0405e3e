//! Checks: each server is asked again and again, by a task of its own on the core runtime.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Health;
use crate::config::front::{CheckKind, HealthCheck};
use crate::front::balance::backend::Backend;
use crate::front::balance::selection::Chance;
use crate::front::balance::upstream::Upstream;

/// A GET over HTTP/1.1, on a connection of its own.
#[derive(Debug)]
struct HttpCheck {
    path: String,
    host: Option<String>,
    status: Vec<RangeInclusive<u16>>,
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
    let health = configured(&rules);
    let mut address = backend.address;
    address.set_port(rules.port.unwrap_or(address.port()));
    loop {
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

fn configured(rules: &HealthCheck) -> Box<dyn Health> {
    match rules.kind {
        CheckKind::Tcp => Box::new(TcpCheck),
        CheckKind::Http => {
            Box::new(HttpCheck { path: rules.path.clone(), host: rules.host.clone(), status: rules.status.clone() })
        }
    }
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
        let socket = TcpStream::connect(address).await.map_err(|err| format!("no connection: {err}"))?;
        let broken = |err: hyper::Error| format!("the health check failed: {err}");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.map_err(broken)?;
        let request = http::Request::get(&self.path)
            .header(http::header::HOST, self.host.as_deref().unwrap_or(name))
            .header(http::header::USER_AGENT, "plinth-health-check")
            .header(http::header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|err| err.to_string())?;
        let answer = sender.send_request(request);
        // The connection moves on only while it is polled; what follows the head is not read.
        let answer = match select(Box::pin(answer), Box::pin(connection)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((_, answer)) => answer.await,
        };
        answer.map(|answer| answer.status().as_u16()).map_err(broken)
    }
}
