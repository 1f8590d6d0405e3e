//! What is answered before any handler is asked: limits of connections and heads, and the way to HTTPS; and what every answer by TLS says.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{ConnectionType, Version};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::connection::Connection;
use super::live::Now;
use crate::api::Code;
use crate::front::client::Client;

/// Where certificate authorities look a host up without TLS.
const ACME: &str = "/.well-known/acme-challenge/";

/// The most headers of a request; HTTP/1 takes 96 at the most before this is asked.
const MAX_HEADERS: usize = 256;

/// The answer to a request that goes no further.
pub(in crate::server) fn refuse(now: &Now, connection: Option<&Connection>, request: &ServiceRequest) -> Option<HttpResponse> {
    let is_private = connection.is_some_and(Connection::is_private);
    over_limits(now, connection, request)
        .or_else(|| too_long(now, request))
        .or_else(|| (!is_private).then(|| to_https(now, request.request()))?)
}

fn over_limits(now: &Now, connection: Option<&Connection>, request: &ServiceRequest) -> Option<HttpResponse> {
    let connection = connection?;
    let limit = now.edge.max_connections_per_address;
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let counted = peer.filter(|peer| limit > 0 && !now.edge.trusted_proxies.iter().any(|proxy| proxy.contains(peer)));
    if counted.is_some_and(|address| !connection.is_within(address, limit)) {
        let problem = Code::TooManyRequests.because(format!("this address has {limit} connections already; use those again"));
        return Some(closing(problem.error_response()));
    }
    if !connection.has_room() {
        let problem = Code::TooManyRequests.because("this connection has too many requests under way; wait for answers");
        return Some(closing(problem.error_response()));
    }
    None
}

fn too_long(now: &Now, request: &ServiceRequest) -> Option<HttpResponse> {
    let limit = now.edge.max_head;
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if address > limit {
        let problem = Code::UriTooLong.because(format!("the address has {address} bytes, {limit} at the most"));
        return Some(closing(problem.error_response()));
    }
    let headers = request.headers();
    let bytes = size_of(headers);
    let message = match headers.len() {
        count if count > MAX_HEADERS => format!("the request has {count} headers, {MAX_HEADERS} at the most"),
        _ if bytes > limit => format!("the headers have {bytes} bytes, {limit} at the most"),
        _ => return None,
    };
    Some(closing(Code::HeadersTooLarge.because(message).error_response()))
}

fn size_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// To the same address by HTTPS, at listeners that are for that alone.
fn to_https(now: &Now, request: &HttpRequest) -> Option<HttpResponse> {
    let config = request.app_config();
    if config.secure() || !now.redirecting.contains(&config.local_addr()) || request.path().starts_with(ACME) {
        return None;
    }
    let client = Client::of(request, &now.edge.trusted_proxies);
    if client.scheme == "https" {
        return None;
    }
    let host = without_port(&client.host);
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']' | b'_');
    if host.is_empty() || !host.bytes().all(good) {
        return Some(Code::InvalidInput.because("the request's Host is not the name of a host").error_response());
    }
    let port = match now.https_port {
        443 => String::new(),
        port => format!(":{port}"),
    };
    let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
    let asked = if asked.starts_with('/') { asked } else { "/" };
    Some(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, format!("https://{host}{port}{asked}"))).finish())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// What every answer says beside what it is: that HTTPS is to be used, and that the connection is not kept when there are too many.
pub(in crate::server) fn dress(now: &Now, connection: Option<&Connection>, request: &HttpRequest, answer: &mut HttpResponse) {
    if let Some(hsts) = &now.hsts {
        let is_secure = || request.app_config().secure() || Client::of(request, &now.edge.trusted_proxies).scheme == "https";
        let is_private = connection.is_some_and(Connection::is_private);
        if !is_private && !answer.headers().contains_key(STRICT_TRANSPORT_SECURITY) && is_secure() {
            answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
    }
    let is_kept = request.version() <= Version::HTTP_11 && !answer.head().upgrade();
    if is_kept && connection.is_some_and(|connection| connection.is_under_pressure(now.edge.max_connections)) {
        answer.head_mut().set_connection_type(ConnectionType::Close);
    }
}

const STRICT_TRANSPORT_SECURITY: HeaderName = header::STRICT_TRANSPORT_SECURITY;

fn closing(mut answer: HttpResponse) -> HttpResponse {
    answer.head_mut().set_connection_type(ConnectionType::Close);
    answer
}
