//! How much one client may ask of a site or a route: requests in a span of time, and requests under way at once.
//!
//! ```text
//! Limits::of (a route's zone) -> Zone::admit -> Permit (held until the answer has ended) | Refused (429 with Retry-After)
//! ```
//!
//! # Invariants
//!
//! - A zone knows a bounded number of clients. When a new one comes, the one that was not seen for the longest time is forgotten.
//! - A zone whose limits stay the same through a reload keeps what it knows.

mod bucket;
mod zone;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};

pub use zone::{Permit, Zone};

use crate::config::front;

/// Every zone there is. Made once; lives across reloads.
#[derive(Default)]
pub struct Limits(RwLock<HashMap<Name, Arc<Zone>>>);

/// What a zone belongs to, and its limits.
type Name = (String, front::Limits);

impl Limits {
    /// The zone of what is called `name` (a site or a route); `None` when it has no limits.
    #[must_use]
    pub fn of(&self, name: &str, limits: &front::Limits) -> Option<Arc<Zone>> {
        if !limits.is_some() {
            return None;
        }
        let name: Name = (name.to_owned(), limits.clone());
        if let Some(zone) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Some(Arc::clone(zone));
        }
        let mut zones = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(zones.entry(name).or_insert_with(|| Arc::new(Zone::new(limits)))))
    }

    /// Forgets the zones that nobody holds any more, after a reload.
    pub fn tidy(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|_, zone| Arc::strong_count(zone) > 1);
    }
}

/// Lets a permit live as long as an answer is being sent.
#[must_use]
pub fn hold(response: HttpResponse, permit: Option<Permit>) -> HttpResponse {
    match permit {
        Some(permit) if permit.is_counted() => response.map_body(|_, body| Held { body, _permit: permit }.boxed()),
        _ => response,
    }
}

/// A body, and what it keeps.
struct Held {
    body: BoxBody,
    _permit: Permit,
}

impl MessageBody for Held {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<bytes::Bytes, Self::Error>>> {
        std::pin::Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}
