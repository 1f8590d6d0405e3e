//! The data API.

mod crash;
mod differential;
mod http;
mod request;
