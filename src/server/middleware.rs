//! THE list of middleware. In actix the last `.wrap` runs first, so the list reads from the inside out.
//!
//! | order | middleware | where | why |
//! | --- | --- | --- | --- |
//! | 1 | [`observe`] | every request | id, span, limits, the way to HTTPS, access log, metrics; a panic becomes a 500 |
//! | 2 | [`front_first`] | every request | hosts whose site has no APIs are the front's alone; a request without one host is refused |
//! | 3 | [`cors`] | APIs that browsers call | answers preflights before a credential is asked for |
//! | 4 | `auth::api::identify` | APIs | leaves who is calling for the handlers; refuses nobody |

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_cors::Cors;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};
use futures_util::FutureExt;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tracing::Instrument;

use super::edge::{Access, Connection, Counted, Ended, Live, Now, UnderWay, dress, refuse, watch_body};
use crate::api::{ClientAddress, Code, Problem};
use crate::front::Front;
use crate::front::client::Client;
use crate::front::timings::Timings;
use crate::telemetry::with_request_id;
use crate::types::RequestId;

/// The header that carries a request's id in its answer.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of answers that scripts in a browser may read, beside the plain ones.
const EXPOSED: [&str; 21] = [
    "content-range",
    "content-location",
    "location",
    "preference-applied",
    "x-total-count",
    "link",
    "x-supabase-api-version",
    "upload-offset",
    "upload-length",
    "upload-expires",
    "upload-metadata",
    "tus-resumable",
    "tus-version",
    "tus-extension",
    "tus-max-size",
    "server-timing",
    "retry-after",
    "etag",
    "x-request-id",
    "x-amz-function-error",
    "x-plinth-function-version",
];

/// `Server-Timing`, as upstreams' phases are told in it.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What one web worker watches its requests with. The handles of its metrics are looked up once, not for every request.
pub(super) struct Observer {
    live: Arc<Live>,
    duration: Histogram,
    in_flight: Gauge,
    requests: RefCell<HashMap<(&'static str, u16), Counter>>,
}

/// Gives the request its id and its span, holds it to the limits, logs and counts it, and turns a panic into a 500.
///
/// # Errors
/// Only for a panic: an answer that carries the request's id.
pub(super) async fn observe<B: MessageBody + 'static>(
    observer: Rc<Observer>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Counted>, Error> {
    let id = RequestId::random();
    let id_text = id.to_string();
    let started = Instant::now();
    let now = Arc::clone(&observer.live.now());
    request.extensions_mut().insert(id);
    note_client(&now, &request);
    let method = method_label(request.method().as_str());
    let access = now.access.then(|| Access::of(&request, &now));
    let span = tracing::info_span!("request", request_id = %id_text);
    let connection = Connection::of(&request);
    let under_way = UnderWay::enter(observer.in_flight.clone(), connection.clone());
    let outcome = with_request_id(id, async {
        let answered = AssertUnwindSafe(answer(&now, connection.as_deref(), request, next)).catch_unwind().await;
        answered.unwrap_or_else(|_| {
            let problem = Problem::internal("a handler panicked");
            Err(InternalError::from_response("a handler panicked", problem.error_response()).into())
        })
    })
    .instrument(span.clone())
    .await;

    let status = outcome.as_ref().map_or(500, |response| response.status().as_u16());
    let first_byte = started.elapsed();
    observer.count(method, status, first_byte);
    let ended = |timings| access.map(|access| Ended { access, status, started, first_byte, timings, span });
    let mut response = match outcome {
        Ok(response) => response,
        Err(err) => {
            if let Some(ended) = ended(None) {
                ended.write(0, true);
            }
            return Err(err);
        }
    };
    if let Ok(value) = HeaderValue::from_str(&id_text) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let (request, mut response) = response.into_parts();
    dress(&now, connection.as_deref(), &request, &mut response);
    let timings = request.extensions().get::<Timings>().cloned();
    if let Some(told) = timings.as_ref().filter(|_| now.edge.upstream_timing).and_then(server_timing) {
        response.headers_mut().append(SERVER_TIMING, told);
    }
    let line = ended(timings);
    let response = response.map_body(|head, body| Counted::new(body, &request, head.status, line, under_way));
    Ok(ServiceResponse::new(request, response))
}

/// The handlers' answer, or that of the limits. A body that its client did not go on with is answered with 408, whatever the handler
/// made of it.
async fn answer<B: MessageBody + 'static>(
    now: &Now,
    connection: Option<&Connection>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut request = request;
    if let Some(refusal) = refuse(now, connection, &request) {
        return Ok(request.into_response(refusal));
    }
    let gave_up = watch_body(&mut request, now.edge.body_timeout);
    let response = next.call(request).await?.map_into_boxed_body();
    if !gave_up.is_some_and(|gave_up| gave_up.has_happened()) {
        return Ok(response);
    }
    let silence = now.edge.body_timeout;
    let problem = Code::RequestTimeout.because(format!("the client sent nothing for {silence:?} in the middle of the body"));
    Ok(response.into_response(problem.error_response()))
}

/// Leaves the real client's address for the handlers, where it is not the connection's.
fn note_client(now: &Now, request: &ServiceRequest) {
    let trusted = &now.edge.trusted_proxies;
    if !trusted.is_empty() {
        let address = Client::address_of(request.request(), trusted);
        request.extensions_mut().insert(ClientAddress(address));
    }
}

/// The phases of an upstream's answer for a browser's developer tools, in milliseconds.
fn server_timing(timings: &Timings) -> Option<HeaderValue> {
    let phases = [("queue", timings.queue), ("connect", timings.connect), ("upstream", timings.first_byte)];
    let told = phases.iter().filter_map(|(name, time)| Some(format!("{name};dur={:.2}", (*time)?.as_secs_f64() * 1e3)));
    let told = told.collect::<Vec<_>>().join(", ");
    HeaderValue::from_str(&told).ok().filter(|_| !told.is_empty())
}

/// Gives the front what is its own before the APIs are asked.
///
/// # Errors
/// None of its own.
pub(super) async fn front_first<B: MessageBody + 'static>(
    front: Front,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    if !front.claims(request.head()) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let (request, payload) = request.into_parts();
    let answer = front.serve(request.clone(), payload).await;
    Ok(ServiceResponse::new(request, answer).map_into_right_body())
}

impl Observer {
    /// Made once on each web worker.
    pub(super) fn new(live: Arc<Live>) -> Rc<Self> {
        Rc::new(Self {
            live,
            duration: histogram!("plinth_http_request_duration_seconds"),
            in_flight: gauge!("plinth_http_requests_in_flight"),
            requests: RefCell::default(),
        })
    }

    fn count(&self, method: &'static str, status: u16, took: Duration) {
        self.duration.record(took);
        let mut requests = self.requests.borrow_mut();
        let counter = requests
            .entry((method, status))
            .or_insert_with(|| counter!("plinth_http_requests_total", "method" => method, "status" => status.to_string()));
        counter.increment(1);
    }
}

/// Lets scripts of any origin call: a credential is always in a header, never in a cookie, so no origin has more rights than another.
pub(super) fn cors() -> Cors {
    Cors::default().allow_any_origin().send_wildcard().allow_any_method().allow_any_header().expose_headers(EXPOSED).max_age(3600)
}

/// A method as a label: methods that clients invent share one, so that they cannot make labels without end.
fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
