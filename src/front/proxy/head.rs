//! The head of the request that an upstream sees.

use std::fmt::Write as _;
use std::net::IpAddr;

use actix_web::http::Version;
use actix_web::http::header as ours;
use actix_web::{HttpMessage, HttpRequest};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};

use super::headers::{self, HOPS};
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
    /// The request for one server, which is called `server` (`host:port`).
    pub(super) fn request(&self, server: &str, http2: Option<Scheme>, source: &Source) -> Option<Request<Outgoing>> {
        let mut headers = headers::of_request(self.request.headers());
        let host = self.host(server);
        let uri = match http2 {
            // HTTP/2 has the host in its pseudo-headers.
            Some(scheme) => {
                let authority = Authority::try_from(host).ok()?;
                Uri::builder().scheme(scheme).authority(authority).path_and_query(self.path.clone()).build().ok()?
            }
            None => {
                headers.insert(header::HOST, HeaderValue::from_str(host).ok()?);
                Uri::from(self.path.clone())
            }
        };
        self.say_who_asks(&mut headers);
        match source.length() {
            Length::Known(length) => drop(headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length))),
            Length::Unknown if !uri_has_authority(&uri) => {
                headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            // Servers want to be told that there is nothing where something is usual.
            Length::None if matches!(self.method, Method::POST | Method::PUT | Method::PATCH) => {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            Length::None | Length::Unknown => {}
        }
        for (name, value) in &self.how.request_headers {
            self.edit(&mut headers, name, value);
        }
        if self.is_websocket {
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        let mut request = Request::new(source.body());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Some(request)
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
    fn say_who_asks(&self, headers: &mut HeaderMap) {
        let Client { address, scheme, host, .. } = self.client;
        let peer = self.request.peer_addr().map(|peer| peer.ip());
        let came_through = peer.filter(|peer| peer != address);
        let chain = match came_through {
            Some(peer) => appended(self.request, "x-forwarded-for", &peer.to_string()),
            None => address.to_string(),
        };
        set(headers, HeaderName::from_static("x-forwarded-for"), &chain);
        set(headers, HeaderName::from_static("x-forwarded-proto"), scheme);
        set(headers, HeaderName::from_static("x-forwarded-host"), host);
        let own = forwarded(came_through.unwrap_or(*address), scheme, host);
        let chain = if came_through.is_some() { appended(self.request, "forwarded", &own) } else { own };
        set(headers, header::FORWARDED, &chain);
        let version = if self.request.version() == Version::HTTP_2 { "2 plinth" } else { "1.1 plinth" };
        set(headers, header::VIA, &appended(self.request, "via", version));
        headers.insert(HeaderName::from_static(HOPS), HeaderValue::from(u16::from(self.hops) + 1));
    }

    /// Sets a header as the configuration says, or takes it away.
    fn edit(&self, headers: &mut HeaderMap, name: &str, text: &HeaderText) {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return };
        if text.0.is_empty() {
            headers.remove(name);
            return;
        }
        set(headers, name, &self.fill(text));
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

fn uri_has_authority(uri: &Uri) -> bool {
    uri.authority().is_some()
}

/// One element of a `Forwarded` header (RFC 7239).
fn forwarded(address: IpAddr, scheme: &str, host: &str) -> String {
    let mut element = match address {
        IpAddr::V4(address) => format!("for={address};proto={scheme}"),
        IpAddr::V6(address) => format!("for=\"[{address}]\";proto={scheme}"),
    };
    if !host.is_empty() && !host.contains(['"', '\\']) {
        element.push_str(";host=\"");
        element.push_str(host);
        element.push('"');
    }
    element
}

/// What the client wrote in a list header, and `own` behind it.
fn appended(request: &HttpRequest, name: &str, own: &str) -> String {
    let said = request.headers().get_all(name).filter_map(|value: &ours::HeaderValue| value.to_str().ok());
    let mut chain: String = said.filter(|value| !value.is_empty()).flat_map(|value| [value, ", "]).collect();
    chain.push_str(own);
    chain
}

/// Sets a header whose value can be sent; takes it away otherwise.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) if !value.is_empty() => drop(headers.insert(name, value)),
        _ => drop(headers.remove(name)),
    }
}

/// `example.com` of `example.com:8080`, `[::1]` of `[::1]:8080`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}
