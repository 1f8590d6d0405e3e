//! Names in the form of AWS's ARNs.

use super::Qualifier;
use crate::types::FunctionName;

/// The account that names say: one server is one project.
pub const ACCOUNT: &str = "000000000000";

/// The region that names say.
pub const REGION: &str = "local";

/// The ARN of a function, or of one of its versions or aliases.
#[must_use]
pub fn arn(function: &str, qualifier: Option<&str>) -> String {
    let qualifier = qualifier.map(|qualifier| format!(":{qualifier}")).unwrap_or_default();
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}{qualifier}")
}

/// The function that an ARN names, and the version or alias; `None` when it is no function's ARN.
#[must_use]
pub fn function_of(arn: &str) -> Option<(FunctionName, Option<Qualifier>)> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", _, "lambda", _, _, "function", name, qualifier @ ..] = parts.as_slice() else { return None };
    let qualifier = match qualifier {
        [] => None,
        [qualifier] => Some(qualifier.parse().ok()?),
        _ => return None,
    };
    Some((name.parse().ok()?, qualifier))
}
