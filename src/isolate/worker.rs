//! The process: `plinth function-worker`.

use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;

use super::channel::{Channel, Frame};
use super::compile;
use super::environment::Environment;
use super::host::Host;
use super::protocol::{FromWorker, Layer, Sandbox, ToWorker};
use super::runtime::engine::{self, Engine};
use super::watchdog::Watchdog;
use crate::sys::sandbox::{self, Wall};
use crate::sys::worker::{self, Given};

/// Runs a function worker on the descriptors the server left it. Ends when the server hangs up, after one compilation, or after a
/// fault in the function.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "the function worker ends: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let Given { socket, snapshot } = worker::begin()?;
    let snapshot = worker::mapped(snapshot)?.ok_or("the snapshot is empty")?;
    let early = sandbox::before_v8()?;
    engine::init_platform();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(2).build()?;
    let _entered = tokio.enter();
    let channel = Channel::new(socket)?;
    let host = Rc::new(Host::new(channel.outbox().clone()));
    let mut engine = Engine::new(snapshot, host)?;
    let watchdog = Watchdog::start(engine.runtime.v8_isolate().thread_safe_handle(), channel.outbox().clone())?;
    let seccomp = sandbox::after_v8();
    let sandbox = Sandbox { no_new_privs: layer(early.no_new_privs), landlock: layer(early.landlock), seccomp: layer(seccomp) };
    tokio.block_on(work(engine, channel, watchdog, sandbox))?;
    Ok(())
}

fn layer(wall: Wall) -> Layer {
    wall.map_or_else(Layer::Off, Layer::On)
}

/// Says that it is ready and does what the first frame tells.
async fn work(mut engine: Engine, mut channel: Channel, watchdog: Watchdog, sandbox: Sandbox) -> io::Result<()> {
    channel.outbox().push(&FromWorker::Ready(sandbox), &[]).map_err(io::Error::other)?;
    channel.flush().await?;
    // A server that has work for it already is not kept waiting.
    if !channel.has_arrived().await {
        engine.rehearse().await;
    }
    let Some(Frame { message, body }) = channel.receive().await? else { return Ok(()) };
    match message {
        ToWorker::Assign(assign) => Environment::new(engine, channel, watchdog).serve(*assign, body).await,
        ToWorker::Compile(compile) => {
            let (message, body) = compile::compile(&compile, &body, &mut engine);
            channel.outbox().push(&message, &body).map_err(io::Error::other)?;
            channel.flush().await
        }
        _ => Err(io::Error::other("a worker that is not assigned cannot be invoked")),
    }
}
