//! What a function worker needs of the system beside its sandbox: its inherited descriptors, the snapshot in memory, the clock of a
//! thread.
#![expect(
    unsafe_code,
    reason = "inherited descriptors, a mapping for the life of the process, and a system call have no safe wrapper"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::mm::{MapFlags, ProtFlags};

/// Takes the socket that the server left at a fixed number.
///
/// # Errors
/// When nothing is open at that number.
pub fn inherited_socket(number: RawFd) -> io::Result<UnixStream> {
    // SAFETY: the number is looked at before it is owned, and the caller is the only one that ever takes it: a worker is a fresh
    // program whose descriptors were put there by the server for it.
    let fd = unsafe {
        rustix::io::fcntl_getfd(BorrowedFd::borrow_raw(number))?;
        OwnedFd::from_raw_fd(number)
    };
    Ok(UnixStream::from(fd))
}

/// Maps the inherited file at this number for reading, for as long as the process lives; `None` when there is none or it is empty.
///
/// The descriptor is closed. The pages are shared with every other process that maps the same file.
///
/// # Errors
/// When the kernel refuses the mapping.
pub fn inherited_mapping(number: RawFd) -> io::Result<Option<&'static [u8]>> {
    // SAFETY: as in `inherited_socket`.
    let fd = unsafe {
        if rustix::io::fcntl_getfd(BorrowedFd::borrow_raw(number)).is_err() {
            return Ok(None);
        }
        OwnedFd::from_raw_fd(number)
    };
    let length = usize::try_from(rustix::fs::fstat(&fd)?.st_size).unwrap_or(0);
    if length == 0 {
        return Ok(None);
    }
    // SAFETY: a fresh mapping at an address of the kernel's choosing, never unmapped, so it lives as long as the process. The server
    // seals the file against writing and shrinking, so that the bytes do not change and stay there.
    let bytes = unsafe {
        let start = rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, &fd, 0)?;
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
