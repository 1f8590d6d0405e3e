//! SQS's protocol (AWS JSON 1.0), as its SDKs and its command line speak it, over [`crate::queues`].
//!
//! ```text
//! POST /sqs/[account/queue] -> signature (crate::aws) -> X-Amz-Target -> ops -> QueuesService
//! ```
//!
//! # Invariants
//!
//! - Nothing but a signature of an access key lets a caller in.
//! - Every answer, a refusal too, has AWS's shape: the exception's name in `__type`, and the query protocol's name of it in
//!   `x-amzn-query-error`, by which older clients tell them apart.

mod doc;
mod error;
mod ops;
mod request;

use actix_web::web::{self, ServiceConfig};

pub use self::doc::Doc;

/// Where the protocol is spoken.
pub const PREFIX: &str = "/sqs";

/// Mounts the protocol.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::scope(PREFIX).default_service(web::to(request::handle)));
}
