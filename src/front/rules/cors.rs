//! Which other origins' scripts may ask (the Fetch standard's CORS).

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::api::Code;
use crate::config::front as config;
use crate::front::error::Error;

/// Which other origins' scripts may ask, with the header values made once.
pub(super) struct Cors {
    /// In small letters; empty for every origin.
    origins: Vec<String>,
    methods: HeaderValue,
    /// `None` for those that are asked for.
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
}

/// The headers by which an answer allows something; what an upstream says in them gives way.
const OURS: [header::HeaderName; 3] =
    [header::ACCESS_CONTROL_ALLOW_ORIGIN, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, header::ACCESS_CONTROL_EXPOSE_HEADERS];

impl Cors {
    pub(super) fn new(cors: &config::Cors) -> Result<Self, Error> {
        let list = |names: &[String]| HeaderValue::try_from(names.join(", ")).map_err(|_| Error::Header(names.join(", ")));
        let unless_empty = |names: &[String]| if names.is_empty() { Ok(None) } else { list(names).map(Some) };
        Ok(Self {
            origins: cors.origins.clone(),
            methods: list(&cors.methods)?,
            headers: unless_empty(&cors.headers)?,
            expose: unless_empty(&cors.expose)?,
            credentials: cors.credentials,
            max_age: HeaderValue::from(cors.max_age.as_secs()),
        })
    }

    /// The answer to a browser that asks whether it may make a request; `None` for every other request.
    pub(super) fn preflight(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let headers = request.headers();
        if request.method() != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let origin = headers.get(header::ORIGIN)?;
        if !self.lets(origin) {
            return Some(Code::Forbidden.because("scripts of this origin may not ask here").error_response());
        }
        let mut answer = HttpResponse::NoContent();
        answer.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone()));
        answer.insert_header((header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone()));
        if let Some(allowed) = self.headers.as_ref().or_else(|| headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS)) {
            answer.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone()));
        }
        if self.headers.is_none() {
            answer.append_header((header::VARY, HeaderValue::from_static("access-control-request-headers")));
        }
        Some(answer.finish())
    }

    /// Lets a script of an origin that may ask read an answer.
    pub(super) fn allow(&self, request: &HttpRequest, answer: &mut HeaderMap) {
        for name in OURS {
            answer.remove(name);
        }
        if !self.origins.is_empty() {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
        }
        let Some(origin) = request.headers().get(header::ORIGIN).filter(|origin| self.lets(origin)) else { return };
        let allowed = if self.origins.is_empty() { HeaderValue::from_static("*") } else { origin.clone() };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(expose) = &self.expose {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }

    fn lets(&self, origin: &HeaderValue) -> bool {
        let is_named = |text: &str| self.origins.iter().any(|known| known.eq_ignore_ascii_case(text));
        self.origins.is_empty() || origin.to_str().is_ok_and(is_named)
    }
}
