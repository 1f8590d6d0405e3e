//! Connections of this process that are found by their addresses, since whoever serves them does not show their sockets.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use rustix::net::{Shutdown, getpeername, getsockname, shutdown};

/// A connection: the other end's address, and the port of this one.
pub type Ends = (SocketAddr, u16);

/// Lets whoever serves these connections read their end: nothing more is taken from them, and what is on its way out still goes. Looks at
/// every open file of the process, so it is for rare occasions, and waits for the kernel.
///
/// # Errors
/// When the process's open files cannot be listed.
pub fn end_reading(connections: &HashSet<Ends>) -> io::Result<usize> {
    let mut ended = 0;
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(socket) = number.and_then(duplicate) else { continue };
        if ends_of(&socket).is_some_and(|ends| connections.contains(&ends)) && shutdown(&socket, Shutdown::Read).is_ok() {
            ended += 1;
        }
    }
    Ok(ended)
}

fn ends_of(socket: &OwnedFd) -> Option<Ends> {
    let peer = SocketAddr::try_from(getpeername(socket).ok()??).ok()?;
    let own = SocketAddr::try_from(getsockname(socket).ok()?).ok()?;
    Some((peer, own.port()))
}

/// A descriptor of one's own for what a number stands for; `None` when it was closed meanwhile. What it is, is looked at on the new one,
/// which nobody else closes.
fn duplicate(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: the call takes numbers alone, and fails on one that is not open.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
    // SAFETY: the call gave a new descriptor, which nothing else owns.
    (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) })
}
