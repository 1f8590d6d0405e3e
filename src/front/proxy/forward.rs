//! One exchange: as many tries as it takes, and may.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::http::header::{self as ours, HeaderValue};
use actix_web::http::{ConnectionType, Version};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use http::Method;
use http::uri::{PathAndQuery, Scheme};

use super::answer::{Answer, Heard};
use super::connect::{Target, connect};
use super::connection::{Asking, Connection, Rest};
use super::failure::{Failed, Failure};
use super::head::{Head, MAX_HOPS, hops_of};
use super::pool::{self, Key};
use super::source::Source;
use super::tunnel::Tunnel;
use super::watch::Watch;
use super::{Exchange, Proxy};
use crate::api::Code;
use crate::config::front::{self, Protocol, Proxying};
use crate::front::balance::{Ask, Outcome, Pick, Upstream, hash_key, sticky_cookie};
use crate::front::timings::Timings;
use crate::front::transport::{Tls, server_name};

/// What all tries of an exchange share.
struct Forwarding<'a> {
    proxy: &'a Proxy,
    request: &'a HttpRequest,
    how: &'a Proxying,
    head: Head<'a>,
    source: Source,
    /// What a client sends that wants to speak WebSocket.
    raw: Option<Payload>,
    upstream: &'a Arc<Upstream>,
    config: Arc<front::Upstream>,
    tls: Option<Arc<Tls>>,
    deadline: Option<Instant>,
    timings: Timings,
}

/// A connection for one try.
struct Link {
    connection: Connection,
    /// Whether it has carried requests before: its server may be about to close it.
    is_used: bool,
}

