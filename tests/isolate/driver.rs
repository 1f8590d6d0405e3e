//! Starts real workers and speaks the protocol with them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use plinth::isolate::protocol::{
    self, Answer, Assign, Bundle, Compile, Diagnostic, FromWorker, FunctionError, HandlerStyle, HttpRequest, HttpResponse,
    Invoke, LogLevel, LogLine, Module, Sandbox, SourceFile, ToWorker, Usage,
};
use plinth::sys::memfd::sealed_memfd;
use plinth::sys::process::{self, Child, Exit, Plan};
use serde_json::Value;

const PLINTH: &str = env!("CARGO_BIN_EXE_plinth");

/// No worker takes this long for anything; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// V8's startup snapshot, made once for all tests.
pub(crate) fn snapshot() -> &'static OwnedFd {
    static SNAPSHOT: OnceLock<OwnedFd> = OnceLock::new();
    SNAPSHOT.get_or_init(|| {
        let bytes = process::output(Path::new(PLINTH), &["function-worker", "--make-snapshot"]).unwrap();
        sealed_memfd("snapshot", &bytes).unwrap()
    })
}

/// A worker process that was just started.
pub(crate) fn started() -> Child {
    process::spawn(&Plan { program: Path::new(PLINTH), role: "function-worker", snapshot: snapshot().as_fd() }).unwrap()
}

/// A worker process and this end of its socket. Killed when dropped.
pub(crate) struct Worker {
    pub(crate) child: Child,
    pub(crate) sandbox: Sandbox,
    read: Vec<u8>,
    calls: u64,
    /// What the function logged so far.
    pub(crate) logs: Vec<LogLine>,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer {
        http: Option<HttpResponse>,
        body: Vec<u8>,
        usage: Usage,
    },
    Failed {
        error: FunctionError,
        fatal: bool,
        usage: Usage,
    },
    /// The process ended without a word.
    Gone(Exit),
}

/// What a revision is assigned with; the defaults are a small function's.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) file: &'static str,
    pub(crate) handler: Option<&'static str>,
    pub(crate) env: &'static [(&'static str, &'static str)],
    pub(crate) heap: usize,
    pub(crate) init_timeout: Duration,
    pub(crate) log_limit: usize,
    pub(crate) shared: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: "index.js",
            handler: None,
            env: &[],
            heap: 96 << 20,
            init_timeout: Duration::from_secs(10),
            log_limit: 64 << 10,
            shared: false,
        }
    }
}

/// What `InitFailed` told, and the worker that told it.
pub(crate) struct Refused {
    pub(crate) error: FunctionError,
    pub(crate) worker: Worker,
}

/// Compiled files.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) bundle: Bundle,
    pub(crate) body: Vec<u8>,
}

impl Code {
    pub(crate) const fn style(&self) -> HandlerStyle {
        self.bundle.style
    }

    /// A module by its file: what it is, its code, its source map and its code cache.
    pub(crate) fn module(&self, file: &str) -> (&Module, &[u8], &[u8], &[u8]) {
        let mut rest = self.body.as_slice();
        for module in &self.bundle.modules {
            let (code, after) = rest.split_at(module.code_len);
            let (map, after) = after.split_at(module.map_len);
            let (cache, after) = after.split_at(module.cache_len);
            if module.file == file {
                return (module, code, map, cache);
            }
            rest = after;
        }
        panic!("there is no {file} in {:?}", self.bundle)
    }

    /// The files of the bundle, in the order of their names.
    pub(crate) fn files(&self) -> Vec<&str> {
        let mut files: Vec<_> = self.bundle.modules.iter().map(|module| module.file.as_str()).collect();
        files.sort_unstable();
        files
    }
}

/// Has a throw-away worker check and compile a file that was uploaded alone.
pub(crate) fn compile(file: &str, handler: Option<&str>, source: &str) -> Result<Code, Vec<Diagnostic>> {
    compile_as(&[(file, source.as_bytes())], handler, false)
}

/// Has a throw-away worker check and compile the files of an archive.
pub(crate) fn compile_package(files: &[(&str, &[u8])], handler: Option<&str>) -> Result<Code, Vec<Diagnostic>> {
    compile_as(files, handler, true)
}

/// What asks a worker to compile files, and the body beside it.
pub(crate) fn compilation(files: &[(&str, &[u8])], handler: Option<&str>, is_archive: bool) -> (ToWorker, Vec<u8>) {
    let described = files.iter().map(|(path, content)| SourceFile { path: (*path).to_owned(), len: content.len() }).collect();
    let request = Compile { files: described, handler: handler.map(str::to_owned), is_archive, wants_cache: true };
    (ToWorker::Compile(request), files.iter().flat_map(|(_, content)| content.iter().copied()).collect())
}

