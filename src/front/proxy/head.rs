//! The head of the request that an upstream sees.

use std::fmt::Write as _;
use std::net::IpAddr;

use actix_web::http::Version;
use actix_web::http::header as ours;
use actix_web::{HttpMessage, HttpRequest};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};

use super::headers::{self, HOPS, Told, can_be_sent};
use super::source::{Length, Outgoing, Source};
use crate::config::front::{HeaderText, HostHeader, Piece, Proxying, Variable};
use crate::front::client::Client;
use crate::types::RequestId;

/// How many proxies and functions a request may go through before it is taken for a loop.
pub(super) const MAX_HOPS: u8 = 10;

/// What of a request is the same in every try.
pub(super) struct Head<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) how: &'a Proxying,
    pub(super) client: &'a Client,
    pub(super) method: Method,
    pub(super) path: PathAndQuery,
    /// Whether the client wants to speak WebSocket.
    pub(super) is_websocket: bool,
    pub(super) hops: u8,
}

impl Head<'_> {
    /// Writes the head of HTTP/1.1 for one server, which is called `server` (`host:port`); `None` when it cannot be written.
    pub(super) fn write(&self, server: &str, source: &Source, out: &mut Vec<u8>) -> Option<()> {
        let (host, path) = (self.host(server), self.path.as_str());
        if !can_be_sent(host.as_bytes()) {
            return None;
        }
        let root = if path.starts_with(['/', '*']) { "" } else { "/" };
        for part in [self.method.as_str(), " ", root, path, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        out.tell("host", host.as_bytes());
        self.tell(out);
        match source.length() {
            Length::Unknown => out.tell("transfer-encoding", b"chunked"),
            length => self.tell_length(length, out),
        }
        if self.is_websocket {
            out.tell("connection", b"upgrade");
            out.tell("upgrade", b"websocket");
        }
        out.extend_from_slice(b"\r\n");
        Some(())
    }

    /// The same for HTTP/2, which has the host in its pseudo-headers.
    pub(super) fn request(&self, server: &str, scheme: Scheme, source: &Source) -> Option<Request<Outgoing>> {
        let authority = Authority::try_from(self.host(server)).ok()?;
        let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(self.path.clone()).build().ok()?;
        let mut request = Request::new(source.body());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.reserve(self.request.headers().len() + 8);
        self.tell(headers);
        self.tell_length(source.length(), headers);
        Some(request)
    }

    /// Tells a server the client's headers, who asks, and what the configuration says.
    fn tell(&self, to: &mut impl Told) {
        headers::of_request(self.request.headers(), |name| self.is_set(name), to);
        self.say_who_asks(to);
        let set = &self.how.request_headers;
        for (at, (name, text)) in set.iter().enumerate() {
            let value = self.fill(text);
            // A name that is spelt in two ways has the value that is said last.
            let is_last = set[at + 1..].iter().all(|(other, _)| other != name);
            if is_last && !value.is_empty() {
                to.tell(name, value.as_bytes());
            }
        }
    }

    fn tell_length(&self, length: Length, to: &mut impl Told) {
        match length {
            Length::Known(length) => to.tell("content-length", length.to_string().as_bytes()),
            // Servers want to be told that there is nothing where something is usual.
            Length::None if matches!(self.method, Method::POST | Method::PUT | Method::PATCH) => to.tell("content-length", b"0"),
            Length::None | Length::Unknown => {}
        }
    }

    /// Whether the configuration sets a header or takes it away.
    fn is_set(&self, name: &str) -> bool {
        self.how.request_headers.iter().any(|(set, _)| set == name)
    }

    /// The `Host` that a server is told.
    pub(super) fn host<'h>(&'h self, server: &'h str) -> &'h str {
        match &self.how.host {
            HostHeader::Fixed(host) => host,
            HostHeader::Keep if !self.client.host.is_empty() => &self.client.host,
            HostHeader::Keep | HostHeader::Server => server,
        }
    }

    /// Who asked, by what, for which host. What the client itself wrote there stands only when it came through proxies that are trusted,
    /// which is when its address is not the connection's.
    fn say_who_asks(&self, to: &mut impl Told) {
        let Client { address, scheme, host, .. } = self.client;
        let peer = self.request.peer_addr().map(|peer| peer.ip());
        let came_through = peer.filter(|peer| peer != address);
        let nearest = came_through.unwrap_or(*address);
        let mut say = |name: &str, value: &str| {
            if !value.is_empty() && !self.is_set(name) {
                to.tell(name, value.as_bytes());
            }
        };
        let mut text = String::with_capacity(128);
        // Writing to a string does not fail.
        if came_through.is_some() {
            self.repeat("x-forwarded-for", &mut text);
        }
        let _ = write!(text, "{nearest}");
        say("x-forwarded-for", &text);
        say("x-forwarded-proto", scheme);
        say("x-forwarded-host", host);
        text.clear();
        if came_through.is_some() {
            self.repeat("forwarded", &mut text);
        }
        forwarded(nearest, scheme, host, &mut text);
        say("forwarded", &text);
        text.clear();
        self.repeat("via", &mut text);
        text.push_str(if self.request.version() == Version::HTTP_2 { "2 plinth" } else { "1.1 plinth" });
        say("via", &text);
        text.clear();
        let _ = write!(text, "{}", u16::from(self.hops) + 1);
        say(HOPS, &text);
    }

    /// Writes what the client wrote in a list header, for more to come behind it.
    fn repeat(&self, name: &str, into: &mut String) {
        let said = self.request.headers().get_all(name).filter_map(|value: &ours::HeaderValue| value.to_str().ok());
        for value in said.filter(|value| !value.is_empty()) {
            into.push_str(value);
            into.push_str(", ");
        }
    }

    fn fill(&self, text: &HeaderText) -> String {
        let mut filled = String::new();
        for piece in &text.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Variable(variable) => self.say(variable, &mut filled),
            }
        }
        filled
    }

    fn say(&self, variable: &Variable, into: &mut String) {
        // Writing to a string does not fail.
        let _ = match variable {
            Variable::Host => into.write_str(without_port(&self.client.host)),
            Variable::RemoteAddr => write!(into, "{}", self.client.address),
            Variable::Scheme => into.write_str(self.client.scheme),
            Variable::RequestId => self.request.extensions().get::<RequestId>().map_or(Ok(()), |id| write!(into, "{id}")),
            Variable::Method => into.write_str(self.method.as_str()),
            Variable::RequestUri => into.write_str(self.request.uri().path_and_query().map_or("/", |path| path.as_str())),
            Variable::Header(name) => {
                let value = self.request.headers().get(name.as_str()).and_then(|value| value.to_str().ok());
                into.write_str(value.unwrap_or_default())
            }
        };
    }
}

/// What a request says of the proxies and functions it has gone through; what is no number is as many as can be.
pub(super) fn hops_of(request: &HttpRequest) -> u8 {
    let value = request.headers().get(HOPS);
    value.map_or(0, |value| value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(u8::MAX))
}

/// Writes one element of a `Forwarded` header (RFC 7239).
fn forwarded(address: IpAddr, scheme: &str, host: &str, into: &mut String) {
    // Writing to a string does not fail.
    let _ = match address {
        IpAddr::V4(address) => write!(into, "for={address};proto={scheme}"),
        IpAddr::V6(address) => write!(into, "for=\"[{address}]\";proto={scheme}"),
    };
    if !host.is_empty() && !host.contains(['"', '\\']) {
        into.push_str(";host=\"");
        into.push_str(host);
        into.push('"');
    }
}

/// `example.com` of `example.com:8080`, `[::1]` of `[::1]:8080`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}
