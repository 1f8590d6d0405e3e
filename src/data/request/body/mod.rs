//! Bodies: rows to write, or a function's arguments.
//!
//! A value stays the JSON text it came as, to the last digit; what CSV and forms hold becomes JSON texts. A string may still hold escapes
//! that no text can have (`"\ud800"`, `"\u0000"`): whoever decodes it refuses them.

mod content;
mod csv;
mod json;
mod rows;

pub use content::{Body, CallBody, Content};
