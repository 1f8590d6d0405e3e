//! Uploads that come in several pieces: each piece is a blob of its own, and the object that they become names them all, so that nothing
//! is copied when it is whole.

mod parts;
mod resumable;

pub use self::parts::{PieceWriter, Pieced};
pub use self::resumable::{Append, Progress, Resumable};