impl Proxy {
    /// Passes a request on to an upstream, and its answer back. Failures are answered as problems, and logged with the server and how
    /// far it came.
    pub async fn forward(&self, exchange: Exchange, upstream: &Arc<Upstream>) -> HttpResponse {
        let started = Instant::now();
        let Exchange { request, payload, path_and_query, how, client } = exchange;
        let config = upstream.config();
        let mut unanswered = Unanswered { upstream: &config.name, started, is_answered: false };
        let is_websocket = wants_websocket(&request);
        let outcome = async {
            let (method, path) = asked(&request, path_and_query.as_deref())?;
            let hops = hops_of(&request);
            if hops >= MAX_HOPS {
                return Err(Failure::Refused(
                    Code::LoopDetected,
                    "the request has gone through too many proxies: one leads back here",
                ));
            }
            let (body, raw) = if is_websocket { (Payload::None, Some(payload)) } else { (payload, None) };
            let source = Source::of(&request, body, how.max_body).await?;
            let head = Head { request: &request, how: &how, client: &client, method, path, is_websocket, hops };
            let mut forwarding = Forwarding {
                proxy: self,
                request: &request,
                how: &how,
                head,
                source,
                raw,
                upstream,
                tls: config.transport.tls.then(|| self.tls.of(&config.name, &config.transport)).transpose()?,
                config: Arc::clone(&config),
                deadline: how.timeout.map(|limit| started + limit),
                timings: Timings::default(),
            };
            let outcome = forwarding.run().await;
            forwarding.timings.total = Some(started.elapsed());
            request.extensions_mut().insert(std::mem::take(&mut forwarding.timings));
            outcome
        }
        .await;
        unanswered.is_answered = true;
        let mut response = outcome.unwrap_or_else(|failure| failure.answer());
        if is_websocket && response.head().connection_type() != ConnectionType::Upgrade {
            // What the client sends next is not known to be HTTP.
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

impl Forwarding<'_> {
    async fn run(&mut self) -> Result<HttpResponse, Failure> {
        let key = hash_key(&self.config, self.request, self.head.client.address);
        let cookie = sticky_cookie(&self.config, self.request);
        let mut tried = Vec::new();
        let mut last = None;
        loop {
            let queued = Instant::now();
            let pick = match self.upstream.pick(&Ask { key: key.as_deref(), cookie, tried: &tried }).await {
                Ok(pick) => pick,
                // Every other server was tried: what the last of them did says more.
                Err(unavailable) => {
                    return Err(last.unwrap_or_else(|| {
                        let failure = Failure::Unavailable(unavailable);
                        log(&failure, &self.config.name, "none");
                        failure
                    }));
                }
            };
            *self.timings.queue.get_or_insert_default() += queued.elapsed();
            self.timings.tries += 1;
            let (id, name) = (pick.id(), pick.name().to_owned());
            let failed = match self.attempt(pick).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            self.timings.upstream = Some(format!("{} {name}", self.config.name));
            let failure = self.source.fault().map_or(failed.failure, Failure::Client);
            log(&failure, &self.config.name, &name);
            let is_servers = failure.of_server().is_some();
            if !is_servers || tried.len() >= self.how.retries as usize || !self.may_repeat(failed.was_sent) {
                return Err(failure);
            }
            tried.push(id);
            last = Some(failure);
        }
    }

    /// One try with one server; tells the choice of servers what became of it.
    async fn attempt(&mut self, pick: Pick) -> Result<HttpResponse, Failed> {
        self.timings.connect = None;
        let key = self.key(&pick);
        let mut fresh = false;
        let failed = loop {
            let (heard, rest) = match self.exchange(&pick, &key, fresh).await {
                Ok(answered) => answered,
                Err((failed, may_be_stale)) if may_be_stale && !fresh => {
                    // The server closed a kept connection just then; that says nothing of how it is.
                    tracing::debug!(backend = pick.name(), error = %failed.failure, "a kept connection was closed; a new one is tried");
                    fresh = true;
                    continue;
                }
                Err((failed, _)) => break failed,
            };
            let status = heard.response.status().as_u16();
            if status == 101 && !(self.raw.is_some() && heard.is_websocket) {
                break Failed::sent(Failure::Answer("it switches to a protocol that was not asked for"));
            }
            let first_byte = self.timings.first_byte.unwrap_or_default();
            pick.report(Outcome::Answered { status, first_byte });
            return Ok(self.respond(heard, rest, key, pick));
        };
        // A client that broke off its body broke the exchange, not the server.
        if let Some(failure) = failed.failure.of_server().filter(|_| self.source.fault().is_none()) {
            pick.report(Outcome::Failed(failure));
        }
        Err(failed)
    }

    /// Sends the request over a kept or a new connection. Of a failure it is told whether a kept connection may be all there is to it.
    async fn exchange(&mut self, pick: &Pick, key: &Key, fresh: bool) -> Result<(Heard, Rest), (Failed, bool)> {
        let connecting = Instant::now();
        let Link { connection, is_used } = self.link(key, fresh).await.map_err(|failure| (Failed::unsent(failure), false))?;
        *self.timings.connect.get_or_insert_default() += connecting.elapsed();
        let scheme = if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        let asking = Asking { head: &self.head, source: &self.source, server: pick.name(), scheme };
        let sending = Instant::now();
        let watch = Watch { how: self.how, source: &self.source, deadline: self.deadline };
        match connection.send(&asking, &watch).await {
            Ok(answered) => {
                self.timings.first_byte = Some(sending.elapsed());
                Ok(answered)
            }
            Err(error) => {
                let is_unsent = error.is_unsent();
                let failure = Failure::of_send(error, self.source.has_ended(), self.how);
                let is_reset = matches!(failure, Failure::Broken { .. }) && self.source.fault().is_none();
                let may_be_stale = is_used && is_reset && self.may_repeat(!is_unsent);
                Err((Failed { failure, was_sent: !is_unsent }, may_be_stale))
            }
        }
    }

    /// A kept connection, or a new one.
    async fn link(&self, key: &Key, fresh: bool) -> Result<Link, Failure> {
        if !fresh {
            let shared = if key.http2 { pool::shared(key) } else { None };
            let kept = shared.map(Connection::Http2).or_else(|| pool::take(key).map(Connection::Http1));
            if let Some(connection) = kept {
                return Ok(Link { connection, is_used: true });
            }
        }
        let mut limit = self.how.connect_timeout;
        if let Some(deadline) = self.deadline {
            limit = limit.min(deadline.saturating_duration_since(Instant::now()));
        }
        let target = Target { key, tls: self.tls.as_ref(), keep: &self.config.keep_alive };
        match tokio::time::timeout(limit, connect(&target)).await {
            Ok(connected) => Ok(Link { connection: connected?, is_used: false }),
            Err(_) => Err(Failure::ConnectTimeout(limit)),
        }
    }

    /// Whether the request may be sent again: nothing of it was sent, or twice is as good as once and all of the body is still there.
    fn may_repeat(&self, was_sent: bool) -> bool {
        let is_idempotent =
            matches!(self.head.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
        self.source.is_whole() && (!was_sent || is_idempotent)
    }

    fn key(&self, pick: &Pick) -> Key {
        // HTTP/2 has no upgrades of this kind that servers agree on, so a WebSocket has an HTTP/1.1 connection.
        let http2 = self.config.transport.protocol != Protocol::Http1 && !self.head.is_websocket;
        let tls = self.tls.as_ref().map(|tls| (tls.id, server_name(&self.config.transport, pick.name()).to_owned()));
        Key { address: pick.address(), http2, tls }
    }

    fn respond(&mut self, heard: Heard, rest: Rest, key: Key, pick: Pick) -> HttpResponse {
        self.timings.upstream = Some(format!("{} {}", self.config.name, pick.name()));
        let sticky = pick.sticky();
        let location = self.location(&heard, pick.name());
        let is_switched = heard.response.status().as_u16() == 101;
        let mut response = match (rest, self.raw.take()) {
            (Rest::Http1(connection), Some(raw)) if is_switched => {
                let (io, first) = connection.into_bytes();
                let tunnel = Tunnel::open(io, first, raw, self.how.websocket_timeout, &self.proxy.tasks, pick);
                tunnel.respond(heard.response)
            }
            (rest, _) => {
                let (read_timeout, deadline) = (self.how.read_timeout, self.deadline);
                let config = Arc::clone(&self.config);
                let answer = Answer { rest, key, config, pick, read_timeout, deadline };
                answer.respond(heard, &self.head.method, self.request)
            }
        };
        if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            response.headers_mut().insert(ours::LOCATION, location);
        }
        if let Some(cookie) = sticky.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
            response.headers_mut().append(ours::SET_COOKIE, cookie);
        }
        response
    }

    /// A `Location` that names the server itself, at the client's address. It is rewritten, never followed.
    fn location(&self, heard: &Heard, server: &str) -> Option<String> {
        let location = heard.response.headers().get(ours::LOCATION).filter(|_| self.how.rewrite_location)?.to_str().ok()?;
        let rest = location.strip_prefix("http://").or_else(|| location.strip_prefix("https://"))?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let is_own = [server, self.head.host(server)].iter().any(|own| own.eq_ignore_ascii_case(authority));
        let client = self.head.client;
        (is_own && !client.host.is_empty()).then(|| format!("{}://{}{path}", client.scheme, client.host))
    }
}

/// The method and the path as they are passed on.
fn asked(request: &HttpRequest, rewritten: Option<&str>) -> Result<(Method, PathAndQuery), Failure> {
    let refused = |why| Failure::Refused(Code::MethodNotAllowed, why);
    let method = match request.method().as_str() {
        "CONNECT" => return Err(refused("this is no proxy for CONNECT")),
        // It would show the client what is added to its request.
        "TRACE" => return Err(refused("TRACE is not passed on")),
        name => Method::from_bytes(name.as_bytes()).map_err(|_| refused("the method is none"))?,
    };
    let own = || request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = PathAndQuery::try_from(rewritten.unwrap_or_else(own))
        .map_err(|_| Failure::Refused(Code::InvalidInput, "the path is none that can be passed on"))?;
    Ok((method, path))
}

/// Whether a client asks for a WebSocket. Other upgrades are not offered to upstreams: actix hands on none of their bytes.
fn wants_websocket(request: &HttpRequest) -> bool {
    let has = |name, token: &str| {
        let values = request.headers().get_all(name).filter_map(|value: &HeaderValue| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    request.version() == Version::HTTP_11
        && request.method() == actix_web::http::Method::GET
        && has(ours::UPGRADE, "websocket")
        && has(ours::CONNECTION, "upgrade")
}

fn log(failure: &Failure, upstream: &str, backend: &str) {
    match failure {
        Failure::Client(_) | Failure::ClientSilent(_) | Failure::Refused(..) => {
            tracing::debug!(upstream, backend, error = %failure, "a request was not passed on to {upstream}: {failure}");
        }
        _ => tracing::warn!(upstream, backend, error = %failure, "{upstream} ({backend}) did not answer: {failure}"),
    }
}

/// Notices a client that goes away before it is answered: dropping the exchange ends it at the upstream, too.
struct Unanswered<'a> {
    upstream: &'a str,
    started: Instant,
    is_answered: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            let waited: Duration = self.started.elapsed();
            let upstream = self.upstream;
            tracing::info!(upstream, ?waited, status = 499, "the client went away before {upstream} answered");
        }
    }
}
