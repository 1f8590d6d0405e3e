//! An [`AuthService`] over a database of its own, with a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use plinth::api::PublicUrl;
use plinth::auth::model::{Metadata, Origin, SignedIn};
use plinth::auth::principal::{Credential, Principal, Refusal};
use plinth::auth::vault::Vault;
use plinth::auth::{AuthService, NewUser, Result};
use plinth::config;
use plinth::db::{Databases, Db};
use plinth::tasks::Tasks;
use plinth::types::{Clock, Secret, Timestamp};
use tempfile::TempDir;

use crate::support::on_postgres;
use crate::support::postgres::{FreshDatabase, fresh_database};

pub(super) const PASSWORD: &str = "correct horse battery staple";

pub(super) struct Fixture {
    pub(super) auth: AuthService,
    pub(super) clock: Clock,
    pub(super) db: Db,
    pub(super) vault: Vault,
    databases: Databases,
    _folder: TempDir,
    /// Dropped last.
    _fresh: Option<FreshDatabase>,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(&config()).await
    }

    pub(super) async fn with(config: &config::Auth) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let fresh = if on_postgres() { Some(fresh_database().await) } else { None };
        let url = fresh.as_ref().map(|fresh| Secret::new(fresh.url().to_owned()));
        let database = config::Database { url, connections: 8, timeout: Duration::from_secs(10) };
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        let databases = Databases::open(&database, folder.path(), &tasks).await.expect("the databases open");
        let clock = Clock::manual(Timestamp::from_micros(1_800_000_000_000_000).expect("a moment"));
        databases.migrate(&clock).await.expect("the migrations are applied");
        let vault = Vault::open(folder.path(), None).expect("the vault opens");
        let db = databases.app.clone();
        let auth = open(config, &db, &vault, &clock).await.expect("auth opens");
        Self { auth, clock, db, vault, databases, _folder: folder, _fresh: fresh }
    }

    /// The service of another node on the same database, with the same master key.
    pub(super) async fn another(&self, config: &config::Auth) -> AuthService {
        open(config, &self.db, &self.vault, &self.clock).await.expect("auth opens")
    }

    pub(super) async fn sign_up(&self, email: &str) -> SignedIn {
        let email = email.parse().expect("an address");
        let new = NewUser { credentials: Some((email, PASSWORD.to_owned())), data: Metadata::new() };
        self.auth.sign_up(new, Origin::default()).await.expect("signed up")
    }

    pub(super) async fn sign_in(&self, email: &str, password: &str) -> Result<SignedIn> {
        self.auth.sign_in(email, Secret::new(password.to_owned()), Origin::default()).await
    }

    pub(super) async fn close(self) {
        drop(self.auth);
        self.databases.close().await;
    }
}

/// Cheap hashes, and otherwise what a server does by default.
pub(super) fn config() -> config::Auth {
    config::Auth {
        signup: true,
        anonymous: true,
        password_min_length: 6,
        token_lifetime: Duration::from_secs(3600),
        refresh_reuse_interval: Duration::from_secs(10),
        session_idle_limit: Duration::from_secs(180 * 86_400),
        argon2_memory_kib: 1024,
        argon2_iterations: 1,
        hash_threads: 1,
        hash_queue: 256,
    }
}

pub(super) async fn open(config: &config::Auth, db: &Db, vault: &Vault, clock: &Clock) -> Result<AuthService> {
    let url = PublicUrl(Arc::from("http://localhost:8080"));
    AuthService::open(config, db.clone(), vault, clock.clone(), &url).await
}

/// Who a bearer is.
pub(super) async fn bearer(auth: &AuthService, token: &str) -> Result<Arc<Principal>, Refusal> {
    match auth.identify(Some(token), None).await.bearer {
        Credential::Known(principal) => Ok(principal),
        Credential::Refused(refusal) => Err(refusal),
        Credential::Absent => panic!("a bearer was given"),
    }
}
