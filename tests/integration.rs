//! Every test, in one binary: linking V8 is dear, so it is done once.
//!
//! A folder here is a feature, as in `src/`. `support` is the harness, `tidy` reads the source itself.

mod browser;
mod front;
mod sdk;
mod support;
mod tidy;
