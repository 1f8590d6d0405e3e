//! The clients of one site or route, and what each has asked of late.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, ResponseError};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::bucket::{Bucket, Turn};
use crate::api::Code;
use crate::config::front::{LimitKey, Limits};
use crate::front::client::Client;

/// Clients that a zone knows at the most: some 10 MiB.
const MAX_CLIENTS: u64 = 65_536;

/// A client's key is at most this long; what follows does not count.
const MAX_KEY: usize = 256;

/// What is known of the clients of one site or route.
pub struct Zone {
    limits: Limits,
    clients: Cache<Box<str>, Arc<Known>>,
}

/// One client.
struct Known {
    bucket: Mutex<Bucket>,
    under_way: AtomicU32,
}

/// A request that was let in. It counts as under way until this is dropped.
#[must_use]
pub struct Permit(Option<Arc<Known>>);

/// A request that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    retry_after: Duration,
    why: &'static str,
}

impl Zone {
    pub(super) fn new(limits: &Limits) -> Self {
        // A client that is forgotten after this long has no burst to its name any more.
        let drained = limits
            .rate
            .map_or(0.0, |rate| rate.per.as_secs_f64() * f64::from(limits.burst.saturating_add(1)) / f64::from(rate.requests));
        let forget = Duration::from_secs_f64(drained.clamp(60.0, 7.0 * 24.0 * 3600.0));
        let clients = Cache::builder().max_capacity(MAX_CLIENTS).time_to_idle(forget);
        Self { limits: limits.clone(), clients: clients.eviction_policy(EvictionPolicy::lru()).build() }
    }

    /// Lets a request in, at once or at its turn.
    ///
    /// # Errors
    /// [`Refused`]: it is one too many.
    pub async fn admit(&self, request: &HttpRequest, client: &Client) -> Result<Permit, Refused> {
        let (permit, wait) = self.enter(&self.key(request, client), Instant::now())?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(permit)
    }

    /// Counts a request of a client; tells how long it is to wait.
    fn enter(&self, key: &str, now: Instant) -> Result<(Permit, Duration), Refused> {
        let known = self.clients.get(key).unwrap_or_else(|| {
            let known = || Arc::new(Known { bucket: Mutex::new(Bucket::new(now)), under_way: AtomicU32::new(0) });
            self.clients.get_with(key.into(), known)
        });
        let permit = self.limits.concurrent.map_or(Ok(Permit(None)), |most| Permit::of(&known, most))?;
        let Some(rate) = self.limits.rate else { return Ok((permit, Duration::ZERO)) };
        let turn = known.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(rate, self.limits.burst, now);
        match turn {
            Turn::After(wait) => Ok((permit, if self.limits.delay { wait } else { Duration::ZERO })),
            Turn::Never(retry_after) => {
                Err(Refused { retry_after, why: "too many requests in too little time; ask more slowly" })
            }
        }
    }

    fn key(&self, request: &HttpRequest, client: &Client) -> String {
        match &self.limits.by {
            LimitKey::Address => address(client.address),
            LimitKey::Host => client.host.to_ascii_lowercase(),
            LimitKey::Header(name) => match request.headers().get(name.as_str()).map(|value| value.as_bytes()) {
                Some(value) => {
                    let value = String::from_utf8_lossy(&value[..value.len().min(MAX_KEY)]);
                    format!("={value}")
                }
                None => address(client.address),
            },
        }
    }
}

impl Permit {
    fn of(known: &Arc<Known>, most: u32) -> Result<Self, Refused> {
        let enter = |count: u32| (count < most).then_some(count + 1);
        match known.under_way.fetch_update(Ordering::AcqRel, Ordering::Relaxed, enter) {
            Ok(_) => Ok(Self(Some(Arc::clone(known)))),
            Err(_) => Err(Refused { retry_after: Duration::from_secs(1), why: "too many requests are under way at once" }),
        }
    }

    /// Whether it counts as under way, and is to be held until the answer has ended.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(known) = &self.0 {
            known.under_way.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Refused {
    /// The 429.
    #[must_use]
    pub fn answer(self) -> HttpResponse {
        // Rounded up: a client that comes at the time it is told is let in.
        let wait = Duration::from_secs(self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0));
        Code::TooManyRequests.because(self.why).retry_after(wait).error_response()
    }
}

/// A client's address. Who has one of IPv6 has a network of them, so that counts.
fn address(address: IpAddr) -> String {
    match address {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        address => address.to_canonical().to_string(),
    }
}
