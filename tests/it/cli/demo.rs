//! `lumbung demo`: a regency to try things on, whole after the first start and the same after every other.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lumbung::cli::letters::{DemoLetter, demo_letters};
use serde_json::Value;

use super::{Terminal, text};
use crate::support::client::Client;
use crate::support::server::{self, Server, free_port};

/// A running demonstration.
struct Demo {
    server: Server,
    base: String,
    data: PathBuf,
}

impl Demo {
    /// Begins to start on a folder.
    fn begin(terminal: &Terminal) -> Demo {
        let base = format!("127.0.0.1:{}", free_port());
        let mut command = terminal.command(&["demo", "--data", "demo", "--listen", &base]);
        // The jail is not everywhere that tests run.
        command.env("LUMBUNG__READING__REQUIRE_JAIL", "false").env("LUMBUNG__LOG__LEVEL", "warn");
        let command = in_folder(&terminal.dir, &command);
        let server = Server::start("lumbung demo", server::throw_away("demo"), "TERM", &command);
        Demo { server, base: format!("http://{base}"), data: terminal.dir.join("demo") }
    }

    /// Waits for the address, which is told when it can be used.
    fn start(terminal: &Terminal) -> Demo {
        let mut demo = Demo::begin(terminal);
        let line = format!("Lumbung demo: {}", demo.base);
        demo.server.wait_for("to tell its address", |server| server.output().lines().any(|said| said == line));
        demo
    }

    fn accounts(&self) -> Vec<Value> {
        serde_json::from_str(&text(&self.data.join("demo-accounts.json"))).expect("a list")
    }

    fn actor(&self, login: &str) -> Client {
        let accounts = self.accounts();
        let account = accounts.iter().find(|account| account["login"] == login).expect("a login of the demonstration");
        Client::nobody(&self.base).with_token(account["token"].as_str().expect("a token"))
    }
}

/// The guard of a server does not carry a command's folder over.
fn in_folder(dir: &Path, command: &std::process::Command) -> std::process::Command {
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "cd \"$0\" && exec \"$@\""]).arg(dir).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell
}

async fn titles(client: &Client) -> Vec<String> {
    let listed = client.get("/api/v1/documents?limit=200").await.is(200).json();
    let items = listed["items"].as_array().expect("items").iter();
    let mut titles: Vec<String> = items.map(|item| item["title"].as_str().expect("a title").to_owned()).collect();
    titles.sort();
    titles
}

/// What lies in the archives of the two villages and the agency, by owner.
fn expected() -> HashMap<&'static str, usize> {
    let mut count = HashMap::new();
    for DemoLetter { owner_office, .. } in demo_letters() {
        *count.entry(owner_office).or_default() += 1;
    }
    count
}

async fn is_whole(demo: &Demo) {
    let accounts = demo.accounts();
    for account in &accounts {
        let keys: Vec<&String> = account.as_object().expect("an account").keys().collect();
        let mut named = ["login", "password", "office", "office_name", "role", "token"];
        named.sort_unstable();
        assert_eq!(keys, named);
        let text = |name: &str| account[name].as_str().expect("a text").to_owned();
        let me = Client::nobody(&demo.base).with_token(&text("token")).get("/api/v1/me").await.is(200).json();
        assert_eq!(
            (me["office"]["id"].as_str(), me["roles"][0].as_str()),
            (Some(&*text("office")), Some(&*text("role")))
        );
        assert_eq!(me["scopes"].as_array().map(Vec::len), Some(4), "all scopes: {me}");
        assert!(text("token").starts_with("lmb_") && text("office").starts_with("ofc_"));
    }
    let clerks = [("operator.desa", "32.16.01.2005"), ("operator.desa2", "32.16.01.2003"), ("operator.dpmd", "DPMD")];
    for (login, office) in clerks {
        // A clerk sees the own office's letters and what is open to the whole regency.
        let mine = demo.accounts().iter().find(|one| one["login"] == login).expect("listed")["office"].clone();
        let listed = demo.actor(login).get("/api/v1/documents?limit=200").await.is(200).json();
        let own = listed["items"].as_array().expect("items").iter().filter(|item| item["office"]["id"] == mine);
        let secret = demo_letters().iter().filter(|l| l.owner_office == office && l.class.contains("rahasia")).count();
        let (own, all) = (own.count(), expected()[office]);
        assert!((all - secret..=all).contains(&own), "{login} sees {own} of {all} letters");
    }
}

