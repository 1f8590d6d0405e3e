//! The messages, and what they are made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ask::{Answered, Ask};

/// What the server tells a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker {
    /// Check and transpile the files in the body: [`FromWorker::Compiled`] or [`FromWorker::Rejected`]; then the worker exits.
    Compile(Compile),
    /// Become the environment of one function revision, for life. The body holds what [`Bundle`] tells.
    /// Answered by [`FromWorker::Initialised`] or [`FromWorker::InitFailed`].
    Assign(Box<Assign>),
    /// Run the handler once. The body is the payload. Answered by [`FromWorker::Answer`], [`FromWorker::Failed`], or
    /// [`FromWorker::Started`] and then [`FromWorker::Finished`].
    Invoke(Box<Invoke>),
    /// A piece of a request's body, or of the response to an outbound request; nothing follows one with `end`.
    Chunk { stream: u64, end: bool },
    /// The stream broke off; nothing follows. For [`response_stream`](super::response_stream): nobody reads what is sent any more.
    Abort { stream: u64, reason: String },
    /// So many more bytes may be sent.
    Credit { stream: u64, bytes: usize },
    /// The head of the response to [`FromWorker::Fetch`]; its body follows as chunks unless `ended`.
    FetchHead(Box<FetchHead>),
    /// An outbound request has no response; the message says why, and what to do.
    FetchFailed { stream: u64, message: String },
    /// The answer to [`FromWorker::Ask`] of this number. The body is what [`Answered`] says.
    Answered { call: u64, number: u64, answer: Answered },
}

/// What a worker tells the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromWorker {
    /// Sandboxed, isolate made, waiting for work. Sent once, first.
    Ready(Sandbox),
    /// The files are good; the body holds what the bundle tells.
    Compiled(Bundle),
    /// The files are refused; never empty.
    Rejected { diagnostics: Vec<Diagnostic> },
    /// The module graph is evaluated and the handler found.
    Initialised(Usage),
    /// The code outside the handler failed; the worker exits.
    InitFailed { error: FunctionError, usage: Usage },
    /// The handler answered; the body is the payload.
    Answer(Box<Answer>),
    /// The handler failed. `fatal` says that the worker exits and must not be reused.
    Failed { call: u64, error: FunctionError, fatal: bool, usage: Usage },
    /// A line the function logged.
    Log(LogLine),
    /// In an environment that calls share: the call is taken up.
    Began { call: u64 },
    /// What the failure that is told next left pending. Sent before a time-out, and before a promise that never settled.
    Pending(Box<Pending>),
    /// An HTTP response begins whose body is a stream.
    Started(Box<Started>),
    /// The stream of the response is over and with it the call.
    Finished { call: u64, usage: Usage, waiting: bool },
    /// After an answer that was `waiting`: the promises are settled, or their time is over.
    Settled { call: u64 },
    /// Make an outbound request. The frame's body is the whole body, or when `streamed` its beginning.
    Fetch(Box<Fetch>),
    /// A piece of a response's body, or of the body of an outbound request; nothing follows one with `end`.
    Chunk { stream: u64, end: bool },
    /// The function does not want the rest, or cannot send it; nothing follows.
    Abort { stream: u64, reason: String },
    /// So many more bytes may be sent.
    Credit { stream: u64, bytes: usize },
    /// A question to one of the platform's modules. The body is what its [`Question`](super::Question) says. Answered by
    /// [`ToWorker::Answered`].
    Ask(Box<Ask>),
}

/// A request to check files, whose contents lie in the body in this order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compile {
    pub files: Vec<SourceFile>,
    /// The handler asked for, such as `index.handler`; `None` takes whichever kind is found.
    pub handler: Option<String>,
    /// Whether the files were uploaded as an archive; `false`: one file alone.
    pub is_archive: bool,
    /// Whether V8's code cache is wanted.
    pub wants_cache: bool,
}

