//! Runs the data API's requests: one statement a read, one transaction a write.

mod model;

pub use model::{Answer, Caller, Kept, Return, Shape, Wants};
