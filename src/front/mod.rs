//! The web front: sites by their hosts, their routes, and files; what no API claims.
//!
//! ```text
//! Front::serve -> sites (whose host? which route?) -> files | proxy | a function | a redirect
//! ```
//!
//! # Invariants
//!
//! - No file outside a site's folder is ever opened: the kernel resolves each name beneath the folder's descriptor
//!   (`openat2`), symbolic links included, and names with `..`, a backslash, NUL or a leading dot never reach it.
//! - A web worker never waits for the disk: opening and reading happen on the blocking pool, and a small file that was looked
//!   at within the last second is answered from memory.
//! - What is configured is replaced whole: a request is answered by the configuration it began with.
//! - A path that leads to different routes when it is read in different ways is refused.
//! - Database, users and functions are unknown here; functions are reached through [`CallFunction`].

pub mod balance;
pub mod client;
mod compress;
mod error;
mod files;
mod function;
mod limits;
pub mod proxy;
mod rules;
mod sites;
pub mod timings;
mod transport;
#[doc(hidden)]
pub mod untrusted;

use std::sync::Arc;

use actix_web::dev::{Payload, RequestHead};
use actix_web::{HttpRequest, HttpResponse};
use arc_swap::ArcSwap;

pub use error::Error;
pub use files::{CacheReport, CachesReport};
pub use function::{CallFunction, FunctionCall};

use self::balance::Upstreams;
use self::files::Shared;
use self::limits::Limits;
use self::proxy::Proxy;
use self::sites::Running;
use crate::config::{self, Config};
use crate::tasks::Tasks;

/// Everything that sites serve. Cheap to clone.
#[derive(Clone)]
pub struct Front(Arc<Parts>);

/// What of the front outlives a reload, and what does not.
struct Parts {
    running: ArcSwap<Running>,
    configured: ArcSwap<config::Front>,
    shared: Arc<Shared>,
    limits: Limits,
    upstreams: Upstreams,
    proxy: Proxy,
    functions: Arc<dyn CallFunction>,
}

impl Front {
    /// Opens the folders of all sites.
    ///
    /// # Errors
    /// [`Error`] when a folder or a file of passwords cannot be opened.
    pub fn open(config: &Config, tasks: &Tasks, functions: Arc<dyn CallFunction>) -> Result<Self, Error> {
        let shared = Shared::new();
        let limits = Limits::default();
        let running = ArcSwap::from_pointee(Running::new(config, &shared, &limits)?);
        let upstreams = Upstreams::new(tasks);
        let proxy = Proxy::new(upstreams.tls(), tasks);
        proxy.prepare(&config.front.upstreams)?;
        upstreams.apply(&config.front.upstreams);
        let configured = ArcSwap::from_pointee(config.front.clone());
        Ok(Self(Arc::new(Parts { running, configured, shared, limits, upstreams, proxy, functions })))
    }

    /// Puts another configuration in the place of the running one; requests under way end with the one they began with.
    ///
    /// # Errors
    /// As [`Front::open`]; the running configuration then goes on.
    pub fn apply(&self, config: &Config) -> Result<(), Error> {
        let running = Running::new(config, &self.0.shared, &self.0.limits)?;
        self.0.proxy.prepare(&config.front.upstreams)?;
        // First the upstreams, so that no route names one that is not there.
        self.0.upstreams.apply(&config.front.upstreams);
        self.0.running.store(Arc::new(running));
        self.0.configured.store(Arc::new(config.front.clone()));
        self.0.limits.tidy();
        Ok(())
    }

    /// Whether a request is the front's before the APIs are asked: its host's site has none, or there is no telling whose it is.
    #[must_use]
    pub fn claims(&self, request: &RequestHead) -> bool {
        self.0.running.load().site_of(request).map_or(true, |site| !site.has_apis)
    }

    /// Answers a request that is the front's, or that no API claimed.
    pub async fn serve(&self, request: HttpRequest, payload: Payload) -> HttpResponse {
        let running = self.0.running.load_full();
        sites::serve(&self.0, &running, request, payload).await
    }

    /// What the configuration in force says of sites, routes and upstreams.
    #[must_use]
    pub fn configured(&self) -> Arc<config::Front> {
        self.0.configured.load_full()
    }

    /// The upstreams, which live across reloads.
    #[must_use]
    pub fn upstreams(&self) -> &Upstreams {
        &self.0.upstreams
    }
}
