//! What Rust hands to the functions of the extension, made into V8 values.

use std::collections::BTreeMap;

use deno_core::v8::{self, Local, PinScope, Value};

use super::engine::Arguments;
use crate::isolate::protocol::{HandlerStyle, HttpRequest, Invoke};

/// Where the handler is to be found.
pub(in crate::isolate) enum Exports {
    /// In what an ES module exports.
    Namespace(v8::Global<v8::Object>),
    /// In what this `CommonJS` file exports, which is still to be run.
    CommonJs(String),
}

/// `load(style, handler, namespace, file)`: the namespace is undefined when the file is to be run for its exports.
impl Arguments for (HandlerStyle, Option<&str>, Exports) {
    fn make<'s>(self, scope: &mut PinScope<'s, '_>) -> Vec<Local<'s, Value>> {
        let (style, handler, exports) = self;
        let style = match style {
            HandlerStyle::Lambda | HandlerStyle::CommonJs => "lambda",
            HandlerStyle::DenoServe => "serve",
            HandlerStyle::DefaultFetch | HandlerStyle::DefaultFunction => "default",
        };
        let undefined = v8::undefined(scope).into();
        let handler = handler.map_or(undefined, |name| text(scope, name));
        let (namespace, file) = match exports {
            Exports::Namespace(namespace) => (Local::new(scope, namespace).into(), undefined),
            Exports::CommonJs(file) => (undefined, text(scope, &file)),
        };
        vec![text(scope, style), handler, namespace, file]
    }
}

/// `rehearse(style)`: which of our own handlers the next calls go to; none of them ends the rehearsal.
pub(in crate::isolate) struct Rehearsal(pub(in crate::isolate) Option<&'static str>);

impl Arguments for Rehearsal {
    fn make<'s>(self, scope: &mut PinScope<'s, '_>) -> Vec<Local<'s, Value>> {
        self.0.map(|style| text(scope, style)).into_iter().collect()
    }
}

/// One call and its payload.
pub(in crate::isolate) struct Call {
    /// Whether others may run beside it.
    pub(in crate::isolate) shared: bool,
    pub(in crate::isolate) invoke: Invoke,
    pub(in crate::isolate) body: Vec<u8>,
    /// The resource that the body is to be read from, when it is streamed.
    pub(in crate::isolate) source: Option<u32>,
}

/// `invoke(number, requestId, timeoutMs, memoryMb, arn, clientContext, body)` for an event, whose body is its JSON; for HTTP the body is bytes,
/// the number of a resource or `null`, and the parts of the request follow, the last whether the response may be a stream. The number is 0
/// where calls come one after the other.
impl Arguments for Call {
    fn make<'s>(self, scope: &mut PinScope<'s, '_>) -> Vec<Local<'s, Value>> {
        let Self { shared, invoke, body, source } = self;
        let mut arguments = Vec::with_capacity(17);
        #[expect(clippy::cast_precision_loss, reason = "calls of one worker count up from 1")]
        let number = if shared { invoke.call as f64 } else { 0.0 };
        arguments.push(v8::Number::new(scope, number).into());
        arguments.push(text(scope, &invoke.request_id));
        arguments.push(v8::Number::new(scope, float(invoke.timeout_ms)).into());
        arguments.push(v8::Integer::new_from_unsigned(scope, invoke.memory_mb).into());
        arguments.push(text(scope, &invoke.invoked_arn));
        arguments.push(match &invoke.client_context {
            Some(json) => text(scope, json),
            None => v8::undefined(scope).into(),
        });
        match &invoke.http {
            None => arguments.push(bytes_as_text(scope, &body)),
            Some(request) => {
                arguments.push(match source {
                    Some(source) => v8::Integer::new_from_unsigned(scope, source).into(),
                    None => bytes(scope, body),
                });
                push_request(scope, request, &mut arguments);
                arguments.push(v8::Boolean::new(scope, invoke.may_stream).into());
            }
        }
        arguments
    }
}

fn push_request<'s>(scope: &mut PinScope<'s, '_>, request: &HttpRequest, arguments: &mut Vec<Local<'s, Value>>) {
    for part in [&request.method, &request.url, &request.path, &request.query, &request.source_ip] {
        arguments.push(text(scope, part));
    }
    #[expect(clippy::cast_precision_loss, reason = "JavaScript keeps the time as a float too; milliseconds fit it for ages")]
    let time = request.time_ms as f64;
    arguments.push(v8::Number::new(scope, time).into());
    // One text, taken apart when it is looked at: few functions do, and V8 makes one sooner than many.
    let size = request.headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let mut headers = String::with_capacity(size);
    for part in request.headers.iter().flat_map(|(name, value)| [name, value]) {
        headers.push_str(part);
        headers.push('\n');
    }
    arguments.push(text(scope, &headers));
    for json in [&request.claims, &request.request_context] {
        arguments.push(if json.is_null() { v8::null(scope).into() } else { text(scope, &json.to_string()) });
    }
}

/// `environment(function, version, variables)`: what the script sees of its surroundings.
pub(in crate::isolate) struct Surroundings<'a> {
    pub(in crate::isolate) function: &'a str,
    pub(in crate::isolate) version: &'a str,
    pub(in crate::isolate) variables: &'a BTreeMap<String, String>,
}

impl Arguments for Surroundings<'_> {
    fn make<'s>(self, scope: &mut PinScope<'s, '_>) -> Vec<Local<'s, Value>> {
        let variables: Vec<_> = self.variables.iter().flat_map(|(name, value)| [text(scope, name), text(scope, value)]).collect();
        let variables = v8::Array::new_with_elements(scope, &variables).into();
        vec![text(scope, self.function), text(scope, self.version), variables]
    }
}

fn text<'s>(scope: &mut PinScope<'s, '_>, text: &str) -> Local<'s, Value> {
    bytes_as_text(scope, text.as_bytes())
}

fn bytes_as_text<'s>(scope: &mut PinScope<'s, '_>, bytes: &[u8]) -> Local<'s, Value> {
    match v8::String::new_from_utf8(scope, bytes, v8::NewStringType::Normal) {
        Some(text) => text.into(),
        None => v8::String::empty(scope).into(),
    }
}

fn bytes<'s>(scope: &mut PinScope<'s, '_>, bytes: Vec<u8>) -> Local<'s, Value> {
    if bytes.is_empty() {
        return v8::null(scope).into();
    }
    let length = bytes.len();
    let store = v8::ArrayBuffer::new_backing_store_from_vec(bytes).make_shared();
    let buffer = v8::ArrayBuffer::with_backing_store(scope, &store);
    v8::Uint8Array::new(scope, buffer, 0, length).map_or_else(|| v8::null(scope).into(), Into::into)
}

fn float(milliseconds: u64) -> f64 {
    u32::try_from(milliseconds).map_or(f64::from(u32::MAX), f64::from)
}
