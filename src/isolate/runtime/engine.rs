//! V8 in this process: the isolate from the snapshot, its limits, and calls into it.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use deno_core::error::CoreError;
use deno_core::stats::{RuntimeActivity, RuntimeActivityStatsFilter};
use deno_core::{JsRuntime, PollEventLoopOptions, RuntimeOptions, v8};

use super::arguments::Surroundings;
use super::extensions;
use super::modules::codecache;
use super::modules::loader::{self, Loader};
use super::streams::Incoming;
use crate::isolate::host::{Call, Host};
use crate::isolate::last_words;
use crate::isolate::protocol::{Assign, ModuleKind, Pending, request_stream};

/// What the heap of a spare may hold, in bytes, until it is assigned and the limit raised.
const SPARE_HEAP: usize = 64 * 1024 * 1024;

/// What the heap may at least grow beyond its limit while the script that filled it is being ended, in bytes. The limit on the
/// process's data, which counts what is touched, ends it before it is used up.
const LAST_ROOM: usize = 128 * 1024 * 1024;

/// V8's switches: little memory and few threads before peak speed, since a worker runs one small function among many workers.
/// Unrolling is off because with it V8 150 takes the check for interrupts out of some endless loops (`for (;;) new
/// Array(1000).fill(1)`), which then nothing but SIGKILL ends.
const FLAGS: &str = "--single-threaded-gc --max-lazy --stack-size=900 --no-turboshaft-loop-unrolling";

/// The heap's limit, shared with V8's callback.
#[derive(Debug, Default)]
pub(in crate::isolate) struct Heap {
    limit: AtomicUsize,
    exhausted: AtomicBool,
}

impl Heap {
    /// Whether the script reached the limit.
    pub(in crate::isolate) fn is_exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Relaxed)
    }

    /// The limit, in bytes.
    pub(in crate::isolate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }
}

/// The functions of the `plinth` extension that Rust calls.
struct Entry {
    surround: v8::Global<v8::Function>,
    load: v8::Global<v8::Function>,
    has_work: v8::Global<v8::Function>,
    invoke: v8::Global<v8::Function>,
    drained: v8::Global<v8::Function>,
    bridge: v8::Global<v8::Function>,
    builtin_exports: v8::Global<v8::Function>,
    tell_pending: v8::Global<v8::Function>,
    rehearse: v8::Global<v8::Function>,
}

/// The isolate and all that belongs to it.
pub(in crate::isolate) struct Engine {
    pub(in crate::isolate) runtime: JsRuntime,
    pub(in crate::isolate) host: Rc<Host>,
    pub(in crate::isolate) loader: Rc<Loader>,
    pub(in crate::isolate) heap: Arc<Heap>,
    entry: Entry,
}

/// Sets V8's switches, which must be the same while the snapshot is made: what V8 noted there of functions it has not compiled
/// depends on them, and it aborts over notes that do not fit.
pub(in crate::isolate) fn set_flags() {
    // The first is the program's name to V8, which skips it.
    let flags = std::iter::once("plinth").chain(FLAGS.split(' '));
    deno_core::v8_set_flags(flags.map(str::to_owned).collect());
}

/// Starts V8 in this process. Before this, and on this thread, landlock; after it, seccomp.
pub(in crate::isolate) fn init_platform() {
    set_flags();
    JsRuntime::init_platform(None);
}

impl Engine {
    /// Makes the isolate. A tokio runtime must be entered: V8 posts delayed tasks to it.
    pub(in crate::isolate) fn new(snapshot: &'static [u8], host: Rc<Host>) -> Result<Self, CoreError> {
        let loader = Rc::new(Loader::default());
        let mut runtime = JsRuntime::try_new(RuntimeOptions {
            startup_snapshot: Some(snapshot),
            extensions: extensions::for_worker(Rc::clone(&host), Rc::clone(&loader)),
            module_loader: Some(Rc::clone(&loader) as Rc<_>),
            custom_module_evaluation_cb: Some(loader::evaluate_required(Rc::clone(&loader))),
            create_params: Some(v8::CreateParams::default().heap_limits(0, SPARE_HEAP).allow_atomics_wait(false)),
            ..RuntimeOptions::default()
        })?;
        let heap = Arc::new(Heap::default());
        heap.limit.store(SPARE_HEAP, Ordering::Relaxed);
        guard_heap(&mut runtime, &heap);
        last_words::prepare(&mut runtime, host.outbox().clone(), Arc::clone(&heap));
        let entry = boot(&mut runtime)?;
        loader.set_bridge(entry.bridge.clone());
        Ok(Self { runtime, host, loader, heap, entry })
    }

