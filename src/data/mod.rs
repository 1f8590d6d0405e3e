//! The data API: PostgREST's, over tables that the app's own migrations make, on SQLite and on PostgreSQL.

pub mod answer;
pub mod openapi;
pub mod request;
