//! The request as the function shall see it: everything the client sent, less what is between client and server, and less the
//! service key, which would make the function's author the server's owner.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::api::PublicUrl;
use crate::auth::AuthService;
use crate::auth::principal::Principal;
use crate::isolate::protocol;
use crate::types::Timestamp;

/// Where functions are called.
pub(in crate::functions::api) const PREFIX: &str = "/functions/v1/";

/// Headers that are about the connection and not the request (RFC 9110, 7.6.1).
pub(in crate::functions::api) const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A value shorter than this is no API key, which spares looking.
const SHORTEST_KEY: usize = 64;

/// The name in a request's path, as it stands there: a name that needs escaping is none. No pattern of the router is used, since
/// matching one costs more than all else that is done with the path.
pub(in crate::functions::api) fn name_of(request: &HttpRequest) -> &str {
    name_in(request.uri().path())
}

/// As [`name_of`], of a path.
#[doc(hidden)]
#[must_use]
pub fn name_in(path: &str) -> &str {
    let below = path.strip_prefix(PREFIX).unwrap_or_default();
    below.split_once('/').map_or(below, |(name, _)| name)
}

/// Which function a request calls, and what the function is told of the address.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    /// The function's name, as it was written.
    pub name: &'t str,
    /// Scheme and host: `https://api.example.com`.
    pub origin: &'t str,
    /// The whole path, percent-encoded.
    pub path: &'t str,
    /// What of the path is the function's own.
    pub below: &'t str,
    /// Without its question mark.
    pub query: &'t str,
}

impl<'t> Target<'t> {
    /// That of a request for `/functions/v1/{name}/…`.
    pub(in crate::functions::api) fn of(request: &'t HttpRequest, url: &'t PublicUrl) -> Self {
        let (name, path) = (name_of(request), request.uri().path());
        let below = path.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(name)).unwrap_or_default();
        Self { name, origin: &url.0, path, below, query: request.query_string() }
    }
}

/// What the function is told of a request.
pub(in crate::functions::api) async fn seen_by_function(
    request: &HttpRequest,
    target: &Target<'_>,
    caller: Option<&Principal>,
    auth: &AuthService,
    now: Timestamp,
) -> protocol::HttpRequest {
    let Target { origin, path, below, .. } = target;
    let query = without_service_key(target.query, auth).await;
    let address = if query.is_empty() { format!("{origin}{path}") } else { format!("{origin}{path}?{query}") };
    protocol::HttpRequest {
        method: request.method().as_str().to_owned(),
        url: address,
        path: if below.is_empty() { "/".to_owned() } else { (*below).to_owned() },
        query,
        headers: headers(request.headers(), auth).await,
        source_ip: request.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default(),
        time_ms: now.millis(),
        request_context: Value::Null,
        claims: caller.map_or(Value::Null, |principal| Value::Object((*principal.claims).clone())),
    }
}

/// The headers of a request, in order, less those of the connection and those whose value is a service key.
pub async fn headers(all: &HeaderMap, auth: &AuthService) -> Vec<(String, String)> {
    let named = all.get_all(header::CONNECTION).filter_map(|value| value.to_str().ok()).flat_map(|names| names.split(','));
    let named: Vec<String> = named.map(|name| name.trim().to_ascii_lowercase()).collect();
    let mut kept = Vec::with_capacity(all.len());
    for (name, value) in all {
        let name = name.as_str();
        if HOP_BY_HOP.contains(&name) || named.iter().any(|other| other == name) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        if !is_service_key(value.rsplit(' ').next().unwrap_or_default(), auth).await {
            kept.push((name.to_owned(), value.into_owned()));
        }
    }
    kept
}

/// The query as it came, less parameters whose value is a service key.
pub async fn without_service_key(query: &str, auth: &AuthService) -> String {
    if query.len() < SHORTEST_KEY {
        return query.to_owned();
    }
    let mut kept = Vec::new();
    for pair in query.split('&') {
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        let value = percent_decode_str(value).decode_utf8_lossy();
        if !is_service_key(value.trim(), auth).await {
            kept.push(pair);
        }
    }
    kept.join("&")
}

async fn is_service_key(text: &str, auth: &AuthService) -> bool {
    if text.len() < SHORTEST_KEY {
        return false;
    }
    // Only the key is looked at, so this awaits nothing.
    let identity = auth.identify(None, Some(text)).await;
    identity.api_key.principal().is_ok_and(|principal| principal.is_service())
}
