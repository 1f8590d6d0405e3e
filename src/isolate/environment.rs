//! An execution environment: one function revision, initialised once, called again and again, one call at a time.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::io;
use std::mem::ManuallyDrop;
use std::task::{Context, Poll};
use std::time::Duration;

use deno_core::ModuleSpecifier;
use deno_core::error::CoreError;
use deno_core::futures::FutureExt;
use deno_error::JsErrorBox;
use tokio::time::Instant;

use super::channel::{Channel, Frame};
use super::failure;
use super::host::Outcome;
use super::modules::builtins::is_whole_name;
use super::protocol::{Answer, Assign, Bundle, FromWorker, FunctionError, HttpResponse, Invoke, LogLevel, ModuleKind, ToWorker};
use super::runtime::arguments::{Call, Exports};
use super::runtime::engine::{Engine, Which};
use super::runtime::meter::Meter;
use super::runtime::modules::package::{Package, url_of};
use super::watchdog::Watchdog;

/// How long no call must come before the heap is tidied up.
const IDLE: Duration = Duration::from_secs(2);

/// Why the event loop was left.
enum Stop<T> {
    /// What was waited for is there.
    Ready(T),
    /// The script told its outcome, or ran into a limit.
    Over,
    /// Nothing is left to do.
    Drained,
    /// An error that no script caught, below the extension's own handling.
    Failed(CoreError),
}

/// What happened while promises went on after an answer.
enum Meanwhile {
    /// The server said something, or hung up.
    Frame(io::Result<Option<Frame>>),
    /// They are settled, or can wait for the next call.
    Quiet,
    /// They failed in a way that ends the environment.
    Broken,
}

/// Whether the environment may take another call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Sound,
    Broken,
}

/// The worker's side of an environment.
pub(super) struct Environment {
    /// Never dropped: the process ends with it, and an isolate that was ended in mid-script need not be taken apart.
    engine: ManuallyDrop<Engine>,
    channel: Channel,
    watchdog: Watchdog,
    /// How long promises may go on after the answer to the last call.
    patience: Duration,
    /// Whether the script was last seen waiting, not running.
    waits: bool,
    /// The call whose promises went on after its answer, until it is told that they do no more.
    owes_settled: Option<u64>,
}

impl Environment {
    pub(super) fn new(engine: Engine, channel: Channel, watchdog: Watchdog) -> Self {
        Self { engine: ManuallyDrop::new(engine), channel, watchdog, patience: Duration::ZERO, waits: false, owes_settled: None }
    }

    /// Becomes the assigned revision and serves its calls until the server hangs up or a fault ends it.
    ///
    /// # Errors
    /// When the socket breaks, or the server says what it must not say now.
    pub(super) async fn serve(mut self, assign: Assign, body: Vec<u8>) -> io::Result<()> {
        if self.initialise(assign, body).await? == Health::Broken {
            return Ok(());
        }
        while let Some(Frame { message, body }) = self.next().await? {
            let ToWorker::Invoke(invoke) = message else {
                return Err(io::Error::other("an environment is assigned once, and after that only invoked"));
            };
            if self.call(*invoke, body).await? == Health::Broken {
                break;
            }
        }
        Ok(())
    }

    async fn initialise(&mut self, assign: Assign, body: Vec<u8>) -> io::Result<Health> {
        let meter = Meter::start();
        let timeout = Duration::from_millis(assign.init_timeout_ms);
        self.engine.raise_heap(assign.heap_limit);
        self.engine.host.set_log_limit(assign.log_limit);
        self.engine.host.begin(0);
        self.watchdog.arm(timeout);
        let loaded = self.load(assign, body, Instant::now() + timeout).await;
        let failure = match self.limit_reached(|| failure::init_timed_out(timeout)).or(loaded.err()) {
            Some(error) => Some(error),
            None => match self.engine.host.take_outcome() {
                Some(Outcome::Loaded) => None,
                Some(Outcome::Failed { error, .. }) => Some(error),
                _ => Some(failure::never_settled("the module")),
            },
        };
        self.engine.host.streams().close();
        let usage = meter.read(&mut self.engine.runtime);
        let health = if failure.is_some() { Health::Broken } else { Health::Sound };
        if let Some(error) = &failure {
            self.tell_pending(error)?;
        }
        let message = failure.map_or(FromWorker::Initialised(usage), |error| FromWorker::InitFailed { error, usage });
        self.send(&message, &[]).await?;
        Ok(health)
    }

