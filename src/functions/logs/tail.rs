//! Following the log live.
//!
//! One pump for the node reads what was written since it last looked and offers it to every follower; it runs only while somebody
//! follows. A follower has a bounded queue: what it does not take in time is dropped, the oldest first, and counted. What was
//! there before it came, it reads from the table itself, at its own pace.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, futures};

use super::entry::{Filter, LogEntry};
use crate::db::{self, Db};
use crate::functions::queries;

/// Lines, and bytes of them, that wait for one follower at the most.
const QUEUE_LINES: usize = 1000;
const QUEUE_BYTES: usize = 1024 * 1024;

/// How long lines are gathered before they are handed out, and how often other nodes' lines are looked for.
const GATHER: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(1);

/// Lines of one read of what was there before.
const PAGE: u32 = 200;

/// How often a follower to whom nothing is to be told is told that.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Who follows.
#[derive(Debug)]
pub(super) struct Tail {
    state: Mutex<State>,
    most: usize,
    /// Up to which line everything was handed out. Held while that goes on.
    cursor: tokio::sync::Mutex<i64>,
    followed: AtomicBool,
    logged: Notify,
}

#[derive(Debug, Default)]
struct State {
    listeners: Vec<Weak<Listener>>,
    /// Whether the pump runs.
    pumping: bool,
    ended: bool,
}

/// What waits for one follower.
#[derive(Debug)]
pub(super) struct Listener {
    filter: Filter,
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<LogEntry>,
    bytes: usize,
    missed: u64,
    ended: bool,
}

/// What a follower is told.
#[derive(Debug)]
pub(in crate::functions) enum Event {
    Line(LogEntry),
    /// So many lines came faster than they were taken, and are left out here.
    Missed(u64),
    /// Nothing was logged for a while.
    Nothing,
    /// The server stops.
    End,
}

/// One follower's view.
pub(in crate::functions) struct Follow {
    listener: Arc<Listener>,
    db: Db,
    filter: Filter,
    /// Lines up to this one were told; those up to `until` are read from the table.
    position: i64,
    until: i64,
    page: VecDeque<LogEntry>,
}

impl Tail {
    pub(super) fn new(most: usize) -> Self {
        let cursor = tokio::sync::Mutex::default();
        Self { state: Mutex::default(), most, cursor, followed: AtomicBool::new(false), logged: Notify::new() }
    }

    /// Up to which line everything was handed out.
    pub(super) async fn cursor(&self) -> tokio::sync::MutexGuard<'_, i64> {
        self.cursor.lock().await
    }

    /// Says that something was logged.
    pub(super) fn wake(&self) {
        if self.followed.load(Ordering::Relaxed) {
            self.logged.notify_one();
        }
    }

    /// Waits until there may be something to hand out.
    pub(super) async fn woken(&self) {
        let _ = tokio::time::timeout(LOOK, self.next_log()).await;
        // What comes meanwhile goes along.
        tokio::time::sleep(GATHER).await;
    }

    fn next_log(&self) -> futures::Notified<'_> {
        self.logged.notified()
    }

    /// Whether the pump runs, so that the cursor is kept up to date.
    pub(super) fn is_followed(&self) -> bool {
        self.followed.load(Ordering::SeqCst)
    }

    /// Adds a follower, and says whether the pump must be started; `None` when there are as many as may be.
    pub(super) fn listen(&self, filter: Filter) -> Option<(Arc<Listener>, bool)> {
        let mut state = self.state();
        state.listeners.retain(|listener| listener.strong_count() > 0);
        if state.listeners.len() >= self.most {
            return None;
        }
        let queue = Queue { ended: state.ended, ..Queue::default() };
        let listener = Arc::new(Listener { filter, queue: Mutex::new(queue), changed: Notify::new() });
        state.listeners.push(Arc::downgrade(&listener));
        self.followed.store(true, Ordering::SeqCst);
        Some((listener, !std::mem::replace(&mut state.pumping, true)))
    }

    /// Whether anybody is left; if not, the pump ends.
    pub(super) fn goes_on(&self) -> bool {
        let mut state = self.state();
        state.listeners.retain(|listener| listener.strong_count() > 0);
        if state.listeners.is_empty() {
            state.pumping = false;
            self.followed.store(false, Ordering::SeqCst);
        }
        state.pumping
    }

    /// Hands lines to who wants them.
    pub(super) fn offer(&self, lines: Vec<LogEntry>) {
        let listeners: Vec<_> = self.state().listeners.iter().filter_map(Weak::upgrade).collect();
        for listener in &listeners {
            listener.offer(&lines);
        }
    }

    /// Ends every follower, those to come too.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        for listener in state.listeners.iter().filter_map(Weak::upgrade) {
            listener.queue().ended = true;
            listener.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    fn offer(&self, lines: &[LogEntry]) {
        let mut queue = self.queue();
        let before = queue.lines.len();
        for line in lines.iter().filter(|line| self.filter.matches(line)) {
            queue.bytes += line.text.len();
            queue.lines.push_back(line.clone());
        }
        let is_new = queue.lines.len() > before;
        while queue.lines.len() > QUEUE_LINES || queue.bytes > QUEUE_BYTES {
            let Some(oldest) = queue.lines.pop_front() else { break };
            queue.bytes -= oldest.text.len();
            queue.missed += 1;
        }
        drop(queue);
        if is_new {
            self.changed.notify_one();
        }
    }

    /// What is to be told next, if anything is.
    fn take(&self) -> Option<Event> {
        let mut queue = self.queue();
        if queue.missed > 0 {
            return Some(Event::Missed(std::mem::take(&mut queue.missed)));
        }
        if let Some(line) = queue.lines.pop_front() {
            queue.bytes -= line.text.len();
            return Some(Event::Line(line));
        }
        queue.ended.then_some(Event::End)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follow {
    pub(super) fn new(listener: Arc<Listener>, db: Db, filter: Filter, position: i64, until: i64) -> Self {
        Self { listener, db, filter, position, until, page: VecDeque::new() }
    }

    /// The next thing to tell; waits for one, and no longer than the peace may last.
    ///
    /// # Errors
    /// When the lines that were there before cannot be read.
    pub(in crate::functions) async fn next(&mut self) -> db::Result<Event> {
        if self.page.is_empty() && self.position < self.until {
            let range = (self.position, self.until);
            let read = queries::logs::after(&mut self.db.read().await?, &self.filter, range, PAGE).await?;
            self.position = read.last().map_or(self.until, |last| last.id);
            self.page = read.into();
        }
        if let Some(line) = self.page.pop_front() {
            return Ok(Event::Line(line));
        }
        loop {
            if let Some(event) = self.listener.take() {
                return Ok(event);
            }
            if tokio::time::timeout(KEEP_ALIVE, self.listener.changed.notified()).await.is_err() {
                return Ok(Event::Nothing);
            }
        }
    }
}
