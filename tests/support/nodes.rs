//! Servers that are one installation: they share a PostgreSQL database, a master key and, unless said otherwise, the data folder.

use tempfile::TempDir;

use super::postgres::{FreshDatabase, fresh_database};
use super::{Options, TestApp};

/// What the nodes of a test share. It is to be dropped after them, so it is made first and kept.
pub struct Nodes {
    options: Options,
    _folder: TempDir,
    _database: FreshDatabase,
}

impl Nodes {
    /// A database and a folder for nodes, on PostgreSQL whatever the run is on; none of them is started yet.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL, or no folder can be made.
    pub async fn new() -> Self {
        let database = fresh_database().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let variables = vec![("DATABASE_URL", database.url().to_owned()), ("PLINTH_MASTER_KEY", "a1".repeat(32))];
        let data = Some(folder.path().join("data"));
        let options = Options { variables, data, postgres: Some(false), ..Options::default() };
        Self { options, _folder: folder, _database: database }
    }

    /// Each node has a data folder of its own.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.options.data = None;
        self
    }

    /// Settings (TOML) that are laid over each node's.
    #[must_use]
    pub fn with_config(mut self, config: &str) -> Self {
        config.clone_into(&mut self.options.config);
        self
    }

    /// A further environment variable of each node.
    #[must_use]
    pub fn with_variable(mut self, name: &'static str, value: String) -> Self {
        self.options.variables.push((name, value));
        self
    }

    /// Starts a node.
    pub async fn start(&self) -> TestApp {
        TestApp::start_as(self.options.clone()).await
    }

    /// Starts two nodes, one after the other.
    pub async fn two(&self) -> (TestApp, TestApp) {
        (self.start().await, self.start().await)
    }
}
