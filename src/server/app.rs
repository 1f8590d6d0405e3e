//! Opens every part, in the order they need each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::edge::{Bound, Live};
use super::private::PrivateListener;
use super::reload::{Parts, Reloader};
use crate::api::PublicUrl;
use crate::auth::AuthService;
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::config::{Config, Loaded};
use crate::data::migrations::{self, FileFault, Plan, State, Stopped};
use crate::data::service::DataService;
use crate::data::{self, Schemas};
use crate::db::{self, Databases};
use crate::front::Front;
use crate::functions::FunctionsService;
use crate::queues::QueuesService;
use crate::sql::Schema;
use crate::storage::s3::Door;
use crate::storage::{self, StorageService};
use crate::tasks::Tasks;
use crate::telemetry::Metrics;
use crate::tls::{self, Certificates};
use crate::types::{Clock, Timestamp};
use crate::{auth, blob, front, functions};

/// Every part of the running server. Cheap to clone: each web worker holds one.
#[derive(Clone)]
pub struct App {
    pub(super) config: Arc<Config>,
    pub(super) clock: Clock,
    pub(super) started_at: Timestamp,
    pub(super) tasks: Tasks,
    pub(super) metrics: Metrics,
    pub(super) public_url: PublicUrl,
    pub(super) databases: Databases,
    pub(super) auth: AuthService,
    pub(super) functions: FunctionsService,
    pub(super) queues: QueuesService,
    pub(super) schemas: Schemas,
    pub(super) data: DataService,
    pub(super) storage: StorageService,
    pub(super) front: Front,
    pub(super) live: Arc<Live>,
    pub(super) certificates: Certificates,
    pub(super) reloader: Arc<Reloader>,
    pub(super) s3: Door,
    /// Where functions reach this very server.
    pub(super) private: Arc<PrivateListener>,
}

