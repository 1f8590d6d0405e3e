//! Function URLs.

use std::sync::Arc;

use super::FunctionsService;
use crate::functions::error::{Error, Result};
use crate::functions::model::{FunctionUrl, Policy};
use crate::functions::queries::{policies, urls};
use crate::types::{FunctionName, Timestamp};

/// The letters of a URL's id; there are 32, so each is as likely.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl FunctionsService {
    /// The URL of a function, or of an alias.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`] for an alias that is not there, [`Error::Absent`].
    pub async fn url(&self, function: &FunctionName, alias: Option<&str>) -> Result<FunctionUrl> {
        let id = match alias {
            None => self.get(function).await?.function_id,
            Some(alias) => self.qualified_alias(function, alias).await?.function_id,
        };
        let found = urls::find(&mut self.0.databases.app.read().await?, id, alias.unwrap_or_default()).await?;
        found.ok_or_else(|| no_url(function))
    }

    /// The URL of an id, and the policy of what it calls; at most two seconds behind other nodes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_url(&self, url_id: &str) -> Result<Option<(Arc<FunctionUrl>, Option<Arc<Policy>>)>> {
        if let Some(found) = self.0.registry.url(url_id) {
            return Ok(Some(found));
        }
        let epoch = self.0.registry.epoch();
        let found = {
            let mut conn = self.0.databases.app.read().await?;
            match urls::find_id(&mut conn, url_id).await? {
                None => None,
                Some(url) => {
                    let qualifier = url.alias.clone().unwrap_or_default();
                    let policy = policies::find(&mut conn, url.function_id, &qualifier).await?;
                    Some((Arc::new(url), policy.map(Arc::new)))
                }
            }
        };
        if let Some(found) = &found {
            self.0.registry.remember_url(epoch, url_id, found.clone());
        }
        Ok(found)
    }

    /// The URLs of a function and its aliases, in the order of the aliases; those after one.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn list_urls(&self, function: &FunctionName, after: Option<&str>, limit: u32) -> Result<Vec<FunctionUrl>> {
        let id = self.get(function).await?.function_id;
        Ok(urls::list(&mut self.0.databases.app.read().await?, id, after, limit).await?)
    }

    /// Gives a function, or an alias, a URL. `like` says how it shall be; its ids and times are made here.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Present`].
    pub async fn create_url(&self, like: FunctionUrl) -> Result<FunctionUrl> {
        let function_id = match &like.alias {
            None => self.get(&like.function).await?.function_id,
            Some(alias) => self.qualified_alias(&like.function, alias).await?.function_id,
        };
        let now = self.now();
        let url = FunctionUrl { function_id, url_id: random_id()?, created_at: now, updated_at: now, ..like };
        let added = url.clone();
        let written = self.0.databases.app.write(move |tx| {
            let url = added.clone();
            Box::pin(async move { Ok::<_, Error>(urls::insert(tx, &url).await?) })
        });
        if !written.await? {
            return Err(Error::Present { function: url.function, what: "a function URL".to_owned() });
        }
        Ok(url)
    }

    /// Changes the URL of a function or an alias.
    ///
    /// # Errors
    /// Those of [`FunctionsService::url`], and what `change` finds.
    pub async fn update_url(
        &self,
        function: &FunctionName,
        alias: Option<&str>,
        change: impl FnOnce(&mut FunctionUrl) -> Result<()>,
    ) -> Result<FunctionUrl> {
        let mut url = self.url(function, alias).await?;
        change(&mut url)?;
        url.updated_at = self.now();
        let changed = url.clone();
        let written = self.0.databases.app.write(move |tx| {
            let url = changed.clone();
            Box::pin(async move { Ok::<_, Error>(urls::update(tx, &url).await?) })
        });
        if !written.await? {
            return Err(no_url(function));
        }
        self.changed(function);
        Ok(url)
    }

    /// Removes the URL of a function or an alias.
    ///
    /// # Errors
    /// Those of [`FunctionsService::url`].
    pub async fn delete_url(&self, function: &FunctionName, alias: Option<&str>) -> Result<()> {
        let url = self.url(function, alias).await?;
        let written = self.0.databases.app.write(move |tx| {
            let (function, alias) = (url.function_id, url.alias.clone().unwrap_or_default());
            Box::pin(async move { Ok::<_, Error>(urls::delete(tx, function, &alias).await?) })
        });
        written.await?.ok_or_else(|| no_url(function))?;
        self.changed(function);
        Ok(())
    }

    /// A URL that is about to be made, for [`FunctionsService::create_url`].
    #[must_use]
    pub fn new_url(function: FunctionName, alias: Option<String>, now: Timestamp) -> FunctionUrl {
        FunctionUrl {
            function_id: crate::types::FunctionId::random(),
            function,
            alias,
            url_id: String::new(),
            auth_type: crate::functions::model::AuthType::AwsIam,
            invoke_mode: crate::functions::model::InvokeMode::Buffered,
            cors: None,
            created_at: now,
            updated_at: now,
        }
    }
}

fn no_url(function: &FunctionName) -> Error {
    Error::Absent { function: function.clone(), what: "function URL".to_owned() }
}

fn random_id() -> Result<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::NoWorker("the system gave no random bytes".to_owned()))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}
