//! Files: buckets of objects, with row policies, over the blob store.
//!
//! ```text
//! s3 ───┐
//! api ──→ service ── queries/own ──→ sql::compile, with the caller's rights ──→ storage.objects, storage.buckets
//!            └── blob ──→ bytes, by version
//! ```
//!
//! An upload is: rights and limits are looked at before a byte is taken; the bytes go to the blob store under a key of their own; then one
//! transaction writes the row, with the caller's rights once more, and queues the bytes that it replaces for the collector.
//!
//! # Invariants
//!
//! - Every way to an object asks the same policies, by the same statements.
//! - A key of the blob store is used once. A row names bytes that are kept; bytes without a row are removed after a grace period.
//! - A name is checked once, by [`model::ObjectName`], whichever surface it came in by.

pub mod api;
mod error;
pub mod model;
mod queries;
pub mod s3;
mod service;
mod signed_url;

pub use error::{Error, Result};
pub use service::{
    Append, CurrentSchema, Findings, Parts, PieceWriter, Pieced, Progress, Resumable, StorageService, Stored, Upload,
};
