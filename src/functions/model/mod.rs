//! What a function is: a name, and revisions that never change.
//!
//! A deployment makes a revision and makes it live: `$LATEST`, in AWS Lambda's words. A *version* is a revision that was published:
//! a copy with a number of its own, kept until it is deleted. An *alias* points at a version, or shares calls between two.

mod alias;
mod arn;
mod event_config;
mod permissions;
mod policy;
mod provisioned;
mod qualifier;
mod revision;
mod schedule;
mod url;

pub use self::alias::{ALIAS_CHARS, Alias};
pub use self::arn::{ACCOUNT, REGION, arn, function_of};
pub use self::event_config::EventConfig;
pub use self::permissions::{Access, PERMISSION_CHARS, PERMISSIONS, Permissions};
pub use self::policy::{Grant, MAX_POLICY, Policy, URL_ACTION};
pub use self::provisioned::{Allocation, Provisioned};
pub use self::qualifier::{LATEST, Qualifier};
pub use self::revision::{
    CONCURRENCY, DESCRIPTION_CHARS, Declared, Deployment, ENV_BYTES, MEMORY_MB, NETWORK_HOSTS, Network, Package, Revision,
    Settings, SourceKind, TIMEOUT_S, Variables, style_name,
};
pub use self::schedule::{
    EXPRESSION_CHARS, Expression, InvalidExpression, InvalidZone, LastRun, MAX_MADE_UP, MAX_PAYLOAD, MAX_SCHEDULES, Missed,
    Schedule, ScheduleDraft, ScheduleName, Timing, Zone,
};
pub use self::url::{AuthType, Cors, FunctionUrl, InvokeMode};
