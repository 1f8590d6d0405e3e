//! What of a request goes into the choice: the key of the hash, and the sticky cookie.

use std::borrow::Cow;
use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::config::front::{Balance, HashKey, Upstream};

/// A key is at most this long; what follows does not count.
const MAX_KEY: usize = 4096;

/// What the request is known by, where the upstream balances by hash; `None` where it does not, and for a request that has none of it.
#[must_use]
pub fn hash_key(upstream: &Upstream, request: &HttpRequest, client: IpAddr) -> Option<String> {
    if upstream.balance != Balance::Hash {
        return None;
    }
    let key = match &upstream.balancing.hash_key {
        HashKey::Address => Cow::Owned(client.to_string()),
        HashKey::Path => Cow::Borrowed(request.path()),
        HashKey::Host => Cow::Owned(request.connection_info().host().to_ascii_lowercase()),
        HashKey::Header(name) => Cow::Borrowed(request.headers().get(name)?.to_str().ok()?),
        HashKey::Cookie(name) => Cow::Borrowed(cookie(request, name)?),
        HashKey::Query(name) => argument(request.query_string(), name)?,
    };
    let end = key.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_KEY).last().unwrap_or(0);
    let key = if key.len() <= MAX_KEY { &key[..] } else { &key[..end] };
    (!key.is_empty()).then(|| key.to_owned())
}

/// The value of the upstream's sticky cookie, if the request has it.
#[must_use]
pub fn sticky_cookie<'r>(upstream: &Upstream, request: &'r HttpRequest) -> Option<&'r str> {
    cookie(request, &upstream.sticky.as_ref()?.name)
}

fn cookie<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    let lines = request.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'))
}

/// An argument of a query, decoded.
fn argument<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(key, _)| percent_encoding::percent_decode_str(key).eq(name.bytes()))?;
    Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy())
}
