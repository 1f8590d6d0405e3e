//! Sending, receiving and ending messages.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::QueuesService;
use crate::db::{self, Tx};
use crate::queues::error::{Error, Result};
use crate::queues::model::{Draft, Message, Queue, QueueName, Receipt, Received};
use crate::queues::queries::{messages as queries, queues};
use crate::types::Timestamp;

/// The longest wait between two looks at the table where other nodes send, too.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How messages are received.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receive {
    /// Messages at the most.
    pub most: u32,
    /// How long to wait for the first; `None` for as long as the queue says.
    pub wait: Option<Duration>,
    /// How long they are hidden from others; `None` for as long as the queue says.
    pub visibility_timeout: Option<Duration>,
}

impl QueuesService {
    /// Sends messages, all or none; they are durable when this returns. Gives their ids.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::MessageTooLong`], or the database fails.
    pub async fn send(&self, name: &QueueName, drafts: Vec<Draft>) -> Result<Vec<Uuid>> {
        let queue = self.get(name).await?;
        let messages = drafts.into_iter().map(|draft| self.message(&queue, draft)).collect::<Result<Vec<_>>>()?;
        let ids = messages.iter().map(|message| message.id).collect();
        let name_of = name.clone();
        let written = self.0.db.write(move |tx| {
            let (messages, name) = (messages.clone(), name_of.clone());
            Box::pin(async move {
                // Its row may be gone since: then nothing of this would be kept.
                queues::find(tx, &name).await?.ok_or(Error::NoQueue(name))?;
                add(tx, &messages).await
            })
        });
        written.await?;
        self.ring(name);
        Ok(ids)
    }

