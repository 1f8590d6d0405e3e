//! One worker process, from its start to its reaping.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;
use tokio::sync::watch;

use super::channel::Link;
use crate::isolate::protocol::Sandbox;
use crate::sys::process::{self, Child, Exit};
use crate::tasks::Tasks;

/// What is kept of a worker's standard error, in bytes.
const LAST_WORDS: usize = 4096;

/// How long the end of a worker that closed its socket may take.
const REAP_LIMIT: Duration = Duration::from_secs(2);

/// A live worker. Dropping it kills the process: whoever does not give it back ends it.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) link: Link,
    pub(super) sandbox: Sandbox,
    process: Process,
}

/// The process behind a worker; killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pidfd: Arc<OwnedFd>,
    end: watch::Receiver<Option<End>>,
}

/// Ends a worker that somebody else owns.
#[derive(Clone, Debug)]
pub(super) struct Killer {
    pub(super) pid: Pid,
    pidfd: Arc<OwnedFd>,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) exit: Exit,
    /// Whether its last words were about memory.
    pub(super) out_of_memory: bool,
}

impl Process {
    /// Takes over a child that was just started, and gives its link. `gone` runs when it has been reaped.
    pub(super) fn watch(child: Child, tasks: &Tasks, gone: impl FnOnce() + Send + 'static) -> (Self, Link) {
        let Child { pid, pidfd, socket, stderr } = child;
        let pidfd = Arc::new(pidfd);
        let (sender, end) = watch::channel(None);
        let watched = Arc::clone(&pidfd);
        drop(tasks.spawn(async move {
            let exit = process::ended(watched).await.unwrap_or_else(|err| {
                tracing::error!(pid = pid.as_raw_nonzero(), "a function worker cannot be reaped: {err}");
                Exit::Code(-1)
            });
            let said = String::from_utf8_lossy(&process::drain(stderr, LAST_WORDS)).trim().to_owned();
            if !said.is_empty() {
                tracing::warn!(pid = pid.as_raw_nonzero(), exit = exit.describe(), "a function worker ended and said: {said}");
            }
            sender.send_replace(Some(End { exit, out_of_memory: speaks_of_memory(&said) }));
            gone();
        }));
        (Self { pid, pidfd, end }, Link::new(socket))
    }

    /// Ends it at once.
    pub(super) fn kill(&self) {
        self.killer().kill();
    }

    /// What ends it at any time; it ends no other process, also when this one is gone.
    pub(super) fn killer(&self) -> Killer {
        Killer { pid: self.pid, pidfd: Arc::clone(&self.pidfd) }
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// How it ended; waits for that, and kills one that lingers.
    pub(super) async fn end(&mut self) -> End {
        if let Ok(Ok(end)) = tokio::time::timeout(REAP_LIMIT, self.end.wait_for(Option::is_some)).await
            && let Some(end) = *end
        {
            return end;
        }
        self.kill();
        End { exit: Exit::Signal(9), out_of_memory: false }
    }
}

impl Killer {
    pub(super) fn kill(&self) {
        if let Err(err) = process::kill(&*self.pidfd) {
            tracing::error!(pid = self.pid.as_raw_nonzero(), "a function worker cannot be killed: {err}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Worker {
    pub(super) const fn new(process: Process, link: Link, sandbox: Sandbox) -> Self {
        Self { link, sandbox, process }
    }

    pub(super) const fn process(&self) -> &Process {
        &self.process
    }

    pub(super) const fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Whether V8's last message is the one it aborts with when memory runs out.
fn speaks_of_memory(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["out of memory", "oom error", "heap limit", "failed to reserve", "memory allocation of"]
        .iter()
        .any(|sign| said.contains(sign))
}
