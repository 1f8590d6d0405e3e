//! What the server and a function worker say to each other, over one socketpair.
//!
//! A frame is `length: u32 LE | json_length: u32 LE | json | body`, where `length` counts everything after itself. The JSON is a
//! [`ToWorker`] or a [`FromWorker`]; the body is raw bytes (code, a request's payload, an answer's payload), whose meaning the
//! JSON tells. The server treats a worker as hostile: whatever is not as it must be ends that worker.
//!
//! # Streams
//!
//! What is too long for one frame, or comes bit by bit, is a stream of chunks of at most [`CHUNK`] bytes. Its sender may have
//! [`WINDOW`] bytes under way; the receiver gives credit for what it has passed on. A call has two streams, whose numbers follow
//! from its own ([`request_stream`], [`response_stream`]); an outbound request has one odd number, counted up by the worker for as
//! long as it lives, for its body and for the body of its response. A stream ends with its call. What arrives for a stream
//! that is over is dropped by the worker, and by the server as long as there once was such a stream.
//!
//! This file is the only one of `isolate` that the server's side imports; it knows neither V8 nor sockets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The longest frame, in bytes: the files of an unpacked package (250 MB), with room for their names.
pub const MAX_FRAME: usize = 288 * 1024 * 1024;

/// The longest answer a function may give, in bytes (6 MiB + 100 B, as AWS Lambda's).
pub const MAX_RESPONSE: usize = 6 * 1024 * 1024 + 100;

/// The most bytes one [`ToWorker::Chunk`] or [`FromWorker::Chunk`] carries.
pub const CHUNK: usize = 64 * 1024;

/// The most bytes of one direction of a stream that are sent and not yet credited.
pub const WINDOW: usize = 256 * 1024;

/// The most outbound requests of one call that wait for the head of their response; a worker holds further ones back.
pub const MAX_OPENING: usize = 64;

/// The stream that brings the body of a call's HTTP request.
#[must_use]
pub const fn request_stream(call: u64) -> u64 {
    call.wrapping_mul(4)
}

/// The stream that takes the body of a call's HTTP response.
#[must_use]
pub const fn response_stream(call: u64) -> u64 {
    call.wrapping_mul(4).wrapping_add(2)
}

/// The file descriptor a worker finds its end of the socketpair at.
pub const SOCKET_FD: i32 = 3;

/// The file descriptor a worker finds the sealed memfd with V8's startup snapshot at.
pub const SNAPSHOT_FD: i32 = 4;

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
    /// The stream broke off; nothing follows. For [`response_stream`]: nobody reads what is sent any more.
    Abort { stream: u64, reason: String },
    /// So many more bytes may be sent.
    Credit { stream: u64, bytes: usize },
    /// The head of the response to [`FromWorker::Fetch`]; its body follows as chunks unless `ended`.
    FetchHead(Box<FetchHead>),
    /// An outbound request has no response; the message says why, and what to do.
    FetchFailed { stream: u64, message: String },
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
    /// Whether the content comes by [`request_stream`] instead.
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
    /// Odd, and higher than every one before it.
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

/// A frame that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length is beyond [`MAX_FRAME`], or the parts do not fit in it.
    #[error("a frame of {0} bytes is malformed or over the limit")]
    Length(usize),
    /// The JSON does not say what it must.
    #[error("a frame's header does not parse: {0}")]
    Header(#[from] serde_json::Error),
}

/// Puts a message and its body into one frame.
///
/// # Errors
/// [`FrameError::Length`] when the frame would be over [`MAX_FRAME`].
pub fn encode<M: Serialize>(message: &M, body: &[u8]) -> Result<Vec<u8>, FrameError> {
    let mut frame = Vec::new();
    encode_into(&mut frame, message, body)?;
    Ok(frame)
}

/// Puts a message and its body into one frame behind what `out` already holds.
///
/// # Errors
/// [`FrameError::Length`] when the frame would be over [`MAX_FRAME`]; `out` then ends with a part of it.
pub fn encode_into<M: Serialize>(out: &mut Vec<u8>, message: &M, body: &[u8]) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    serde_json::to_writer(&mut *out, message)?;
    let json_len = out.len() - start - 8;
    let length = json_len + 4 + body.len();
    if length > MAX_FRAME {
        return Err(FrameError::Length(length));
    }
    out.extend_from_slice(body);
    let word = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| FrameError::Length(length));
    out[start..start + 4].copy_from_slice(&word(length)?);
    out[start + 4..start + 8].copy_from_slice(&word(json_len)?);
    Ok(())
}

/// How many bytes the frame behind this first word has; checked against the limit.
///
/// # Errors
/// [`FrameError::Length`] when it is too short to be a frame, or over [`MAX_FRAME`].
pub fn frame_length(word: [u8; 4]) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_le_bytes(word)).unwrap_or(usize::MAX);
    if !(4..=MAX_FRAME).contains(&length) {
        return Err(FrameError::Length(length));
    }
    Ok(length)
}

/// Takes apart what stands behind a frame's first word: the message, and where its body begins.
///
/// # Errors
/// [`FrameError`] when the parts do not fit or the JSON does not parse.
pub fn decode<M: for<'de> Deserialize<'de>>(frame: &[u8]) -> Result<(M, usize), FrameError> {
    let (word, rest) = frame.split_first_chunk::<4>().ok_or(FrameError::Length(frame.len()))?;
    let json_len = usize::try_from(u32::from_le_bytes(*word)).unwrap_or(usize::MAX);
    let json = rest.get(..json_len).ok_or(FrameError::Length(frame.len()))?;
    Ok((serde_json::from_slice(json)?, 4 + json_len))
}
