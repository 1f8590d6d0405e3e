//! [`TestApp`]: one server of a test's own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde_json::Value;
use toml_edit::{DocumentMut, Item};

use super::http::{Base, Client};
use super::process::{Finished, Server, run_plinth, run_plinth_fed};
use super::{eventually, on_postgres, postgres};

/// Cheap password hashes and few processes: a test waits for what it tests. A test's own settings win over these.
const TEST_CONFIG: &str = "
[server]
workers = 2

[log]
level = \"info,plinth=debug\"

[auth]
argon2_memory_kib = 1024
argon2_iterations = 1

[functions]
spares = 1
";

/// What a test may ask of its server beyond the defaults.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Settings laid over the harness's own (TOML).
    pub config: String,
    /// Further environment variables.
    pub variables: Vec<(&'static str, String)>,
    /// The data folder; one in the test's own folder unless said.
    pub data: Option<PathBuf>,
    /// Whether on PostgreSQL; what the run is on unless said.
    pub postgres: Option<bool>,
}

/// A server on its own data folder (and, on PostgreSQL, its own database), ready for requests.
pub struct TestApp {
    server: Server,
    base: Base,
    /// What `plinth keys --json` printed.
    keys: Value,
    variables: Vec<(&'static str, String)>,
    data: PathBuf,
    folder: tempfile::TempDir,
    /// Dropped last, when the server that holds connections to it is gone.
    _database: Option<postgres::FreshDatabase>,
}

impl TestApp {
    /// Starts a server with the harness's settings.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts a server with these settings (TOML) laid over the harness's own.
    pub async fn start_with(config: &str) -> Self {
        Self::start_as(Options { config: config.to_owned(), ..Options::default() }).await
    }

    /// Starts a server as [`Options`] say.
    ///
    /// # Panics
    ///
    /// When it does not become ready.
    pub async fn start_as(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("plinth.toml");
        std::fs::write(&config, merged(TEST_CONFIG, &options.config)).expect("the config is written");
        let mut variables = options.variables;
        let database = if options.postgres.unwrap_or_else(on_postgres) { Some(postgres::fresh_database().await) } else { None };
        if let Some(database) = &database {
            variables.push(("DATABASE_URL", database.url().to_owned()));
        }
        variables.push(("PLINTH_CONFIG", config.display().to_string()));
        let data = options.data.unwrap_or_else(|| folder.path().join("data"));
        let server = spawn(&data, &variables);
        let base = Base { http: http_client(), url: Arc::new(RwLock::new(String::new())) };
        let mut app = Self { server, base, keys: Value::Null, variables, data, folder, _database: database };
        app.become_ready().await;
        app
    }

    /// The server's address, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.base.url.read().expect("no writer panics").clone()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// One of the keys `plinth keys` prints, such as `anon_key`.
    ///
    /// # Panics
    ///
    /// When there is no such key.
    #[must_use]
    pub fn key(&self, name: &str) -> &str {
        self.keys[name].as_str().unwrap_or_else(|| panic!("`plinth keys` printed no {name:?}"))
    }

    /// A caller without any key or token.
    #[must_use]
    pub fn nobody(&self) -> Client {
        Client::new(self.base.clone(), None, None)
    }

    /// A caller with the anon key alone.
    #[must_use]
    pub fn anon(&self) -> Client {
        Client::new(self.base.clone(), Some(self.key("anon_key")), Some(self.key("anon_key")))
    }

    /// A caller with the service key.
    #[must_use]
    pub fn service(&self) -> Client {
        Client::new(self.base.clone(), Some(self.key("service_key")), Some(self.key("service_key")))
    }

    /// A caller with the anon key and this bearer token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Client {
        Client::new(self.base.clone(), Some(self.key("anon_key")), Some(token))
    }

    /// The server process.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The server process, to signal or wait for.
    pub fn server_mut(&mut self) -> &mut Server {
        &mut self.server
    }

