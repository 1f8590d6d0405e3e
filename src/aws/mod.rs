//! Requests signed as AWS's clients sign them (Signature Version 4), and the access keys that sign them.
//!
//! ```text
//! request -> credential (header or presigned query) -> key of that id -> canonical request -> signature compared
//! ```
//!
//! # Invariants
//!
//! - The whole request is signed: method, path, query, the headers the client names (`host` and every `x-amz-*` among them), body.
//! - Signatures are compared in constant time; no answer tells what the server computed.
//! - A request is good for 15 minutes around its date, a presigned one for as long as it says, a week at the most.
//! - The body is read only when the credential names a key of this server and its date holds.
//! - A body in chunks is signed chunk by chunk, each signature over the one before.
//!
//! What a surface makes of a [`Refused`] is its own: the names and texts are AWS's.

mod canonical;
mod checksum;
mod chunked;
mod credential;
mod hex;
mod refused;
mod verify;

pub use self::canonical::{PathStyle, Signed};
pub use self::checksum::{Algorithm, Checksum, Running};
pub use self::chunked::{Chain, ChunkFault, Chunked};
pub use self::credential::{Credential, Framing, Payload};
pub use self::refused::Refused;
pub use self::verify::{Check, sign, verify, verify_head};

/// How far a request's date may be from the server's, either way.
pub const SKEW: std::time::Duration = std::time::Duration::from_secs(15 * 60);
