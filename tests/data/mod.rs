//! The data API.

mod migrate;
