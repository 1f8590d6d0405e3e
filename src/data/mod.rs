//! The data API: PostgREST's, over tables that the app's own migrations make, on SQLite and on PostgreSQL.

pub mod api;
pub mod migrate;
mod queries;
mod schemas;

pub use schemas::{LoadError, Schemas};