/// Why the server did not start. Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder cannot be made, or not written.
    #[error("the data folder {path} cannot be used: {source}; give a folder that this user may write, with --data")]
    Data { path: String, source: std::io::Error },
    /// The database refuses.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The keys cannot be read, the master key is wrong, …
    #[error(transparent)]
    Auth(#[from] auth::Error),
    /// The folder of packages and files cannot be used.
    #[error(transparent)]
    Blobs(#[from] blob::Error),
    /// The function workers cannot be started.
    #[error(transparent)]
    Functions(#[from] functions::Error),
    /// The app's schema cannot be loaded.
    #[error(transparent)]
    Schema(#[from] data::LoadError),
    /// The folder of the app's migrations has files that are none. A line for each.
    #[error("the migrations in {} cannot be applied (data.migrations):\n{}", folder.display(), lines(faults))]
    Migrations { folder: PathBuf, faults: Vec<FileFault> },
    /// One of the app's migrations was refused; those before it are applied.
    #[error("the migrations in {} are not all applied (data.migrations):\n{source}", folder.display())]
    Migration { folder: PathBuf, source: Stopped },
    /// Certificates cannot be used. A line for each.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Certificates(Vec<tls::Fault>),
    /// A site's folder, or its file of passwords, cannot be read.
    #[error("a site cannot be served: {0}; see site.root and [[sites]]")]
    Site(#[from] front::Error),
}

impl App {
    /// Opens the data folder, the database and every feature. Runs on the core runtime.
    ///
    /// # Errors
    /// [`OpenError`]: the first part that cannot be opened.
    pub(super) async fn open(
        loaded: Loaded,
        tasks: Tasks,
        metrics: Metrics,
        public_url: PublicUrl,
        bound: Bound,
    ) -> Result<Self, OpenError> {
        let Loaded { config, master_key, flags, written, .. } = loaded;
        let clock = Clock::system();
        let (upkeep, stop) = (metrics.clone().keep_tidy(), tasks.clone());
        drop(tasks.spawn(async move {
            tokio::select! {
                () = upkeep => {}
                () = stop.soft_stopped() => {}
            }
        }));
        let data = &config.server.data;
        let unusable = |source| OpenError::Data { path: data.display().to_string(), source };
        create_data_folder(data).map_err(unusable)?;
        let databases = Databases::open(&config.database, data, &tasks).await?;
        databases.migrate(&clock).await?;
        // Only now is it sure that no other server uses the folder.
        let private = Arc::new(PrivateListener::bind(data).map_err(unusable)?);
        let vault = Vault::open(data, master_key.as_ref())?;
        let blobs = Blobs::configured(&config.storage, data, &tasks)?;
        let auth = AuthService::open(&config.auth, databases.app.clone(), &vault, clock.clone(), &public_url).await?;
        auth.keep_tidy(&tasks);
        let queues = QueuesService::open(databases.system.clone(), clock.clone(), &tasks);
        let functions = FunctionsService::open(functions::Parts {
            config: config.functions.clone(),
            databases: databases.clone(),
            blobs: blobs.clone(),
            vault: vault.clone(),
            auth: auth.clone(),
            queues: queues.clone(),
            clock: clock.clone(),
            data: data.clone(),
            program: PathBuf::from("/proc/self/exe"),
            tasks: tasks.clone(),
            own: functions::Own { public_url: Arc::clone(&public_url.0), listen: bound.main, socket: private.address() },
        })
        .await?;
        let schemas = Schemas::open(databases.app.clone(), clock.clone(), &tasks, config.data.clone()).await?;
        if let Some(folder) = &config.data.migrations {
            migrate(&schemas, folder).await?;
        }
        schemas.follow(&tasks);
        let rows = DataService::new(databases.app.clone(), Arc::new(schemas.clone()), clock.clone(), config.data.clone());
        let storage = StorageService::new(storage::Parts {
            config: config.storage.clone(),
            db: databases.app.clone(),
            blobs,
            schemas: Arc::new(schemas.clone()),
            vault: &vault,
            clock: clock.clone(),
        })?;
        storage.keep_tidy(&tasks);
        let front = Front::open(&config, &tasks, Arc::new(functions.clone()))?;
        front.upstreams().use_key(&vault.derive("sticky cookies of upstreams")?);
        let certificates = Certificates::open(&config.front.certificates, clock.clone()).map_err(OpenError::Certificates)?;
        certificates.follow(&tasks, config.edge.certificates_every);
        let live = Arc::new(Live::new(&config, bound));
        let parts = Parts { live: Arc::clone(&live), certificates: certificates.clone(), front: front.clone() };
        let s3 = Door::new(storage.clone(), auth.clone());
        let started_at = clock.now();
        Ok(Self {
            config: Arc::new(config),
            clock,
            started_at,
            tasks,
            metrics,
            public_url,
            databases,
            auth,
            functions,
            queues,
            schemas,
            data: rows,
            storage,
            front,
            live,
            certificates,
            reloader: Arc::new(Reloader::new(flags, written, parts)),
            s3,
            private,
        })
    }
}

/// Applies what the folder has and the database has not.
async fn migrate(schemas: &Schemas, folder: &Path) -> Result<(), OpenError> {
    let files = migrations::read(folder).map_err(|faults| OpenError::Migrations { folder: folder.to_owned(), faults })?;
    let applied = schemas.applied_migrations().await?;
    for missing in Plan::of(&files, &applied).in_state(State::Missing) {
        tracing::warn!(file = missing.file_name(), "a migration was applied whose file is not in {}", folder.display());
    }
    let done = schemas.migrate(files, migrations::Options::default()).await;
    done.map(drop).map_err(|source| OpenError::Migration { folder: folder.to_owned(), source })
}

fn lines(faults: &[FileFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl storage::CurrentSchema for Schemas {
    fn schema(&self) -> Arc<Schema> {
        self.current()
    }
}

/// Makes the data folder, for this user alone.
fn create_data_folder(data: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data)
}
