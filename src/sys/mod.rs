//! Every `unsafe` in the crate, behind safe signatures.

pub mod memfd;
pub mod memory;
pub mod process;
pub mod sandbox;
pub mod sockets;
pub mod sqlite_functions;
pub mod sqlite_here;
pub mod sqlite_tokenizer;
pub mod syscalls;
pub mod worker;