/// A file of a package: its path there, such as `src/index.ts`, and its length in bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourceFile {
    pub path: String,
    pub len: usize,
}

/// A function's modules, checked and ready to run. The body beside it holds, for each module in turn, its code, its source map and
/// V8's code cache, each of which may be empty.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bundle {
    pub style: HandlerStyle,
    /// The first is the entry.
    pub modules: Vec<Module>,
}

/// A module of a bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Module {
    /// The file's path in the package, such as `index.ts`.
    pub file: String,
    pub kind: ModuleKind,
    pub code_len: usize,
    pub map_len: usize,
    pub cache_len: usize,
    /// The names a `CommonJS` module exports, as far as its text tells: what an ES module may import from it by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<String>,
    /// What the names it asks for mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

/// What a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleKind {
    /// An ES module.
    Module,
    CommonJs,
    Json,
    Wasm,
}

/// A name that a module asks for, and the file of the package it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub name: String,
    pub by: By,
    pub file: String,
}

/// How a module is asked for, which decides among the `exports` of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    Import,
    Require,
}

/// The kind of handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandlerStyle {
    /// A named export called with `(event, context)`: AWS Lambda.
    Lambda,
    /// `export default { fetch }`: Workers.
    DefaultFetch,
    /// `export default function`: called with a `Request`.
    DefaultFunction,
    /// `Deno.serve(handler)`: Supabase Edge Functions.
    DenoServe,
    /// `exports.handler = …` in a `CommonJS` file: AWS Lambda, called as [`HandlerStyle::Lambda`].
    CommonJs,
}

/// One thing wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub file: String,
    /// From 1; `None` when the whole file is meant.
    pub line: Option<u32>,
    /// From 1, in characters.
    pub column: Option<u32>,
    pub message: String,
}

/// What binds a worker to one function revision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assign {
    pub function: String,
    pub version: String,
    /// `name.export`, such as `index.handler`; `None` takes whichever kind is found.
    pub handler: Option<String>,
    /// The variables `process.env` and `Deno.env` show.
    pub env: BTreeMap<String, String>,
    /// What V8's heap may hold, in bytes.
    pub heap_limit: usize,
    pub bundle: Bundle,
    /// How long initialisation may take, in milliseconds.
    pub init_timeout_ms: u64,
    /// Bytes of log text one call may write; what is beyond is dropped and said so once.
    pub log_limit: usize,
    /// Whether calls may run side by side.
    #[serde(default)]
    pub shared: bool,
}

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invoke {
    /// Counts up on one socket.
    pub call: u64,
    pub request_id: String,
    /// How long the handler may take from now, in milliseconds.
    pub timeout_ms: u64,
    /// The function's memory size, in MB, shown as `context.memoryLimitInMB`.
    pub memory_mb: u32,
    pub invoked_arn: String,
    /// `None`: an event, whose JSON is the body. `Some`: an HTTP request, whose content is the body.
    pub http: Option<HttpRequest>,
    /// What `context.clientContext` is, as JSON.
    #[serde(default)]
    pub client_context: Option<String>,
    /// Whether the content comes by [`request_stream`](super::request_stream) instead.
    #[serde(default)]
    pub streamed: bool,
    /// Whether the response may be a stream; otherwise it is whole.
    #[serde(default)]
    pub may_stream: bool,
}

/// An HTTP request as the function shall see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HttpRequest {
    pub method: String,
    /// The whole address, such as `http://127.0.0.1:8000/functions/v1/hello/sub?x=1`.
    pub url: String,
    /// The path below the function, such as `/sub`; `/` when there is none.
    pub path: String,
    /// The query as it came, without `?`.
    pub query: String,
    /// In order, names in lower case; a name may repeat.
    pub headers: Vec<(String, String)>,
    pub source_ip: String,
    /// Milliseconds since 1970-01-01.
    pub time_ms: i64,
    /// The verified claims of the caller's token: `requestContext.authorizer.jwt.claims`, `ctx.claims`. `null` without a caller.
    pub claims: serde_json::Value,
    /// Fields of the event's `requestContext` that are other than usual; `null` when none is.
    #[serde(default)]
    pub request_context: serde_json::Value,
}

