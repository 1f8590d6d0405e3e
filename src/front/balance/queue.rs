//! Requests that wait for a place at a server, in the order they came.
//!
//! Whoever frees a place looks for the first who waits and takes the place for it, so nobody overtakes. A waiter that goes away leaves
//! the queue; what was given to it in the same moment goes back.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::backend::BackendId;
use super::lock;
use super::pick::{Ask, Pick};

#[derive(Debug, Default)]
pub(super) struct Queue {
    line: Mutex<VecDeque<Waiter>>,
    /// The length of the line, to be read without its lock.
    waiting: AtomicUsize,
    tickets: AtomicU64,
}

/// One who waits.
#[derive(Debug)]
struct Waiter {
    ticket: u64,
    ask: OwnAsk,
    grant: oneshot::Sender<Pick>,
}

/// What a waiter asks for.
#[derive(Debug)]
struct OwnAsk {
    key: Option<String>,
    cookie: Option<String>,
    tried: Vec<BackendId>,
}

/// A place in the line, which is left when this is dropped.
pub(super) struct Place<'q> {
    queue: &'q Queue,
    ticket: u64,
}

/// What can be done for a waiter.
pub(super) enum Served {
    Picked(Pick),
    /// Every server it may have is full.
    Waits,
    /// There is none it may have.
    Nobody,
}

impl Queue {
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Stands in line; `None` when `length` wait already. Who has joined must have the queue served, since a place may have become free
    /// in the moment before.
    pub(super) fn join(&self, ask: &Ask<'_>, length: usize) -> Option<(Place<'_>, oneshot::Receiver<Pick>)> {
        let (grant, granted) = oneshot::channel();
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let ask = OwnAsk { key: ask.key.map(str::to_owned), cookie: ask.cookie.map(str::to_owned), tried: ask.tried.to_owned() };
        let mut line = lock(&self.line);
        if line.len() >= length {
            return None;
        }
        line.push_back(Waiter { ticket, ask, grant });
        self.waiting.store(line.len(), Ordering::SeqCst);
        drop(line);
        Some((Place { queue: self, ticket }, granted))
    }

    /// Serves those who wait, from the first on, until one has to wait on.
    pub(super) fn serve(&self, mut choose: impl FnMut(&Ask<'_>) -> Served) {
        if self.waiting() == 0 {
            return;
        }
        // Dropped when the line is free again: a pick that is given back serves the queue.
        let mut returned = Vec::new();
        let mut line = lock(&self.line);
        let mut at = 0;
        while let Some(waiter) = line.get(at) {
            if waiter.grant.is_closed() {
                line.remove(at);
                continue;
            }
            let OwnAsk { key, cookie, tried } = &waiter.ask;
            match choose(&Ask { key: key.as_deref(), cookie: cookie.as_deref(), tried }) {
                Served::Picked(pick) => {
                    if let Some(waiter) = line.remove(at) {
                        returned.extend(waiter.grant.send(pick).err());
                    }
                }
                // Its end of the channel is dropped, which tells it.
                Served::Nobody => drop(line.remove(at)),
                // Who was refused by some servers waits for the others; those behind may have any.
                Served::Waits if !tried.is_empty() => at += 1,
                Served::Waits => break,
            }
        }
        self.waiting.store(line.len(), Ordering::SeqCst);
        drop(line);
        drop(returned);
    }

    fn leave(&self, ticket: u64) {
        let mut line = lock(&self.line);
        if let Some(at) = line.iter().position(|waiter| waiter.ticket == ticket) {
            line.remove(at);
            self.waiting.store(line.len(), Ordering::SeqCst);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.leave(self.ticket);
    }
}
