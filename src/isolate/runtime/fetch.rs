//! Outbound requests: deno's JavaScript for `fetch` over operations that ask the server.
//!
//! Nothing is checked here: the server decides what may be reached. Redirects are followed by that JavaScript, so each hop is a
//! request that the server decides about.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::convert::{ByteString, Uint8Array};
use deno_core::{OpState, Resource, ResourceId, op2, v8};
use deno_error::JsErrorBox;
use deno_fetch::{FetchResponse, FetchReturn};

use super::streams::Incoming;
use crate::isolate::host::{Call, Host};
use crate::isolate::protocol::{CHUNK, Fetch, FetchBody, FetchHead};
use crate::isolate::streams::{OVER, Stream};

/// The most bytes of a request's address and headers together.
const HEAD: usize = 256 * 1024;

/// A request that was made.
struct Request {
    call: Rc<Call>,
    stream: Rc<Stream>,
    url: String,
}

/// What aborting a request closes.
struct CancelHandle(Rc<Call>, Rc<Stream>);

/// The response to a `data:` address, which is its own answer.
struct Local {
    call: Rc<Call>,
    content_type: String,
    content: Vec<u8>,
    url: String,
}

impl Resource for Request {
    fn name(&self) -> Cow<'_, str> {
        "fetchRequest".into()
    }
}

impl Resource for Local {
    fn name(&self) -> Cow<'_, str> {
        "dataRequest".into()
    }
}

impl Resource for CancelHandle {
    fn name(&self) -> Cow<'_, str> {
        "fetchCancelHandle".into()
    }

    fn close(self: Rc<Self>) {
        let Self(call, stream) = &*self;
        // Closed after the head has come, it aborts nothing: the body has a handle of its own.
        if !stream.has_head() {
            call.streams().abort(stream, "the request was aborted");
        }
    }
}

/// Makes a request. `data` is its body when that is whole, `resource` what it is to be read from otherwise.
#[op2]
pub(in crate::isolate) fn op_fetch(
    scope: &mut v8::PinScope<'_, '_>,
    state: &mut OpState,
    #[scoped] method: ByteString,
    #[string] url: String,
    #[scoped] headers: Vec<(ByteString, ByteString)>,
    #[smi] _client: Option<u32>,
    has_body: bool,
    data: Option<Uint8Array>,
    #[smi] resource: Option<ResourceId>,
) -> Result<FetchReturn, JsErrorBox> {
    let call = state.borrow::<Rc<Host>>().asking(scope);
    if let Some(rest) = url.strip_prefix("data:") {
        let (content_type, content) = decode_data(rest).ok_or_else(|| failed("the data: address is malformed"))?;
        let request_rid = state.resource_table.add(Local { call, content_type, content, url });
        return Ok(FetchReturn { request_rid, cancel_handle_rid: None });
    }
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if url.len() + size > HEAD {
        return Err(failed(&format!("its address and headers are longer than {HEAD} bytes together")));
    }
    let source = resource.map(|rid| state.resource_table.take_any(rid)).transpose().map_err(JsErrorBox::from_err)?;
    let whole = data.map(|data| data.0.into_vec()).filter(|_| has_body);
    let body = match (&whole, &source) {
        (Some(whole), _) if whole.len() <= CHUNK => FetchBody::Whole,
        (Some(whole), _) => FetchBody::Streamed(u64::try_from(whole.len()).ok()),
        (None, Some(source)) => FetchBody::Streamed(known_length(source.size_hint())),
        (None, None) => FetchBody::None,
    };
    let headers = headers.iter().map(|(name, value)| (latin1(name), latin1(value))).collect();
    let inline = if body == FetchBody::Whole { whole.clone().unwrap_or_default() } else { Vec::new() };
    let fetch = Fetch { stream: 0, method: latin1(&method), url: url.clone(), headers, body };
    let stream = call.streams().fetch(fetch, inline);
    match (whole, source) {
        (Some(whole), _) if body != FetchBody::Whole => {
            stream.write(&whole);
            stream.end();
        }
        (None, Some(source)) => call.streams().drive(Box::pin(upload(Rc::clone(&call), Rc::clone(&stream), source))),
        _ => {}
    }
    let cancel_handle_rid = Some(state.resource_table.add(CancelHandle(Rc::clone(&call), Rc::clone(&stream))));
    let request_rid = state.resource_table.add(Request { call, stream, url });
    Ok(FetchReturn { request_rid, cancel_handle_rid })
}

