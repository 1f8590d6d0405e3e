//! The server as a child process: started, read from, killed.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The line the server prints on stdout once its listener is bound.
const LISTENING: &str = "listening on ";

/// How long a start may take: the first one on a folder also makes the snapshot, beside other tests.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running `plinth serve`, or another command that stays. Killed when dropped.
pub struct Server {
    child: Child,
    log: Arc<Mutex<String>>,
}

/// What a command that ended left behind.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Server {
    /// Starts `plinth serve` with these arguments and variables; nothing else of the environment reaches it.
    #[must_use]
    pub fn spawn(arguments: &[&OsStr], variables: &[(&str, String)]) -> Self {
        Self::spawn_command(&[&["serve".as_ref()], arguments].concat(), variables)
    }

    /// Starts another command that runs until it is told to stop, such as `plinth functions logs hello --follow`.
    #[must_use]
    pub fn spawn_command(arguments: &[&OsStr], variables: &[(&str, String)]) -> Self {
        let mut child = command(variables)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = Arc::default();
        collect(child.stdout.take().expect("stdout is piped"), &log);
        collect(child.stderr.take().expect("stderr is piped"), &log);
        Self { child, log }
    }

    /// Waits for the address the server prints, such as `http://127.0.0.1:40123`.
    ///
    /// # Panics
    ///
    /// When the server ends, or says nothing in time; the message holds its log.
    pub async fn address(&mut self) -> String {
        let start = Instant::now();
        loop {
            if let Some(address) = listening_address(&self.log()) {
                return address;
            }
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                tokio::time::sleep(Duration::from_millis(100)).await;
                panic!("the server ended with {status} before it listened; its log:\n{}", self.log());
            }
            assert!(start.elapsed() < START_LIMIT, "the server did not listen; its log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All it has printed so far, both streams in the order they were read.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("no reader panics").clone()
    }

    /// Sends a signal; one that is already gone is not an error.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a child has a process id");
        let _ = kill_process(pid, signal);
    }

    /// Kills it as a power cut would, and waits until it is gone.
    pub fn kill9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its own end.
    ///
    /// # Panics
    ///
    /// When it is still running after `limit`.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                return status;
            }
            assert!(start.elapsed() < limit, "the server runs on after {limit:?}; its log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A size from `/proc/PID/status` in bytes, such as `VmRSS`; 0 when the process is gone.
    #[must_use]
    pub fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            println!("---- the server's log ----\n{}---- end of the server's log ----", self.log());
        }
    }
}

/// Runs `plinth` with these arguments to its end, in `folder`.
///
/// # Panics
///
/// When the binary cannot be started.
#[must_use]
pub fn run_plinth(folder: &Path, arguments: &[&str], variables: &[(&str, String)]) -> Finished {
    run_plinth_fed(folder, arguments, variables, b"")
}

/// The same, with this for its standard input.
///
/// # Panics
///
/// When the binary cannot be started.
#[must_use]
pub fn run_plinth_fed(folder: &Path, arguments: &[&str], variables: &[(&str, String)], input: &[u8]) -> Finished {
    let mut command = command(variables);
    command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    // One that does not read it has ended, or ends without it.
    let _ = child.stdin.take().expect("stdin is piped").write_all(input);
    let output = child.wait_with_output().expect("the child can be waited for");
    Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The binary under `setpriv --pdeathsig` (util-linux), so that a test that is killed leaves no server behind. `setpriv`
/// replaces itself with the binary, so the child's id is the server's.
fn command(variables: &[(&str, String)]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", env!("CARGO_BIN_EXE_plinth")]);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("RUST_BACKTRACE", "1");
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

fn collect(stream: impl Read + Send + 'static, log: &Arc<Mutex<String>>) {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            log.lock().expect("no reader panics").push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}

fn listening_address(log: &str) -> Option<String> {
    let complete = &log[..=log.rfind('\n')?];
    let address = complete.lines().find_map(|line| line.strip_prefix(LISTENING))?;
    Some(address.trim().trim_end_matches('/').to_owned())
}
