//! A disk that a test can fill.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::TestApp;

/// How a server is kept from writing.
pub enum Disk {
    /// A file system of its own, in memory, that is filled to the last byte.
    Small(PathBuf),
    /// Where nothing may be mounted: a limit on the size of its files.
    Limited,
}

impl Disk {
    /// A disk that is the folder where that may be, and is limited where it may not.
    pub fn new(folder: &Path) -> Self {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(folder).output();
        match mounted {
            Ok(output) if output.status.success() => Self::Small(folder.to_owned()),
            _ => Self::Limited,
        }
    }

    /// Leaves no space.
    pub fn fill(&self, app: &TestApp) {
        match self {
            Self::Small(folder) => {
                use std::io::Write;
                let mut ballast = std::fs::File::create(folder.join("ballast")).expect("there is space for a name");
                let chunk = vec![0; 64 * 1024];
                while ballast.write_all(&chunk).is_ok() {}
            }
            Self::Limited => limit_files(app, Some(0)),
        }
    }

    /// Leaves space again.
    pub fn free(&self, app: &TestApp) {
        match self {
            Self::Small(folder) => std::fs::remove_file(folder.join("ballast")).expect("the ballast is there"),
            Self::Limited => limit_files(app, None),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Small(folder) = self {
            let _ = Command::new("umount").arg("-l").arg(folder).output();
        }
    }
}

fn limit_files(app: &TestApp, bytes: Option<u64>) {
    let pid = i32::try_from(app.server().pid()).ok().and_then(Pid::from_raw);
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("a child may be limited");
}
