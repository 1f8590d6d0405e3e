//! What of a request AWS's clients sign.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;

use crate::aws::Signed;

/// What of a request is signed, body apart.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// As it came, percent-encoded.
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Seen {
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<(String, String)> =
            request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        // HTTP/2 has the host elsewhere.
        if let Some(authority) = request.uri().authority().filter(|_| !request.headers().contains_key("host")) {
            headers.push(("host".to_owned(), authority.to_string()));
        }
        Self {
            method: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            query: request.query_string().to_owned(),
            headers,
        }
    }

    /// A header's value; the first of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.trim())
    }

    /// The same, as signatures are computed of it.
    #[must_use]
    pub fn signed(&self) -> Signed<'_> {
        let Self { method, path, query, headers } = self;
        Signed { method, path, query, headers }
    }
}