fn compile_as(files: &[(&str, &[u8])], handler: Option<&str>, is_archive: bool) -> Result<Code, Vec<Diagnostic>> {
    let mut worker = Worker::spare();
    let (request, body) = compilation(files, handler, is_archive);
    worker.send(&request, &body);
    match worker.receive() {
        Some((FromWorker::Compiled(bundle), body)) => Ok(Code { bundle, body }),
        Some((FromWorker::Rejected { diagnostics }, _)) => {
            assert!(!diagnostics.is_empty(), "a refusal says why");
            Err(diagnostics)
        }
        other => panic!("a compilation was answered by {other:?}, {:?}", worker.exit()),
    }
}

impl Worker {
    /// A worker that said it is ready.
    pub(crate) fn spare() -> Self {
        let child = started();
        child.socket.set_nonblocking(false).unwrap();
        child.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let unknown = || protocol::Layer::Off("not told".to_owned());
        let sandbox = Sandbox { no_new_privs: unknown(), landlock: unknown(), seccomp: unknown() };
        let mut worker = Self { child, sandbox, read: Vec::new(), calls: 0, logs: Vec::new() };
        match worker.receive() {
            Some((FromWorker::Ready(sandbox), _)) => worker.sandbox = sandbox,
            other => panic!("a fresh worker said {other:?}; {:?}", worker.exit()),
        }
        worker
    }

    /// An environment of this source, initialised.
    pub(crate) fn of(source: &str) -> Self {
        Self::with(Settings::default(), source)
    }

    /// The same with other settings.
    pub(crate) fn with(settings: Settings, source: &str) -> Self {
        match Self::initialise(&settings, source) {
            Ok(worker) => worker,
            Err(refused) => panic!("initialisation failed: {:?}", refused.error),
        }
    }

    /// An environment of the files of an archive, initialised.
    pub(crate) fn of_package(files: &[(&str, &[u8])]) -> Self {
        let code = compile_package(files, None).unwrap_or_else(|errors| panic!("the package does not compile: {errors:?}"));
        Self::spare().assign(&Settings::default(), code).unwrap_or_else(|refused| panic!("{:?}", refused.error))
    }

    /// Compiles and assigns; the error is what `InitFailed` told, with the worker that told it.
    pub(crate) fn initialise(settings: &Settings, source: &str) -> Result<Self, Box<Refused>> {
        let code = match compile(settings.file, settings.handler, source) {
            Ok(code) => code,
            Err(diagnostics) => panic!("the source does not compile: {diagnostics:?}"),
        };
        Self::spare().assign(settings, code)
    }

    /// Assigns compiled code to a spare.
    pub(crate) fn assign(mut self, settings: &Settings, code: Code) -> Result<Self, Box<Refused>> {
        let env: BTreeMap<_, _> = settings.env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let assign = Assign {
            function: "tested".to_owned(),
            version: "7".to_owned(),
            handler: settings.handler.map(str::to_owned),
            env,
            heap_limit: settings.heap,
            bundle: code.bundle,
            init_timeout_ms: u64::try_from(settings.init_timeout.as_millis()).unwrap(),
            log_limit: settings.log_limit,
            shared: settings.shared,
        };
        self.send(&ToWorker::Assign(Box::new(assign)), &code.body);
        match self.receive_past_logs() {
            Some((FromWorker::Initialised(usage), _)) => {
                assert!(usage.wall_us > 0 && usage.heap_bytes > 0, "initialisation is measured: {usage:?}");
                Ok(self)
            }
            Some((FromWorker::InitFailed { error, .. }, _)) => Err(Box::new(Refused { error, worker: self })),
            other => panic!("an assignment was answered by {other:?}; {:?}", self.exit()),
        }
    }

    /// Limits the process's data to what it has now and so much more, as the server does when it assigns.
    pub(crate) fn limit_memory(&self, more: u64) {
        let now = process::memory(self.child.pid).unwrap().data;
        process::limit_data(self.child.pid, now + more).unwrap();
    }

    /// Calls with an event and waits for the outcome.
    pub(crate) fn event(&mut self, event: &str) -> Reply {
        self.call(event.as_bytes(), None, Duration::from_secs(10))
    }

    /// Calls with an event and gives the result.
    pub(crate) fn result(&mut self, event: &str) -> Value {
        match self.event(event) {
            Reply::Answer { http: None, body, .. } => serde_json::from_slice(&body).unwrap(),
            other => panic!("the event was answered by {other:?}; the log is {:?}", self.logs),
        }
    }

    /// Calls with an event and gives the failure, and whether it is fatal.
    pub(crate) fn failure(&mut self, event: &str) -> (FunctionError, bool) {
        match self.event(event) {
            Reply::Failed { error, fatal, .. } => (error, fatal),
            other => panic!("the event was answered by {other:?}"),
        }
    }

    pub(crate) fn call(&mut self, body: &[u8], http: Option<HttpRequest>, timeout: Duration) -> Reply {
        self.start(body, http, timeout);
        self.finish()
    }