    /// Evaluates the entry and lets the extension find the handler.
    async fn load(&mut self, mut assign: Assign, body: Vec<u8>, deadline: Instant) -> Result<(), FunctionError> {
        let refused = |message: String| failure::plain("Runtime.ImportModuleError", message);
        let style = assign.bundle.style;
        let bundle = std::mem::replace(&mut assign.bundle, Bundle { style, modules: Vec::new() });
        let entry = bundle.modules.first().map(|module| (module.file.clone(), module.kind));
        let (file, kind) = entry.ok_or_else(|| refused("the assignment holds no module".to_owned()))?;
        let links = bundle.modules.iter().flat_map(|module| &module.links).map(|link| link.file.as_str());
        let builtins: BTreeSet<String> = links.filter(|file| is_whole_name(file)).map(ToOwned::to_owned).collect();
        let package = Package::new(bundle, body).ok_or_else(|| refused("the assignment is cut short".to_owned()))?;
        self.engine.loader.take(package);
        self.engine.set_environment(&assign);
        if !builtins.is_empty() {
            self.engine.learn_builtins(builtins.iter().map(String::as_str));
        }
        let exports = if kind == ModuleKind::CommonJs {
            Exports::CommonJs(file)
        } else {
            let specifier = url_of(&file).ok_or_else(|| refused(format!("{file} is not the name of a file")))?;
            match self.evaluate(&specifier, deadline).await? {
                Some(namespace) => Exports::Namespace(namespace),
                None => return Ok(()),
            }
        };
        self.engine.call(Which::Load, (style, assign.handler.as_deref(), exports));
        Ok(())
    }

    /// Runs an ES module to its end; `None` when the script told an outcome of its own, or ran into a limit.
    async fn evaluate(
        &mut self,
        specifier: &ModuleSpecifier,
        deadline: Instant,
    ) -> Result<Option<deno_core::v8::Global<deno_core::v8::Object>>, FunctionError> {
        let runtime = &mut self.engine.runtime;
        let id = runtime.load_main_es_module(specifier).await.map_err(|error| failure::from_load(&error))?;
        let mut evaluated = runtime.mod_evaluate(id).boxed_local();
        match self.run(deadline, |context| evaluated.poll_unpin(context)).await {
            Stop::Over => Ok(None),
            Stop::Drained => Err(failure::never_settled("the module's top-level await")),
            Stop::Failed(error) | Stop::Ready(Err(error)) => Err(failure::from_core(&error)),
            Stop::Ready(Ok(())) => {
                let namespace = self.engine.runtime.get_module_namespace(id);
                namespace.map(Some).map_err(|error| failure::from_core(&error))
            }
        }
    }

