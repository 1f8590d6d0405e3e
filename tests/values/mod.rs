//! PostgreSQL's values in plain Rust, held against PostgreSQL itself.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod against_postgres;
mod arrays;
mod properties;
mod types;
