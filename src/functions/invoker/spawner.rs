//! The one thread that starts all workers, for as long as the server runs.
//!
//! A worker is killed when the thread that started it ends (`PR_SET_PDEATHSIG` follows the thread, not the process), so it must
//! be a thread that never ends before the server does. It also keeps the snapshot's memory.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc;

use super::snapshot::Source;
use crate::sys::process::{self, Child, Plan};

/// What is done with a child that was started, or not.
type Delivery = Box<dyn FnOnce(io::Result<Child>) + Send>;

/// Orders workers from the thread. The thread ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub(super) struct Spawner(mpsc::Sender<Order>);

enum Order {
    Start(Delivery),
    /// The snapshot is not good: the next worker gets one that is made anew.
    RenewSnapshot,
}

impl Spawner {
    /// Starts the thread.
    pub(super) fn start(source: Source) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || serve(&source, &inbox))?;
        Ok(Self(orders))
    }

    /// Orders a worker; `deliver` runs on the thread once the process is there.
    pub(super) fn order(&self, deliver: impl FnOnce(io::Result<Child>) + Send + 'static) {
        // The thread outlives every sender, unless it panicked; then the delivery is dropped, which its receiver sees.
        let _ = self.0.send(Order::Start(Box::new(deliver)));
    }

    /// Has the snapshot made anew before the next worker.
    pub(super) fn renew_snapshot(&self) {
        let _ = self.0.send(Order::RenewSnapshot);
    }
}

fn serve(source: &Source, inbox: &mpsc::Receiver<Order>) {
    let (mut snapshot, mut anew) = (None, false);
    while let Ok(order) = inbox.recv() {
        match order {
            Order::Start(deliver) => deliver(start(source, &mut snapshot, anew)),
            Order::RenewSnapshot => (snapshot, anew) = (None, true),
        }
    }
}

fn start(source: &Source, snapshot: &mut Option<OwnedFd>, anew: bool) -> io::Result<Child> {
    let snapshot = match snapshot {
        Some(snapshot) => snapshot,
        None => snapshot.insert(source.obtain(anew)?),
    };
    let child = process::spawn(&Plan { program: &source.program, role: "function-worker", snapshot: snapshot.as_fd() })?;
    // The kernel may refuse; then the worker is as likely as any other to be chosen when memory runs out.
    if let Err(err) = process::prefer_for_oom_kill(child.pid) {
        tracing::debug!("oom_score_adj was not set: {err}");
    }
    Ok(child)
}