    async fn call(&mut self, invoke: Invoke, body: Vec<u8>) -> io::Result<Health> {
        let meter = Meter::start();
        let timeout = Duration::from_millis(invoke.timeout_ms);
        let Invoke { call, request_id, .. } = &invoke;
        let (call, request_id) = (*call, request_id.clone());
        self.engine.host.begin(call);
        self.waits = false;
        self.watchdog.arm(timeout);
        let source = invoke.streamed.then(|| self.engine.open_request(call));
        self.engine.call(Which::Invoke, Call { invoke, body, source });
        let failed = if self.is_over() { None } else { self.finish(Instant::now() + timeout).await };
        let limit = self.limit_reached(|| failure::timed_out(&request_id, timeout));
        let outcome = match (limit.or(failed), self.engine.host.take_outcome()) {
            (Some(error), _) => Outcome::Failed { error, fatal: true },
            (None, Some(outcome)) => outcome,
            (None, None) => Outcome::Failed { error: failure::never_settled("the handler"), fatal: true },
        };
        let usage = meter.read(&mut self.engine.runtime);
        let waiting = self.engine.host.is_waiting();
        self.patience = timeout;
        let (message, body) = match outcome {
            Outcome::Event(json) => (FromWorker::Answer(Box::new(Answer { call, http: None, usage, waiting })), json),
            Outcome::Http(status, headers, body) => {
                let http = Some(HttpResponse { status, headers });
                (FromWorker::Answer(Box::new(Answer { call, http, usage, waiting })), body)
            }
            Outcome::Streamed => (FromWorker::Finished { call, usage, waiting }, Vec::new()),
            Outcome::Loaded => (FromWorker::Answer(Box::new(Answer { call, http: None, usage, waiting })), Vec::new()),
            Outcome::Failed { error, fatal } => {
                self.tell_pending(&error)?;
                self.engine.host.streams().close();
                self.send(&FromWorker::Failed { call, error, fatal, usage }, &[]).await?;
                self.owes_settled = None;
                return Ok(if fatal { Health::Broken } else { Health::Sound });
            }
        };
        self.owes_settled = waiting.then_some(call);
        if !waiting {
            self.engine.host.streams().close();
        }
        self.send(&message, &body).await?;
        Ok(Health::Sound)
    }

    /// Runs the event loop until the call under way has an outcome; an error is one that no script could catch.
    async fn finish(&mut self, deadline: Instant) -> Option<FunctionError> {
        loop {
            match self.run(deadline, |_| Poll::<()>::Pending).await {
                Stop::Over | Stop::Ready(()) => return None,
                Stop::Failed(error) => return Some(failure::from_core(&error)),
                Stop::Drained => {
                    self.engine.call(Which::Drained, ());
                    if !self.engine.has_work() {
                        return None;
                    }
                }
            }
            if self.is_over() {
                return None;
            }
        }
    }

    /// The next frame; `None` when the environment ends. Meanwhile promises that `waitUntil` was given go on.
    async fn next(&mut self) -> io::Result<Option<Frame>> {
        if self.engine.host.is_waiting() {
            let meanwhile = self.go_on().await;
            let late = self.watchdog.disarm();
            match meanwhile {
                Meanwhile::Frame(frame) if !late => return frame,
                Meanwhile::Quiet if !late => {}
                _ => {
                    self.channel.flush().await?;
                    return Ok(None);
                }
            }
        }
        if let Some(call) = self.owes_settled.take() {
            self.engine.host.streams().close();
            self.send(&FromWorker::Settled { call }, &[]).await?;
        }
        if let Ok(frame) = tokio::time::timeout(IDLE, self.receive()).await {
            return frame;
        }
        self.engine.tidy();
        self.receive().await
    }

