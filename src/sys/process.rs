//! Child processes for users' code: started with nothing but three descriptors, limited, read from `/proc`, killed, reaped.
//!
//! A child is named by its pidfd, so that a signal never reaches a process that took over its number.
#![expect(
    unsafe_code,
    reason = "what happens between fork and exec, and watching a descriptor that is shared, has no safe wrapper"
)]

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getpid, getppid, pidfd_open, pidfd_send_signal, prlimit,
    set_parent_process_death_signal, setpriority_process, waitid,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How much nicer than the server a child runs.
const NICENESS: i32 = 10;

/// What a child is started from.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The program, such as `/proc/self/exe`.
    pub program: &'a Path,
    /// Its only argument.
    pub role: &'a str,
    /// What it finds in the place of its standard output.
    pub snapshot: BorrowedFd<'a>,
}

/// A child that was started.
#[derive(Debug)]
pub struct Child {
    pub pid: Pid,
    pub pidfd: OwnedFd,
    /// This side's end of the socketpair; does not block.
    pub socket: UnixStream,
    /// What the child writes to its standard error; does not block on either side.
    pub stderr: OwnedFd,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// What a process holds of memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Private writable mappings (`VmData`): what `RLIMIT_DATA` counts.
    pub data: u64,
    /// The most it ever held, less the pages that belong to files and are shared with the server.
    pub peak: u64,
    /// What it holds now of its own (`RssAnon`).
    pub private: u64,
}

/// Starts a child without an environment. In the places of its standard streams it finds its end of the socketpair, the snapshot of
/// the plan, and a pipe. All else is its own first act ([`super::worker::begin`]): with nothing to be done between fork and exec, the
/// standard library does not copy the server's memory map for a child that throws it away.
///
/// Every descriptor of this process is closed on exec. The child has itself killed when the calling *thread* ends.
///
/// # Errors
/// When the process cannot be made or the program cannot be run.
pub fn spawn(plan: &Plan<'_>) -> io::Result<Child> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let (stderr, stderr_write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC | rustix::pipe::PipeFlags::NONBLOCK)?;
    let mut command = Command::new(plan.program);
    command.arg0("plinth").arg(plan.role).env_clear();
    command.stdin(OwnedFd::from(theirs)).stdout(plan.snapshot.try_clone_to_owned()?).stderr(stderr_write);
    let pid = command.spawn()?.id();
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("a process id out of range"))?;
    // Before it has loaded itself, which takes longer than many a call. Being refused to make it nicer is no reason not to run it.
    let _ = setpriority_process(Some(pid), NICENESS);
    // The child is not reaped before `reap`, so its number is still its own here.
    let pidfd = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
    Ok(Child { pid, pidfd, socket: ours, stderr })
}

/// Runs a program to its end without an environment and gives what it wrote to standard output.
///
/// The child is killed when the calling thread ends.
///
/// # Errors
/// When it cannot be run, or ends with another status than 0; the error then holds the end of its standard error.
pub fn output(program: &Path, arguments: &[&str]) -> io::Result<Vec<u8>> {
    let parent = getpid();
    let mut command = Command::new(program);
    command.arg0("plinth").args(arguments.iter().map(OsStr::new)).env_clear().stdin(Stdio::null());
    // SAFETY: the closure runs in the forked child, where only async-signal-safe functions are allowed. It makes system calls
    // (through rustix, which adds no locks and no allocation) on values it owns by copy, and nothing else.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            if getppid() == Some(parent) { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
        });
    }
    let output = command.output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{}: {}", output.status, said.trim_end())))
}

/// Kills a process at once. One that has ended already is not an error.
///
/// # Errors
/// When the kernel refuses for another reason.
pub fn kill(pidfd: impl AsFd) -> io::Result<()> {
    match pidfd_send_signal(pidfd, Signal::KILL) {
        Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
        Err(err) => Err(err.into()),
    }
}

