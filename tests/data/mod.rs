//! The data API.

mod crash;
mod csv;
mod differential;
mod http;
mod indexes;
mod migrate;
mod migrations;
mod openapi;
mod plan;
mod request;
mod safety;
mod wire;
