//! The HTTP kit that every feature's `api` shares: one shape of error, one table of codes, limits, and what a request brings.
//!
//! Inside, a feature's errors are enums that know nothing of HTTP. At the edge each variant is given a [`Code`] by one exhaustive
//! `match`; [`Problem`] turns that into an answer. What an internal error says goes to the log, never to the client.

mod code;
pub mod conditions;
mod json;
mod limits;
mod problem;
mod request;
mod signed;

pub use code::Code;
pub use json::{JsonBody, json_within};
pub use limits::{MAX_JSON_BODY, MAX_JSON_DEPTH, MAX_PAGE, json_depth};
pub use problem::{FieldError, Problem, ProblemBody, StatementError};
pub use request::{ClientAddress, PublicUrl};
pub use signed::Seen;
