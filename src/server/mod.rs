//! The only place that knows every part: it opens them, mounts them, and stops them in order.
//!
//! [`routes`] is THE route table, [`middleware`] THE list of middleware, [`app`] opens the parts, [`lifecycle`] runs them until a
//! signal says otherwise, [`reload`] gives them another configuration meanwhile, and [`edge`] is where clients meet them all. Web workers are actix threads; everything that outlives a request runs on the core runtime, which the
//! web workers talk to by channels.

mod app;
mod called;
mod edge;
mod front_api;
mod lifecycle;
mod listen;
mod middleware;
mod private;
mod reload;
mod routes;
mod system;

pub use app::{App, OpenError};
pub use lifecycle::{RunError, public_url, run, running_url};
pub use routes::api_document;
