//! Secrets of functions: written by operators, never read back, given to the functions that name them.
//!
//! # Invariants
//!
//! - A value is sealed by the vault before it reaches the database, and bound to its row.
//! - Each change is counted ([`SecretsService::changes`]), on every node within [`FOLLOWED_WITHIN`]: whoever was given values before is to
//!   be given them anew.

pub mod api;
mod error;
mod model;
mod queries;
mod service;

pub use self::error::{Error, Result};
pub use self::model::{Given, MAX_SECRETS, MAX_VALUE, SecretInfo, SecretName};
pub use self::service::{FOLLOWED_WITHIN, SecretsService};
