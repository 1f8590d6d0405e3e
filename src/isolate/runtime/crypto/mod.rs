//! What `node:crypto` has done in Rust.

pub(super) mod digests;
pub(super) mod scrypt;
