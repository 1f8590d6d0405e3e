//! The log itself: buffers in, table out, followers on the way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::buffer::Buffer;
use super::entry::{Filter, LogEntry};
use super::tail::{Follow, Tail};
use crate::db::Db;
use crate::functions::error::Result;
use crate::functions::queries;
use crate::tasks::Tasks;
use crate::types::{Clock, FunctionId};

/// How often buffers are written out.
const FLUSH_EVERY: Duration = Duration::from_secs(2);

/// The functions' log. Cheap to clone.
#[derive(Clone)]
pub(in crate::functions) struct Logs(Arc<Shared>);

struct Shared {
    buffers: Mutex<HashMap<FunctionId, Arc<Buffer>>>,
    db: Db,
    clock: Clock,
    tasks: Tasks,
    /// Lines kept for each function.
    keep: u64,
    /// A buffer is getting full.
    hurry: Arc<Notify>,
    tail: Arc<Tail>,
}

impl Logs {
    /// Starts the writer. It ends at the soft stop; [`Logs::flush_all`] then writes what came after.
    pub(in crate::functions) fn start(db: Db, clock: Clock, keep: u64, followers: usize, tasks: &Tasks) -> Self {
        let (hurry, tail) = (Arc::default(), Arc::new(Tail::new(followers)));
        let logs = Self(Arc::new(Shared { buffers: Mutex::default(), db, clock, tasks: tasks.clone(), keep, hurry, tail }));
        let (writer, stop) = (logs.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            while !stop.is_stopping() {
                tokio::select! {
                    () = tokio::time::sleep(FLUSH_EVERY) => {}
                    () = writer.0.hurry.notified() => {}
                    () = stop.soft_stopped() => {}
                }
                writer.flush_all().await;
            }
        }));
        logs
    }

    /// The buffer of a function.
    pub(in crate::functions) fn buffer(&self, function: FunctionId) -> Arc<Buffer> {
        let mut buffers = self.0.buffers();
        let buffer = buffers.entry(function).or_insert_with(|| {
            Arc::new(Buffer::new(
                function,
                self.0.clock.clone(),
                self.0.keep,
                Arc::clone(&self.0.hurry),
                Arc::clone(&self.0.tail),
            ))
        });
        Arc::clone(buffer)
    }

    /// The newest lines that match, in order, with all that was logged until now.
    pub(in crate::functions) async fn read(&self, filter: &Filter, limit: u32) -> Result<Vec<LogEntry>> {
        self.flush_apart(filter.function).await;
        let mut lines = {
            let mut conn = self.0.db.read().await?;
            queries::logs::find(&mut conn, filter, limit).await?
        };
        lines.extend(self.unwritten(filter).await);
        let surplus = lines.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        lines.drain(..surplus);
        Ok(lines)
    }

    /// Follows the lines that match: those after the one with the id `after`; without it those that `filter.since` asks for and are
    /// there already, and then what is logged from now on. `None` when as many follow as may.
    pub(in crate::functions) async fn follow(&self, filter: Filter, after: Option<i64>) -> Result<Option<Follow>> {
        let mut cursor = self.0.tail.cursor().await;
        self.flush_apart(filter.function).await;
        if !self.0.tail.is_followed() {
            *cursor = queries::logs::newest(&mut self.0.db.read().await?).await?;
        }
        let Some((listener, is_first)) = self.0.tail.listen(filter.clone()) else { return Ok(None) };
        let until = *cursor;
        drop(cursor);
        if is_first {
            let logs = self.clone();
            drop(self.0.tasks.spawn(async move { logs.pump().await }));
        }
        let position = after.unwrap_or(if filter.since.is_some() { 0 } else { until });
        Ok(Some(Follow::new(listener, self.0.db.clone(), filter, position, until)))
    }

    /// Hands what is written to the followers, as long as there are any.
    async fn pump(&self) {
        let (tail, stop) = (&self.0.tail, &self.0.tasks);
        loop {
            tokio::select! {
                () = tail.woken() => {}
                () = stop.soft_stopped() => return tail.end(),
            }
            let mut cursor = tail.cursor().await;
            if !tail.goes_on() {
                return;
            }
            self.flush_all().await;
            if let Err(err) = self.hand_out(&mut cursor).await {
                tracing::warn!(error = %err, "who follows the functions' log waits: {err}");
            }
        }
    }

    async fn hand_out(&self, cursor: &mut i64) -> Result<()> {
        const PAGE: u32 = 500;
        loop {
            let lines = queries::logs::after(&mut self.0.db.read().await?, &Filter::default(), (*cursor, i64::MAX), PAGE).await?;
            let Some(last) = lines.last() else { return Ok(()) };
            *cursor = last.id;
            self.0.tail.offer(lines);
        }
    }

    /// Removes all lines of a function.
    pub(in crate::functions) async fn forget(&self, function: FunctionId) -> Result<()> {
        self.0.buffers().remove(&function);
        self.0.db.write(move |tx| Box::pin(async move { queries::logs::delete(tx, function).await })).await?;
        Ok(())
    }

    /// Writes out every buffer.
    pub(in crate::functions) async fn flush_all(&self) {
        for buffer in self.some_buffers(None) {
            self.flush(&buffer).await;
        }
    }

    /// Writes out a function's buffer, or all, to the end even when the caller goes away.
    async fn flush_apart(&self, function: Option<FunctionId>) {
        let (logs, buffers) = (self.clone(), self.some_buffers(function));
        let flushed = self.0.tasks.spawn(async move {
            for buffer in buffers {
                logs.flush(&buffer).await;
            }
        });
        // Cut short only by the end of the server.
        let _ = flushed.await;
    }

    fn some_buffers(&self, function: Option<FunctionId>) -> Vec<Arc<Buffer>> {
        let buffers = self.0.buffers();
        match function {
            Some(function) => buffers.get(&function).cloned().into_iter().collect(),
            None => buffers.values().cloned().collect(),
        }
    }

    async fn flush(&self, buffer: &Buffer) {
        let mut unwritten = buffer.unwritten.lock().await;
        buffer.take_into(&mut unwritten);
        if unwritten.is_empty() {
            return;
        }
        let (function, keep) = (buffer.function, self.0.keep);
        let lines = Arc::new(std::mem::take(&mut *unwritten));
        let kept = Arc::clone(&lines);
        let written = self.0.db.write(move |tx| {
            let lines = Arc::clone(&lines);
            Box::pin(async move {
                queries::logs::insert(tx, function, &lines).await?;
                queries::logs::prune(tx, function, keep).await
            })
        });
        if let Err(err) = written.await {
            tracing::error!(function_id = %function, "a function's log lines wait to be written: {err}");
            *unwritten = Arc::unwrap_or_clone(kept);
        }
    }

    /// Lines that match and could not be written, in order.
    async fn unwritten(&self, filter: &Filter) -> Vec<LogEntry> {
        let mut lines = Vec::new();
        for buffer in self.some_buffers(filter.function) {
            let unwritten = buffer.unwritten.lock().await;
            lines.extend(unwritten.iter().filter(|line| filter.matches(line)).cloned());
        }
        lines.sort_by_key(|line| line.at);
        lines
    }
}

impl Shared {
    fn buffers(&self) -> MutexGuard<'_, HashMap<FunctionId, Arc<Buffer>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
