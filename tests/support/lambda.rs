//! Requests of AWS Lambda's API, signed with the server's access key.

use std::io::{Cursor, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plinth::aws::{Check, PathStyle, Signed, sign};
use plinth::types::{Clock, Secret};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Request, Response, TestApp};

impl TestApp {
    /// A signed request of Lambda's API with these further headers; `target` is path and query, encoded.
    pub fn aws(&self, method: &Method, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
        self.signed("lambda", (method, target), headers, body)
    }

    /// An operation of SQS.
    pub async fn sqs(&self, operation: &str, input: &Value) -> Response {
        let target = format!("AmazonSQS.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.0")];
        self.signed("sqs", (&Method::POST, "/sqs/"), &headers, input.to_string().as_bytes()).await
    }

    fn signed(&self, service: &'static str, (method, target): (&Method, &str), headers: &[(&str, &str)], body: &[u8]) -> Request {
        let now = Clock::system().now();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let host = self.url().trim_start_matches("http://").to_owned();
        let date = now.to_chrono().format("%Y%m%dT%H%M%SZ").to_string();
        let mut all: Vec<(String, String)> = vec![("host".to_owned(), host), ("x-amz-date".to_owned(), date)];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let signed = Signed { method: method.as_str(), path, query, headers: &all };
        let check = Check { service, path: PathStyle::Encoded, now };
        let secret = Secret::new(self.key("secret_access_key").to_owned());
        let authorization = sign(&check, self.key("access_key_id"), &secret, &signed, body);
        let mut request = self.nobody().request(method.clone(), target).header("authorization", &authorization);
        for (name, value) in all.iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        request.body(body.to_vec())
    }

    /// Makes a function by `CreateFunction`; `more` is laid over the usual fields.
    pub async fn create_function(&self, name: &str, source: &str, more: &Value) -> Response {
        let mut body = json!({
            "FunctionName": name,
            "Role": "arn:aws:iam::000000000000:role/lambda",
            "Runtime": "nodejs22.x",
            "Handler": "index.handler",
            "Code": { "ZipFile": STANDARD.encode(zipped("index.js", source)) },
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        self.aws(&Method::POST, "/2015-03-31/functions", &[], body.to_string().as_bytes()).await
    }

    /// Calls a function by `Invoke`.
    pub async fn invoke_lambda(&self, name: &str, event: &str) -> Response {
        self.aws(&Method::POST, &format!("/2015-03-31/functions/{name}/invocations"), &[], event.as_bytes()).await
    }
}

/// A zip of one file.
///
/// # Panics
///
/// When it cannot be written, which it can.
#[must_use]
pub fn zipped(name: &str, content: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    zip.start_file(name, options).expect("the zip takes a file");
    zip.write_all(content.as_bytes()).expect("the file takes its content");
    zip.finish().expect("the zip is finished").into_inner()
}
