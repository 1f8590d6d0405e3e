//! How a call reaches its worker: over a socket of its own, or as one of several in an environment that they share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::crowd::Member;
use crate::functions::fault::Fault;
use crate::functions::invoker::channel::{Link, LinkError, Outgoing};
use crate::functions::invoker::environment::Environment;
use crate::functions::invoker::pool::Pool;
use crate::functions::invoker::start::fault_of;
use crate::functions::logs::Buffer;
use crate::functions::metering::Meter;
use crate::functions::model::Revision;
use crate::isolate::protocol::FromWorker;

/// A call of which nothing else runs in its environment has it whole: so many thousandths.
pub(in crate::functions::invoker) const WHOLE: u32 = 1000;

/// Frames out and in.
pub(in crate::functions::invoker) trait Traffic: Send {
    /// Waits for the next frame and meanwhile sends what there is, giving back what is held for it; `None` as soon as all of that is
    /// sent. Cancelled, it loses nothing.
    fn exchange(
        &mut self,
        out: &mut Outgoing,
        held: &mut Vec<OwnedSemaphorePermit>,
        limit: usize,
    ) -> impl Future<Output = Result<Option<(FromWorker, Bytes)>, LinkError>> + Send;

    /// Sends what is left of the frames, so that none is left half.
    fn finish(
        &mut self,
        out: &mut Outgoing,
        held: Vec<OwnedSemaphorePermit>,
    ) -> impl Future<Output = Result<(), LinkError>> + Send;
}

/// A call's environment.
pub(in crate::functions::invoker) enum Way {
    /// It has one for itself.
    Alone(Box<Environment>),
    /// Others run beside it.
    Beside(Box<Member>),
}

impl Traffic for Link {
    async fn exchange(
        &mut self,
        out: &mut Outgoing,
        held: &mut Vec<OwnedSemaphorePermit>,
        limit: usize,
    ) -> Result<Option<(FromWorker, Bytes)>, LinkError> {
        let exchanged = Self::exchange(self, out, limit).await?;
        if exchanged.is_none() {
            held.clear();
        }
        Ok(exchanged)
    }

    async fn finish(&mut self, out: &mut Outgoing, _held: Vec<OwnedSemaphorePermit>) -> Result<(), LinkError> {
        self.send(out).await
    }
}

impl Traffic for Way {
    async fn exchange(
        &mut self,
        out: &mut Outgoing,
        held: &mut Vec<OwnedSemaphorePermit>,
        limit: usize,
    ) -> Result<Option<(FromWorker, Bytes)>, LinkError> {
        match self {
            Self::Alone(environment) => Traffic::exchange(&mut environment.worker.link, out, held, limit).await,
            Self::Beside(member) if out.left() > 0 => member.send(out, std::mem::take(held)).map(|()| None),
            Self::Beside(member) => member.receive().await.map(Some),
        }
    }

    async fn finish(&mut self, out: &mut Outgoing, held: Vec<OwnedSemaphorePermit>) -> Result<(), LinkError> {
        match self {
            Self::Alone(environment) => environment.worker.link.send(out).await,
            Self::Beside(member) => member.send(out, held),
        }
    }
}

impl Way {
    /// Sends what is left of a frame.
    pub(super) async fn send(&mut self, out: &mut Outgoing) -> Result<(), LinkError> {
        self.finish(out, Vec::new()).await
    }

    /// Waits for the next frame; refuses one longer than `limit` bytes.
    pub(super) async fn receive(&mut self, limit: usize) -> Result<(FromWorker, Bytes), LinkError> {
        match self {
            Self::Alone(environment) => environment.worker.link.receive(limit).await,
            Self::Beside(member) => member.receive().await,
        }
    }

    /// What a failed link means.
    pub(super) async fn fault(&mut self, err: LinkError) -> Fault {
        match self {
            Self::Alone(environment) => fault_of(err, &mut environment.worker).await,
            Self::Beside(member) => member.fault(),
        }
    }

    /// Ends a worker that does what it must not, and whatever else runs in it.
    pub(super) fn condemn(&self, why: &str) {
        match self {
            Self::Alone(environment) => {
                let process = environment.worker.process();
                process.kill();
                tracing::warn!(pid = process.pid.as_raw_nonzero(), "a function worker was ended: {why}");
            }
            Self::Beside(member) => member.crowd().condemn(why),
        }
    }

    /// Gives the environment to the next call, or leaves it to the others.
    pub(in crate::functions::invoker) fn give_back(self, pool: &Pool) {
        match self {
            Self::Alone(environment) => pool.checkin(environment),
            Self::Beside(member) => member.leave(),
        }
    }

    /// The number of the call on its socket.
    pub(in crate::functions::invoker) fn number(&self) -> u64 {
        match self {
            Self::Alone(environment) => environment.calls,
            Self::Beside(member) => member.number(),
        }
    }

    pub(super) fn revision(&self) -> &Arc<Revision> {
        match self {
            Self::Alone(environment) => &environment.revision,
            Self::Beside(member) => &member.crowd().revision,
        }
    }

    pub(super) fn log(&self) -> &Arc<Buffer> {
        match self {
            Self::Alone(environment) => &environment.log,
            Self::Beside(member) => &member.crowd().log,
        }
    }

    pub(super) fn meter(&self) -> &Meter {
        match self {
            Self::Alone(environment) => &environment.meter,
            Self::Beside(member) => &member.crowd().meter,
        }
    }

    /// CPU time of the initialisation, as the worker says.
    pub(super) fn init_cpu(&self) -> Duration {
        match self {
            Self::Alone(environment) => environment.init_cpu,
            Self::Beside(member) => member.crowd().init_cpu,
        }
    }

    /// The most memory of its own the worker ever held, in bytes, after a phase that took so long.
    pub(super) fn peak_memory(&mut self, phase: Duration) -> u64 {
        match self {
            Self::Alone(environment) => environment.peak_memory(phase),
            Self::Beside(member) => member.crowd().peak_memory(phase),
        }
    }

    /// The part of the environment that the call has had, in thousandths.
    pub(super) fn share(&self) -> u32 {
        match self {
            Self::Alone(_) => WHOLE,
            Self::Beside(member) => member.share(WHOLE),
        }
    }
}
