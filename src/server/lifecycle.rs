//! Runs the server until a signal says otherwise, and stops it in order.
//!
//! ```text
//! bind -> open -> serve -> first SIGTERM or SIGINT: take no new work, finish what is under way
//!                          SIGHUP: take another configuration
//!                          second signal, or the time is over: end everything at once
//! ```

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, HttpServer};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::app::{App, OpenError};
use super::edge::{Connection, Shared};
use super::listen::{self, Listeners};
use super::middleware::{self, Observer};
use super::routes;
use crate::api::PublicUrl;
use crate::config::{Config, Loaded};
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

/// The file in the data folder that says where a running server listens.
const URL_FILE: &str = "url";

/// How long a TLS handshake may take.
const TLS_HANDSHAKE: Duration = Duration::from_secs(10);

/// Why the server did not run, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The address is taken, or is not this machine's.
    #[error("cannot listen on {address}: {source}; give another address with --listen (port 0 picks a free port)")]
    Listen { address: SocketAddr, source: io::Error },
    /// A part did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The machine refused threads, signals or sockets.
    #[error("the server cannot run: {0}")]
    Io(#[from] io::Error),
    /// The metrics recorder is there already.
    #[error("metrics cannot be kept: {0}")]
    Metrics(String),
}

/// Runs the server; returns when it was stopped. `announce` is told the address once requests are taken.
///
/// # Errors
/// [`RunError`] when it cannot start, or its sockets fail.
pub fn run(loaded: Loaded, announce: impl FnOnce(&str)) -> Result<(), RunError> {
    let (listeners, bound) = listen::bind(&loaded.config)?;
    listen::raise_open_files();
    let public_url = PublicUrl(public_url(&loaded.config, bound.main).into());
    let core = tokio::runtime::Builder::new_multi_thread().thread_name("plinth-core").enable_all().build()?;
    let tasks = Tasks::new(core.handle().clone());
    let metrics = Metrics::install().map_err(|err| RunError::Metrics(err.to_string()))?;
    let app = core.block_on(App::open(loaded, tasks, metrics, public_url, bound))?;

    let result = actix_web::rt::System::new().block_on(serve(&app, listeners, announce));
    core.block_on(close(&app));
    core.shutdown_timeout(Duration::from_secs(1));
    result
}

/// The address clients use: the configured one, or the listener's with a name that a client on this machine can reach.
#[must_use]
pub fn public_url(config: &Config, address: SocketAddr) -> String {
    config.server.public_url.clone().unwrap_or_else(|| {
        let ip = address.ip();
        match (ip.is_unspecified(), ip.is_ipv6()) {
            (true, true) => format!("http://[::1]:{}", address.port()),
            (true, false) => format!("http://127.0.0.1:{}", address.port()),
            (false, _) => format!("http://{address}"),
        }
    })
}

