//! Which host a request is for, and whose it is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use actix_web::dev::RequestHead;
use actix_web::http::{Version, header};

use super::Site;

/// The request does not say one host: none, two, different ones, or something that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::front) struct BadHost;

/// The host a request is for, in small letters, without port and final dot. `None` for a request of HTTP/1.0 that names none.
///
/// It is what the connection's own words say (`:authority`, the target, `Host`), never a header that a proxy adds.
pub(in crate::front) fn host_of(head: &RequestHead) -> Result<Option<Cow<'_, str>>, BadHost> {
    let mut headers = head.headers().get_all(header::HOST);
    let header = match (headers.next(), headers.next()) {
        (_, Some(_)) => return Err(BadHost),
        (Some(value), None) => Some(value.to_str().map_err(|_| BadHost).and_then(normalized)?),
        (None, None) => None,
    };
    let authority = head.uri.authority().map(|authority| normalized(authority.as_str())).transpose()?;
    match (authority, header) {
        (Some(authority), Some(header)) if authority != header => Err(BadHost),
        (Some(host), _) | (None, Some(host)) => Ok(Some(host)),
        (None, None) if head.version <= Version::HTTP_10 => Ok(None),
        (None, None) => Err(BadHost),
    }
}

/// A host as names are compared: checked, without port and final dot, in small letters.
pub(in crate::front) fn normalized(text: &str) -> Result<Cow<'_, str>, BadHost> {
    let host = without_port(text)?;
    let host = if host.starts_with('[') { host } else { host.strip_suffix('.').unwrap_or(host) };
    if host.is_empty() || host.len() > 253 {
        return Err(BadHost);
    }
    Ok(if host.bytes().any(|byte| byte.is_ascii_uppercase()) { host.to_ascii_lowercase().into() } else { host.into() })
}

fn without_port(text: &str) -> Result<&str, BadHost> {
    let (host, after) = match text.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']').ok_or(BadHost)?;
            let good = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            if !rest.as_bytes()[..end].iter().copied().all(good) {
                return Err(BadHost);
            }
            text.split_at(end + 2)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !host.starts_with('[') && !host.bytes().all(good) {
        return Err(BadHost);
    }
    match after.strip_prefix(':') {
        Some(port) if port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(host),
        None if after.is_empty() => Ok(host),
        _ => Err(BadHost),
    }
}

/// Whose each host is.
#[derive(Default)]
pub(in crate::front) struct Hosts {
    exact: HashMap<String, Arc<Site>>,
    /// By what comes after `*.`.
    wildcards: HashMap<String, Arc<Site>>,
}

impl Hosts {
    pub(in crate::front) fn add(&mut self, host: &str, site: &Arc<Site>) {
        let (map, name) = match host.strip_prefix("*.") {
            Some(suffix) => (&mut self.wildcards, suffix),
            None => (&mut self.exact, host),
        };
        map.insert(name.to_owned(), Arc::clone(site));
    }

    /// The site that has exactly this host, or else that of the longest wildcard.
    pub(in crate::front) fn find(&self, host: &str) -> Option<&Arc<Site>> {
        if let Some(site) = self.exact.get(host) {
            return Some(site);
        }
        if self.wildcards.is_empty() {
            return None;
        }
        host.match_indices('.').find_map(|(at, _)| self.wildcards.get(&host[at + 1..]))
    }
}
