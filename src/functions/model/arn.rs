//! Names in the form of AWS's ARNs.

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
