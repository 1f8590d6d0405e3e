//! Versions: live revisions, published under a number of their own.

use super::{FunctionsService, TRIES};
use crate::functions::error::{Error, Result};
use crate::functions::model::Revision;
use crate::functions::queries::{aliases, functions as queries, versions};
use crate::types::{FunctionName, RevisionId};

/// What must be so for a version to be published, and what it says of itself.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// The hash that the live source must have, in hexadecimal.
    pub source_sha256: Option<String>,
    /// Instead of the live revision's.
    pub description: Option<String>,
    /// The live revision.
    pub expected: Option<RevisionId>,
}

impl FunctionsService {
    /// Publishes the live revision as the next version; when nothing changed since the last version was published, gives that.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::OtherRevision`], [`Error::Invalid`] when the source is another, [`Error::Contended`].
    pub async fn publish(&self, name: &FunctionName, publication: &Publication) -> Result<Revision> {
        for _ in 0..TRIES {
            let live = self.get(name).await?;
            if publication.expected.is_some_and(|expected| expected != live.id) {
                return Err(Error::OtherRevision);
            }
            if publication.source_sha256.as_ref().is_some_and(|wanted| *wanted != live.package.source_sha256) {
                let message = "is different from current CodeSHA256 in $LATEST. Please try again with the CodeSHA256 in $LATEST.";
                return Err(Error::Invalid { field: "CodeSHA256".to_owned(), message: message.to_owned() });
            }
            let newest = versions::newest(&mut self.0.databases.app.read().await?, live.function_id).await?;
            if let Some(newest) = newest
                && self.is_same(&live, &newest)?
            {
                return Ok(newest);
            }
            let copy = self.copy_of(&live, publication.description.clone())?;
            if let Some(published) = Box::pin(self.add_version(copy, live.number)).await? {
                self.changed(name);
                return Ok(published);
            }
        }
        Err(Error::Contended(name.clone()))
    }

    /// Whether code and configuration are the same, descriptions apart.
    fn is_same(&self, live: &Revision, newest: &Revision) -> Result<bool> {
        let without_description = |revision: &Revision| {
            let mut settings = revision.settings.clone();
            settings.description.clear();
            settings
        };
        let (ours, theirs) = (&live.package, &newest.package);
        Ok((ours.kind, ours.style, &ours.source_sha256) == (theirs.kind, theirs.style, &theirs.source_sha256)
            && live.declared == newest.declared
            && without_description(live) == without_description(newest)
            && self.variables(live)? == self.variables(newest)?)
    }

    fn copy_of(&self, live: &Revision, description: Option<String>) -> Result<Revision> {
        let id = RevisionId::random();
        let sealed_env = self.0.packages.seal(id, &self.variables(live)?)?;
        let mut copy = Revision { id, sealed_env, created_at: self.now(), ..live.clone() };
        if let Some(description) = description {
            copy.settings.description = description;
        }
        Ok(copy)
    }

    /// Stores a version under the next number; `None` when another revision is live by now.
    async fn add_version(&self, copy: Revision, live: i64) -> Result<Option<Revision>> {
        let written = self.0.databases.app.write(move |tx| {
            let mut copy = copy.clone();
            Box::pin(async move {
                let Some((number, version)) = versions::advance(tx, copy.function_id, live).await? else { return Ok(None) };
                (copy.number, copy.version) = (number, Some(version));
                queries::insert_revision(tx, &copy).await?;
                Ok::<_, Error>(Some(copy))
            })
        });
        written.await
    }

    /// The live revision of a function, then its versions in order; those after a number, of which 0 is the live one's.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn list_versions(&self, name: &FunctionName, after: Option<i64>, limit: u32) -> Result<Vec<Revision>> {
        let function = self.get(name).await?.function_id;
        Ok(versions::list(&mut self.0.databases.app.read().await?, function, after, limit).await?)
    }

    /// The live revisions and versions of all functions, in the order of their names and numbers; those after one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_all_versions(&self, after: Option<(&str, i64)>, limit: u32) -> Result<Vec<Revision>> {
        let after = after.unwrap_or(("", -1));
        Ok(versions::list_all(&mut self.0.databases.app.read().await?, after, limit).await?)
    }

    /// Removes a version; calls under way finish.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::InUse`] when an alias needs it.
    pub async fn delete_version(&self, name: &FunctionName, version: i64) -> Result<()> {
        let function = self.get(name).await?.function_id;
        let written = self.0.databases.app.write(move |tx| {
            Box::pin(async move {
                let needs = |alias: &crate::functions::model::Alias| {
                    alias.version == Some(version) || alias.weights.contains_key(&version)
                };
                if let Some(alias) = aliases::all(tx, function).await?.iter().find(|alias| needs(alias)) {
                    return Err(Error::InUse(format!("version {version} is used by the alias {}", alias.name)));
                }
                Ok(versions::delete(tx, function, version).await?)
            })
        });
        let unknown = || Error::UnknownQualifier { function: name.clone(), qualifier: version.to_string() };
        let revision = written.await?.ok_or_else(unknown)?;
        self.changed(name);
        self.0.invoker.drop_version(function, revision);
        Ok(())
    }
}
