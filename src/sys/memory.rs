//! How much memory there is, and how much of it is free: the machine's, or the control group's that the process runs in.
//!
//! A container's limit is in its control group (version 2), and those above bound it too; the smallest counts.

use std::fs;
use std::path::{Path, PathBuf};

/// Where version 2 of control groups is mounted.
const GROUPS: &str = "/sys/fs/cgroup";

/// Memory that a process may use, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What there is in all.
    pub total: u64,
    /// What may be taken without anything being swapped out; files that are cached can be dropped, and count as available.
    pub available: u64,
}

/// What this process may use of the machine it runs on; `None` where the kernel does not tell.
#[must_use]
pub fn machine() -> Option<Machine> {
    let whole = of_meminfo(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = group_of(&groups).into_iter().flat_map(|group| {
        let folders = Path::new(group).ancestors().map(|above| Path::new(GROUPS).join(above.strip_prefix("/").unwrap_or(above)));
        folders.collect::<Vec<PathBuf>>()
    });
    Some(limits.filter_map(|folder| of_group(&folder)).fold(whole, Machine::least))
}

impl Machine {
    /// What two bounds leave together.
    fn least(self, other: Self) -> Self {
        Self { total: self.total.min(other.total), available: self.available.min(other.available) }
    }
}

/// What `/proc/meminfo` says.
#[must_use]
pub fn of_meminfo(text: &str) -> Option<Machine> {
    let bytes = |field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib * 1024)
    };
    Some(Machine { total: bytes("MemTotal")?, available: bytes("MemAvailable")? })
}

/// The control group of version 2 that `/proc/self/cgroup` names.
fn group_of(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// What the control group with this folder bounds; `None` when it bounds nothing.
#[must_use]
pub fn of_group(folder: &Path) -> Option<Machine> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let (total, used) = (number("memory.max")?, number("memory.current")?);
    let dropped = droppable(&fs::read_to_string(folder.join("memory.stat")).unwrap_or_default());
    Some(Machine { total, available: total.saturating_sub(used.saturating_sub(dropped)) })
}

/// The cached files of `memory.stat` that the kernel drops first.
fn droppable(stat: &str) -> u64 {
    stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok()).unwrap_or(0)
}