    /// Lets the heap grow to the function's limit, in bytes. V8 asks once the spare's limit is near.
    pub(in crate::isolate) fn raise_heap(&self, limit: usize) {
        self.heap.limit.store(limit, Ordering::Relaxed);
    }

    /// Compiles a file of code whole, without running it; gives V8's code cache, which is empty where it would not pay.
    ///
    /// # Errors
    /// What V8 says of a file that it does not take, and the line, from 1.
    pub(in crate::isolate) fn precompile(&mut self, file: &str, kind: ModuleKind, code: &[u8]) -> Result<Vec<u8>, (String, u32)> {
        let context = self.runtime.main_context();
        let isolate = &mut **self.runtime.v8_isolate();
        v8::scope_with_context!(scope, isolate, context);
        codecache::make(scope, file, kind, code)
    }

    /// The resource that the body of a call's request is read from as it arrives.
    pub(in crate::isolate) fn open_request(&mut self, call: Rc<Call>) -> u32 {
        let stream = call.streams().open(request_stream(call.number()));
        let body = Incoming::new(call, stream, None);
        self.runtime.op_state().borrow_mut().resource_table.add(body)
    }

    /// Tells the script its function's name and its variables.
    pub(in crate::isolate) fn set_environment(&mut self, assign: &Assign) {
        let Assign { function, version, env, .. } = assign;
        self.call(Which::Surround, Surroundings { function, version, variables: env });
    }

    /// Asks what built-in modules export, which evaluates them.
    pub(in crate::isolate) fn learn_builtins<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let context = self.runtime.main_context();
        let isolate = &mut **self.runtime.v8_isolate();
        v8::scope_with_context!(scope, isolate, context);
        v8::tc_scope!(scope, scope);
        let function = v8::Local::new(scope, &self.entry.builtin_exports);
        let undefined = v8::undefined(scope).into();
        let mut all = HashMap::new();
        for name in names {
            let Some(argument) = v8::String::new(scope, name) else { continue };
            let exports = function.call(scope, undefined, &[argument.into()]);
            let Some(exports) = exports.and_then(|exports| v8::Local::<v8::Array>::try_from(exports).ok()) else { continue };
            let exports = (0..exports.length()).filter_map(|at| exports.get_index(scope, at));
            all.insert(name.to_owned(), exports.collect::<Vec<_>>());
        }
        let text = |exports: Vec<v8::Local<'_, v8::Value>>| {
            exports.into_iter().map(|export| export.to_rust_string_lossy(scope)).collect::<Vec<_>>()
        };
        self.loader.set_builtins(all.into_iter().map(|(name, exports)| (name, text(exports))).collect());
    }

    /// Whether timers, streams or other work are pending.
    pub(in crate::isolate) fn has_work(&mut self) -> bool {
        self.call(Which::HasWork, ())
    }

    /// Calls one of the extension's functions; `true` when it returned `true`. What it throws is lost: those functions report
    /// through operations.
    pub(in crate::isolate) fn call(&mut self, which: Which, arguments: impl Arguments) -> bool {
        let function = match which {
            Which::Surround => &self.entry.surround,
            Which::HasWork => &self.entry.has_work,
            Which::Load => &self.entry.load,
            Which::Invoke => &self.entry.invoke,
            Which::Drained => &self.entry.drained,
            Which::TellPending => &self.entry.tell_pending,
            Which::Rehearse => &self.entry.rehearse,
        };
        let context = self.runtime.main_context();
        let isolate = &mut **self.runtime.v8_isolate();
        v8::scope_with_context!(scope, isolate, context);
        v8::tc_scope!(scope, scope);
        let function = v8::Local::new(scope, function);
        let undefined = v8::undefined(scope).into();
        let arguments = arguments.make(scope);
        function.call(scope, undefined, &arguments).is_some_and(|value| value.is_true())
    }

    /// What is not over yet. A script that was stopped where it ran is not asked for its timers' times: it might not answer.
    pub(in crate::isolate) fn pending(&mut self, running: bool) -> Pending {
        let all = RuntimeActivityStatsFilter::default().with_ops().with_resources().with_timers();
        let activity = self.runtime.runtime_activity_stats_factory().capture(&all).dump().active;
        let mut pending = Pending { running, wait_until: self.host.waiting(), ..Pending::default() };
        for one in activity {
            match one {
                RuntimeActivity::AsyncOp(_, _, name) => {
                    // deno_core gives methods of objects (`crypto.subtle`'s) the names of others, so they go without.
                    let name = name.strip_prefix("op_").unwrap_or("method");
                    *pending.operations.entry(name.to_owned()).or_default() += 1;
                }
                RuntimeActivity::Resource(_, _, name) => *pending.open.entry(name).or_default() += 1,
                RuntimeActivity::Timer(..) | RuntimeActivity::Interval(..) => pending.timers += 1,
            }
        }
        if !running && pending.timers > 0 {
            // The watchdog may have ended it in this moment, too.
            self.runtime.v8_isolate().cancel_terminate_execution();
            self.call(Which::TellPending, ());
            pending.soonest = self.host.take_timers();
        }
        pending.bounded()
    }

    /// Collects garbage and gives memory back, since nothing is to be done for a while.
    pub(in crate::isolate) fn tidy(&mut self) {
        self.runtime.v8_isolate().low_memory_notification();
    }

    /// Runs the event loop once. Ready when nothing is left to do.
    pub(in crate::isolate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), CoreError>> {
        self.runtime.poll_event_loop(context, PollEventLoopOptions::default())
    }
}

