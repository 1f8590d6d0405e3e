//! Resource policies: who else may call.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::functions::parse_revision;
use crate::functions::Error;
use crate::functions::model::{AuthType, Grant, URL_ACTION};
use crate::lambda::answers::{json_answer, no_content};
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::lambda::rules::constraint;

/// The longest part of a statement, in characters.
const LONGEST: usize = 256;

/// A statement to be added.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaAddPermission)]
pub(in crate::lambda) struct AddPermission {
    #[schema(required, example = "public")]
    statement_id: Option<String>,
    #[schema(required, example = "lambda:InvokeFunctionUrl")]
    action: Option<String>,
    #[schema(required, example = "*")]
    principal: Option<String>,
    source_arn: Option<String>,
    source_account: Option<String>,
    event_source_token: Option<String>,
    #[serde(rename = "PrincipalOrgID")]
    principal_org_id: Option<String>,
    function_url_auth_type: Option<AuthType>,
    invoked_via_function_url: Option<bool>,
    /// The policy's revision that is meant.
    revision_id: Option<String>,
}

/// The statement as it stands in the policy.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaStatement)]
pub(in crate::lambda) struct StatementAnswer {
    /// JSON, as a text.
    statement: String,
}

/// A policy.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaPolicy)]
pub(in crate::lambda) struct PolicyAnswer {
    /// JSON, as a text.
    policy: String,
    revision_id: String,
}

impl AddPermission {
    fn grant(self) -> Result<Grant> {
        let needed = |value: Option<String>, name: &str| {
            let value = value.ok_or_else(|| constraint("null", name, "Member must not be null"))?;
            if value.is_empty() || value.chars().count() > LONGEST || value.contains('\0') {
                return Err(constraint(&value, name, &format!("it has 1 to {LONGEST} characters")));
            }
            Ok(value)
        };
        let statement_id = needed(self.statement_id, "statementId")?;
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if statement_id.len() > 100 || !statement_id.chars().all(letter) {
            let rule = "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+), and have 100 characters at the most";
            return Err(constraint(&statement_id, "statementId", rule));
        }
        let action = needed(self.action, "action")?;
        let verb = action.strip_prefix("lambda:").unwrap_or(&action);
        if verb != "*" && (verb == action || verb.is_empty() || !verb.chars().all(|c| c.is_ascii_alphabetic())) {
            let rule = "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])";
            return Err(constraint(&action, "action", rule));
        }
        if self.function_url_auth_type.is_some() && action != URL_ACTION {
            let message = format!("FunctionUrlAuthType is only supported for {URL_ACTION} action");
            return Err(Exception::invalid(message));
        }
        let auth_type = self.function_url_auth_type.map(|kind| match kind {
            AuthType::None => "NONE".to_owned(),
            AuthType::AwsIam => "AWS_IAM".to_owned(),
        });
        let conditions = [
            ("ArnLike", "AWS:SourceArn", self.source_arn),
            ("StringEquals", "AWS:SourceAccount", self.source_account),
            ("StringEquals", "aws:PrincipalOrgID", self.principal_org_id),
            ("StringEquals", "lambda:EventSourceToken", self.event_source_token),
            ("StringEquals", "lambda:FunctionUrlAuthType", auth_type),
            ("Bool", "lambda:InvokedViaFunctionUrl", self.invoked_via_function_url.map(|via| via.to_string())),
        ];
        let conditions = conditions.into_iter().filter_map(|(operator, key, value)| Some((operator, key, value?)));
        let conditions = conditions.map(|(operator, key, value)| Ok((operator, key, needed(Some(value), key)?)));
        let conditions = conditions.collect::<Result<Vec<_>>>()?;
        Ok(Grant { statement_id, action, principal: needed(self.principal, "principal")?, conditions })
    }
}

/// Let somebody call a function
///
/// A function URL with `AuthType` `NONE` answers only when the policy has a statement for `lambda:InvokeFunctionUrl` with the principal
/// `*` and `FunctionUrlAuthType` `NONE`.
#[utoipa::path(
    post,
    path = "/2015-03-31/functions/{function}/policy",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
    ),
    request_body = AddPermission,
    responses(
        (status = 201, description = "Added", body = StatementAnswer),
        (status = 400, description = "A parameter is refused, or the policy gets too long", body = ExceptionBody),
        (status = 404, description = "There is no such function, version or alias", body = ExceptionBody),
        (status = 409, description = "There is a statement of that id", body = ExceptionBody),
        (status = 412, description = "RevisionId is not the policy's", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn add_permission(call: &Call, function: Reference) -> Result {
    let input: AddPermission = call.json()?;
    let expected = input.revision_id.as_deref().map(parse_revision).transpose()?;
    let grant = input.grant()?;
    let id = grant.statement_id.clone();
    let added = call.functions.add_permission(&function.name, function.qualifier.as_ref(), &grant, expected).await;
    let statement = added.map_err(|err| match err {
        Error::Present { .. } => Exception::conflict(format!(
            "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the existing statement."
        )),
        other => other.into(),
    })?;
    json_answer(StatusCode::CREATED, &StatementAnswer { statement: statement.to_string() })
}

/// Get a function's policy
#[utoipa::path(
    get,
    path = "/2015-03-31/functions/{function}/policy",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
    ),
    responses(
        (status = 200, description = "The policy", body = PolicyAnswer),
        (status = 404, description = "There is no such function, version or alias, or it has no policy", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_policy(call: &Call, function: Reference) -> Result {
    let found = call.functions.policy(&function.name, function.qualifier.as_ref()).await;
    let policy = found.map_err(|err| match err {
        Error::Absent { .. } => Exception::not_found("The resource you requested does not exist."),
        other => other.into(),
    })?;
    let answer = PolicyAnswer { policy: policy.document().to_string(), revision_id: policy.revision_id.to_string() };
    json_answer(StatusCode::OK, &answer)
}

/// Let somebody call a function no longer
#[utoipa::path(
    delete,
    path = "/2015-03-31/functions/{function}/policy/{statement}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("statement" = String, Path, description = "The statement's id", example = "public"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
        ("RevisionId" = Option<String>, Query, description = "The policy's revision that is meant"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "There is no such function, version, alias or statement", body = ExceptionBody),
        (status = 412, description = "RevisionId is not the policy's", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn remove_permission(call: &Call, function: Reference, statement: &str) -> Result {
    let expected = call.query("RevisionId").as_deref().map(parse_revision).transpose()?;
    let removed = call.functions.remove_permission(&function.name, function.qualifier.as_ref(), statement, expected).await;
    removed.map_err(|err| match err {
        Error::Absent { .. } => Exception::not_found(format!("Statement {statement} is not found in resource policy.")),
        other => other.into(),
    })?;
    Ok(no_content())
}
