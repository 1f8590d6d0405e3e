//! The function worker, driven over its socket as the server drives it.

mod compile;
mod driver;
mod errors;
mod events;
mod initialisation;
mod limits;
mod logs;
mod platform;
mod sandbox;
mod web;
