//! What there is: functions, their logs, tags, sources and totals.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::FunctionsService;
use crate::functions::error::{Error, Result};
use crate::functions::logs::{Filter, Follow, LogEntry};
use crate::functions::model::{Qualifier, Revision};
use crate::functions::queries::{functions as queries, provisioned, versions};
use crate::types::{FunctionId, FunctionName};

/// What all functions come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    pub functions: i64,
    /// Bytes of the sources of live revisions and versions.
    pub code_size: i64,
    /// Calls that functions have reserved.
    pub reserved: i64,
}

impl FunctionsService {
    /// The functions after a name, by their live revisions, in the order of their names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, after: Option<&FunctionName>, limit: u32) -> Result<Vec<Revision>> {
        Ok(queries::list_live(&mut self.0.databases.app.read().await?, after, limit).await?)
    }

    /// The live revision of a function, read anew.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn get(&self, name: &FunctionName) -> Result<Revision> {
        let found = queries::find_live(&mut self.0.databases.app.read().await?, name).await?;
        found.ok_or_else(|| Error::UnknownFunction(name.clone()))
    }

    /// The revision that a qualifier stands for, read anew; of an alias the one that it points at first.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], or the database fails.
    pub async fn get_qualified(&self, name: &FunctionName, qualifier: Option<&Qualifier>) -> Result<Revision> {
        let version = match qualifier {
            None | Some(Qualifier::Latest) => None,
            Some(Qualifier::Version(number)) => Some(*number),
            Some(Qualifier::Alias(alias)) => self.qualified_alias(name, alias).await?.version,
        };
        let Some(number) = version else { return self.get(name).await };
        let found = versions::find(&mut self.0.databases.app.read().await?, name, number).await?;
        match found {
            Some(revision) => Ok(revision),
            None => Err(self.unknown_qualifier(name, number.to_string()).await?),
        }
    }

    /// What is missing when a qualifier leads nowhere: it, or its function.
    pub(super) async fn unknown_qualifier(&self, name: &FunctionName, qualifier: String) -> Result<Error> {
        self.get(name).await?;
        Ok(Error::UnknownQualifier { function: name.clone(), qualifier })
    }

    /// The variables of a revision, for the server's owner alone.
    ///
    /// # Errors
    /// When they do not open.
    pub fn variables(&self, revision: &Revision) -> Result<BTreeMap<String, String>> {
        self.0.packages.variables(revision)
    }

    /// The source of a revision as it was uploaded.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn source(&self, revision: &Revision) -> Result<Bytes> {
        self.0.packages.source(revision).await
    }

    /// The newest lines of the log that match, in order; with all lines of the calls whose answer the caller has.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::functions) async fn logs(&self, filter: &Filter, limit: u32) -> Result<Vec<LogEntry>> {
        self.0.logs.read(filter, limit).await
    }

    /// Follows the lines of the log that match, behind the one with the id `after` or else from now on (or from `filter.since`);
    /// `None` when as many follow as may.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::functions) async fn follow_logs(&self, filter: Filter, after: Option<i64>) -> Result<Option<Follow>> {
        self.0.logs.follow(filter, after).await
    }

    /// The name of a function; `None` when it was deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::functions) async fn name_of(&self, function: FunctionId) -> Result<Option<FunctionName>> {
        Ok(queries::name_of(&mut self.0.databases.app.read().await?, function).await?)
    }

    /// The tags of a function.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn tags(&self, name: &FunctionName) -> Result<Map<String, Value>> {
        let found = versions::tags(&mut self.0.databases.app.read().await?, name).await?;
        found.ok_or_else(|| Error::UnknownFunction(name.clone()))
    }

    /// Changes the tags of a function. `change` may be called again.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], what `change` finds, or the database fails.
    pub async fn change_tags(
        &self,
        name: &FunctionName,
        change: impl Fn(&mut Map<String, Value>) -> Result<()> + Clone + Send + Sync + 'static,
    ) -> Result<()> {
        let name = name.clone();
        let written = self.0.databases.app.write(move |tx| {
            let (name, change) = (name.clone(), change.clone());
            Box::pin(async move {
                let found = versions::tags(tx, &name).await?;
                let mut tags = found.ok_or_else(|| Error::UnknownFunction(name.clone()))?;
                change(&mut tags)?;
                versions::set_tags(tx, &name, &tags).await?;
                Ok(())
            })
        });
        written.await
    }

    /// Sets how many calls of a function may run at once; `None` reserves nothing, and 0 stops it, whatever is provisioned.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::Invalid`] when more is provisioned, or the database fails.
    pub async fn reserve(&self, name: &FunctionName, count: Option<u32>) -> Result<()> {
        let function = name.clone();
        let written = self.0.databases.app.write(move |tx| {
            let name = function.clone();
            Box::pin(async move {
                let provisioned = provisioned::sum(tx, &name).await?;
                if count.is_some_and(|count| count > 0 && i64::from(count) < provisioned) {
                    let message = format!("{provisioned} are provisioned; reserve as many, or provision less first");
                    return Err(Error::Invalid { field: "ReservedConcurrentExecutions".to_owned(), message });
                }
                Ok(versions::set_reserved(tx, &name, count).await?)
            })
        });
        if !written.await? {
            return Err(Error::UnknownFunction(name.clone()));
        }
        self.changed(name);
        Ok(())
    }

    /// What all functions come to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totals(&self) -> Result<Totals> {
        let (functions, code_size, reserved) = versions::totals(&mut self.0.databases.app.read().await?).await?;
        Ok(Totals { functions, code_size, reserved })
    }
}