/// Which function of the extension.
#[derive(Clone, Copy, Debug)]
pub(in crate::isolate) enum Which {
    /// Sets the names and variables the script sees.
    Surround,
    /// Finds the handler.
    Load,
    /// Tells whether work is pending.
    HasWork,
    /// Starts a call.
    Invoke,
    /// Says that nothing is left to do and the call has no outcome.
    Drained,
    /// Has the pending timers told.
    TellPending,
    /// Puts a handler of our own in the place of the function's.
    Rehearse,
}

/// Makes the arguments of a call once there is a scope to make them in.
pub(in crate::isolate) trait Arguments {
    fn make<'s>(self, scope: &mut v8::PinScope<'s, '_>) -> Vec<v8::Local<'s, v8::Value>>;
}

impl Arguments for () {
    fn make<'s>(self, _: &mut v8::PinScope<'s, '_>) -> Vec<v8::Local<'s, v8::Value>> {
        Vec::new()
    }
}

fn guard_heap(runtime: &mut JsRuntime, heap: &Arc<Heap>) {
    let isolate = runtime.v8_isolate().thread_safe_handle();
    let heap = Arc::clone(heap);
    runtime.add_near_heap_limit_callback(move |current, _| {
        let limit = heap.limit();
        if current < limit {
            return limit;
        }
        heap.exhausted.store(true, Ordering::Relaxed);
        isolate.terminate_execution();
        // V8 aborts when one allocation does not fit, so there is room for one as large as the heap.
        current + LAST_ROOM.max(limit)
    });
}

/// Finishes the globals, takes deno's own away from the script to come, and finds the entry functions.
fn boot(runtime: &mut JsRuntime) -> Result<Entry, CoreError> {
    let entry = runtime.execute_script("ext:plinth/boot.js", "globalThis.__bootstrap.internals.plinth.boot()")?;
    let context = runtime.main_context();
    let isolate = &mut **runtime.v8_isolate();
    v8::scope_with_context!(scope, isolate, context);
    let entry = v8::Local::new(scope, entry).to_object(scope);
    let function = |name: &str| {
        let key = v8::String::new(scope, name)?;
        let value = entry?.get(scope, key.into())?;
        let function = v8::Local::<v8::Function>::try_from(value).ok()?;
        Some(v8::Global::new(scope, function))
    };
    let names = ["surround", "load", "hasWork", "invoke", "drained", "bridge", "builtinExports", "tellPending", "rehearse"];
    let [
        Some(surround),
        Some(load),
        Some(has_work),
        Some(invoke),
        Some(drained),
        Some(bridge),
        Some(builtin_exports),
        Some(tell_pending),
        Some(rehearse),
    ] = names.map(function)
    else {
        let message = "the snapshot does not belong to this program: an entry function is missing";
        return Err(CoreError::from(deno_error::JsErrorBox::generic(message)));
    };
    Ok(Entry { surround, load, has_work, invoke, drained, bridge, builtin_exports, tell_pending, rehearse })
}
