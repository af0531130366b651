//! One SMTP server for the test process, and guarded ones for those who ask. Tests read what came for the addresses that they made up.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use serde::Deserialize;

use super::server::{Server, free_port, throw_away};
use super::tools;

const CATCHER: &str = include_str!("catcher.py");

/// A mail server and what came to it.
#[derive(Debug)]
pub struct Catcher {
    pub port: u16,
    server: Server,
}

static RUNNING: LazyLock<Catcher> = LazyLock::new(|| Catcher::start(&[]));

impl Catcher {
    fn start(guard: &[&str]) -> Catcher {
        let dir = throw_away("mail");
        let script = dir.join("catcher.py");
        std::fs::create_dir(dir.join("kept")).expect("our folder is writable");
        std::fs::write(&script, CATCHER).expect("our folder is writable");
        let port = free_port();
        let mut serve = Command::new(tools::python());
        serve.arg(script).arg(dir.join("kept")).arg(port.to_string()).args(guard);
        let mut server = Server::start("mail", dir, "TERM", &serve);
        server.wait_for_port(port);
        Catcher { port, server }
    }

    /// One that wants TLS, `tls` or `starttls`, by this certificate and key, and then the login kantor/rahasia-surel.
    pub fn guarded(certificate: &Path, key: &Path, security: &str) -> Catcher {
        let [certificate, key] = [certificate, key].map(|path| path.to_str().expect("a plain path"));
        Catcher::start(&[certificate, key, security])
    }

    /// Everything that came for `address` so far, oldest first.
    pub fn received(&self, address: &str) -> Vec<Mail> {
        let mut files: Vec<_> = std::fs::read_dir(self.server.dir().join("kept"))
            .expect("our folder is readable")
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect();
        files.sort();
        files.iter().map(|path| read(path)).filter(|mail| mail.to.iter().any(|to| to == address)).collect()
    }
}

/// One received message, decoded as a mail program would show it.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
    /// As it came over the wire.
    pub raw: String,
}

/// Where the server listens, for `mail.port`. An address that contains `unwilling` is refused for now (451).
pub fn port() -> u16 {
    RUNNING.port
}

/// Everything that came for `address` so far, oldest first.
pub fn received(address: &str) -> Vec<Mail> {
    RUNNING.received(address)
}

/// The `count`-th message for `address`, waiting up to ten seconds for it.
pub async fn wait_for(address: &str, count: usize) -> Mail {
    let started = Instant::now();
    loop {
        if let Some(mail) = received(address).into_iter().nth(count - 1) {
            return mail;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "no message {count} for {address} came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn read(path: &Path) -> Mail {
    #[derive(Deserialize)]
    struct Kept {
        to: Vec<String>,
        data: String,
    }
    let text = std::fs::read_to_string(path).expect("a kept message is readable");
    let kept: Kept = serde_json::from_str(&text).expect("a kept message is JSON");
    let parsed = MessageParser::default().parse(kept.data.as_bytes()).expect("a message");
    Mail {
        to: kept.to,
        subject: parsed.subject().unwrap_or_default().to_owned(),
        text: parsed.body_text(0).unwrap_or_default().into_owned(),
        raw: kept.data,
    }
}
