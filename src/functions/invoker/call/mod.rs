//! One call in one environment, from the frame out to the end of its answer.
//!
//! ```text
//! running: a frame out, a frame back, on the runtime of whoever calls ----------------------> done
//!             | a streamed body, an outbound request, a question to a module, promises after the answer
//!             +-> session, on the core runtime: wire (streams by number, windows, fetch) ---> done, then the rest of the answer
//! ```
//!
//! The frames of a call go over its environment's socket, or by way of a crowd when other calls run beside it ([`way`], [`crowd`]).
//!
//! A plain call costs two system calls and no hop between threads. Whatever needs more than that moves, with its environment, to
//! a task of its own on the core runtime ([`session`]); the caller waits for the head of the answer, and may go away.

mod ask;
mod body;
mod crowd;
mod fetch;
mod running;
mod session;
pub mod untrusted;
mod way;
mod wire;

pub use self::body::{Download, Payload, Upload, Uploader, upload};
pub(super) use self::crowd::{Crowd, Member, Task};
pub(super) use self::running::{Apart, Running, Start, record_failed_start, run, run_streamed};
pub use self::running::{Body, Done, Reply};
pub(super) use self::way::{WHOLE, Way};
pub(super) use self::wire::{Context, Limits, Wire, WireError};