/// What a handler answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    pub call: u64,
    /// `None`: the body is the JSON result of an event. `Some`: an HTTP response, whose content is the body.
    pub http: Option<HttpResponse>,
    pub usage: Usage,
    /// Whether promises given to `waitUntil` go on; then [`FromWorker::Settled`] follows.
    #[serde(default)]
    pub waiting: bool,
}

/// The head of a streamed answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Started {
    pub call: u64,
    pub http: HttpResponse,
}

/// An outbound request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fetch {
    /// [`fetch_stream`](super::fetch_stream), counting up within the call.
    pub stream: u64,
    pub method: String,
    /// The whole address; not checked by the worker.
    pub url: String,
    /// In order, a name may repeat; each character stands for a byte.
    pub headers: Vec<(String, String)>,
    pub body: FetchBody,
}

/// Where the body of an outbound request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchBody {
    None,
    /// In the frame.
    Whole,
    /// In the frame and in chunks; of this length in all, where it is known.
    Streamed(Option<u64>),
}

/// The head of the response to an outbound request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FetchHead {
    pub stream: u64,
    pub status: u16,
    /// In order, a name may repeat; each character stands for a byte.
    pub headers: Vec<(String, String)>,
    /// There is no body, or it is empty.
    pub ended: bool,
}

/// The head of an HTTP response.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HttpResponse {
    pub status: u16,
    /// In order, a name may repeat (`set-cookie`).
    pub headers: Vec<(String, String)>,
}

/// Why a function failed, in AWS Lambda's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionError {
    /// The thrown error's class, or `Runtime.…`, `Sandbox.…`, `Function.…`.
    #[serde(rename = "errorType")]
    pub error_type: String,
    #[serde(rename = "errorMessage")]
    pub message: String,
    /// The stack, a line an element.
    pub trace: Vec<String>,
}

/// What a phase cost, as the worker measured it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Wall time, in microseconds.
    pub wall_us: u64,
    /// CPU time of the JavaScript thread, in microseconds.
    pub cpu_us: u64,
    /// V8's heap and array buffers after the phase, in bytes.
    pub heap_bytes: u64,
}

/// What was not over when a call, or initialisation, ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The call that failed; 0 is initialisation.
    #[serde(default)]
    pub call: u64,
    /// Whether code was running; otherwise it was waiting.
    pub running: bool,
    /// Timers and intervals that had not fired.
    pub timers: u32,
    /// The soonest of them, as far as they are known: when they were to fire, in milliseconds from the end, and whether they repeat.
    pub soonest: Vec<(i64, bool)>,
    /// Operations under way, by name, such as `fetch_send`.
    pub operations: BTreeMap<String, u32>,
    /// What was open, by kind, such as `readableStream`.
    pub open: BTreeMap<String, u32>,
    /// Promises given to `waitUntil` that were not settled.
    pub wait_until: u32,
}

impl Pending {
    /// How many of each are told at the most, and the longest name in bytes.
    pub const MOST: usize = 16;
    const NAME: usize = 64;

    /// The same, within its bounds whoever made it.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.soonest.truncate(Self::MOST);
        for names in [&mut self.operations, &mut self.open] {
            names.retain(|name, _| name.len() <= Self::NAME);
            while names.len() > Self::MOST {
                names.pop_last();
            }
        }
        self
    }
}

/// A line on the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The call it belongs to; 0 is initialisation.
    pub call: u64,
    pub level: LogLevel,
    pub text: String,
}

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Which sandbox layers hold in a worker. What does not says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    pub no_new_privs: Layer,
    pub landlock: Layer,
    pub seccomp: Layer,
}

/// One layer of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// In force, with a detail such as the ABI.
    On(String),
    /// The kernel refused it, with its reason.
    Off(String),
}
