//! Passwords are argon2id, as PHC strings, hashed on threads of their own.
//!
//! Hashing is the one thing here that needs the processor for tens of milliseconds and megabytes of memory, so it has its own
//! bounded pool: beyond its queue a sign-in is refused at once instead of making everything else wait.

mod hash;
mod pool;

pub use self::hash::{Passwords, Verdict};
