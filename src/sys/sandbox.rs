//! The walls of a function worker, which it puts up around itself.
//!
//! In this order: [`before_v8`] on the main thread while it is the only one (landlock binds the calling thread and those it
//! starts later), then V8's threads, then [`after_v8`], whose filter the kernel puts on every thread at once.

use std::io;

use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::syscalls;

/// The newest landlock interface asked for; an older kernel gives what it has.
const LANDLOCK: ABI = ABI::V6;

/// Open files a worker may have: its socket, what tokio's poller needs, and nothing near this.
const OPEN_FILES: u64 = 32;

/// Whether a wall stands, with a detail; or why it does not.
pub type Wall = Result<String, String>;

/// What [`before_v8`] could do.
#[derive(Debug)]
pub struct Early {
    pub no_new_privs: Wall,
    pub landlock: Wall,
}

/// Makes this process the first to die when memory runs out, limits what it may leave behind, gives up every way to gain
/// rights, and denies it the file system, TCP, abstract sockets and signals to others.
///
/// # Errors
/// When a resource limit cannot be set; the kernel refuses none of these to anybody, so something is badly wrong then.
pub fn before_v8() -> io::Result<Early> {
    // Needs the file system, so it comes first. Being refused (a read-only /proc) costs nothing but the order of dying.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    for (resource, most) in [(Resource::Core, 0), (Resource::Fsize, 0), (Resource::Nofile, OPEN_FILES)] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    let no_new_privs = match rustix::thread::set_no_new_privs(true) {
        Ok(()) => Ok("set".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    Ok(Early { no_new_privs, landlock: deny_everything() })
}

/// Lets through only the system calls that V8 and the worker make once they run.
///
/// # Errors
/// Why the kernel, or this architecture, does not have it.
pub fn after_v8() -> Wall {
    let filters = syscalls::filters().map_err(|error| error.to_string())?;
    for filter in &filters {
        seccompiler::apply_filter_all_threads(filter).map_err(|error| error.to_string())?;
    }
    Ok("an allow-list on every thread".to_owned())
}

fn deny_everything() -> Wall {
    let restricted = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(|rules| rules.scope(Scope::from_all(LANDLOCK)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    match restricted.map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => Ok(format!("files, TCP, scopes ({LANDLOCK:?})")),
        Ok(RulesetStatus::PartiallyEnforced) => Ok("in part: the kernel is older than ABI 6".to_owned()),
        Ok(RulesetStatus::NotEnforced) => Err("the kernel has no landlock, or it is not enabled".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
