//! Group commit: many operations, one transaction, one fsync.
//!
//! ```text
//! begin immediate; op 1 → savepoint; op 2 → release; savepoint; op 3 (fails) → rollback to → op 4 → … → commit → answers
//! ```
//!
//! `begin` and the savepoints wait for the next operation's first statement (see [`Prelude`]): an operation that runs no statement costs
//! none.
//!
//! The first operation needs no savepoint, since there is nothing before it that a rollback could take along. What an operation
//! answered, an error too, counts only once the COMMIT succeeded: it may have seen a neighbour's rows. When COMMIT fails, or an
//! operation takes the whole transaction down, each is run again, alone.

use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tokio::time::timeout;

use super::handle::{Handle, Prelude};
use super::job::Job;
use super::writer::State;
use crate::db::conn::Tx;
use crate::db::error::{Error, Result, Trouble};

/// Operations in one transaction at the most.
const OPERATIONS: usize = 512;

/// No operation joins a transaction that is older: the first ones wait for their answers.
const AGE: Duration = Duration::from_millis(20);

/// How much longer than its statements an operation with a limit of its own may run.
const GRACE: Duration = Duration::from_secs(5);

/// How an operation left the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Keep,
    Undo,
    /// The transaction is gone, or nobody can say.
    Lost,
    /// The operation's time was up in the middle of a statement, which takes the transaction down too.
    TooLong,
    /// The same by the operation's own deadline: it has its answer.
    Ended,
}

/// The transaction failed as a whole.
struct Broken {
    /// The operation that ran too long, by its place, with how it ends: it is not run again.
    by: Option<(usize, Result<()>)>,
}

impl From<Error> for Broken {
    fn from(_: Error) -> Self {
        Self { by: None }
    }
}

impl State {
    /// Runs what is waiting, as one transaction; `false` when nothing was.
    pub(super) async fn batch(&mut self) -> bool {
        let Some(first) = self.next() else { return false };
        if first.limit().is_some() {
            self.one_by_one(vec![first], None).await;
            return true;
        }
        let mut jobs = Vec::new();
        match self.together(first, &mut jobs).await {
            Ok(()) => jobs.into_iter().for_each(|job| job.finish(Ok(()))),
            Err(broken) => {
                counter!("plinth_db_replays_total", "database" => self.settings.name).increment(1);
                self.one_by_one(jobs, broken.by).await;
            }
        }
        true
    }

    /// Runs `first` and whatever comes meanwhile, and commits. `jobs` has all that were begun, in their order.
    async fn together(&mut self, first: Box<dyn Job>, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), Broken> {
        let begun = Instant::now();
        let mut next = Some(first);
        let mut kept = false;
        let ready = self.begin().await;
        while let Some(mut job) = next.take() {
            let after = if ready.is_ok() { self.run(job.as_mut()).await } else { After::Lost };
            jobs.push(job);
            match after {
                After::Lost => return Err(Broken { by: None }),
                After::TooLong => return Err(Broken { by: Some((jobs.len() - 1, Err(took_too_long()))) }),
                After::Ended => return Err(Broken { by: Some((jobs.len() - 1, Ok(()))) }),
                // It ran no statement; what it was to begin with is for the next one.
                _ if self.handle()?.is_waiting() => {}
                After::Keep => {
                    self.handle()?.before_next(Some(if kept { Prelude::NEXT_SAVEPOINT } else { Prelude::SAVEPOINT }));
                    kept = true;
                }
                After::Undo if kept => self.control("rollback to op").await?,
                After::Undo => self.undo_all().await?,
            }
            let room = jobs.len() < OPERATIONS && begun.elapsed() < AGE;
            next = if room { self.next_or_later().await } else { None };
        }
        self.end(kept, jobs.len()).await.map_err(Broken::from)
    }

    /// Runs each in a transaction of its own.
    async fn one_by_one(&mut self, mut jobs: Vec<Box<dyn Job>>, too_long: Option<(usize, Result<()>)>) {
        if let Some((place, end)) = too_long {
            jobs.remove(place).finish(end);
        }
        for mut job in jobs {
            let end = self.alone(job.as_mut()).await;
            job.finish(end);
        }
    }

    async fn alone(&mut self, job: &mut dyn Job) -> Result<()> {
        self.begin().await?;
        match self.run(job).await {
            After::Keep => {
                let wrote = !self.handle()?.is_waiting();
                self.end(wrote, 1).await
            }
            After::Undo => {
                self.undo_all().await?;
                self.end(false, 1).await
            }
            // It has its own error already.
            After::Lost | After::Ended => Ok(()),
            After::TooLong => Err(took_too_long()),
        }
    }

    /// The next operation; before the queue counts as empty, callers that were just woken get their turn.
    async fn next_or_later(&mut self) -> Option<Box<dyn Job>> {
        let mut next = self.next();
        if next.is_none() {
            tokio::task::yield_now().await;
            next = self.next();
        }
        if next.as_ref().is_some_and(|job| job.limit().is_some()) {
            self.held = next.take();
        }
        next
    }

    async fn run(&mut self, job: &mut dyn Job) -> After {
        let limit = job.limit();
        let Some(tx) = self.tx.as_mut() else { return After::Lost };
        // One with a limit of its own is told by its statements when that is over.
        let whole = limit.map_or(self.settings.timeout, |limit| limit + GRACE);
        tx.hold_to(limit.map(|limit| tokio::time::Instant::now() + limit));
        if let Some(handle) = tx.sqlite() {
            handle.limit(Some(Instant::now() + whole));
        }
        match timeout(whole, job.run(tx)).await {
            Err(_) => After::TooLong,
            Ok(_) if tx.trouble() == Some(Trouble::TooLong) => After::TooLong,
            Ok(_) if tx.trouble() == Some(Trouble::Lost) => After::Lost,
            Ok(_) if tx.trouble() == Some(Trouble::Ended) => After::Ended,
            Ok(true) => After::Keep,
            Ok(false) => After::Undo,
        }
    }

    /// Has the next statement begin a transaction; leaves any that was broken off.
    async fn begin(&mut self) -> Result<()> {
        self.ready().await?;
        self.dirty = true;
        self.handle()?.before_next(Some(Prelude::BEGIN));
        Ok(())
    }

    /// Rolls back everything, and has the next statement begin anew.
    async fn undo_all(&mut self) -> Result<()> {
        if !self.handle()?.is_waiting() {
            self.control("rollback").await?;
        }
        self.handle()?.before_next(Some(Prelude::BEGIN));
        Ok(())
    }

    /// Commits, if there is anything to commit.
    async fn end(&mut self, wrote: bool, operations: usize) -> Result<()> {
        let started = Instant::now();
        if wrote {
            self.control("commit").await?;
            let name = self.settings.name;
            counter!("plinth_db_commits_total", "database" => name).increment(1);
            histogram!("plinth_db_commit_duration_seconds", "database" => name).record(started.elapsed());
            #[expect(clippy::cast_precision_loss, reason = "at most OPERATIONS")]
            histogram!("plinth_db_commit_operations", "database" => name).record(operations as f64);
        }
        self.handle()?.before_next(None);
        self.dirty = false;
        Ok(())
    }

    async fn control(&mut self, sql: &'static str) -> Result<()> {
        self.handle()?.control(sql).await.map_err(Error::from)
    }

    fn handle(&mut self) -> Result<&mut Handle> {
        self.tx.as_mut().and_then(Tx::sqlite).ok_or_else(|| Error::Unavailable("it is closed".to_owned()))
    }
}

fn took_too_long() -> Error {
    Error::Busy("the operation took too long".to_owned())
}