/// Moves a body from a resource of the script to the server, as fast as it takes it.
async fn upload(call: Rc<Call>, stream: Rc<Stream>, source: Rc<dyn Resource>) {
    loop {
        match Rc::clone(&source).read(CHUNK).await {
            Ok(bytes) if bytes.is_empty() => {
                stream.end();
                break;
            }
            Ok(bytes) => {
                if !stream.write(&bytes) && !stream.flushed().await {
                    break;
                }
            }
            Err(err) => {
                call.streams().abort(&stream, &format!("the request's body failed: {err}"));
                break;
            }
        }
    }
    source.close();
}

/// Waits for the head of the response.
#[op2]
pub(in crate::isolate) async fn op_fetch_send(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
) -> Result<FetchResponse, JsErrorBox> {
    let local = state.borrow_mut().resource_table.take::<Local>(rid);
    if let Ok(local) = local {
        return Ok(answer_locally(&state, &local));
    }
    let request = state.borrow_mut().resource_table.take::<Request>(rid).map_err(JsErrorBox::from_err)?;
    let Request { call, stream, url } = &*request;
    let FetchHead { status, headers, .. } = stream.head().await.map_err(|reason| failed(&reason))?;
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let body = Incoming::new(Rc::clone(call), Rc::clone(stream), length);
    let reason = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    Ok(FetchResponse {
        status,
        status_text: reason.unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
        url: url.clone(),
        response_rid: state.borrow_mut().resource_table.add(body),
        content_length: length,
        ..FetchResponse::default()
    })
}

fn answer_locally(state: &Rc<RefCell<OpState>>, local: &Local) -> FetchResponse {
    let Local { call, content_type, content, url } = local;
    let length = u64::try_from(content.len()).ok();
    let body = Incoming::new(Rc::clone(call), call.streams().local(content.clone()), length);
    FetchResponse {
        status: 200,
        status_text: "OK".to_owned(),
        headers: vec![("content-type".into(), bytes(content_type))],
        url: url.clone(),
        response_rid: state.borrow_mut().resource_table.add(body),
        content_length: length,
        ..FetchResponse::default()
    }
}

/// The media type and the content of what follows `data:`.
fn decode_data(rest: &str) -> Option<(String, Vec<u8>)> {
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (head, content) = rest.split_once(',')?;
    let content: Vec<u8> = percent_encoding::percent_decode_str(content).collect();
    let (media, is_base64) = head.strip_suffix(";base64").map_or((head, false), |media| (media, true));
    let media = if media.is_empty() { "text/plain;charset=US-ASCII" } else { media };
    if !is_base64 {
        return Some((media.to_owned(), content));
    }
    let mut packed: Vec<u8> = content.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    while !packed.len().is_multiple_of(4) {
        packed.push(b'=');
    }
    Some((media.to_owned(), BASE64_STANDARD.decode(packed).ok()?))
}

fn known_length((least, most): (u64, Option<u64>)) -> Option<u64> {
    most.filter(|most| *most == least && *most > 0)
}

/// What a script is told of a request without a response.
fn failed(reason: &str) -> JsErrorBox {
    // A request that outlives its call is known to JavaScript by its reason.
    let reason = if reason == OVER { format!("{OVER}; await it, or give it to waitUntil") } else { reason.to_owned() };
    JsErrorBox::type_error(format!("fetch failed: {reason}"))
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn bytes(text: &str) -> ByteString {
    text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect::<Vec<_>>().into()
}
