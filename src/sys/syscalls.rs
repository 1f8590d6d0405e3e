//! The system calls a function worker may make, found by watching it (`strace -f`) do everything it can do.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Allowed with any arguments.
const ALLOWED: &[libc::c_long] = &[
    // The socket and tokio's poller.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_close,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    // Memory, with the execute bit for compiled code.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
    // Threads: waiting, being named, ending.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    // Signals, for the way a process aborts.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_restart_syscall,
];

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
    let mut rules: BTreeMap<libc::c_long, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    rules.extend(clone3);
    rules.insert(libc::SYS_clone, vec![only_with_flag(0, libc::CLONE_THREAD)?]);
    rules.insert(libc::SYS_fcntl, vec![only_equal(1, libc::F_GETFL)?, only_equal(1, libc::F_GETFD)?]);
    rules.insert(libc::SYS_prctl, vec![only_equal(0, libc::PR_SET_NAME)?, only_equal(0, libc::PR_SET_VMA)?]);
    // A process may abort itself, and signal nobody else.
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
