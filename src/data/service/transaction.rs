//! What every write runs in: a transaction with the limits of a request, undone where the client wants it so.

use std::sync::Arc;
use std::time::Duration;

use super::handle::DataService;
use super::model::{Answer, Wants};
use crate::data::request::{Tx as Ending, limits};
use crate::data::{Error, Result};
use crate::db::{self, BoxFuture, Conn, Tx};

/// Why a write's transaction ends without being kept.
pub(super) enum Stop {
    Refused(Error),
    Database(db::Error),
    /// The client wanted it so; this is what it would have been.
    Undone(Box<Answer>),
}

impl From<db::Error> for Stop {
    fn from(err: db::Error) -> Self {
        Self::Database(err)
    }
}

impl From<Error> for Stop {
    fn from(err: Error) -> Self {
        Self::Refused(err)
    }
}

/// A write, ready to be run, and run again.
pub(super) trait Work: Send + Sync + 'static {
    /// Does it. It awaits nothing but its transaction.
    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Answer, Stop>>;
}

/// How long a request's statements may take together, and how much they may give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) time: Duration,
    /// Bytes of the answer.
    pub(super) bytes: usize,
}

impl Limits {
    /// Holds a connection that only reads to them, from now on.
    pub(super) fn hold_reading(self, conn: &mut Conn) {
        conn.set_deadline(self.deadline());
        // Arguments of functions come in a body.
        conn.set_longest_value(self.bytes.max(limits::MAX_BODY_BYTES));
    }

    /// Holds a transaction to them, from now on. Every row that is written comes back to the server, shown or not.
    fn hold_writing(self, tx: &mut Tx) {
        tx.set_deadline(self.deadline());
        tx.set_most_bytes(self.bytes.max(limits::MAX_BODY_BYTES));
        // A body's rows are one value, in the database's own words.
        tx.set_longest_value(self.bytes.max(4 * limits::MAX_BODY_BYTES));
    }

    fn deadline(self) -> tokio::time::Instant {
        tokio::time::Instant::now() + self.time
    }
}

impl DataService {
    pub(super) fn limits(&self) -> Limits {
        Limits { time: self.settings.statement_timeout, bytes: self.settings.max_result_bytes }
    }

    /// Runs a write; with `Prefer: tx=rollback`, where that is honoured, it is undone.
    ///
    /// # Errors
    /// Why it was refused; the inner one is the database's, still to be explained.
    pub(super) async fn transact<W: Work>(&self, work: &Arc<W>, wants: &Wants) -> Result<Result<Answer, db::Error>> {
        let work = Arc::clone(work);
        let limits = self.limits();
        let undo = self.settings.tx_rollback && wants.preferences.tx == Some(Ending::Rollback);
        let done = self.db.write(move |tx| {
            let work = Arc::clone(&work);
            Box::pin(async move {
                limits.hold_writing(tx);
                let answer = work.run(tx).await?;
                if undo { Err(Stop::Undone(Box::new(answer))) } else { Ok(answer) }
            })
        });
        match done.await {
            Ok(answer) => Ok(Ok(answer)),
            Err(Stop::Undone(answer)) => Ok(Ok(*answer)),
            Err(Stop::Refused(error)) => Err(error),
            Err(Stop::Database(error)) => Ok(Err(error)),
        }
    }
}
