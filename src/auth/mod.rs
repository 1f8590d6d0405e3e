//! Users, sessions, tokens and keys: who is calling, and how they came in.
//!
//! ```text
//! request -> api::identify (never refuses) -> Identity -> api::Caller -> handler -> AuthService -> queries
//! ```
//!
//! # Invariants
//!
//! - A password is hashed on [`password`]'s own threads, never on a web worker, and an unknown address costs what a wrong
//!   password costs.
//! - One row a session. Its refresh tokens are counters signed under a key that is not in the database ([`token`]).
//! - A token dies with its session: at once on the node that ended it, within [`session`]'s three seconds on the others.
//! - The server's keys are sealed under the master key ([`vault`]); nothing secret can be read back from the database.

pub mod api;
mod error;
pub mod keys;
pub mod model;
pub mod password;
pub mod principal;
mod queries;
mod service;
pub mod session;
pub mod token;
pub mod vault;

pub use error::{Error, Result};
pub use service::{AdminUser, AuthService, NewUser, Page, Scope, UserChanges};
