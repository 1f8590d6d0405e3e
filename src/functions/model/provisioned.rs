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
    /// Environments of this node that are initialised, up to those wanted.
    pub allocated: u32,
    /// Why initialisation failed, when it did.
    pub failure: Option<String>,
}
