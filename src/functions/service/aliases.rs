//! Aliases: names that point at versions.

use std::collections::BTreeMap;

use super::{FunctionsService, TRIES};
use crate::functions::error::{Error, Result};
use crate::functions::model::{Alias, Qualifier};
use crate::functions::queries::{aliases, versions};
use crate::types::{FunctionName, RevisionId};

/// What an alias shall be; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct AliasChange {
    pub description: Option<String>,
    /// A version, or the live revision.
    pub target: Option<Qualifier>,
    pub weights: Option<BTreeMap<i64, f64>>,
    /// The alias's revision that is meant.
    pub expected: Option<RevisionId>,
}

impl FunctionsService {
    /// An alias of a function, read anew.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::Absent`].
    pub async fn alias(&self, function: &FunctionName, name: &str) -> Result<Alias> {
        let found = aliases::find(&mut self.0.databases.app.read().await?, function, name).await?;
        match found {
            Some(alias) => Ok(alias),
            None => {
                self.get(function).await?;
                Err(Error::Absent { function: function.clone(), what: format!("alias {name}") })
            }
        }
    }

    /// The alias that a qualifier names.
    pub(super) async fn qualified_alias(&self, function: &FunctionName, name: &str) -> Result<Alias> {
        self.alias(function, name).await.map_err(|err| match err {
            Error::Absent { function, .. } => Error::UnknownQualifier { function, qualifier: name.to_owned() },
            other => other,
        })
    }

    /// The aliases of a function after a name, in the order of their names.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn list_aliases(&self, function: &FunctionName, after: &str, limit: u32) -> Result<Vec<Alias>> {
        let id = self.get(function).await?.function_id;
        Ok(aliases::list(&mut self.0.databases.app.read().await?, id, after, limit).await?)
    }

    /// Makes an alias; the change says its target.
    ///
    /// # Errors
    /// [`Error::Present`], [`Error::UnknownQualifier`] for a version that is not there, [`Error::Invalid`].
    pub async fn create_alias(&self, function: &FunctionName, name: &str, change: AliasChange) -> Result<Alias> {
        let (live, now) = (self.get(function).await?, self.now());
        let alias = Alias {
            function_id: live.function_id,
            name: name.to_owned(),
            description: String::new(),
            version: None,
            weights: BTreeMap::new(),
            revision_id: RevisionId::random(),
            created_at: now,
            updated_at: now,
        };
        let alias = changed(alias, change)?;
        let (function_name, added) = (function.clone(), alias.clone());
        let written = self.0.databases.app.write(move |tx| {
            let (function, alias) = (function_name.clone(), added.clone());
            Box::pin(async move {
                check_versions(tx, &function, &alias).await?;
                if aliases::insert(tx, &alias).await? {
                    return Ok(());
                }
                Err(Error::Present { function, what: format!("an alias {}", alias.name) })
            })
        });
        written.await?;
        self.changed(function);
        Ok(alias)
    }

    /// Changes an alias.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::OtherRevision`], [`Error::UnknownQualifier`], [`Error::Invalid`], [`Error::Contended`].
    pub async fn update_alias(&self, function: &FunctionName, name: &str, change: AliasChange) -> Result<Alias> {
        for _ in 0..TRIES {
            let before = self.alias(function, name).await?;
            if change.expected.is_some_and(|expected| expected != before.revision_id) {
                return Err(Error::OtherRevision);
            }
            let old = before.revision_id;
            let fresh = Alias { revision_id: RevisionId::random(), updated_at: self.now(), ..before };
            let alias = changed(fresh, change.clone())?;
            let (function_name, written) = (function.clone(), alias.clone());
            let done = self.0.databases.app.write(move |tx| {
                let (function, alias) = (function_name.clone(), written.clone());
                Box::pin(async move {
                    check_versions(tx, &function, &alias).await?;
                    Ok::<_, Error>(aliases::update(tx, &alias, old).await?)
                })
            });
            if done.await? {
                self.changed(function);
                return Ok(alias);
            }
        }
        Err(Error::Contended(function.clone()))
    }

    /// Removes an alias with its URL and its policy; one that is not there is removed too.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn delete_alias(&self, function: &FunctionName, name: &str) -> Result<()> {
        let id = self.get(function).await?.function_id;
        let alias = name.to_owned();
        let written = self.0.databases.app.write(move |tx| {
            let alias = alias.clone();
            Box::pin(async move { Ok::<_, Error>(aliases::delete(tx, id, &alias).await?) })
        });
        written.await?;
        self.changed(function);
        Ok(())
    }
}

/// The alias with a change, checked as far as it can be without the database.
fn changed(mut alias: Alias, change: AliasChange) -> Result<Alias> {
    let AliasChange { description, target, weights, .. } = change;
    alias.description = description.unwrap_or(alias.description);
    alias.weights = weights.unwrap_or(alias.weights);
    match target {
        None => {}
        Some(Qualifier::Latest) => alias.version = None,
        Some(Qualifier::Version(number)) => alias.version = Some(number),
        Some(Qualifier::Alias(_)) => {
            return Err(invalid("FunctionVersion", "must be the number of a version, or $LATEST"));
        }
    }
    if alias.weights.len() > 1 {
        return Err(invalid("RoutingConfig", "an alias shares its calls between two versions at the most"));
    }
    if alias.weights.values().any(|weight| !(0.0..=1.0).contains(weight)) {
        return Err(invalid("RoutingConfig", "a weight is a number from 0.0 to 1.0"));
    }
    if !alias.weights.is_empty() && alias.version.is_none() {
        return Err(invalid("RoutingConfig", "$LATEST is not supported for an alias that shares its calls"));
    }
    if alias.version.is_some_and(|version| alias.weights.contains_key(&version)) {
        return Err(invalid("RoutingConfig", "the other version must be another than FunctionVersion"));
    }
    Ok(alias)
}

fn invalid(field: &str, message: &str) -> Error {
    Error::Invalid { field: field.to_owned(), message: message.to_owned() }
}

/// Whether the versions of an alias are there.
async fn check_versions(tx: &mut crate::db::Tx, function: &FunctionName, alias: &Alias) -> Result<()> {
    for version in alias.version.iter().chain(alias.weights.keys()) {
        if versions::find(tx, function, *version).await?.is_none() {
            return Err(Error::UnknownQualifier { function: function.clone(), qualifier: version.to_string() });
        }
    }
    Ok(())
}
