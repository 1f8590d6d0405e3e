//! The pools, and how an operation is run, and run again, on one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, PgPool};
use tokio::runtime;

use super::listener::Listener;
use super::session::Session;
use crate::db::BoxFuture;
use crate::db::conn::{Conn, Link, Tx};
use crate::db::dialect::Dialect;
use crate::db::error::{Error, Result, Trouble};

/// Pools at the most; runtimes come and go only in tests.
const POOLS: usize = 256;

/// How often an operation is run again before it gives up.
const RERUNS: u32 = 20;

/// From this rerun on, the operations of this process wait for each other: some of them then always get through.
const ONE_AT_A_TIME: u32 = 3;

/// A connection that was idle for longer is tried before it is used.
const TRUSTED: Duration = Duration::from_secs(10);

/// A statement whose connection was closed is given up within so long. (PostgreSQL has that setting from version 14 on.)
const GIVE_UP: &str = "select set_config(name, '500ms', false) from pg_settings where name = 'client_connection_check_interval'";

/// How much longer than its statements an operation with a limit of its own may run.
const GRACE: Duration = Duration::from_secs(5);

/// Statements each connection keeps prepared.
const PREPARED: usize = 512;

pub(in crate::db) struct Pools {
    options: PgConnectOptions,
    connections: u32,
    timeout: Duration,
    /// With the moment each was made: the oldest goes first when there are too many.
    by_runtime: Mutex<HashMap<runtime::Id, (Instant, PgPool)>>,
    lane: tokio::sync::Mutex<()>,
}

/// What became of one run of an operation.
enum Run<T, E> {
    Done(Result<T, E>),
    Again,
}

impl Pools {
    /// Reads the address and makes one connection, so that what is wrong is known at once.
    pub(in crate::db) async fn open(url: &str, connections: u32, timeout: Duration) -> Result<Self> {
        let options: PgConnectOptions = url.parse().map_err(|err| Error::open("the PostgreSQL database", &err))?;
        let options = options.application_name("plinth").statement_cache_capacity(PREPARED).disable_statement_logging();
        let pools = Self { options, connections, timeout, by_runtime: Mutex::default(), lane: tokio::sync::Mutex::default() };
        let conn = pools.alone().await?;
        let _ = sqlx::Connection::close(conn).await;
        Ok(pools)
    }

    /// A connection outside the pools and without a time limit for statements.
    pub(in crate::db) async fn alone(&self) -> Result<PgConnection> {
        let port = self.options.get_port();
        let what = format!("the PostgreSQL database at {}:{port}", self.options.get_host());
        match tokio::time::timeout(self.timeout, self.options.connect()).await {
            Ok(Ok(conn)) => Ok(conn),
            Ok(Err(err)) => Err(Error::open(what, &err)),
            Err(_) => Err(Error::open(what, &"it did not answer in time")),
        }
    }

    pub(in crate::db) async fn read(&self) -> Result<Conn> {
        self.session().await.map(|session| Conn::new(Link::Postgres(session)))
    }

