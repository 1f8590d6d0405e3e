//! The system calls a function worker may make, found by watching it (`strace -f`) do everything it can do.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// System calls that are allowed with any arguments, and why.
struct Group {
    why: &'static str,
    calls: &'static [(&'static str, libc::c_long)],
}

/// One that is allowed with some arguments only.
struct Narrow {
    name: &'static str,
    number: libc::c_long,
    /// Which arguments.
    only: &'static str,
    why: &'static str,
}

/// Names system calls with their numbers.
macro_rules! calls {
    ($($name:ident = $number:ident),* $(,)?) => { &[$((stringify!($name), libc::$number)),*] };
}

/// Allowed with any arguments.
const ALLOWED: &[Group] = &[
    Group {
        why: "The socket to the server, and tokio's poller over it",
        calls: calls![
            read = SYS_read,
            write = SYS_write,
            readv = SYS_readv,
            writev = SYS_writev,
            recvfrom = SYS_recvfrom,
            sendto = SYS_sendto,
            recvmsg = SYS_recvmsg,
            sendmsg = SYS_sendmsg,
            shutdown = SYS_shutdown,
            close = SYS_close,
            epoll_create1 = SYS_epoll_create1,
            epoll_ctl = SYS_epoll_ctl,
            epoll_wait = SYS_epoll_wait,
            epoll_pwait = SYS_epoll_pwait,
            eventfd2 = SYS_eventfd2,
        ],
    },
    Group {
        why: "Memory, with the execute bit for compiled code",
        calls: calls![
            brk = SYS_brk,
            mmap = SYS_mmap,
            munmap = SYS_munmap,
            mprotect = SYS_mprotect,
            mremap = SYS_mremap,
            madvise = SYS_madvise,
            pkey_alloc = SYS_pkey_alloc,
            pkey_free = SYS_pkey_free,
            pkey_mprotect = SYS_pkey_mprotect,
        ],
    },
    Group {
        why: "V8's threads: waiting for one another, being scheduled, ending",
        calls: calls![
            futex = SYS_futex,
            set_robust_list = SYS_set_robust_list,
            rseq = SYS_rseq,
            membarrier = SYS_membarrier,
            sched_yield = SYS_sched_yield,
            sched_getaffinity = SYS_sched_getaffinity,
            sched_getparam = SYS_sched_getparam,
            sched_getscheduler = SYS_sched_getscheduler,
            gettid = SYS_gettid,
            exit = SYS_exit,
            exit_group = SYS_exit_group,
        ],
    },
    Group {
        why: "Time and chance",
        calls: calls![
            clock_gettime = SYS_clock_gettime,
            clock_getres = SYS_clock_getres,
            clock_nanosleep = SYS_clock_nanosleep,
            nanosleep = SYS_nanosleep,
            gettimeofday = SYS_gettimeofday,
            getrandom = SYS_getrandom,
        ],
    },
    Group {
        why: "Signals, for the way a process aborts",
        calls: calls![
            rt_sigaction = SYS_rt_sigaction,
            rt_sigprocmask = SYS_rt_sigprocmask,
            rt_sigreturn = SYS_rt_sigreturn,
            sigaltstack = SYS_sigaltstack,
            getpid = SYS_getpid,
            restart_syscall = SYS_restart_syscall,
        ],
    },
];

/// Allowed with the arguments that [`filters`] says.
const NARROW: &[Narrow] = &[
    Narrow {
        name: "clone",
        number: libc::SYS_clone,
        only: "with `CLONE_THREAD`",
        why: "Threads of V8; a process of its own is refused",
    },
    Narrow {
        name: "fcntl",
        number: libc::SYS_fcntl,
        only: "`F_GETFL`, `F_GETFD`",
        why: "The standard library looks at its descriptors",
    },
    Narrow { name: "prctl", number: libc::SYS_prctl, only: "`PR_SET_NAME`, `PR_SET_VMA`", why: "Names of threads and of memory" },
    Narrow {
        name: "tgkill",
        number: libc::SYS_tgkill,
        only: "to itself",
        why: "A process may abort itself, and signal nobody else",
    },
];

/// The numbers of all that is not refused out of hand; `clone3` is answered ENOSYS, everything else EPERM.
#[must_use]
pub fn allowed() -> Vec<libc::c_long> {
    let any = ALLOWED.iter().flat_map(|group| group.calls).map(|(_, number)| *number);
    any.chain(NARROW.iter().map(|narrow| narrow.number)).collect()
}

/// The list as a table in Markdown, for the documentation.
#[must_use]
pub fn table() -> String {
    let mut table = "| system calls | allowed | why |\n| --- | --- | --- |\n".to_owned();
    for Group { why, calls } in ALLOWED {
        let names: Vec<_> = calls.iter().map(|(name, _)| format!("`{name}`")).collect();
        table.push_str(&format!("| {} | always | {why} |\n", names.join(" ")));
    }
    for Narrow { name, only, why, .. } in NARROW {
        table.push_str(&format!("| `{name}` | {only} | {why} |\n"));
    }
    table
}

/// The programs the kernel runs before each system call, to be put up in this order: what is listed passes, the rest gets EPERM.
///
/// The first has one task: glibc tries `clone3` before `clone`, and its flags lie in memory where no filter can look; it falls
/// back on ENOSYS alone.
///
/// # Errors
/// When this machine's architecture is not one the filters can be written for.
pub(super) fn filters() -> Result<[BpfProgram; 2], Box<dyn std::error::Error>> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let first = SeccompFilter::new(clone3.clone(), SeccompAction::Allow, errno(libc::ENOSYS), arch)?;
    let mut rules: BTreeMap<libc::c_long, Vec<SeccompRule>> =
        ALLOWED.iter().flat_map(|group| group.calls).map(|(_, number)| (*number, Vec::new())).collect();
    rules.extend(clone3);
    rules.insert(libc::SYS_clone, vec![only_with_flag(0, libc::CLONE_THREAD)?]);
    rules.insert(libc::SYS_fcntl, vec![only_equal(1, libc::F_GETFL)?, only_equal(1, libc::F_GETFD)?]);
    rules.insert(libc::SYS_prctl, vec![only_equal(0, libc::PR_SET_NAME)?, only_equal(0, libc::PR_SET_VMA)?]);
    rules.insert(libc::SYS_tgkill, vec![only_equal(0, i32::try_from(std::process::id())?)?]);
    let second = SeccompFilter::new(rules, errno(libc::EPERM), SeccompAction::Allow, arch)?;
    Ok([first.try_into()?, second.try_into()?])
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}

fn only_equal(argument: u8, value: i32) -> Result<SeccompRule, seccompiler::BackendError> {
    let value = u64::from(value.unsigned_abs());
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)?])
}

fn only_with_flag(argument: u8, flag: i32) -> Result<SeccompRule, seccompiler::BackendError> {
    let flag = u64::from(flag.unsigned_abs());
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?])
}