fn has(accounts: &[Value], role: &str, office: impl Fn(&str) -> bool) -> bool {
    accounts.iter().any(|one| one["role"] == role && office(one["office_name"].as_str().expect("a name")))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_a_regency_and_a_second_changes_nothing() {
    let terminal = Terminal::new();
    let demo = Demo::start(&terminal);
    let accounts = demo.accounts();
    let village = accounts[0]["office_name"].as_str().expect("a name").to_owned();
    for role in ["clerk", "head", "office_admin"] {
        assert!(has(&accounts, role, |name| name == village), "no {role} of {village}");
    }
    assert!(has(&accounts, "clerk", |name| name != village && !name.contains("DPMD")), "no clerk of a second village");
    assert!(has(&accounts, "clerk", |name| name.contains("DPMD")), "no clerk of the agency");
    for role in ["platform_admin", "provisioner", "auditor"] {
        assert!(has(&accounts, role, |_| true), "no {role}");
    }
    is_whole(&demo).await;
    let first = &accounts[0];
    let login = (first["login"].as_str().expect("a login"), first["password"].as_str().expect("a password"));
    Client::nobody(&demo.base).log_in(login.0, login.1).await.is(201);
    let clerk = demo.actor("operator.desa");
    let started = Instant::now();
    while clerk.finds("Blencong gotong royong").await.is_empty() {
        assert!(
            started.elapsed() < Duration::from_secs(90),
            "the scanned letter is never found: {}",
            demo.server.output()
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (before, listed) = (titles(&clerk).await, text(&demo.data.join("demo-accounts.json")));

    let folder = demo.data.clone();
    drop(demo);
    let demo = Demo::start(&terminal);
    assert_eq!(text(&folder.join("demo-accounts.json")), listed);
    assert_eq!(titles(&demo.actor("operator.desa")).await, before);
    is_whole(&demo).await;
    drop(demo);

    let listen = format!("127.0.0.1:{}", free_port());
    let mut serving = terminal.command(&["serve"]);
    serving.env("LUMBUNG__DATA__DIR", &folder).env("LUMBUNG__SERVER__LISTEN", &listen);
    let refused = serving.output().expect("runs");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("lumbung demo"));
    terminal.file("other/a.txt", b"mine");
    terminal.run(&["demo", "--data", "other", "--listen", &listen]).await.ends(2).says(&["other", "--data"]);
    let left: Vec<_> = std::fs::read_dir(terminal.dir.join("other")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "a folder of somebody else stays as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_was_killed_is_completed_by_the_next() {
    let terminal = Terminal::new();
    let mut demo = Demo::begin(&terminal);
    for wait in [5, 500, 1500] {
        // Each start comes further than the one before.
        demo.server.process();
        let mark = demo.data.join("demo");
        demo.server.wait_for("to make its folder", |_| mark.exists());
        tokio::time::sleep(Duration::from_millis(wait)).await;
        demo.server.cut();
        demo = Demo::begin(&terminal);
    }
    drop(demo);
    let demo = Demo::start(&terminal);
    is_whole(&demo).await;
    let own = titles(&demo.actor("operator.desa")).await;
    let mut once = own.clone();
    once.dedup();
    assert_eq!(own, once, "no letter came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_and_leaves_nothing() {
    let terminal = Terminal::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let told = terminal.run(&["demo", "--listen", &address]).await.ends(2);
    told.says(&[&address, "--listen"]);
    assert!(!terminal.dir.join("lumbung-demo").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_machines_are_let_in_only_where_that_was_said() {
    let terminal = Terminal::new();
    let told = terminal.run(&["demo", "--listen", &format!("0.0.0.0:{}", free_port())]).await.ends(2);
    told.says(&["--anywhere", "everybody knows"]);
    assert!(!terminal.dir.join("lumbung-demo").exists());
}
