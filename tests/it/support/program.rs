//! The real program as a child process: for what only shows from outside, such as a power cut.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::app::Home;
use super::client::Client;
use super::minio::Bucket;
use super::regency::{Actor, Regency, Stack};
use super::server::{self, Server, free_port, is_alive};
use super::tools;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lumbung");

/// `lumbung serve` on data of its own, which outlives it.
pub struct Program {
    pub home: Home,
    pub bucket: Option<Bucket>,
    pub base: String,
    regency: &'static Regency,
    server: Server,
    /// What the program is started by, such as a shell that mounts a small disk first.
    starter: Vec<String>,
}

impl Program {
    pub async fn start(stack: Stack, settings: &[(&str, &str)]) -> Program {
        let program = Program::launch(stack, settings, &Launch::default()).await;
        program.wait_until_ready().await;
        program
    }

    /// With a command in front of the program's own, at every start, made for the folder of its data.
    pub async fn started_by(
        stack: Stack,
        settings: &[(&str, &str)],
        starter: impl FnOnce(&Home) -> Vec<String>,
    ) -> Program {
        let program = Program::begin(stack, settings, &Launch::default(), starter).await;
        program.wait_until_ready().await;
        program
    }

    /// Does something first on the thread that starts it, such as taking a part of the kernel away from both.
    pub async fn start_after(before: fn(), stack: Stack, settings: &[(&str, &str)]) -> Program {
        let program = Program::launch(stack, settings, &Launch { before: Some(before), ..Launch::default() }).await;
        program.wait_until_ready().await;
        program
    }

    /// Started in a way of its own, this once; perhaps dead already when this returns.
    pub async fn launch(stack: Stack, settings: &[(&str, &str)], launch: &Launch<'_>) -> Program {
        Program::begin(stack, settings, launch, |_| Vec::new()).await
    }

    async fn begin(
        stack: Stack,
        settings: &[(&str, &str)],
        launch: &Launch<'_>,
        starter: impl FnOnce(&Home) -> Vec<String>,
    ) -> Program {
        let regency = Regency::on(stack).await;
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let settings: Vec<_> = settings.iter().copied().chain([("server.listen", listen.as_str())]).collect();
        let (home, bucket) = Home::make(stack, regency, &settings).await;
        let starter = starter(&home);
        let server = serve(&home, launch, &starter);
        Program { home, bucket, base: format!("http://{listen}"), regency, server, starter }
    }

    pub fn actor(&self, actor: Actor) -> Client {
        Client::of(&self.base, self.regency.accounts[&actor].clone())
    }

    /// An `AGE-SECRET-KEY-…` line that opens every object.
    pub fn recovery_identity(&self) -> &str {
        &self.regency.recovery
    }

    /// What it has said so far.
    pub fn output(&self) -> String {
        self.server.output()
    }

    pub fn process(&mut self) -> u32 {
        self.server.process()
    }

    /// Kills it with all its children as a power cut would, and starts it again on the same data.
    pub async fn cut_and_restart(&mut self) {
        self.server.cut();
        self.start_again().await;
    }

    /// Starts it again after its death.
    pub async fn start_again(&mut self) {
        self.server = serve(&self.home, &Launch::default(), &self.starter);
        self.wait_until_ready().await;
    }

    /// Starts it again in a way of its own; perhaps dead already when this returns.
    pub fn launch_again(&mut self, launch: &Launch<'_>) {
        self.server = serve(&self.home, launch, &self.starter);
    }

