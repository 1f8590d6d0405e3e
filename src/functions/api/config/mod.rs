//! A function's configuration, as a deployment says it.

mod header;
mod permissions;

#[doc(hidden)]
pub use self::header::check;
pub(super) use self::header::{changed_variables, parse, too_many_bytes};
