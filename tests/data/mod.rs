//! The data API.

mod csv;
mod openapi;
mod request;
