//! The server as a whole: how it starts, what it says of itself, how it stops.

mod full_disk;
mod lifecycle;
mod system;
