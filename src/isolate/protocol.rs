//! What the server and a function worker say to each other, over one socketpair.
//!
//! A frame is `length: u32 LE | json_length: u32 LE | json | body`, where `length` counts everything after itself. The JSON is a
//! [`ToWorker`] or a [`FromWorker`]; the body is raw bytes (code, a request's payload, an answer's payload), whose meaning the
//! JSON tells. The server treats a worker as hostile: a frame beyond [`MAX_FRAME`], JSON that does not parse, or an answer to a
//! call that was not made ends that worker.
//!
//! This file is the only one of `isolate` that the server's side imports; it knows neither V8 nor sockets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The longest frame, in bytes: the files of an unpacked package (250 MB), with room for their names.
pub const MAX_FRAME: usize = 288 * 1024 * 1024;

/// The longest answer a function may give, in bytes (6 MiB + 100 B, as AWS Lambda's).
pub const MAX_RESPONSE: usize = 6 * 1024 * 1024 + 100;

/// The file descriptor a worker finds its end of the socketpair at.
pub const SOCKET_FD: i32 = 3;

/// The file descriptor a worker finds the sealed memfd with V8's startup snapshot at.
pub const SNAPSHOT_FD: i32 = 4;

/// What the server tells a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// Check and transpile the files in the body. Answered by [`FromWorker::Compiled`] or [`FromWorker::Rejected`]; the worker
    /// then exits, since it has parsed what a stranger wrote.
    Compile(Compile),
    /// Become the environment of one function revision, for life. The body holds what [`Bundle`] tells.
    /// Answered by [`FromWorker::Initialised`] or [`FromWorker::InitFailed`].
    Assign(Box<Assign>),
    /// Run the handler once. The body is the payload. Answered by [`FromWorker::Answer`] or [`FromWorker::Failed`].
    Invoke(Box<Invoke>),
}

/// What a worker tells the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
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
}

/// A request to check files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compile {
    /// In the order in which their contents lie in the body.
    pub files: Vec<SourceFile>,
    /// The handler asked for, such as `index.handler`; `None` takes whichever kind is found.
    pub handler: Option<String>,
    /// Whether the files were uploaded as an archive; `false`: one file alone.
    pub is_archive: bool,
}

/// A file of a package.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its path in the package, such as `src/index.ts`: shown in messages and stack traces.
    pub path: String,
    /// Its length, in bytes.
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

/// The kind of handler a function has.
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
