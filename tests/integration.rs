//! Every test, in one binary: linking V8 is dear, so it is done once.
//!
//! A folder here is a feature, as in `src/`. `support` is the harness, `tidy` reads the source itself.

mod auth;
mod aws;
mod blob;
mod browser;
mod config;
mod data;
mod db;
mod front;
mod functions;
mod isolate;
mod lambda;
mod openapi;
mod samples;
mod sdk;
mod server;
mod sql;
mod sqs;
mod storage;
mod support;
mod tidy;
mod values;