    /// Sends a call without waiting for its outcome.
    pub(crate) fn start(&mut self, body: &[u8], http: Option<HttpRequest>, timeout: Duration) {
        self.calls += 1;
        let invoke = Invoke {
            call: self.calls,
            request_id: format!("request-{}", self.calls),
            timeout_ms: u64::try_from(timeout.as_millis()).unwrap(),
            memory_mb: 128,
            invoked_arn: "arn:aws:lambda:local:000000000000:function:tested".to_owned(),
            http,
            client_context: None,
            streamed: false,
            may_stream: false,
        };
        self.send(&ToWorker::Invoke(Box::new(invoke)), body);
    }

    /// Waits for the outcome of the call that was started.
    pub(crate) fn finish(&mut self) -> Reply {
        match self.receive_past_logs() {
            Some((FromWorker::Answer(answer), body)) => {
                let Answer { call, http, usage, .. } = *answer;
                assert_eq!(call, self.calls, "the answer is to the call that was made");
                Reply::Answer { http, body, usage }
            }
            Some((FromWorker::Failed { call, error, fatal, usage }, _)) => {
                assert_eq!(call, self.calls, "the failure is of the call that was made");
                Reply::Failed { error, fatal, usage }
            }
            None => Reply::Gone(self.exit()),
            Some(other) => panic!("a call was answered by {other:?}"),
        }
    }

    fn receive_past_logs(&mut self) -> Option<(FromWorker, Vec<u8>)> {
        loop {
            match self.receive()? {
                (FromWorker::Log(line), _) => self.logs.push(line),
                // What was pending is told before the failure that counts.
                (FromWorker::Pending(_) | FromWorker::Settled { .. }, _) => {}
                (FromWorker::Fetch(fetch), _) => {
                    let message = format!("{} is out of reach", fetch.url);
                    self.send(&ToWorker::FetchFailed { stream: fetch.stream, message }, &[]);
                }
                other => return Some(other),
            }
        }
    }

    pub(crate) fn send(&mut self, message: &ToWorker, body: &[u8]) {
        let frame = protocol::encode(message, body).unwrap();
        // A worker that has ended is seen when its answer is read.
        let _ = (&self.child.socket).write_all(&frame);
    }

    /// The next frame; `None` when the worker hung up.
    pub(crate) fn receive(&mut self) -> Option<(FromWorker, Vec<u8>)> {
        loop {
            if let Some(word) = self.read.first_chunk::<4>() {
                let length = protocol::frame_length(*word).unwrap();
                if self.read.len() >= 4 + length {
                    let frame: Vec<u8> = self.read.drain(..4 + length).skip(4).collect();
                    let (message, body) = protocol::decode(&frame).unwrap();
                    return Some((message, frame[body..].to_vec()));
                }
            }
            let mut chunk = vec![0; 256 * 1024];
            match self.child.socket.read(&mut chunk) {
                Ok(0) => return None,
                Ok(read) => self.read.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("the worker says nothing for {PATIENCE:?}: {error}"),
            }
        }
    }

    /// Waits for the process to end.
    pub(crate) fn exit(&self) -> Exit {
        let start = Instant::now();
        loop {
            if let Some(exit) = process::reap(&self.child.pidfd).unwrap() {
                return exit;
            }
            assert!(start.elapsed() < PATIENCE, "the worker does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn kill(&self) {
        process::kill(&self.child.pidfd).unwrap();
    }

    /// A field of the process's `/proc/PID/status`.
    pub(crate) fn status(&self, field: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.pid.as_raw_nonzero())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {field} in {status}")).trim().to_owned()
    }

    /// The texts logged, with their levels.
    pub(crate) fn log_lines(&self) -> Vec<(LogLevel, &str)> {
        self.logs.iter().map(|line| (line.level, line.text.as_str())).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = process::kill(&self.child.pidfd);
        let _ = process::reap(&self.child.pidfd);
    }
}

/// An HTTP request to `/sub?x=1&y=2` of the function.
pub(crate) fn request(method: &str, headers: &[(&str, &str)]) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        url: "http://127.0.0.1:8000/functions/v1/tested/sub?x=1&y=2".to_owned(),
        path: "/sub".to_owned(),
        query: "x=1&y=2".to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        source_ip: "203.0.113.9".to_owned(),
        time_ms: 1_583_348_638_390,
        claims: Value::Null,
        request_context: Value::Null,
    }
}

/// An HTTP answer taken apart.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Every value of a header, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Worker {
    /// Calls over HTTP and gives the response.
    pub(crate) fn fetch(&mut self, request: HttpRequest, body: &[u8]) -> Response {
        match self.call(body, Some(request), Duration::from_secs(10)) {
            Reply::Answer { http: Some(HttpResponse { status, headers }), body, .. } => Response { status, headers, body },
            other => panic!("the request was answered by {other:?}; the log is {:?}", self.logs),
        }
    }
}
