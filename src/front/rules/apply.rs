//! The rules of a site or a route, ready to be applied.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::cors::Cors;
use super::passwords::Passwords;
use crate::api::Code;
use crate::config::front::{self as config, Access, PasswordFile};
use crate::front::client::Client;
use crate::front::compress::{Settings, compressed};
use crate::front::error::Error;
use crate::front::limits::{Permit, Zone};

/// Rules that are ready to be applied.
pub(in crate::front) struct Rules {
    /// `None` takes the header away.
    headers: Vec<(HeaderName, Option<HeaderValue>)>,
    access: Vec<Access>,
    limit: Option<Arc<Zone>>,
    passwords: Option<Passwords>,
    cors: Option<Cors>,
    cache: Vec<(String, HeaderValue)>,
    error_pages: Vec<(StatusCode, String)>,
    intercept_errors: bool,
    pub(in crate::front) compress: Settings,
}

/// Who made an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::front) enum Source {
    /// The front itself: a redirect, a refusal.
    Front,
    Files,
    /// An upstream, or a function.
    Beyond,
}

impl Rules {
    /// Compiles the rules, and reads the file of passwords; `host` names the place when nothing else does.
    pub(in crate::front) fn new(rules: &config::Rules, host: &str, limit: Option<Arc<Zone>>) -> Result<Self, Error> {
        let mut headers = Vec::new();
        for (name, value) in &rules.headers {
            let invalid = || Error::Header(name.clone());
            let value = if value.is_empty() { None } else { Some(HeaderValue::from_str(value).map_err(|_| invalid())?) };
            headers.push((HeaderName::try_from(name.as_str()).map_err(|_| invalid())?, value));
        }
        let passwords = match &rules.auth_file {
            Some(PasswordFile::File(path)) => Some(Passwords::open(path, rules.auth_realm.as_deref().unwrap_or(host))?),
            Some(PasswordFile::Off) | None => None,
        };
        let mut cache = rules.cache.clone().unwrap_or_default();
        cache.extend(rules.cache_control.clone().map(|value| ("/".to_owned(), value)));
        let header_value = |value: &str| HeaderValue::from_str(value).map_err(|_| Error::Header(value.to_owned()));
        let cache = cache.into_iter().map(|(path, value)| Ok((path, header_value(&value)?))).collect::<Result<_, Error>>()?;
        let pages = rules.error_pages.clone().unwrap_or_default();
        let error_pages =
            pages.into_iter().filter_map(|(status, page)| Some((StatusCode::from_u16(status).ok()?, page))).collect();
        Ok(Self {
            headers,
            access: rules.access.clone().unwrap_or_default(),
            limit,
            passwords,
            cors: rules.cors.as_ref().map(Cors::new).transpose()?,
            cache,
            error_pages,
            intercept_errors: rules.intercept_errors.unwrap_or(false),
            compress: Settings::new(rules),
        })
    }

    /// The answer to a request that may not go on: from an address that is kept out, without a password, or one that only asks which
    /// requests may be made. Browsers ask that without a password, so it goes before.
    pub(in crate::front) async fn admit(&self, request: &HttpRequest, address: IpAddr) -> Option<HttpResponse> {
        if !self.lets_in(address) {
            return Some(Code::Forbidden.because("this address is not let in here").error_response());
        }
        if let Some(answer) = self.cors.as_ref().and_then(|cors| cors.preflight(request)) {
            return Some(answer);
        }
        match &self.passwords {
            Some(passwords) => passwords.check(request).await.err(),
            None => None,
        }
    }

    /// Counts a request against its client's limits, and lets it wait for its turn; the refusal when it is one too many.
    pub(in crate::front) async fn count(&self, request: &HttpRequest, client: &Client) -> Result<Option<Permit>, HttpResponse> {
        let Some(limit) = &self.limit else { return Ok(None) };
        limit.admit(request, client).await.map(Some).map_err(|refused| refused.answer())
    }

    fn lets_in(&self, address: IpAddr) -> bool {
        // An IPv4 address that came through an IPv6 socket is the same address.
        let address = address.to_canonical();
        let fits = |entry: &&Access| entry.net.is_none_or(|net| net.contains(&address));
        self.access.iter().find(fits).is_none_or(|entry| entry.allow)
    }

    /// The page that answers with a status, where there is one.
    pub(in crate::front) fn error_page(&self, status: StatusCode, source: Source) -> Option<&str> {
        if !(status.is_client_error() || status.is_server_error()) || (source == Source::Beyond && !self.intercept_errors) {
            return None;
        }
        self.error_pages.iter().find(|(known, _)| *known == status).map(|(_, page)| page.as_str())
    }

    /// Adds what goes along with every answer, and compresses what was passed through.
    pub(in crate::front) fn finish(
        &self,
        request: &HttpRequest,
        path: &str,
        answer: HttpResponse,
        source: Source,
    ) -> HttpResponse {
        let mut answer = if source == Source::Beyond { compressed(request, answer, &self.compress) } else { answer };
        let good = answer.status().as_u16() < 400;
        let headers = answer.headers_mut();
        let may_be_kept = good && request.method() != Method::OPTIONS && !headers.contains_key(header::CACHE_CONTROL);
        if may_be_kept && let Some((_, value)) = self.cache.iter().find(|(prefix, _)| path.starts_with(prefix.as_str())) {
            headers.insert(header::CACHE_CONTROL, value.clone());
        }
        if let Some(cors) = &self.cors {
            cors.allow(request, headers);
        }
        for (name, value) in &self.headers {
            match value {
                Some(value) => drop(headers.insert(name.clone(), value.clone())),
                None => drop(headers.remove(name)),
            }
        }
        answer
    }
}