/// Collects the exit of a child; `None` while it runs.
///
/// # Errors
/// When it is not a child of this process, or was collected before.
pub fn reap(pidfd: impl AsFd) -> io::Result<Option<Exit>> {
    let status = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG)?;
    Ok(status.map(|status| {
        let signal = status.terminating_signal();
        signal.map_or_else(|| Exit::Code(status.exit_status().unwrap_or(-1)), Exit::Signal)
    }))
}

/// Waits for the end of a child and collects it. Must be awaited on a runtime with I/O.
///
/// # Errors
/// As [`reap`], or when the descriptor cannot be watched.
pub async fn ended(pidfd: Arc<OwnedFd>) -> io::Result<Exit> {
    // SAFETY: the `Arc` keeps the descriptor open, and nothing replaces or closes it, for as long as it is registered.
    let watched = unsafe { AsyncFd::register_with_interest(Arc::clone(&pidfd), Interest::READABLE) }?;
    loop {
        if let Some(exit) = reap(&*pidfd)? {
            return Ok(exit);
        }
        watched.readable().await?.clear_ready();
    }
}

/// Limits the private writable memory of a process to so many bytes.
///
/// # Errors
/// When the process is gone or not ours.
pub fn limit_data(pid: Pid, bytes: u64) -> io::Result<()> {
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    prlimit(Some(pid), Resource::Data, limit)?;
    Ok(())
}

/// What a process holds of memory.
///
/// # Errors
/// When the process is gone.
pub fn memory(pid: Pid) -> io::Result<Memory> {
    let mut text = [0_u8; 4096];
    let read = std::fs::File::open(format!("/proc/{}/status", pid.as_raw_nonzero()))?.read(&mut text)?;
    let text = std::str::from_utf8(&text[..read]).unwrap_or_default();
    let bytes = |field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib * 1024)
    };
    let shared = bytes("RssFile").unwrap_or(0) + bytes("RssShmem").unwrap_or(0);
    let data = bytes("VmData").ok_or_else(|| io::Error::other("the process has ended"))?;
    let peak = bytes("VmHWM").unwrap_or(0).saturating_sub(shared);
    Ok(Memory { data, peak, private: bytes("RssAnon").unwrap_or(0) })
}

/// Makes the kernel choose this process first when the machine runs out of memory.
///
/// # Errors
/// When the process is gone.
pub fn prefer_for_oom_kill(pid: Pid) -> io::Result<()> {
    std::fs::write(format!("/proc/{}/oom_score_adj", pid.as_raw_nonzero()), "1000")
}

/// What stands in a pipe at the moment, its last `keep` bytes; does not wait.
#[must_use]
pub fn drain(pipe: OwnedFd, keep: usize) -> Vec<u8> {
    let mut pipe = std::fs::File::from(pipe);
    let (mut all, mut chunk) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = pipe.read(&mut chunk) {
        all.extend_from_slice(&chunk[..read]);
        let excess = all.len().saturating_sub(keep);
        all.drain(..excess);
    }
    all
}

impl Exit {
    /// The exit as Go's `os` package writes it, which is what AWS Lambda's messages quote: `exit status 1`, `signal: killed`.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Code(code) => format!("exit status {code}"),
            Self::Signal(libc::SIGKILL) => "signal: killed".to_owned(),
            Self::Signal(libc::SIGABRT) => "signal: aborted".to_owned(),
            Self::Signal(libc::SIGSEGV) => "signal: segmentation fault".to_owned(),
            Self::Signal(libc::SIGBUS) => "signal: bus error".to_owned(),
            Self::Signal(libc::SIGILL) => "signal: illegal instruction".to_owned(),
            Self::Signal(libc::SIGTRAP) => "signal: trace/breakpoint trap".to_owned(),
            Self::Signal(libc::SIGSYS) => "signal: bad system call".to_owned(),
            Self::Signal(libc::SIGTERM) => "signal: terminated".to_owned(),
            Self::Signal(libc::SIGXCPU) => "signal: CPU time limit exceeded".to_owned(),
            Self::Signal(other) => format!("signal: {other}"),
        }
    }
}
