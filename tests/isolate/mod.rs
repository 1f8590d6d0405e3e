//! The function worker, driven over its socket as the server drives it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod compile;
mod driver;
mod errors;
mod events;
mod frames;
mod initialisation;
mod limits;
mod logs;
mod node;
mod packages;
mod platform;
mod sandbox;
mod shared;
mod streams;
mod web;
