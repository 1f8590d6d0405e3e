//! What a spare does while it waits: calls of handlers of our own, so that the first call of a function finds its path compiled and the
//! memory behind it touched. No code of a function is there yet, and nothing of a rehearsal is left when it comes.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use deno_core::error::CoreError;
use deno_core::futures::FutureExt;
use deno_core::{ModuleSpecifier, v8};
use deno_error::JsErrorBox;
use serde_json::{Value, json};

use super::arguments::{Call, Exports, Rehearsal, Surroundings};
use super::engine::{Engine, Which};
use crate::isolate::protocol::{HandlerStyle, HttpRequest, Invoke};

/// A module by an address that no import means.
const MODULE: &str = "plinth-rehearsal:index.js";
const CODE: &str = "export const handler = async () => {}; export default { fetch() {} };";

impl Engine {
    /// Rehearses initialisation, and a call of each style, with a body and without.
    pub(in crate::isolate) async fn rehearse(&mut self) {
        self.host.begin(0);
        self.call(Which::Surround, Surroundings { function: "", version: "", variables: &BTreeMap::new() });
        if let Ok(exports) = self.evaluate_rehearsal().await {
            for (style, handler) in [(HandlerStyle::Lambda, Some("index.handler")), (HandlerStyle::DefaultFetch, None)] {
                self.call(Which::Load, (style, handler, Exports::Namespace(exports.clone())));
                drop(self.host.current().take_outcome());
            }
        }
        for style in ["lambda", "web"] {
            for body in ["", "{}"] {
                self.call(Which::Rehearse, Rehearsal(Some(style)));
                self.host.begin(0);
                let invoke = invocation(if body.is_empty() { "GET" } else { "POST" });
                self.call(Which::Invoke, Call { shared: false, invoke, body: body.into(), source: None });
                drop(self.host.current().take_outcome());
            }
        }
        self.call(Which::Rehearse, Rehearsal(None));
    }
}

impl Engine {
    async fn evaluate_rehearsal(&mut self) -> Result<v8::Global<v8::Object>, CoreError> {
        let specifier = ModuleSpecifier::parse(MODULE).map_err(|err| JsErrorBox::generic(err.to_string()))?;
        let id = self.runtime.load_side_es_module_from_code(&specifier, CODE).await?;
        let mut evaluated = self.runtime.mod_evaluate(id).boxed_local();
        poll_fn(|context| match (evaluated.poll_unpin(context), self.poll(context)) {
            (Poll::Ready(result), _) => Poll::Ready(result),
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            (Poll::Pending, Poll::Ready(turned)) => Poll::Ready(turned),
        })
        .await?;
        self.runtime.get_module_namespace(id)
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
