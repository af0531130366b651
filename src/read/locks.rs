//! The inside of the jail: how the child locks itself in before it looks at a single byte of the file.
//!
//! Three locks, each of which holds alone: resource limits, Landlock (no file, no network, no signal to others) and
//! seccomp (no new process, no socket, nothing that Landlock does not cover).

use super::{
    calls::lock_calls,
    wire::{FileLock, Locked, Task, Work},
};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{
    DumpableBehavior, Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use std::path::Path;

pub(super) type Refused = Box<dyn std::error::Error>;

/// Letters and keys that lie in this process's memory reach no disk when it crashes, and no other process of the same
/// user can look into it. To be called first thing in `main`.
pub fn keep_memory_private() -> std::io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    no_core_file().map_err(std::io::Error::from)
}

/// The limit is one byte and not none: with none a kernel that pipes cores to a program would still make one, with one
/// it gives up in both ways. It also outlives the start of another program, which a flag on the process does not.
fn no_core_file() -> rustix::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(1), maximum: Some(1) })
        .or_else(|_| setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }))
}

/// Locks this process in for the rest of its life and says how well.
pub(super) fn lock_in(task: &Task) -> Result<Locked, Refused> {
    die_with_parent(task.parent)?;
    keep_memory_private()?;
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
