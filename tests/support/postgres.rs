//! PostgreSQL for the tests: one throwaway cluster a run, a fresh database a test.
//!
//! `TEST_DATABASE_URL` names a server to use instead; each test then makes, and removes, a database of its own there.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use super::environment;

/// Runs the server until its standard input ends, which it does when this process does, however that comes about.
const UNTIL_STDIN_ENDS: &str =
    r#"dir="$1"; shift; "$@" </dev/null >"$dir/log" 2>&1 & read -r _; kill -INT $!; wait $!; rm -rf "$dir""#;

/// Nothing here outlives the run, so nothing is synced.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "max_connections=600",
    "max_locks_per_transaction=256",
    "listen_addresses=127.0.0.1",
    "deadlock_timeout=200ms",
];

const START_LIMIT: Duration = Duration::from_mins(1);

/// A database of one test; removed when dropped where the server is not a throwaway one.
pub struct FreshDatabase {
    url: String,
    /// The server to remove it from, and its name.
    remove: Option<(PgConnectOptions, String)>,
}

/// A server that lives as long as this process.
struct Cluster {
    /// The address of the database to connect to for making others.
    admin: PgConnectOptions,
    throwaway: bool,
    /// Its standard input is closed by the kernel at the end of this process; see [`UNTIL_STDIN_ENDS`].
    _server: Option<Child>,
}

/// Makes a database for one test.
///
/// # Panics
///
/// When there is no PostgreSQL, or it does not start.
pub async fn fresh_database() -> FreshDatabase {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);

    let cluster = CLUSTER.get_or_init(Cluster::start);
    let name = format!("plinth_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut admin = cluster.connect().await;
    let sql = format!("create database {name} template template0 encoding 'UTF8'");
    admin.execute(AssertSqlSafe(sql)).await.expect("the database is made");
    admin.close().await.expect("the connection closes");
    let url = cluster.admin.clone().database(&name).to_url_lossy().to_string();
    FreshDatabase { url, remove: (!cluster.throwaway).then(|| (cluster.admin.clone(), name)) }
}

impl FreshDatabase {
    /// `postgres://…`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let Some((admin, name)) = self.remove.take() else { return };
        // A runtime cannot be started inside another, so a thread of its own has it.
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut conn = admin.connect().await.map_err(std::io::Error::other)?;
                let sql = format!("drop database if exists {name} with (force)");
                conn.execute(AssertSqlSafe(sql)).await.map_err(std::io::Error::other).map(drop)
            })
        });
        // One that is left behind is the worst that happens, and a drop cannot fail.
        let _ = removal.join();
    }
}

impl Cluster {
    fn start() -> Self {
        if let Some(url) = environment("TEST_DATABASE_URL") {
            let admin = url.parse().expect("TEST_DATABASE_URL is an address such as postgres://user@host/database");
            return Self { admin, throwaway: false, _server: None };
        }
        let bin = programs();
        let dir = tempfile::Builder::new().prefix("plinth-pg-").tempdir().expect("a temporary folder").keep();
        let port = free_port();
        let owner = owner();
        if let Some((uid, gid)) = owner {
            chown(&dir, Some(uid), Some(gid)).expect("root gives the folder away");
        }
        init(&bin, &dir, owner);
        let server = serve(&bin, &dir, port, owner);
        let admin = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("plinth").database("postgres");
        let cluster = Self { admin, throwaway: true, _server: Some(server) };
        await_listener(port, &dir);
        cluster
    }

    /// Connects; a server that is starting refuses for a moment.
    async fn connect(&self) -> PgConnection {
        let start = Instant::now();
        loop {
            match self.admin.connect().await {
                Ok(conn) => return conn,
                Err(err) if start.elapsed() > START_LIMIT => panic!("PostgreSQL for the tests cannot be reached: {err}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

/// The folder with `initdb` and `postgres`: of the newest version Debian installed, or one on the PATH.
fn programs() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    versions.sort();
    let on_path = environment("PATH").unwrap_or_default();
    let found = versions.pop().map(|(_, bin)| bin).or_else(|| {
        let initdb = on_path.split(':').map(|folder| Path::new(folder).join("initdb")).find(|file| file.is_file())?;
        // Follows a link, since the server's program may not be beside it.
        Some(initdb.canonicalize().ok()?.parent()?.to_owned())
    });
    found.expect("PostgreSQL is installed (apt-get install postgresql), or TEST_DATABASE_URL is set")
}

/// Whom the server runs as: PostgreSQL refuses root.
fn owner() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
    let ids = |name: &str| {
        let mut fields = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("a user `postgres` or `nobody` exists"))
}

fn command(program: impl AsRef<std::ffi::OsStr>, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C.UTF-8");
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

fn init(bin: &Path, dir: &Path, owner: Option<(u32, u32)>) {
    let done = command(bin.join("initdb"), owner)
        .args(["--username=plinth", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "-D"])
        .arg(dir.join("data"))
        .output()
        .expect("initdb starts");
    assert!(done.status.success(), "initdb failed: {}", String::from_utf8_lossy(&done.stderr));
}

fn serve(bin: &Path, dir: &Path, port: u16, owner: Option<(u32, u32)>) -> Child {
    let mut server = command("/bin/sh", owner);
    server.args(["-c", UNTIL_STDIN_ENDS, "sh"]).arg(dir).arg(bin.join("postgres")).arg("-D").arg(dir.join("data"));
    server.arg("-k").arg(dir).args(["-p", &port.to_string()]);
    for setting in SETTINGS {
        server.args(["-c", setting]);
    }
    server.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sh starts")
}

fn await_listener(port: u16, dir: &Path) {
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(start.elapsed() < START_LIMIT, "PostgreSQL for the tests did not start:\n{}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}