async fn serve(app: &App, listeners: Listeners, announce: impl FnOnce(&str)) -> Result<(), RunError> {
    let config = app.config.clone();
    let bound = app.live.bound();
    let mounted = app.clone();
    let shared = Shared::new(config.edge.keep_alive + config.edge.head_timeout, app.tasks.clone());
    let mut server = HttpServer::new(move || {
        let app = mounted.clone();
        let observer = Observer::new(Arc::clone(&app.live));
        let front = app.front.clone();
        ActixApp::new()
            .configure(move |mounts| routes::mount(mounts, &app))
            .wrap(from_fn(move |request, next| middleware::front_first(front.clone(), request, next)))
            .wrap(from_fn(move |request, next| middleware::observe(Rc::clone(&observer), request, next)))
    })
    .workers(config.server.workers)
    .max_connections(config.edge.max_connections)
    .keep_alive(config.edge.keep_alive)
    .client_request_timeout(config.edge.head_timeout)
    .tls_handshake_timeout(TLS_HANDSHAKE)
    .client_disconnect_timeout(Duration::from_secs(5))
    // A client that closes its end has gone away, which a stream that has nothing to say would not notice otherwise: what it closes with
    // looks the same as if it only sent no more, and no client of ours does that.
    .h1_allow_half_closed(false)
    .shutdown_timeout(config.server.shutdown_timeout.as_secs())
    .disable_signals()
    .on_connect(move |stream, extensions| Connection::accepted(&shared, stream, extensions))
    .listen(listeners.main)?
    .listen_uds(app.private.listener()?)?;
    for (socket, listener) in listeners.others.into_iter().zip(&bound.others) {
        server = match listener.tls {
            true => server.listen_rustls_0_23(socket, app.certificates.server_config().map_err(io::Error::other)?)?,
            false => server.listen(socket)?,
        };
        let (address, scheme) = (listener.address, if listener.tls { "https" } else { "http" });
        tracing::info!(%address, "listening on {scheme}://{address}, too");
    }
    let server = server.run();
    actix_web::rt::spawn(stop_on_signal(app.clone(), server.handle(), Signals::install()?));
    actix_web::rt::spawn(reload_on_signal(app.clone(), signal(SignalKind::hangup())?));
    let address = bound.main;
    remember_url(&config.server.data, Some((address, &app.public_url.0)));
    tracing::info!(%address, url = %app.public_url.0, workers = config.server.workers, "listening on {}", app.public_url.0);
    announce(&app.public_url.0);
    // Dropping the server's future ends its threads where they are.
    let result = tokio::select! {
        result = server => result,
        () = app.tasks.hard_stopped() => Ok(()),
    };
    remember_url(&config.server.data, None);
    result.map_err(RunError::from)
}

/// Each SIGHUP reloads; one that comes meanwhile is another, after it.
async fn reload_on_signal(app: App, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        // What came of it is in the log.
        drop(Arc::clone(&app.reloader).reload("SIGHUP").await);
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> io::Result<Self> {
        // Where a limit is set on the size of files, a write beyond it is to fail as on a full disk, not to end the server.
        drop(signal(SignalKind::from_raw(libc::SIGXFSZ))?);
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The first signal drains, the second ends everything at once.
async fn stop_on_signal(app: App, server: ServerHandle, mut signals: Signals) {
    let name = signals.next().await;
    let patience = app.config.server.shutdown_timeout;
    tracing::info!(signal = name, "stopping: requests under way may take {patience:?} more; another signal ends them at once");
    app.tasks.begin_stop();
    let graceful = server.stop(true);
    tokio::select! {
        () = graceful => {}
        name = signals.next() => {
            tracing::warn!(signal = name, "stopping at once");
            app.tasks.stop_now();
        }
    }
}

/// Closes the parts in the reverse order of their opening. When everything is to end at once there is nothing to wait for: what was
/// acknowledged is on the disk, and the workers die with their server.
async fn close(app: &App) {
    if app.tasks.is_ending() {
        return;
    }
    let patience = Duration::from_secs(5);
    if tokio::time::timeout(patience, app.functions.close()).await.is_err() {
        tracing::warn!("calls were ended where they were: they outlived the requests that made them");
    }
    app.functions.write_usage().await;
    app.tasks.stop(patience).await;
    app.databases.close().await;
    tracing::info!("stopped");
}

/// Writes where the server listens into the data folder, for `plinth keys`: the listener's address, then the clients' one. `None`
/// removes it.
fn remember_url(data: &Path, addresses: Option<(SocketAddr, &str)>) {
    let file = data.join(URL_FILE);
    let done = match addresses {
        Some((listener, url)) => std::fs::write(&file, format!("{listener}\n{url}\n")),
        None => std::fs::remove_file(&file),
    };
    if let Err(err) = done {
        tracing::warn!(error = %err, "the file {} is not up to date: {err}", file.display());
    }
}

/// The address at which clients reach the server that runs on this data folder; `None` when none runs.
#[must_use]
pub fn running_url(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(data.join(URL_FILE)).ok()?;
    let (listener, url) = text.trim().split_once('\n')?;
    TcpStream::connect_timeout(&listener.parse().ok()?, Duration::from_millis(300)).ok()?;
    Some(url.to_owned())
}
