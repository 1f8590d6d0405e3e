//! The data API: PostgREST's, over tables that the app's own migrations make, on SQLite and on PostgreSQL.
//!
//! ```text
//! HTTP ── api ──→ request (text → AST) ──→ plan (AST + catalogue + role → sql::ast) ──→ sql::compile ──→ service runs it ──→ JSON
//! ```

pub mod answer;
mod error;
pub mod openapi;
pub mod plan;
pub mod request;
pub mod service;

pub use error::{Error, Result, status_of};
