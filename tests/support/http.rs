//! Requests by a caller with an identity, and answers to assert on.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, RwLock};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Where the server is; shared, since a restart moves it to another port.
#[derive(Clone)]
pub(super) struct Base {
    pub(super) http: reqwest::Client,
    pub(super) url: Arc<RwLock<String>>,
}

/// A caller: what it sends as `apikey` and as bearer token.
#[derive(Clone)]
pub struct Client {
    base: Base,
    apikey: Option<String>,
    bearer: Option<String>,
}

impl Client {
    pub(super) fn new(base: Base, apikey: Option<&str>, bearer: Option<&str>) -> Self {
        Self { base, apikey: apikey.map(str::to_owned), bearer: bearer.map(str::to_owned) }
    }

    /// A request by this caller; `path` begins with `/`.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let url = format!("{}{path}", self.base.url.read().expect("no writer panics"));
        let mut builder = self.base.http.request(method, url);
        if let Some(apikey) = &self.apikey {
            builder = builder.header("apikey", apikey);
        }
        if let Some(bearer) = &self.bearer {
            builder = builder.bearer_auth(bearer);
        }
        Request(builder)
    }

    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub fn head(&self, path: &str) -> Request {
        self.request(Method::HEAD, path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }
}

/// A request being made. Await it to send it.
#[must_use = "a request is sent by awaiting it"]
pub struct Request(reqwest::RequestBuilder);

impl Request {
    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Sends `body` as JSON.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        Self(self.0.json(body))
    }

    /// Sends `body` as it is.
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    /// Gives up after this long (60 s unless said).
    pub fn timeout(self, limit: std::time::Duration) -> Self {
        Self(self.0.timeout(limit))
    }

    /// Sends it and reads the answer whole; an error is one of the connection.
    ///
    /// # Errors
    ///
    /// When no whole answer arrives.
    pub async fn try_send(self) -> reqwest::Result<Response> {
        let answer = self.0.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Response { status, headers, body: answer.bytes().await?.to_vec() })
    }

    /// Sends it and gives the answer as soon as its head is there, for tests of streaming.
    ///
    /// # Errors
    ///
    /// When no head of an answer arrives.
    pub async fn stream(self) -> reqwest::Result<reqwest::Response> {
        self.0.send().await
    }
}

impl IntoFuture for Request {
    type Output = Response;
    type IntoFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.try_send().await.expect("the server answers") })
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Response {
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Fails with the body when the status is another.
    #[track_caller]
    pub fn assert_status(&self, expected: u16) -> &Self {
        assert_eq!(self.status, expected, "unexpected status; the body: {}", self.text());
        self
    }

    /// A header's value; `None` when it is not there (or not text).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON of a type.
    #[track_caller]
    #[must_use]
    pub fn parse<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|err| panic!("{err} in the body: {}", self.text()))
    }

    /// The body as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        self.parse()
    }

    /// The body of an `application/problem+json` answer; fails when it is none.
    #[track_caller]
    pub fn problem(&self) -> Value {
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/problem+json"), "content-type is {kind:?}; the body: {}", self.text());
        self.json()
    }
}
