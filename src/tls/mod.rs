//! Certificates: read from files, chosen by the name a client asks for, replaced while the server runs.
//!
//! ```text
//! config -> certificate (files -> chain, key, names, dates) -> store (name -> certificate, swapped whole) -> rustls
//! ```
//!
//! # Invariants
//!
//! - A set of certificates is taken whole or not at all: where one file does not check, those before stay.
//! - A key that is not its certificate's is never served.
//! - No HTTP here: what listens is [`crate::server`]'s.

mod certificate;
mod der;
mod store;

pub use certificate::{Certificate, Fault, check};
pub use der::{Facts, facts};
pub use store::{Certificates, Checked, Told};

/// From how long before its end a certificate is warned of.
pub const WARN_BEFORE: std::time::Duration = std::time::Duration::from_secs(14 * 86_400);
