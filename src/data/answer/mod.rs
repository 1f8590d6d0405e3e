//! What goes out: the bodies of answers in forms other than JSON.

pub mod csv;
