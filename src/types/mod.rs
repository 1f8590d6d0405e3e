//! Small types that every part may use: ids, time, secrets, names. No I/O.

mod ids;
mod names;
mod secret;
mod time;

pub use ids::{FunctionId, KeyId, RequestId, RevisionId, SessionId, UserId};
pub use names::{FunctionName, InvalidName};
pub use secret::Secret;
pub use time::{Clock, Timestamp};
