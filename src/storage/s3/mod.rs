//! S3's protocol at `/storage/v1/s3`, path style, over the verbs of [`super::StorageService`].
//!
//! ```text
//! request ─→ identify (signature over the path as sent, crate::aws) ─→ intake (chunks, hashes; a bounded channel) ─┐
//!                                                                                                                   v
//! answer  ←─ door (S3's XML, with Resource and RequestId) ←─ s3s (routes, XML, headers; its own auth is off) ←─→ ops
//! ```
//!
//! # Invariants
//!
//! - Nothing but a signature lets a caller in. An access key is the server's owner; with a session token, which is a user's access token,
//!   the caller is that user, and policies say what is allowed, by the same statements as everywhere in storage.
//! - A body ends for an operation only when its hash, its checksum, each chunk's signature and its length held: nothing is kept of others.
//! - What is put here is the same object at `/storage/v1`, and the reverse.

mod declared;
mod doc;
mod door;
mod fault;
mod identify;
mod intake;
mod ops;
mod surface;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{Scope, web};

pub use self::doc::Doc;
pub use self::door::Door;

/// Where the door is. The rest of a path is a bucket and a key.
const PREFIX: &str = "/storage/v1/s3";

/// Everything under the door's path.
pub fn routes() -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    web::scope(PREFIX).default_service(web::to(door::handle))
}
