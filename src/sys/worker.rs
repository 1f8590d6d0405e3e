//! What a function worker needs of the system beside its sandbox: its beginning, the snapshot in memory, the clock of a thread.
#![expect(
    unsafe_code,
    reason = "closing what was inherited, a mapping for the life of the process, and a clock have no safe wrapper"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, SealFlags, fcntl_get_seals};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::mm::{MapFlags, ProtFlags};
use rustix::net::RecvFlags;
use rustix::process::{Signal, set_parent_process_death_signal, setsid};

/// What the server gave a worker.
#[derive(Debug)]
pub struct Given {
    /// The worker's end of the socketpair.
    pub socket: UnixStream,
    /// The file with V8's startup snapshot.
    pub snapshot: OwnedFd,
}

/// Makes this process a worker: killed when the server's thread that started it ends, in a session of its own, with what it was given
/// and no other descriptor. To be called before anything else, while nothing of this process is open.
///
/// # Errors
/// When this process is not what the server started as a worker, or the server has ended.
pub fn begin() -> io::Result<Given> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    setsid()?;
    // What the server itself inherited may have come along. SAFETY: a plain system call; nothing of this process is open yet beside
    // the standard streams, so it closes nothing that anybody owns.
    if unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let socket = UnixStream::from(fcntl_dupfd_cloexec(io::stdin(), 3)?);
    let snapshot = fcntl_dupfd_cloexec(io::stdout(), 3)?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    for stream in [libc::STDIN_FILENO, libc::STDOUT_FILENO] {
        // SAFETY: a plain system call on two open numbers; the standard streams stay open, as everybody may rely on.
        if unsafe { libc::dup2(nothing.as_raw_fd(), stream) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // Where the server ended before the signal was asked for, none comes.
    if has_hung_up(&socket)? {
        return Err(io::Error::other("the server has ended"));
    }
    Ok(Given { socket, snapshot })
}

fn has_hung_up(socket: &UnixStream) -> io::Result<bool> {
    match rustix::net::recv(socket, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((received, _)) => Ok(received == 0),
        Err(rustix::io::Errno::AGAIN) => Ok(false),
        Err(err) => Err(err.into()),
    }
}

/// Maps a file for reading, for as long as the process lives, and closes it; `None` when it is empty.
///
/// The pages are shared with every other process that maps the same file, which is one of the server's that nobody can change.
///
/// # Errors
/// When the file is one that could be changed, or the kernel refuses the mapping.
pub fn mapped(file: OwnedFd) -> io::Result<Option<&'static [u8]>> {
    if !fcntl_get_seals(&file)?.contains(SealFlags::WRITE | SealFlags::SHRINK) {
        return Err(io::Error::other("the file is not sealed"));
    }
    let length = usize::try_from(rustix::fs::fstat(&file)?.st_size).unwrap_or(0);
    if length == 0 {
        return Ok(None);
    }
    // SAFETY: a fresh mapping at an address of the kernel's choosing, never unmapped, so it lives as long as the process. The file is
    // sealed against writing and shrinking, so that the bytes do not change and stay there.
    let bytes = unsafe {
        let start = rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, &file, 0)?;
        std::slice::from_raw_parts(start.cast::<u8>(), length)
    };
    Ok(Some(bytes))
}

/// CPU time the calling thread has used.
#[must_use]
pub fn thread_cpu_time() -> Duration {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: `time` is valid for writes of one `timespec`, and all its bit patterns are valid ones; a refusal leaves it zero.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, time.as_mut_ptr());
        time.assume_init()
    };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
