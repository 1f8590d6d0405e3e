//! The data API.

mod csv;
mod openapi;
mod plan;
mod request;