    /// `limit`: how long the operation's statements may run; as any other's unless said.
    pub(in crate::db) async fn write<T, E, F>(&self, limit: Option<Duration>, mut op: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> FnMut(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    {
        let until = tokio::time::Instant::now() + limit.map_or(self.timeout, |limit| limit + GRACE);
        for rerun in 0..=RERUNS {
            let _turn = if rerun >= ONE_AT_A_TIME { Some(self.lane.lock().await) } else { None };
            match tokio::time::timeout_at(until, self.run(limit, &mut op)).await {
                Ok(Ok(Run::Done(result))) => return result,
                Ok(Ok(Run::Again)) => {}
                Ok(Err(err)) => return Err(err.into()),
                Err(_) => return Err(Error::Busy("the operation took too long".to_owned()).into()),
            }
            counter!("plinth_db_reruns_total").increment(1);
            tokio::time::sleep(pause(rerun)).await;
        }
        Err(Error::Busy("other writes touch the same rows".to_owned()).into())
    }

    /// Runs an operation once. Dropped in the middle, it is rolled back.
    async fn run<T, E, F>(&self, limit: Option<Duration>, op: &mut F) -> Result<Run<T, E>>
    where
        E: From<Error>,
        F: for<'a> FnMut(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send,
    {
        let mut session = self.session().await?;
        if let Err(err) = session.begin(Dialect::Postgres.begin()).await {
            // The server was restarted since the connection was used last; nothing was done yet.
            return if matches!(err, sqlx::Error::Io(_)) { Ok(Run::Again) } else { Err(err.into()) };
        }
        if let Some(limit) = limit {
            session.script(&longer(limit)).await?;
        }
        let mut tx = Tx::new(Link::Postgres(session));
        tx.hold_to(limit.map(|limit| tokio::time::Instant::now() + limit));
        let result = tx.run_caught(op).await;
        let again = tx.trouble() == Some(Trouble::Retry);
        let Some(session) = tx.session() else { return Err(Error::Unavailable("it is closed".to_owned())) };
        if again || result.is_err() {
            // A statement that was left in the middle would be waited for: the connection is closed instead. When the rollback fails
            // it is too, and PostgreSQL rolls back.
            if !session.is_running() {
                let _ = session.end("rollback").await;
            }
            return Ok(if again { Run::Again } else { Run::Done(result) });
        }
        let started = Instant::now();
        match session.end("commit").await {
            Ok(()) => {
                histogram!("plinth_db_commit_duration_seconds", "database" => "postgres").record(started.elapsed());
                Ok(Run::Done(result))
            }
            Err(err) if Trouble::of_sqlx(&err) == Trouble::Retry => Ok(Run::Again),
            Err(err) => Ok(Run::Done(Err(Error::from(err).into()))),
        }
    }

    /// Listens on a connection of its own.
    pub(in crate::db) async fn listen(&self, channel: &'static str) -> Result<Listener> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.timeout)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(self.options.clone());
        Listener::open(pool, channel).await
    }

    async fn session(&self) -> Result<Session> {
        Ok(Session::new(self.pool().acquire().await?))
    }

    /// This runtime's pool.
    fn pool(&self) -> PgPool {
        let mut pools = self.by_runtime.lock().unwrap_or_else(PoisonError::into_inner);
        let id = runtime::Handle::current().id();
        if let Some((_, pool)) = pools.get(&id) {
            return pool.clone();
        }
        if pools.len() >= POOLS
            && let Some(oldest) = pools.iter().min_by_key(|(_, (made, _))| *made).map(|(id, _)| *id)
        {
            pools.remove(&oldest);
        }
        let pool = self.new_pool();
        pools.insert(id, (Instant::now(), pool.clone()));
        pool
    }

    fn new_pool(&self) -> PgPool {
        let limit = self.timeout.as_millis();
        let settings = format!(
            "set statement_timeout = {limit}; set lock_timeout = {limit}; set idle_in_transaction_session_timeout = {}; {GIVE_UP}",
            limit * 2
        );
        PgPoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(self.timeout)
            .test_before_acquire(false)
            .before_acquire(|conn, meta| {
                Box::pin(async move {
                    if meta.idle_for > TRUSTED {
                        sqlx::Connection::ping(conn).await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(move |conn, _| {
                let settings = settings.clone();
                Box::pin(async move { conn.execute(AssertSqlSafe(settings)).await.map(drop) })
            })
            .connect_lazy_with(self.options.clone())
    }

    /// Closes every pool; connections in use are closed when they come back.
    pub(in crate::db) async fn close(&self) {
        let pools = std::mem::take(&mut *self.by_runtime.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, pool) in pools.into_values() {
            // A pool whose runtime has ended cannot say goodbye.
            let _ = tokio::time::timeout(Duration::from_secs(1), pool.close()).await;
        }
    }
}

/// Gives a transaction's statements so long. The server's own deadline is to be the first to end one.
fn longer(limit: Duration) -> String {
    let millis = (limit + GRACE).as_millis();
    format!("set local statement_timeout = {millis}; set local idle_in_transaction_session_timeout = {millis}")
}

/// Between 0 and 2, 4, 8… milliseconds, at most 64, by chance: those that collided must not do so again.
fn pause(rerun: u32) -> Duration {
    let most = 2_000_u64 << rerun.min(5);
    let chance = uuid::Uuid::new_v4().as_u64_pair().0;
    Duration::from_micros(chance % most)
}
