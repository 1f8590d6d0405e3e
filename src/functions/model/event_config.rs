//! How calls that nobody waits for are tried, and who is told how they ended.

use std::time::Duration;

use super::Qualifier;
use crate::types::{FunctionId, FunctionName, Timestamp};

/// The configuration of a function, of a version or of an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventConfig {
    pub function_id: FunctionId,
    pub function: FunctionName,
    /// `None` for `$LATEST`.
    pub qualifier: Option<Qualifier>,
    /// Tries after the first that fails in the function; `None` for the server's own number.
    pub max_retries: Option<u32>,
    /// An event is not tried when it is older; `None` for the server's own time.
    pub max_age: Option<Duration>,
    /// The ARN of who is told of events that succeeded.
    pub on_success: Option<String>,
    /// The ARN of who is told of events that were given up.
    pub on_failure: Option<String>,
    pub updated_at: Timestamp,
}
