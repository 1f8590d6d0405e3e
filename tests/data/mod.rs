//! The data API.

mod crash;
mod differential;
mod http;
