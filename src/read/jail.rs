//! The outside of the jail: starting a child, hearing it, and ending it with everything that it might have started.

use super::{
    COMMAND,
    settings::Settings,
    wire::{self, Answer, Task, Work},
};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    time::{Duration, Instant},
};
use tokio::{io::AsyncReadExt, process::ChildStdout, sync::oneshot, time::timeout};

/// A running child. Dropping it kills its process group: a read that nobody waits for any more ends at once.
#[derive(Debug)]
pub(super) struct Jailed {
    child: Option<Child>,
    pub(super) out: ChildStdout,
}

/// Why no answer came.
#[derive(Debug)]
pub(super) enum Silence {
    TooLate,
    /// The child ended, or spoke nonsense.
    Ended,
}

pub(super) fn task(settings: &Settings, work: Work) -> Task {
    Task {
        parent: rustix::process::getpid().as_raw_pid(),
        require_jail: settings.require_jail,
        memory_mb: settings.memory_mb.clamp(64, 16 << 10),
        cpu_seconds: settings.cpu_seconds,
        work,
    }
}

impl Jailed {
    pub(super) async fn start(program: &Path, task: &Task, input: Stdio) -> io::Result<Jailed> {
        let mut command = Command::new(program);
        command
            .arg(COMMAND)
            .env_clear()
            // More than one thread makes Tesseract slower and takes the processor from everybody else.
            .envs([("PATH", "/usr/bin:/bin"), ("LC_ALL", "C.UTF-8"), ("OMP_THREAD_LIMIT", "1")])
            .env(wire::TASK, serde_json::to_string(task)?)
            .current_dir("/")
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let (reply, started) = oneshot::channel();
        spawner()?.send((command, reply)).map_err(|_| gone())?;
        let mut child = started.await.map_err(|_| gone())??;
        match child.stdout.take().map(ChildStdout::from_std) {
            Some(Ok(out)) => Ok(Jailed { child: Some(child), out }),
            Some(Err(error)) => {
                bury(Some(child));
                Err(error)
            }
            None => {
                bury(Some(child));
                Err(gone())
            }
        }
    }

    pub(super) async fn hear(&mut self, most_blob: usize, wait: Duration) -> Result<(Answer, Vec<u8>), Silence> {
        match timeout(wait, wire::receive(&mut self.out, most_blob)).await {
            Err(_) => Err(Silence::TooLate),
            Ok(Ok(Some(heard))) => Ok(heard),
            Ok(Ok(None) | Err(_)) => Err(Silence::Ended),
        }
    }

    /// All that a program writes on its standard output, up to `most` bytes.
    pub(super) async fn hear_all(&mut self, most: u64, wait: Duration) -> Result<Vec<u8>, Silence> {
        let mut said = Vec::new();
        let mut out = (&mut self.out).take(most);
        match timeout(wait, out.read_to_end(&mut said)).await {
            Err(_) => Err(Silence::TooLate),
            Ok(Ok(_)) => Ok(said),
            Ok(Err(_)) => Err(Silence::Ended),
        }
    }

    /// How the child ended, after at most `grace`; then its group is killed and it is reaped.
    pub(super) async fn end(mut self, grace: Duration) -> Option<ExitStatus> {
        let child = self.child.take()?;
        tokio::task::spawn_blocking(move || reap(child, grace)).await.ok().flatten()
    }
}

impl Drop for Jailed {
    fn drop(&mut self) {
        bury(self.child.take());
    }
}

fn bury(child: Option<Child>) {
    let Some(child) = child else { return };
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    // Reaping waits for the kernel; whoever drops a child must not.
    std::thread::spawn(move || reap(child, Duration::ZERO));
}

/// The leader stays a zombie until its group has been killed: its number cannot be given to a stranger before.
fn reap(mut child: Child, grace: Duration) -> Option<ExitStatus> {
    let group = Pid::from_child(&child);
    let until = Instant::now() + grace;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(group), look), Ok(None)) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = kill_process_group(group, Signal::KILL);
    child.wait().ok()
}

type Order = (Command, oneshot::Sender<io::Result<Child>>);

/// One thread that lives as long as the program starts every child: the parent-death signal follows the thread.
fn spawner() -> io::Result<&'static mpsc::Sender<Order>> {
    static SPAWNER: OnceLock<Option<mpsc::Sender<Order>>> = OnceLock::new();
    let start = || {
        let (orders, taken) = mpsc::channel::<Order>();
        let work = move || {
            for (mut command, reply) in taken {
                // What leaked into this program from its own parent must not leak on.
                close_fds::set_fds_cloexec(3, &[]);
                let _ = reply.send(command.spawn());
            }
        };
        std::thread::Builder::new().name("reader-spawner".into()).spawn(work).ok().map(|_| orders)
    };
    SPAWNER.get_or_init(start).as_ref().ok_or_else(gone)
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts readers is gone")
}
