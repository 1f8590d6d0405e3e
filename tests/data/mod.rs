//! The data API.

mod csv;
mod request;
