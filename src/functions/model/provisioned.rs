//! Provisioned concurrency: environments that are initialised before they are called.

use super::Qualifier;
use crate::types::{FunctionId, FunctionName, Timestamp};

/// How many environments of a version, or of what an alias points at, each node keeps initialised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    pub function_id: FunctionId,
    pub function: FunctionName,
    /// A version or an alias.
    pub qualifier: Qualifier,
    pub count: u32,
    pub updated_at: Timestamp,
}

/// How far that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    pub wanted: Provisioned,
    /// Environments of this node that are initialised, busy and idle, up to those wanted.
    pub allocated: u32,
    /// Why some are missing, when that is known.
    pub failure: Option<String>,
}

impl Allocation {
    /// What AWS Lambda calls that.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        match (&self.failure, self.allocated >= self.wanted.count) {
            (_, true) => "READY",
            (Some(_), false) => "FAILED",
            (None, false) => "IN_PROGRESS",
        }
    }
}
