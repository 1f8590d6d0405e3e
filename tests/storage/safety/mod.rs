//! What must hold whatever happens: crashes, full disks, names in every spelling, and callers without a right.

mod consistency;
mod crashes;
mod disk;
mod door;
mod surfaces;
