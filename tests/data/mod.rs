//! The data API.

mod crash;
mod csv;
mod differential;
mod http;
mod openapi;
mod plan;
mod request;
