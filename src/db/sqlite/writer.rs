//! The queue of operations and the task that works it off.
//!
//! There is no permanent task: the first operation in an empty queue starts one, in a thread that is there to wait, and it ends with the
//! queue. So a stop waits for nothing but what is under way.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::gauge;
use tokio::sync::{Mutex, MutexGuard, mpsc};
use tokio::time::Instant;

use super::job::Job;
use super::{Handle, Settings, wal};
use crate::db::conn::{Conn, Link, Tx};
use crate::db::error::{Error, Result};
use crate::tasks::Tasks;

/// Operations that may wait; beyond it a caller waits for a place.
const QUEUE: usize = 4096;

pub(super) struct Writer {
    settings: Settings,
    queue: mpsc::Sender<Box<dyn Job>>,
    /// Whether a task is working the queue off.
    working: AtomicBool,
    state: Mutex<State>,
    tasks: Tasks,
}

/// What the task that works owns.
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) queue: mpsc::Receiver<Box<dyn Job>>,
    /// An operation that was taken from the queue, and waits for the transaction before it to end.
    pub(super) held: Option<Box<dyn Job>>,
    /// `None` after the connection broke, or while it is lent, or once it is closed.
    pub(super) tx: Option<Tx>,
    /// Whether a transaction was begun and its end was not seen.
    pub(super) dirty: bool,
    closed: bool,
}

impl Writer {
    pub(super) fn start(settings: Settings, first: Handle, tasks: &Tasks) -> Arc<Self> {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let tx = Some(Tx::new(Link::SqliteWriter(first)));
        let state = State { settings: settings.clone(), queue: receiver, held: None, tx, dirty: false, closed: false };
        let writer =
            Arc::new(Self { settings, queue, working: AtomicBool::new(false), state: Mutex::new(state), tasks: tasks.clone() });
        wal::watch(&writer, tasks);
        writer
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    pub(super) const fn name(&self) -> &'static str {
        self.settings.name
    }

    pub(super) fn wal(&self) -> PathBuf {
        self.settings.wal()
    }

    /// Puts an operation into the queue and sees to it that somebody works.
    pub(super) async fn submit(self: &Arc<Self>, job: Box<dyn Job>) -> Result<()> {
        let place = tokio::time::timeout(self.settings.timeout, self.queue.reserve())
            .await
            .map_err(|_| Error::Busy("too many writes are waiting".to_owned()))?
            .map_err(|_| Error::Unavailable("it is closed".to_owned()))?;
        place.send(job);
        if !self.working.swap(true, Ordering::SeqCst) {
            let writer = Arc::clone(self);
            self.tasks.spawn_waiting(async move { writer.work().await });
        }
        Ok(())
    }

    async fn work(self: Arc<Self>) {
        // Dropped wherever this task is dropped, or ends.
        let at_work = AtWork(&self.working);
        let mut state = self.state.lock().await;
        loop {
            while state.batch().await {
                self.measure();
            }
            at_work.rest();
            // An operation that came between the last look and the rest would wait for nobody.
            if state.queue.is_empty() || self.working.swap(true, Ordering::SeqCst) {
                self.measure();
                return;
            }
        }
    }

    fn measure(&self) {
        let waiting = self.queue.max_capacity() - self.queue.capacity();
        #[expect(clippy::cast_precision_loss, reason = "at most QUEUE")]
        gauge!("plinth_db_write_queue", "database" => self.name()).set(waiting as f64);
    }

    /// The connection, with nobody else writing meanwhile.
    pub(super) async fn exclusive(&self) -> Result<Exclusive<'_>> {
        let mut state = self.state.lock().await;
        state.ready().await?;
        let Some(Link::SqliteWriter(handle)) = state.tx.take().map(Tx::into_link) else {
            return Err(Error::Unavailable("it is closed".to_owned()));
        };
        // Until it is given back, nobody can say how it was left.
        state.dirty = true;
        Ok(Exclusive { conn: Some(Conn::new(Link::SqliteWriter(handle))), state })
    }

    /// Writes the log back into the database and cuts it, unless somebody writes or reads old rows just now.
    pub(super) async fn truncate_wal(&self) {
        let Ok(mut state) = self.state.try_lock() else { return };
        let limit = state.settings.timeout.as_millis();
        let Ok(tx) = state.ready().await else { return };
        // A reader of an old state would hold it up; the writers behind must not wait for that.
        let wait = format!("pragma busy_timeout = 100; pragma wal_checkpoint(truncate); pragma busy_timeout = {limit}");
        if let Err(error) = tx.script(&wait).await {
            tracing::debug!(%error, "the write-ahead log was not cut");
        }
    }

    /// Works the queue off, then closes the connection; SQLite writes its log back.
    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        state.queue.close();
        while state.batch().await {}
        state.closed = true;
        if let Some(Link::SqliteWriter(handle)) = state.tx.take().map(Tx::into_link) {
            handle.close().await;
        }
    }
}

/// Says that nobody works any more.
struct AtWork<'a>(&'a AtomicBool);

impl AtWork<'_> {
    fn rest(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.rest();
    }
}

impl State {
    /// The next operation that still matters; those that do not are answered.
    pub(super) fn next(&mut self) -> Option<Box<dyn Job>> {
        let now = Instant::now();
        while let Some(job) = self.held.take().or_else(|| self.queue.try_recv().ok()) {
            if !job.is_stale(now) {
                return Some(job);
            }
            job.finish(Ok(()));
        }
        None
    }

    /// The connection outside any transaction; opened anew when it broke.
    pub(super) async fn ready(&mut self) -> Result<&mut Tx> {
        if self.closed {
            return Err(Error::Unavailable("it is closed".to_owned()));
        }
        if self.tx.as_mut().and_then(Tx::sqlite).is_some_and(|handle| handle.is_broken()) {
            self.tx = None;
        }
        if let Some(handle) = self.tx.as_mut().and_then(Tx::sqlite)
            && self.dirty
        {
            handle.settle().await?;
            handle.before_next(None);
            // Fails where SQLite has rolled back already.
            let _ = handle.control("rollback").await;
        }
        if self.tx.is_none() {
            self.tx = Some(Tx::new(Link::SqliteWriter(self.settings.connect(false).await?)));
        }
        self.dirty = false;
        self.tx.as_mut().ok_or_else(|| Error::Unavailable("it is closed".to_owned()))
    }
}

/// The writer's connection, lent; see [`Writer::exclusive`].
pub(in crate::db) struct Exclusive<'a> {
    conn: Option<Conn>,
    state: MutexGuard<'a, State>,
}

impl Exclusive<'_> {
    pub(in crate::db) const fn conn(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("it is there until it is given back")
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        self.state.tx = self.conn.take().map(|conn| Tx::new(conn.into_link()));
    }
}
