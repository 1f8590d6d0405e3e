//! The only place that knows every part: it opens them, mounts them, and stops them in order.
//!
//! [`routes`] is THE route table, [`middleware`] THE list of middleware, [`app`] opens the parts, [`lifecycle`] runs them until a
//! signal says otherwise. Web workers are actix threads; everything that outlives a request runs on the core runtime, which the
//! web workers talk to by channels.

mod app;
mod lifecycle;
mod middleware;
mod private;
mod routes;
mod system;

pub use app::{App, OpenError};
pub use lifecycle::{RunError, public_url, run, running_url};
pub use routes::api_document;
