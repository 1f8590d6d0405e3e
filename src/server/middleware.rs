//! THE list of middleware. In actix the last `.wrap` runs first, so the list reads from the inside out.
//!
//! | order | middleware | where | why |
//! | --- | --- | --- | --- |
//! | 1 | [`observe`] | every request | id, span, access log, metrics; a panic becomes a 500 |
//! | 2 | [`cors`] | APIs that browsers call | answers preflights before a credential is asked for |
//! | 3 | `auth::api::identify` | APIs | leaves who is calling for the handlers; refuses nobody |

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
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

use crate::api::Problem;
use crate::telemetry::with_request_id;
use crate::types::RequestId;

/// The header that carries a request's id in its answer.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of answers that scripts in a browser may read, beside the plain ones.
const EXPOSED: [&str; 16] = [
    "content-range",
    "content-location",
    "location",
    "preference-applied",
    "x-total-count",
    "link",
    "x-supabase-api-version",
    "upload-offset",
    "upload-length",
    "tus-resumable",
    "server-timing",
    "retry-after",
    "etag",
    "x-request-id",
    "x-amz-function-error",
    "x-plinth-function-version",
];

/// What one web worker watches its requests with. The handles of its metrics are looked up once, not for every request.
pub(super) struct Observer {
    access_log: bool,
    duration: Histogram,
    in_flight: Gauge,
    requests: RefCell<HashMap<(&'static str, u16), Counter>>,
}

/// What the access log says of a request; the query is left out, since it may carry secrets.
struct Access {
    method: String,
    path: String,
    peer: String,
}

/// Gives the request its id and its span, logs and counts it, and turns a panic into a 500.
///
/// # Errors
/// Only for a panic: an answer that carries the request's id.
pub(super) async fn observe<B: MessageBody + 'static>(
    observer: Rc<Observer>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let id = RequestId::random();
    let id_text = id.to_string();
    let started = Instant::now();
    request.extensions_mut().insert(id);
    let method = method_label(request.method().as_str());
    let access = observer.access_log.then(|| Access {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        peer: request.peer_addr().map_or_else(String::new, |peer| peer.ip().to_string()),
    });
    let span = tracing::info_span!("request", request_id = %id_text);
    let in_flight = InFlight::enter(observer.in_flight.clone());
    let outcome = with_request_id(id, async {
        AssertUnwindSafe(next.call(request)).catch_unwind().await.unwrap_or_else(|_| {
            let problem = Problem::internal("a handler panicked");
            Err(InternalError::from_response("a handler panicked", problem.error_response()).into())
        })
    })
    .instrument(span.clone())
    .await;
    drop(in_flight);

    let status = outcome.as_ref().map_or(500, |response| response.status().as_u16());
    let took = started.elapsed();
    observer.count(method, status, took);
    if let Some(Access { method, path, peer }) = access {
        let duration_ms = took.as_secs_f64() * 1e3;
        tracing::info!(parent: &span, method, path, status, duration_ms, peer, "{method} {path} {status} {duration_ms:.2} ms");
    }
    let mut response = outcome?.map_into_left_body();
    if let Ok(value) = HeaderValue::from_str(&id_text) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    Ok(response)
}

impl Observer {
    /// Made once on each web worker.
    pub(super) fn new(access_log: bool) -> Rc<Self> {
        Rc::new(Self {
            access_log,
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

/// Counts a request as in flight for as long as it lives, also when its client goes away.
struct InFlight(Gauge);

impl InFlight {
    fn enter(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A method as a label: methods that clients invent share one, so that they cannot make labels without end.
fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
