//! What a spare does while it waits: calls of handlers of our own, so that the first call of a function finds its path compiled and the
//! memory behind it touched. No code of a function is there yet, and nothing of a rehearsal is left when it comes.

use serde_json::{Value, json};

use super::arguments::{Call, Rehearsal};
use super::engine::{Engine, Which};
use crate::isolate::protocol::{HttpRequest, Invoke};

impl Engine {
    /// Rehearses a call of each style, with a body and without.
    pub(in crate::isolate) fn rehearse(&mut self) {
        for style in ["lambda", "web"] {
            for body in ["", "{}"] {
                self.call(Which::Rehearse, Rehearsal(Some(style)));
                self.host.begin(0);
                let invoke = invocation(if body.is_empty() { "GET" } else { "POST" });
                self.call(Which::Invoke, Call { invoke, body: body.into(), source: None });
                drop(self.host.take_outcome());
            }
        }
        self.call(Which::Rehearse, Rehearsal(None));
    }
}

fn invocation(method: &str) -> Invoke {
    let headers = [("host", "localhost"), ("content-type", "application/json"), ("accept", "*/*")];
    let http = HttpRequest {
        method: method.to_owned(),
        url: "http://localhost/functions/v1/rehearsal?a=b".to_owned(),
        path: "/".to_owned(),
        query: "a=b".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        source_ip: "127.0.0.1".to_owned(),
        time_ms: 0,
        claims: json!({ "role": "anon" }),
        request_context: Value::Null,
    };
    Invoke {
        call: 0,
        request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
        timeout_ms: 1000,
        memory_mb: 128,
        invoked_arn: String::new(),
        http: Some(http),
        client_context: None,
        streamed: false,
        may_stream: true,
    }
}
