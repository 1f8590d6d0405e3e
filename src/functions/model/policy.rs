//! Resource policies: who else may call a function.

use serde_json::{Map, Value, json};

use crate::types::RevisionId;

/// The longest policy of a function, version or alias, in bytes of JSON, as AWS Lambda has it.
pub const MAX_POLICY: usize = 20 * 1024;

/// What calling by a function URL is called.
pub const URL_ACTION: &str = "lambda:InvokeFunctionUrl";

/// The statements of one function, version or alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// In the order in which they were added.
    pub statements: Vec<Value>,
    /// Another one after every change.
    pub revision_id: RevisionId,
}

/// A statement to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub statement_id: String,
    /// Such as `lambda:InvokeFunction`.
    pub action: String,
    /// `*`, an account, a service or an ARN.
    pub principal: String,
    /// Conditions: operator, key and value.
    pub conditions: Vec<(&'static str, &'static str, String)>,
}

impl Grant {
    /// The statement as policies have it, about this resource.
    #[must_use]
    pub fn statement(&self, resource: &str) -> Value {
        let principal = match self.principal.as_str() {
            "*" => json!("*"),
            service if service.ends_with(".amazonaws.com") => json!({ "Service": service }),
            account if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) => {
                json!({ "AWS": format!("arn:aws:iam::{account}:root") })
            }
            other => json!({ "AWS": other }),
        };
        let mut statement = json!({
            "Sid": self.statement_id,
            "Effect": "Allow",
            "Principal": principal,
            "Action": self.action,
            "Resource": resource,
        });
        if !self.conditions.is_empty() {
            let mut conditions: Map<String, Value> = Map::new();
            for (operator, key, value) in &self.conditions {
                let of_operator = conditions.entry((*operator).to_owned()).or_insert_with(|| json!({}));
                of_operator[*key] = json!(value);
            }
            statement["Condition"] = Value::Object(conditions);
        }
        statement
    }
}

impl Policy {
    /// The whole policy.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": self.statements })
    }

    /// Whether anybody may call by a function URL without a signature.
    #[must_use]
    pub fn lets_anybody_call_urls(&self) -> bool {
        self.statements.iter().any(|statement| {
            let auth_type = statement.pointer("/Condition/StringEquals/lambda:FunctionUrlAuthType");
            let action = &statement["Action"];
            (action == URL_ACTION || action == "lambda:*" || action == "*")
                && (statement["Principal"] == "*" || statement.pointer("/Principal/AWS").is_some_and(|who| who == "*"))
                && auth_type.is_none_or(|kind| kind == "NONE")
        })
    }
}
