//! One operation in the writer's queue, whatever it returns.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::db::BoxFuture;
use crate::db::conn::Tx;
use crate::db::error::{Error, Result};

/// What the writer knows of an operation.
pub(super) trait Job: Send {
    /// Why it need not run any more: its caller has gone, or it waited too long.
    fn is_stale(&self, now: Instant) -> bool;

    /// How long it may run, where it said so: then it is alone in its transaction, since its neighbours would wait for it.
    fn limit(&self) -> Option<Duration>;

    /// Runs it and keeps its result; `true` when what it wrote is to be kept.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool>;

    /// Gives the caller the result of the last run, or the error that came after it.
    fn finish(self: Box<Self>, end: Result<()>);
}

/// The operation of one [`crate::db::Db::write`].
pub(super) struct Op<T, E, F> {
    run: F,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
    /// When it is too late to begin.
    begin_before: Instant,
    limit: Option<Duration>,
}

impl<T, E, F> Op<T, E, F> {
    pub(super) fn new(op: F, patience: Duration, limit: Option<Duration>) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { run: op, result: None, answer, begin_before: Instant::now() + patience, limit }, receiver)
    }
}

impl<T, E, F> Job for Op<T, E, F>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'a> FnMut(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send,
{
    fn is_stale(&self, now: Instant) -> bool {
        self.answer.is_closed() || now >= self.begin_before
    }

    fn limit(&self) -> Option<Duration> {
        self.limit
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let result = tx.run_caught(&mut self.run).await;
            let keep = result.is_ok();
            self.result = Some(result);
            keep
        })
    }

    fn finish(self: Box<Self>, end: Result<()>) {
        let result = match (end, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Error::Busy("it waited too long for its turn".to_owned()).into()),
            (Err(err), _) => Err(err.into()),
        };
        // The caller may have gone; what was written stays written.
        let _ = self.answer.send(result);
    }
}
