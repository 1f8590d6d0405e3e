//! Storage by S3's protocol: what is signed, what is kept of a body that does not hold, and another server that keeps its bytes here.

mod backend;
mod bodies;

use plinth::aws::{Chain, Check, Credential, PathStyle, Signed, sign, verify_head};
use plinth::types::{Clock, Secret};
use reqwest::Method;

use crate::support::{Request, Response, TestApp};

/// A request that is signed with the access key.
pub(in crate::storage) struct Call<'a> {
    app: &'a TestApp,
    method: Method,
    /// Path and query below the door, encoded.
    target: String,
    headers: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    pub(in crate::storage) fn new(app: &'a TestApp, method: Method, target: &str) -> Self {
        let date = Clock::system().now().to_chrono().format("%Y%m%dT%H%M%SZ").to_string();
        let headers =
            vec![("host".to_owned(), app.url().trim_start_matches("http://").to_owned()), ("x-amz-date".to_owned(), date)];
        Self { app, method, target: format!("/storage/v1/s3{target}"), headers }
    }

    pub(in crate::storage) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The request, signed, and what signs the chunks of its body.
    pub(in crate::storage) fn signed(self, payload: &str) -> (Request, Chain) {
        let call = self.header("x-amz-content-sha256", payload);
        let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
        let check = Check { service: "s3", path: PathStyle::AsSent, now: Clock::system().now() };
        let secret = Secret::new(call.app.key("secret_access_key").to_owned());
        let signed = Signed { method: call.method.as_str(), path, query, headers: &call.headers };
        let authorization = sign(&check, call.app.key("access_key_id"), &secret, &signed, b"");
        let mut all = call.headers.clone();
        all.push(("authorization".to_owned(), authorization));
        let signed = Signed { headers: &all, ..signed };
        let chain = verify_head(&check, &Credential::of(&signed).unwrap(), &secret, &signed).unwrap();
        let mut request = call.app.nobody().request(call.method.clone(), &call.target);
        for (name, value) in all.iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        (request, chain)
    }
}

/// Holds an answer to be a refusal in S3's shape.
#[track_caller]
pub(in crate::storage) fn refused(answer: &Response, status: u16, code: &str) {
    let text = answer.text();
    assert_eq!((answer.status(), text.contains(&format!("<Code>{code}</Code>"))), (status, true), "{text}");
    assert!(text.contains("<Resource>/") && text.contains("<RequestId>") && text.contains("<Message>"), "{text}");
    assert_eq!(answer.header("content-type"), Some("application/xml"));
    assert!(answer.header("x-amz-request-id").is_some());
}

async fn get(app: &TestApp, target: &str) -> Response {
    Call::new(app, Method::GET, target).signed("UNSIGNED-PAYLOAD").0.await
}
