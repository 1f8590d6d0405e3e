//! What the server and a function worker say to each other, over one socketpair.
//!
//! A frame is `length: u32 LE | json_length: u32 LE | json | body`, where `length` counts everything after itself. The JSON is a
//! [`ToWorker`] or a [`FromWorker`]; the body is raw bytes (code, a request's payload, an answer's payload), whose meaning the
//! JSON tells. The server treats a worker as hostile: whatever is not as it must be ends that worker.
//!
//! # Streams
//!
//! What is too long for one frame, or comes bit by bit, is a stream of chunks of at most [`CHUNK`] bytes. Its sender may have
//! [`WINDOW`] bytes under way; the receiver gives credit for what it has passed on. The number of a stream says which call it belongs
//! to ([`call_of`]). A call has two of its own ([`request_stream`], [`response_stream`]); an outbound request has one
//! ([`fetch_stream`]), counted up by the worker within the call, for its body and for the body of its response. A stream ends with
//! its call. What arrives for a stream that is over is dropped by the worker, and by the server as long as there once was such a
//! stream.
//!
//! # Questions
//!
//! What a function asks of the platform's modules ([`Question`]) is one frame, and so is its answer. The worker numbers the questions of a
//! call from 1 and has at most [`MAX_ASKING`] of them, of [`ASK_WINDOW`] bytes together, without an answer; they end with their call.
//!
//! # Calls side by side
//!
//! An environment that is [`Assign::shared`] may be told of a call while others are under way. It says of each that it
//! [began](FromWorker::Began); every message about a call, a stream or a question says whose it is.
//!
//! This folder is the only part of `isolate` that the server's side imports; it knows neither V8 nor sockets.

mod ask;
mod frame;
mod message;

pub use self::ask::*;
pub use self::frame::*;
pub use self::message::*;

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

/// The bits of a stream's number that count the streams of one call.
const STREAM_BITS: u32 = 24;

/// The most outbound requests that one call may number.
pub const MAX_FETCHES: u64 = 1 << (STREAM_BITS - 2);

/// The stream that brings the body of a call's HTTP request.
#[must_use]
pub const fn request_stream(call: u64) -> u64 {
    call << STREAM_BITS
}

/// The stream that takes the body of a call's HTTP response.
#[must_use]
pub const fn response_stream(call: u64) -> u64 {
    request_stream(call) | 2
}

/// The stream of a call's `number`-th outbound request, from 1 to [`MAX_FETCHES`]. These streams alone have odd numbers.
#[must_use]
pub const fn fetch_stream(call: u64, number: u64) -> u64 {
    request_stream(call) | (2 * number + 1)
}

/// The call that a stream belongs to; 0 is initialisation.
#[must_use]
pub const fn call_of(stream: u64) -> u64 {
    stream >> STREAM_BITS
}

/// The most questions of one call that wait for their answer; a worker holds further ones back.
pub const MAX_ASKING: usize = 64;

/// The longest body of a question, in bytes, and of one that the code outside the handler asks.
pub const MAX_ASK: usize = 6 * 1024 * 1024;
pub const MAX_ASK_IN_INIT: usize = 1024 * 1024;

/// The most bytes these questions have together, unless there is just one.
pub const ASK_WINDOW: usize = 8 * 1024 * 1024;
