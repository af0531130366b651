//! Which system calls a reader may not make.
//!
//! A list of what is refused, not of what is allowed: the second would break with each new version of Tesseract or of
//! the C library. What the list has to hold is what Landlock does not cover, and every way out of the limits.

use super::locks::Refused;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

pub(super) fn lock_calls(may_exec: bool) -> Result<(), Refused> {
    let arch = std::env::consts::ARCH.try_into()?;
    // `clone3` hides its flags behind a pointer; told that it does not exist, the C library falls back to `clone`.
    let absent = SeccompAction::Errno(libc::ENOSYS as u32);
    let clone3 = SeccompFilter::new([(libc::SYS_clone3, vec![])].into(), SeccompAction::Allow, absent, arch)?;
    seccompiler::apply_filter(&BpfProgram::try_from(clone3)?)?;
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(refused_calls(may_exec)?, SeccompAction::Allow, refused, arch)?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    Ok(())
}

type Calls = BTreeMap<i64, Vec<SeccompRule>>;

fn refused_calls(may_exec: bool) -> Result<Calls, Refused> {
    let mut calls: Calls = ALWAYS_REFUSED.iter().map(|call| (*call, vec![])).collect();
    if !may_exec {
        calls.extend(REFUSED_TO_PARSERS.iter().map(|call| (*call, vec![])));
    }
    // Threads of its own are allowed, processes are not.
    let thread = SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64);
    calls.insert(libc::SYS_clone, vec![when(0, SeccompCmpArgLen::Qword, thread, 0)?]);
    // Limits may be asked for, never set again.
    calls.insert(libc::SYS_prlimit64, vec![when(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?]);
    // A signal to itself stays possible: that is how a program aborts.
    let own = u64::from(std::process::id());
    calls.insert(libc::SYS_tgkill, vec![when(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)?]);
    // It must not outlive the server, nor open its memory to others.
    calls.insert(libc::SYS_prctl, is_one_of(0, &[libc::PR_SET_PDEATHSIG, libc::PR_SET_DUMPABLE])?);
    // A descriptor that names another process as its owner sends it any signal, without a call that is about signals.
    calls.insert(libc::SYS_fcntl, is_one_of(1, &[libc::F_SETOWN, F_SETSIG, F_SETOWN_EX])?);
    #[cfg(target_arch = "x86_64")]
    refuse_other_names(&mut calls, may_exec);
    Ok(calls)
}

const F_SETSIG: i32 = 10;
const F_SETOWN_EX: i32 = 15;

fn when(argument: u8, width: SeccompCmpArgLen, compare: SeccompCmpOp, value: u64) -> Result<SeccompRule, Refused> {
    Ok(SeccompRule::new(vec![SeccompCondition::new(argument, width, compare, value)?])?)
}

fn is_one_of(argument: u8, values: &[i32]) -> Result<Vec<SeccompRule>, Refused> {
    values.iter().map(|value| when(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, *value as u64)).collect()
}

/// This architecture has calls that others never had, and a second set of numbers for all of them (x32), which a filter
/// that knows the first set only lets pass.
#[cfg(target_arch = "x86_64")]
fn refuse_other_names(calls: &mut Calls, may_exec: bool) {
    const X32: i64 = 0x4000_0000;
    calls.extend(REFUSED_OLD_NAMES.map(|call| (call, vec![])));
    if !may_exec {
        calls.extend(REFUSED_TO_PARSERS_OLD_NAMES.map(|call| (call, vec![])));
    }
    let second: Vec<i64> = calls.keys().map(|call| call | X32).collect();
    // From 512 on stand the calls that x32 has of its own, such as starting a program.
    calls.extend(second.into_iter().chain((512..548).map(|call| call | X32)).map(|call| (call, vec![])));
}

/// Network and leaving the jail first, then what Landlock does not cover on every kernel.
const ALWAYS_REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_io_uring_setup,
    libc::SYS_setsid,
    libc::SYS_setpgid,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_memfd_create,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_utimensat,
    libc::SYS_truncate,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_fchmodat2,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_mknodat,
    libc::SYS_mount_setattr,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    OPEN_TREE_ATTR,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_memfd_secret,
    libc::SYS_process_madvise,
    libc::SYS_fanotify_init,
    libc::SYS_capset,
    libc::SYS_personality,
    libc::SYS_ioprio_set,
    libc::SYS_setpriority,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setattr,
    // What only the superuser may do: some people run servers as root.
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_delete_module,
    libc::SYS_kexec_file_load,
];

/// Newer than the list of names that we have; the numbers are the same on every architecture.
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const OPEN_TREE_ATTR: i64 = 467;
const FILE_SETATTR: i64 = 469;

/// A parser of ours has its file in memory: it opens, makes and removes none, also where there is no Landlock.
const REFUSED_TO_PARSERS: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
];

/// Calls that only this architecture still has under a second name.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLD_NAMES: [i64; 12] = [
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_setrlimit,
    libc::SYS_mknod,
    libc::SYS_iopl,
    libc::SYS_ioperm,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_TO_PARSERS_OLD_NAMES: [i64; 9] = [
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_unlink,
    libc::SYS_rmdir,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_mkdir,
    libc::SYS_link,
    libc::SYS_symlink,
];
