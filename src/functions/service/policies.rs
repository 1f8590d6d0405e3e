//! Resource policies.

use super::{FunctionsService, TRIES};
use crate::functions::error::{Error, Result};
use crate::functions::model::{Grant, MAX_POLICY, Policy, Qualifier, arn};
use crate::functions::queries::policies;
use crate::types::{FunctionId, FunctionName, RevisionId};

impl FunctionsService {
    /// The policy of a function, version or alias.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Absent`] when it has none.
    pub async fn policy(&self, name: &FunctionName, qualifier: Option<&Qualifier>) -> Result<Policy> {
        let function = self.holder(name, qualifier).await?;
        let found = policies::find(&mut self.0.databases.app.read().await?, function, &key(qualifier)).await?;
        found.ok_or_else(|| Error::Absent { function: name.clone(), what: "policy".to_owned() })
    }

    /// Adds a statement; gives it as it stands in the policy.
    ///
    /// # Errors
    /// [`Error::Present`] when there is one of its id, [`Error::OtherRevision`], [`Error::Invalid`] when the policy gets too long.
    pub async fn add_permission(
        &self,
        name: &FunctionName,
        qualifier: Option<&Qualifier>,
        grant: &Grant,
        expected: Option<RevisionId>,
    ) -> Result<serde_json::Value> {
        let key = key(qualifier);
        let resource = arn(name.as_str(), Some(key.as_str()).filter(|key| !key.is_empty()));
        let statement = grant.statement(&resource);
        let added = statement.clone();
        self.change_policy(name, qualifier, expected, move |policy| {
            if policy.statements.iter().any(|other| other["Sid"] == added["Sid"]) {
                let what = format!("the statement id {}", added["Sid"].as_str().unwrap_or_default());
                return Err(Error::Present { function: name.clone(), what });
            }
            policy.statements.push(added.clone());
            if policy.document().to_string().len() > MAX_POLICY {
                let message = format!("a policy has at most {MAX_POLICY} bytes");
                return Err(Error::Invalid { field: "Policy".to_owned(), message });
            }
            Ok(())
        })
        .await?;
        Ok(statement)
    }

    /// Removes a statement.
    ///
    /// # Errors
    /// [`Error::Absent`] when there is none of its id, [`Error::OtherRevision`].
    pub async fn remove_permission(
        &self,
        name: &FunctionName,
        qualifier: Option<&Qualifier>,
        statement_id: &str,
        expected: Option<RevisionId>,
    ) -> Result<()> {
        self.change_policy(name, qualifier, expected, |policy| {
            let before = policy.statements.len();
            policy.statements.retain(|statement| statement["Sid"] != statement_id);
            if policy.statements.len() == before {
                return Err(Error::Absent { function: name.clone(), what: format!("statement {statement_id}") });
            }
            Ok(())
        })
        .await
    }

    async fn change_policy(
        &self,
        name: &FunctionName,
        qualifier: Option<&Qualifier>,
        expected: Option<RevisionId>,
        change: impl Fn(&mut Policy) -> Result<()>,
    ) -> Result<()> {
        let (function, key) = (self.holder(name, qualifier).await?, key(qualifier));
        for _ in 0..TRIES {
            let before = policies::find(&mut self.0.databases.app.read().await?, function, &key).await?;
            if expected.is_some() && expected != before.as_ref().map(|policy| policy.revision_id) {
                return Err(Error::OtherRevision);
            }
            let old = before.as_ref().map(|policy| policy.revision_id);
            let statements = before.map(|policy| policy.statements).unwrap_or_default();
            let mut policy = Policy { statements, revision_id: RevisionId::random() };
            change(&mut policy)?;
            if self.write_policy(function, key.clone(), policy, old).await? {
                self.changed(name);
                return Ok(());
            }
        }
        Err(Error::Contended(name.clone()))
    }

    /// Writes a policy over the one it was made from; false when that is no longer there.
    async fn write_policy(&self, function: FunctionId, key: String, policy: Policy, old: Option<RevisionId>) -> Result<bool> {
        let written = self.0.databases.app.write(move |tx| {
            let (key, policy) = (key.clone(), policy.clone());
            Box::pin(async move {
                let done = match old {
                    None => policies::insert(tx, function, &key, &policy).await?,
                    Some(old) if policy.statements.is_empty() => policies::delete(tx, (function, &key), old).await?,
                    Some(old) => policies::update(tx, (function, &key), &policy, old).await?,
                };
                Ok::<_, Error>(done)
            })
        });
        written.await
    }

    /// The function whose version or alias a policy is about, which must be there.
    async fn holder(&self, name: &FunctionName, qualifier: Option<&Qualifier>) -> Result<FunctionId> {
        if matches!(qualifier, Some(Qualifier::Latest)) {
            let message = "$LATEST has no policy of its own; name a version or an alias, or nothing";
            return Err(Error::Invalid { field: "Qualifier".to_owned(), message: message.to_owned() });
        }
        Ok(self.get_qualified(name, qualifier).await?.function_id)
    }
}

/// What a policy is kept under.
fn key(qualifier: Option<&Qualifier>) -> String {
    qualifier.map(ToString::to_string).unwrap_or_default()
}
