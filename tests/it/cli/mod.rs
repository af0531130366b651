//! The command line as an operator and a user meet it: the real program, its words, its exit codes.

mod account;
mod config;
mod demo;
mod help;
mod setup;
mod share;
mod store;
mod upload;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::program::Program;
use crate::support::regency::Actor;
use crate::support::server;

/// A person at a terminal: a folder to be in, and variables of their own.
struct Terminal {
    dir: PathBuf,
    variables: Vec<(String, String)>,
}

impl Terminal {
    fn new() -> Terminal {
        let dir = server::scratch("terminal");
        let own = |name: &str| dir.join(name).display().to_string();
        let variables = vec![
            ("HOME".to_owned(), own("home")),
            ("XDG_STATE_HOME".to_owned(), own("state")),
            ("XDG_CONFIG_HOME".to_owned(), own("config")),
            ("LANG".to_owned(), "en_GB.UTF-8".to_owned()),
            ("LC_ALL".to_owned(), String::new()),
        ];
        Terminal { dir, variables }
    }

    /// Of somebody whose token lies in a file, and who has named the server once and for all.
    fn of(program: &Program, actor: Actor) -> Terminal {
        let terminal = Terminal::new();
        let token = terminal.dir.join("token");
        std::fs::write(&token, format!("{}\n", program.actor(actor).account().token)).expect("our folder");
        terminal.with("LUMBUNG_SERVER", &program.base).with("LUMBUNG_TOKEN_FILE", token.to_str().expect("a path"))
    }

    fn with(mut self, name: &str, value: &str) -> Terminal {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("our folder");
        std::fs::write(&path, bytes).expect("our folder");
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
        command.args(args).current_dir(&self.dir).envs(self.variables.iter().cloned());
        command
    }

    /// To its end; other tests go on meanwhile.
    async fn run(&self, args: &[&str]) -> Told {
        let mut command = self.command(args);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("waited");
        Told(output.expect("the program runs"))
    }
}

/// What a command said, and how it ended.
struct Told(Output);

impl Told {
    fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    #[track_caller]
    fn ends(self, code: i32) -> Told {
        assert_eq!(self.0.status.code(), Some(code), "stdout: {}\nstderr: {}", self.out(), self.err());
        self
    }

    /// Its standard output is one JSON value and nothing else.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|cause| panic!("{cause}: {}\n{}", self.out(), self.err()))
    }

    /// Standard error holds each of these.
    #[track_caller]
    fn says(self, words: &[&str]) -> Told {
        for word in words {
            assert!(self.err().contains(word), "{word:?} is missing in: {}", self.err());
        }
        self
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}