    /// True as soon as it is ready, false when it has died before.
    pub async fn becomes_ready(&mut self) -> bool {
        let http = reqwest::Client::new();
        for _ in 0..600 {
            let asked = http.get(format!("{}/readyz", self.base)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            if self.dies_within(Duration::from_millis(100)).await {
                return false;
            }
        }
        panic!("the program does not become ready:\n{}", self.output());
    }

    /// Waits for a death that somebody else brings. False when it lives on.
    pub async fn dies_within(&mut self, patience: Duration) -> bool {
        let (process, started) = (self.server.process(), Instant::now());
        while started.elapsed() < patience {
            if !is_alive(process) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Asks it to stop, as a service manager does.
    pub fn ask_to_stop(&mut self) {
        let process = self.process().to_string();
        let told = Command::new("/bin/kill").args(["-TERM", &process]).status().expect("kill runs");
        assert!(told.success(), "it was gone already:\n{}", self.output());
    }

    /// Waits for its end after [`Program::ask_to_stop`] and starts it again on the same data. Returns what it said until then.
    pub async fn restart_after_stop(&mut self) -> String {
        let process = self.process();
        let (started, mut said) = (Instant::now(), String::new());
        while is_alive(process) {
            assert!(started.elapsed() < Duration::from_secs(40), "it does not stop:\n{said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Its guard clears away what it said a moment after its end.
            said = Some(self.output()).filter(|more| more.len() > said.len()).unwrap_or(said);
        }
        self.start_again().await;
        said
    }

    /// Another server of the same installation, on a machine of its own.
    pub async fn beside(&self) -> Program {
        self.beside_as(&Launch::default()).await
    }

    /// The same, started in a way of its own this once.
    pub async fn beside_as(&self, launch: &Launch<'_>) -> Program {
        let mut home = self.home.beside();
        let listen = format!("127.0.0.1:{}", free_port());
        home.set("server.listen", &listen);
        let server = serve(&home, launch, &[]);
        let base = format!("http://{listen}");
        let program = Program { home, bucket: None, base, regency: self.regency, server, starter: Vec::new() };
        program.wait_until_ready().await;
        program
    }

    /// Kills it with all its children as a power cut would.
    pub fn cut(&mut self) {
        self.server.cut();
    }

    /// Starts it again; it must end by itself. Returns what it said.
    pub async fn refuses_to_start(&self) -> String {
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg("--config").arg(&self.home.file).envs(self.home.environment());
        let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends");
        let ended = ended.expect("the program runs");
        assert!(!ended.status.success());
        String::from_utf8_lossy(&ended.stderr).into_owned()
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(&mut self) {
        self.ask_to_stop();
        assert!(self.dies_within(Duration::from_secs(40)).await, "it does not stop:\n{}", self.output());
    }

    /// What it says at `/readyz` as soon as it says anything.
    pub async fn says_of_its_readiness(&self) -> String {
        for _ in 0..600 {
            if let Ok(answer) = reqwest::get(format!("{}/readyz", self.base)).await {
                return answer.text().await.expect("text");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the program does not answer:\n{}", self.output());
    }

    /// Another command on the same configuration, to its end.
    pub fn command(&self, args: &[&str]) -> Output {
        self.command_with(&[], args)
    }

    /// The same with variables of its own.
    pub fn command_with(&self, environment: &[(&str, &str)], args: &[&str]) -> Output {
        self.home.command(environment, args)
    }

    async fn wait_until_ready(&self) {
        let http = reqwest::Client::new();
        for _ in 0..600 {
            let asked = http.get(format!("{}/readyz", self.base)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the program does not become ready:\n{}", self.output());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the program said last:\n{}", last_lines(&self.output()));
        }
        let _ = std::fs::remove_dir_all(&self.home.dir);
    }
}

/// What went wrong, and the end of everything else.
fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let (early, last) = lines.split_at(lines.len().saturating_sub(15));
    let warnings = early.iter().filter(|line| ["WARN", "ERROR", "panicked"].iter().any(|mark| line.contains(mark)));
    let mut told: Vec<&str> = warnings.rev().take(15).copied().collect();
    told.reverse();
    [told.as_slice(), last].concat().join("\n")
}

/// How one start differs from the ordinary one.
#[derive(Debug, Default)]
pub struct Launch<'a> {
    /// Another one than the program that is tested.
    pub program: Option<&'a str>,
    /// A program, with its arguments, that starts ours.
    pub under: &'a [&'a str],
    pub environment: &'a [(&'a str, &'a str)],
    /// Done on the thread that starts it, which then ends.
    pub before: Option<fn()>,
}

fn serve(home: &Home, launch: &Launch<'_>, starter: &[String]) -> Server {
    let under: Vec<&str> = launch.under.iter().copied().chain(starter.iter().map(String::as_str)).collect();
    let ours = launch.program.unwrap_or(PROGRAM);
    let mut command = match under.as_slice() {
        [] => Command::new(ours),
        [program, args @ ..] => {
            let mut command = Command::new(tools::program(program));
            command.args(args).arg(ours);
            command
        }
    };
    command.arg("serve").arg("--config").arg(&home.file).envs(home.environment());
    command.envs(launch.environment.iter().copied());
    let before = launch.before;
    let start = move || {
        before.iter().for_each(|before| before());
        Server::start("lumbung", server::throw_away("program"), "TERM", &command)
    };
    std::thread::scope(|threads| threads.spawn(start).join().expect("the program starts"))
}