    /// A message of a queue that is there, to be kept by [`keep`] in the caller's own transaction; who waits for it is then woken by
    /// [`QueuesService::ring`].
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::MessageTooLong`], or the database fails.
    pub async fn prepare(&self, name: &QueueName, draft: Draft) -> Result<Message> {
        let queue = self.get(name).await?;
        self.message(&queue, draft)
    }

    fn message(&self, queue: &Queue, draft: Draft) -> Result<Message> {
        let (size, limit) = (draft.size(), queue.settings.max_message_size);
        if size > limit {
            return Err(Error::MessageTooLong { size, limit });
        }
        let now = self.0.clock.now();
        Ok(Message {
            id: Uuid::new_v4(),
            queue: queue.name.clone(),
            body: draft.body,
            attributes: draft.attributes,
            sent_at: now,
            due_at: now.plus(draft.delay.unwrap_or(queue.settings.delay)),
            expires_at: now.plus(queue.settings.retention),
        })
    }

    /// Receives messages; waits for the first as long as it may. What was received too often goes to the dead-letter queue first.
    ///
    /// # Errors
    /// [`Error::NoQueue`], or the database fails.
    pub async fn receive(&self, name: &QueueName, how: Receive) -> Result<Vec<Received>> {
        let queue = self.get(name).await?;
        let until = Instant::now() + how.wait.unwrap_or(queue.settings.receive_wait);
        let hide = how.visibility_timeout.unwrap_or(queue.settings.visibility_timeout);
        loop {
            let bell = self.bell(name);
            let rung = bell.notified();
            let received = self.take(&queue, hide, how.most).await?;
            let left = until.saturating_duration_since(Instant::now());
            if !received.is_empty() || left.is_zero() || self.0.tasks.is_stopping() {
                return Ok(received);
            }
            let wait = left.min(self.next_look(name).await?);
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(wait) => {}
                () = self.0.tasks.soft_stopped() => {}
            }
        }
    }

    async fn take(&self, queue: &Queue, hide: Duration, most: u32) -> Result<Vec<Received>> {
        let (name, redrive) = (queue.name.clone(), queue.settings.redrive.clone());
        let (now, receive) = (self.0.clock.now(), Uuid::new_v4());
        let buried_in = redrive.as_ref().map(|redrive| redrive.queue.clone());
        let written = self.0.db.write(move |tx| {
            let (name, redrive) = (name.clone(), redrive.clone());
            Box::pin(async move {
                let buried = match &redrive {
                    Some(redrive) => queries::bury(tx, &name, redrive, now).await?,
                    None => 0,
                };
                let received = queries::receive(tx, &name, (now, now.plus(hide)), receive, most).await?;
                Ok::<_, Error>((buried, received))
            })
        });
        let (buried, received) = written.await?;
        if let Some(dead) = buried_in.filter(|_| buried > 0) {
            self.ring(&dead);
        }
        Ok(received)
    }

    /// How long nothing can become due that nobody rings for.
    async fn next_look(&self, name: &QueueName) -> Result<Duration> {
        let now = self.0.clock.now();
        let next = queries::next_due(&mut self.0.db.read().await?, name).await?;
        let longest = if self.0.db.is_postgres() { LOOK_EVERY } else { Duration::from_mins(1) };
        Ok(next.map_or(longest, |due| due.since(now).clamp(Duration::from_millis(1), longest)))
    }

    /// Deletes a message that is held by a receipt; false when it is not any more.
    ///
    /// # Errors
    /// [`Error::NoQueue`], or the database fails.
    pub async fn delete_message(&self, name: &QueueName, receipt: Receipt) -> Result<bool> {
        self.get(name).await?;
        let name = name.clone();
        let written = self.0.db.write(move |tx| {
            let name = name.clone();
            Box::pin(async move { Ok::<_, Error>(queries::delete(tx, &name, receipt).await?) })
        });
        written.await
    }

    /// Deletes messages that are held by receipts, all in one transaction; those that are not held any more stay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_all(&self, name: &QueueName, receipts: Vec<Receipt>) -> Result<()> {
        let name = name.clone();
        let written = self.0.db.write(move |tx| {
            let (name, receipts) = (name.clone(), receipts.clone());
            Box::pin(async move {
                for receipt in receipts {
                    queries::delete(tx, &name, receipt).await?;
                }
                Ok::<_, Error>(())
            })
        });
        written.await
    }

    /// Gives messages back that are held by receipts: they are due at a moment. `was_tried` says whether this receive counts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, name: &QueueName, receipts: Vec<Receipt>, due_at: Timestamp, was_tried: bool) -> Result<()> {
        let queue = name.clone();
        let written = self.0.db.write(move |tx| {
            let (queue, receipts) = (queue.clone(), receipts.clone());
            Box::pin(async move {
                for receipt in receipts {
                    queries::give_back(tx, &queue, receipt, (due_at, was_tried)).await?;
                }
                Ok::<_, Error>(())
            })
        });
        written.await?;
        self.ring(name);
        Ok(())
    }

    /// Hides a message that is held by a receipt for so long from now; at once visible for zero.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::NotHeld`], or the database fails.
    pub async fn hide(&self, name: &QueueName, receipt: Receipt, time: Duration) -> Result<()> {
        self.get(name).await?;
        let (queue, now) = (name.clone(), self.0.clock.now());
        let written = self.0.db.write(move |tx| {
            let queue = queue.clone();
            Box::pin(async move { Ok::<_, Error>(queries::hide(tx, &queue, receipt, (now, now.plus(time))).await?) })
        });
        if !written.await? {
            return Err(Error::NotHeld);
        }
        if time.is_zero() {
            self.ring(name);
        }
        Ok(())
    }
}

/// Keeps a message as a part of a transaction of the system database; false when its queue is gone.
///
/// # Errors
/// When the database fails.
pub async fn keep(tx: &mut Tx, message: &Message) -> db::Result<bool> {
    if queues::find(tx, &message.queue).await?.is_none() {
        return Ok(false);
    }
    queries::insert(tx, message).await?;
    Ok(true)
}

async fn add(tx: &mut Tx, messages: &[Message]) -> Result<()> {
    for message in messages {
        queries::insert(tx, message).await?;
    }
    Ok(())
}