    /// The next frame that is about more than a stream.
    async fn receive(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let Some(frame) = self.channel.receive().await? else { return Ok(None) };
            if let Some(frame) = self.engine.host.streams().take(frame) {
                return Ok(Some(frame));
            }
        }
    }

    /// Runs the event loop until the promises are settled, the next frame is there, or their time is over: then they are frozen.
    async fn go_on(&mut self) -> Meanwhile {
        // Only a script that does not yield makes the watchdog fire.
        self.watchdog.arm(self.patience + Duration::from_millis(100));
        let (engine, watchdog, channel) = (&mut self.engine, &self.watchdog, &mut self.channel);
        let turns = poll_fn(|context| {
            let turn = engine.poll(context);
            if let Poll::Ready(frame) = poll_streams(engine, channel, context) {
                return Poll::Ready(Meanwhile::Frame(frame));
            }
            if let Some(Outcome::Failed { error, .. }) = engine.host.take_outcome() {
                let text = format!("after the answer: {}: {}", error.error_type, error.message);
                engine.host.log(LogLevel::Error, &text);
                return Poll::Ready(Meanwhile::Broken);
            }
            match turn {
                _ if watchdog.has_fired() || engine.heap.is_exhausted() => Poll::Ready(Meanwhile::Broken),
                Poll::Ready(Err(_)) => Poll::Ready(Meanwhile::Broken),
                Poll::Ready(Ok(())) => Poll::Ready(Meanwhile::Quiet),
                Poll::Pending if !engine.host.is_waiting() => Poll::Ready(Meanwhile::Quiet),
                Poll::Pending => Poll::Pending,
            }
        });
        tokio::time::timeout(self.patience, turns).await.unwrap_or(Meanwhile::Quiet)
    }

    /// Puts what is pending before a failure that is about that.
    fn tell_pending(&mut self, error: &FunctionError) -> io::Result<()> {
        if !failure::is_about_pending(error) {
            return Ok(());
        }
        let pending = self.engine.pending(!self.waits);
        self.channel.outbox().push(&FromWorker::Pending(Box::new(pending)), &[]).map_err(io::Error::other)
    }

    /// Runs the event loop until `ready`, or until there is a reason to leave it.
    async fn run<T>(&mut self, deadline: Instant, mut ready: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Stop<T> {
        let turns = poll_fn(|context| {
            if self.is_over() {
                return Poll::Ready(Stop::Over);
            }
            self.waits = false;
            if let Poll::Ready(value) = ready(context) {
                return Poll::Ready(Stop::Ready(value));
            }
            let turn = self.engine.poll(context);
            if self.is_over() {
                return Poll::Ready(Stop::Over);
            }
            if let Poll::Ready(value) = ready(context) {
                return Poll::Ready(Stop::Ready(value));
            }
            self.waits = true;
            if !self.engine.host.streams().is_active() {
                self.channel.outbox().flush_what_goes();
            } else if poll_streams(&self.engine, &mut self.channel, context).is_ready() {
                let lost = JsErrorBox::generic("the server is gone, or said what it must not say now");
                return Poll::Ready(Stop::Failed(lost.into()));
            }
            match turn {
                Poll::Ready(Ok(())) => Poll::Ready(Stop::Drained),
                Poll::Ready(Err(error)) => Poll::Ready(Stop::Failed(error)),
                Poll::Pending => Poll::Pending,
            }
        });
        // A script that runs is ended by the watchdog; one that waits, by this timer.
        if let Ok(stop) = tokio::time::timeout_at(deadline, turns).await {
            return stop;
        }
        self.watchdog.mark_fired();
        Stop::Over
    }

    fn is_over(&self) -> bool {
        self.engine.host.has_outcome() || self.watchdog.has_fired() || self.engine.heap.is_exhausted()
    }

    /// Stops the clock and tells which limit ended the script, if one did.
    fn limit_reached(&self, timed_out: impl FnOnce() -> FunctionError) -> Option<FunctionError> {
        let late = self.watchdog.disarm();
        if self.engine.heap.is_exhausted() {
            return Some(failure::out_of_memory(self.engine.heap.limit()));
        }
        late.then(timed_out)
    }

    async fn send(&self, message: &FromWorker, body: &[u8]) -> io::Result<()> {
        self.channel.outbox().push(message, body).map_err(io::Error::other)?;
        self.channel.flush().await
    }
}

/// Takes what the server says of streams, and sends what is to be sent. Ready with a frame that is about something else, or when the
/// server hung up.
fn poll_streams(engine: &Engine, channel: &mut Channel, context: &mut Context<'_>) -> Poll<io::Result<Option<Frame>>> {
    let streams = engine.host.streams();
    while let Poll::Ready(received) = channel.poll_receive(context) {
        let Some(frame) = received? else { return Poll::Ready(Ok(None)) };
        if let Some(frame) = streams.take(frame) {
            return Poll::Ready(Ok(Some(frame)));
        }
    }
    streams.poll(context);
    channel.poll_flush(context);
    Poll::Pending
}
