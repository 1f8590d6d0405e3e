//! The verbs of queues.

mod messages;
mod queues;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub use self::messages::{Receive, keep};
use super::error::{Error, Result};
use super::model::{Queue, QueueName};
use super::queries;
use crate::db::Db;
use crate::tasks::Tasks;
use crate::types::Clock;

/// How often expired messages are removed.
const EXPIRE_EVERY: Duration = Duration::from_mins(1);

/// How many of these are removed in one transaction.
const EXPIRE: u32 = 1000;

/// Keeps queues. Cheap to clone.
#[derive(Clone)]
pub struct QueuesService(Arc<Inner>);

struct Inner {
    /// The system database.
    db: Db,
    clock: Clock,
    tasks: Tasks,
    /// Who waits for messages of a queue on this node.
    waiting: Mutex<HashMap<QueueName, Arc<Notify>>>,
}

impl QueuesService {
    /// Opens the queues of the system database, which is migrated.
    #[must_use]
    pub fn open(db: Db, clock: Clock, tasks: &Tasks) -> Self {
        let queues = Self(Arc::new(Inner { db, clock, tasks: tasks.clone(), waiting: Mutex::default() }));
        drop(tasks.spawn(queues.clone().remove_expired()));
        queues
    }

    async fn remove_expired(self) {
        while !self.0.tasks.is_stopping() {
            tokio::select! {
                () = tokio::time::sleep(EXPIRE_EVERY) => {}
                () = self.0.tasks.soft_stopped() => return,
            }
            let now = self.0.clock.now();
            loop {
                let expired =
                    self.0.db.write(move |tx| Box::pin(async move { queries::messages::expire(tx, now, EXPIRE).await }));
                match expired.await {
                    Ok(count) if count == u64::from(EXPIRE) => {}
                    Ok(_) => break,
                    Err(err) => {
                        tracing::warn!(error = %err, "expired messages stay for now: {err}");
                        break;
                    }
                }
            }
        }
    }

    /// A queue.
    ///
    /// # Errors
    /// [`Error::NoQueue`], or the database fails.
    pub async fn get(&self, name: &QueueName) -> Result<Queue> {
        let found = queries::queues::find(&mut self.0.db.read().await?, name).await?;
        found.ok_or_else(|| Error::NoQueue(name.clone()))
    }

    /// What wakes those who wait for a queue's messages.
    fn bell(&self, name: &QueueName) -> Arc<Notify> {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Bells that nobody listens to go when others come.
        if waiting.len() > 1000 {
            waiting.retain(|_, bell| Arc::strong_count(bell) > 1);
        }
        Arc::clone(waiting.entry(name.clone()).or_default())
    }

    /// Wakes those on this node who wait for a queue's messages.
    pub fn ring(&self, name: &QueueName) {
        let waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = waiting.get(name) {
            bell.notify_waiters();
        }
    }
}
