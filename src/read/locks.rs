//! The inside of the jail: how the child locks itself in before it looks at a single byte of the file.
//!
//! Three locks, each of which holds alone: resource limits, Landlock (no file, no network, no signal to others) and
//! seccomp (no new process, no socket, nothing that Landlock does not cover).

use super::wire::{FileLock, Locked, Task, Work};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::{collections::BTreeMap, path::Path};

type Refused = Box<dyn std::error::Error>;

/// Locks this process in for the rest of its life and says how well.
pub(super) fn lock_in(task: &Task) -> Result<Locked, Refused> {
    die_with_parent(task.parent)?;
    refuse_leaked_descriptors()?;
    limit_resources(task)?;
    let program = match &task.work {
        Work::Exec { program, .. } => Some(Path::new(program)),
        _ => None,
    };
    let (files, abi) = lock_files(program)?;
    lock_calls(program.is_some())?;
    Ok(Locked { files, abi, calls: true, limits: true })
}

/// The signal is tied to the *thread* that started us, which is why the parent starts children from one that lives.
fn die_with_parent(parent: i32) -> Result<(), Refused> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid().map(Pid::as_raw_pid) == Some(parent) { Ok(()) } else { Err("the parent is gone already".into()) }
}

fn refuse_leaked_descriptors() -> Result<(), Refused> {
    let open =
        std::fs::read_dir("/proc/self/fd")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let leaked: Vec<u32> = open.filter(|number| *number > 2).collect();
    // One of them is the directory that is being read.
    if leaked.len() <= 1 { Ok(()) } else { Err(format!("inherited descriptors {leaked:?}").into()) }
}

fn limit_resources(task: &Task) -> Result<(), Refused> {
    let limits = [
        (Resource::As, task.memory_mb << 20),
        (Resource::Cpu, task.cpu_seconds.max(1)),
        (Resource::Fsize, 256 << 20),
        (Resource::Nofile, 64),
        (Resource::Core, 0),
    ];
    for (resource, wanted) in limits {
        let most = wanted.min(getrlimit(resource).maximum.unwrap_or(u64::MAX));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// A parser needs no file at all; a program needs itself, its libraries and its data.
fn lock_files(program: Option<&Path>) -> Result<(FileLock, i32), Refused> {
    let abi = ABI::V7;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    if let Some(program) = program {
        let system = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/zero", "/dev/urandom"];
        rules = rules
            .add_rules(path_beneath_rules(system, AccessFs::from_read(abi)))?
            .add_rules(path_beneath_rules([program], AccessFs::from_read(abi) & AccessFs::from_file(abi)))?
            .add_rules(path_beneath_rules(["/dev/null"], AccessFs::from_file(abi)))?;
    }
    let status = rules.restrict_self()?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
        _ => 0,
    };
    let files = match status.ruleset {
        RulesetStatus::FullyEnforced => FileLock::Full,
        RulesetStatus::PartiallyEnforced => FileLock::Partial,
        RulesetStatus::NotEnforced => FileLock::None,
    };
    Ok((files, abi))
}

fn lock_calls(may_exec: bool) -> Result<(), Refused> {
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

fn refused_calls(may_exec: bool) -> Result<BTreeMap<i64, Vec<SeccompRule>>, Refused> {
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = ALWAYS_REFUSED.iter().map(|call| (*call, vec![])).collect();
    #[cfg(target_arch = "x86_64")]
    calls.extend(REFUSED_OLD_NAMES.map(|call| (call, vec![])));
    if !may_exec {
        calls.extend([libc::SYS_execve, libc::SYS_execveat].map(|call| (call, vec![])));
    }
    let when = |argument, width, compare, value| -> Result<Vec<SeccompRule>, Refused> {
        Ok(vec![SeccompRule::new(vec![SeccompCondition::new(argument, width, compare, value)?])?])
    };
    // Threads of its own are allowed, processes are not.
    let thread = SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64);
    calls.insert(libc::SYS_clone, when(0, SeccompCmpArgLen::Qword, thread, 0)?);
    // Limits may be asked for, never set again.
    calls.insert(libc::SYS_prlimit64, when(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?);
    // A signal to itself stays possible: that is how a program aborts.
    let own = u64::from(std::process::id());
    calls.insert(libc::SYS_tgkill, when(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)?);
    Ok(calls)
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
];

/// Calls that only this architecture still has under a second name.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLD_NAMES: [i64; 8] = [
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];

/// Believes what was tried rather than what was promised.
pub(super) fn try_to_break_out(claimed: Locked) -> Locked {
    let file_opened = std::fs::File::open("/proc/self/status").is_ok() || std::fs::File::open("/etc/passwd").is_ok();
    let socket_opened = std::net::UdpSocket::bind("127.0.0.1:0").is_ok();
    let started = std::process::Command::new("/bin/true").spawn().is_ok_and(|mut child| child.wait().is_ok());
    Locked {
        files: if file_opened { FileLock::None } else { claimed.files },
        calls: claimed.calls && !socket_opened && !started,
        ..claimed
    }
}
