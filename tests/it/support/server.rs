//! Starts a program for as long as this test process lives. A small shell stands between: it holds a pipe from us, and when
//! that closes, however we ended, it stops the program and removes its folder.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lumbung::id::random;

/// Waits for the pipe's end or the program's, whichever is first, then ends the program with all that it started.
const GUARD: &str = r#"
dir=$1; signal=$2; shift 2
trap : INT TERM HUP
exec 3<&0
setsid "$@" </dev/null >"$dir/output" 2>&1 3<&- &
pid=$!
echo $pid >"$dir/pid"
( while kill -0 $pid; do sleep 1; done; kill -TERM $$ ) 3<&- >/dev/null 2>&1 &
watch=$!
read -r _ <&3
kill -"$signal" $pid 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 $pid 2>/dev/null || break
    sleep 0.25
done
kill $watch 2>/dev/null
kill -KILL -$pid 2>/dev/null
wait $pid 2>/dev/null
rm -rf "$dir"
"#;

/// A file that its owner alone can read.
pub fn write_secret(path: &Path, secret: &str) {
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path).expect("our folder");
    file.write_all(secret.as_bytes()).expect("our folder is writable");
}

/// A running server and its throw-away folder. Dropping it stops the server.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    dir: PathBuf,
    guard: Child,
}

impl Server {
    /// `signal` is what stops the program well, such as `TERM`.
    pub fn start(name: &'static str, dir: PathBuf, signal: &str, command: &Command) -> Server {
        let mut guard = Command::new("/bin/sh");
        guard.args(["-c", GUARD, name]).arg(&dir).arg(signal);
        guard.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => guard.env(key, value),
                None => guard.env_remove(key),
            };
        }
        // The guard's own output goes nowhere: an inherited pipe would keep `cargo test | tee` waiting for it.
        let guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Server { name, dir, guard: guard.unwrap_or_else(|cause| panic!("{name} does not start: {cause}")) }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the program has said so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.dir.join("output")).unwrap_or_default()
    }

    /// The program's own process, as soon as there is one.
    pub fn process(&mut self) -> u32 {
        let number = |server: &Server| std::fs::read_to_string(server.dir.join("pid")).ok()?.trim().parse().ok();
        self.wait_for("to begin", |server| number(server).is_some());
        number(self).unwrap_or_default()
    }

    /// Ends the program and all that it started at once, as a power cut would.
    pub fn cut(&mut self) {
        let process = self.process();
        let group = format!("-{process}");
        let cut = Command::new("/bin/kill").args(["-KILL", "--", &group]).status().expect("kill runs");
        assert!(cut.success(), "{} was gone already:\n{}", self.name, self.output());
        // The kernel closes sockets and files when the last thread has ended, and of a program under `strace` that is not the
        // process that was asked for; until then nothing can take its place.
        let started = Instant::now();
        while is_group_alive(process) {
            assert!(started.elapsed() < Duration::from_secs(30), "{} outlives SIGKILL", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn wait_for_port(&mut self, port: u16) {
        self.wait_for("to listen", |_| TcpStream::connect(local(port)).is_ok());
    }

    pub fn wait_for(&mut self, what: &str, mut ready: impl FnMut(&Server) -> bool) {
        let started = Instant::now();
        while !ready(self) {
            let gone = self.guard.try_wait().is_ok_and(|status| status.is_some());
            let late = started.elapsed() > Duration::from_secs(60);
            assert!(!gone && !late, "{} failed {what}:\n{}", self.name, self.output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The folder of this process that its tests' data lie in. Its keeper removes it when the process ends.
static SCRATCH: LazyLock<Server> = LazyLock::new(|| {
    let mut keeper = Command::new("sleep");
    keeper.arg("infinity");
    Server::start("keeper", throw_away("tests"), "TERM", &keeper)
});

/// A folder for one test's data, gone at the latest with the process.
pub fn scratch(name: &str) -> PathBuf {
    let dir = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(SCRATCH.dir());
    dir.expect("our folder is writable").keep()
}

/// A folder of our own under the system's temporary one; readable by nobody else.
pub fn throw_away(name: &str) -> PathBuf {
    let dir = tempfile::Builder::new().prefix(&format!("lumbung-{name}-")).tempdir();
    dir.expect("the temporary folder is writable").keep()
}

pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn is_group_alive(group: u32) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|process| group_of(*process) == Some(group)).any(is_alive)
}

fn group_of(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the name in parentheses: state, parent, group.
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

/// Whether any thread of it still runs. Of a dead process that nobody asked for, one thread is left, as a zombie.
pub fn is_alive(process: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let states = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    states
        .into_iter()
        .any(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])))
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    // Below the range from which the system gives ports to connections: a server that is stopped and started again finds
    // its port still free. Each process begins elsewhere.
    const LOWEST: u32 = 12_000;
    const COUNT: u32 = 20_000;
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(u32::from_le_bytes(random::<4>()) / 2));
    loop {
        let port = LOWEST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = u16::try_from(port).expect("below 32,000");
        if TcpListener::bind(local(port)).is_ok() {
            return port;
        }
    }
}
