//! The data API: PostgREST's, over tables that the app's own migrations make, on SQLite and on PostgreSQL.
//!
//! ```text
//! HTTP ── api ──→ request (text → AST) ──→ plan (AST + catalogue + role → sql::ast) ──→ sql::compile ──→ service runs it ──→ JSON
//! migrations, /admin/v1/sql ── migrate ──→ the catalogue and the database, in one transaction
//! ```

pub mod answer;
pub mod api;
mod error;
pub mod migrate;
pub mod migrations;
pub mod openapi;
pub mod plan;
mod queries;
pub mod request;
mod schemas;
pub mod service;

pub use error::{Error, Result, status_of};
pub use schemas::{LoadError, Schemas};