    /// The server's resident memory in bytes.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        self.server.memory("VmRSS")
    }

    /// Kills the server as a power cut would.
    pub fn kill9(&mut self) {
        self.server.kill9();
    }

    /// Starts the server again on the same folder and database; callers made before go on working.
    pub async fn restart(&mut self) {
        self.server.kill9();
        self.server = spawn(&self.data, &self.variables);
        self.become_ready().await;
    }

    /// Runs another `plinth` command with this server's data folder and database, such as `["keys", "--json"]`.
    #[must_use]
    pub fn plinth(&self, arguments: &[&str]) -> Finished {
        self.plinth_with(arguments, &[])
    }

    /// The same with further environment variables, which win over this server's own.
    #[must_use]
    pub fn plinth_with(&self, arguments: &[&str], variables: &[(&'static str, String)]) -> Finished {
        let own = [("PLINTH_DATA", self.data().display().to_string())];
        run_plinth(self.folder.path(), arguments, &[&self.variables[..], &own, variables].concat())
    }

    /// As [`TestApp::plinth`], with this for the command's standard input.
    #[must_use]
    pub fn plinth_fed(&self, arguments: &[&str], input: &str) -> Finished {
        let own = [("PLINTH_DATA", self.data().display().to_string())];
        run_plinth_fed(self.folder.path(), arguments, &[&self.variables[..], &own].concat(), input.as_bytes())
    }

    /// Starts a `plinth` command that stays, as [`TestApp::plinth`] runs one that ends.
    #[must_use]
    pub fn plinth_in_background(&self, arguments: &[&str]) -> Server {
        let own = [("PLINTH_DATA", self.data().display().to_string())];
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        Server::spawn_command(&arguments, &[&self.variables[..], &own].concat())
    }

    /// Replaces the settings (TOML) laid over the harness's own, in the file alone: a reload or a restart takes them.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn configure(&self, config: &str) {
        std::fs::write(self.folder.path().join("plinth.toml"), merged(TEST_CONFIG, config)).expect("the config is written");
    }

    async fn become_ready(&mut self) {
        let address = self.server.address().await;
        address.clone_into(&mut self.base.url.write().expect("no reader panics"));
        let nobody = self.nobody();
        eventually("the server's being ready", Duration::from_secs(60), async || {
            let answer = nobody.get("/health/ready").try_send().await.ok()?;
            (answer.status() == 200).then_some(())
        })
        .await;
        let data = self.data();
        let printed = self.plinth(&["keys", "--data", &data.to_string_lossy(), "--json"]);
        assert!(printed.status.success(), "`plinth keys` failed: {}", printed.stderr);
        self.keys = serde_json::from_str(&printed.stdout).expect("`plinth keys --json` prints JSON");
    }
}

fn spawn(data: &Path, variables: &[(&str, String)]) -> Server {
    let arguments = ["--data".as_ref(), data.as_os_str(), "--listen".as_ref(), OsStr::new("127.0.0.1:0")];
    Server::spawn(&arguments, variables)
}

pub(super) fn http_client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // Tests look at what was sent, packed or not.
        .no_gzip()
        .no_brotli()
        // Below the server's own limit, so that none is closed in the moment it is used again.
        .pool_idle_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client without special needs")
}

/// `over` laid over `under`, table by table.
fn merged(under: &str, over: &str) -> String {
    let mut under: DocumentMut = under.parse().expect("the harness's settings are TOML");
    let over: DocumentMut = over.parse().expect("the test's settings are TOML");
    for (name, item) in over.iter() {
        match (under.get_mut(name).and_then(Item::as_table_mut), item.as_table()) {
            (Some(table), Some(extra)) => {
                for (key, value) in extra {
                    table.insert(key, value.clone());
                }
            }
            _ => {
                under.insert(name, item.clone());
            }
        }
    }
    under.to_string()
}
