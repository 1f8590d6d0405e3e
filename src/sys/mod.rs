//! Every `unsafe` in the crate, behind safe signatures.

pub mod memfd;
pub mod process;
pub mod sandbox;
mod syscalls;
pub mod worker;
