//! Opening the store that the configuration names.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::client::SpawnedReqwestConnector;
use object_store::local::LocalFileSystem;
use object_store::{ClientOptions, RetryConfig};

use super::{Blobs, Error};
use crate::config::{self, Backend};
use crate::tasks::Tasks;

/// How long a connection to a store may take to be there.
const CONNECT: Duration = Duration::from_secs(5);

/// How often a request is tried again that a store did not answer, or answered with an error of its own.
const RETRIES: usize = 3;

impl Blobs {
    /// Opens the folder `blobs` of the data folder, and makes it when it is not there.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open(data: &Path) -> Result<Self, Error> {
        let folder = data.join("blobs");
        let cannot = |reason: String| Error::Open { folder: folder.display().to_string(), reason };
        std::fs::create_dir_all(&folder).map_err(|err| cannot(err.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|err| cannot(err.to_string()))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), folder: Some(folder.into()), core: None })
    }

    /// Opens the store that the configuration names.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn configured(settings: &config::Storage, data: &Path, tasks: &Tasks) -> Result<Self, Error> {
        let core = Some(tasks.core().clone());
        match settings.backend {
            Backend::Disk => Ok(Self { core, ..Self::open(data)? }),
            Backend::S3 => Self::elsewhere(settings, tasks),
        }
    }

    fn elsewhere(settings: &config::Storage, tasks: &Tasks) -> Result<Self, Error> {
        let bucket = settings.bucket.clone().unwrap_or_default();
        let plain = settings.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        // A download lasts as long as its reader takes: what has a limit is how long the store says nothing.
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT.min(settings.timeout))
            .with_timeout_disabled()
            .with_read_timeout(settings.timeout)
            .with_allow_http(plain);
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: settings.timeout, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket)
            .with_region(&settings.region)
            .with_virtual_hosted_style_request(!settings.path_style)
            .with_client_options(options)
            .with_retry(retry)
            .with_http_connector(SpawnedReqwestConnector::new(tasks.core().clone()));
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        builder = match (&settings.access_key_id, &settings.secret_access_key) {
            (Some(id), Some(secret)) => builder.with_access_key_id(id).with_secret_access_key(secret.expose()),
            _ => builder.with_skip_signature(true),
        };
        let store = builder.build().map_err(|err| Error::Open { folder: bucket, reason: err.to_string() })?;
        Ok(Self { store: Arc::new(store), folder: None, core: Some(tasks.core().clone()) })
    }
}
