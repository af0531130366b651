//! One PostgreSQL cluster for the test process, a fresh database for each test that asks.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::server::{Server, free_port, throw_away};
use super::tools;

#[derive(Debug)]
pub struct Postgres {
    port: u16,
    next: AtomicU32,
    server: Server,
}

static RUNNING: LazyLock<Postgres> = LazyLock::new(Postgres::start);

/// The address of an empty database that nobody else uses.
pub fn fresh_database() -> String {
    RUNNING.create("template0")
}

/// The address of a copy of another database of ours, which nobody may be using meanwhile.
pub fn copy_of(database: &str) -> String {
    RUNNING.create(database)
}

/// Whether this database takes changes, for every connection from now on; those that are open end.
pub fn takes_changes(address: &str, takes: bool) {
    let name = address.rsplit('/').next().expect("an address ends in a name");
    let setting = if takes { "RESET default_transaction_read_only" } else { "SET default_transaction_read_only = on" };
    RUNNING.run(&format!("ALTER DATABASE {name} {setting}"));
    RUNNING.run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
}

/// Where the cluster listens.
pub fn port() -> u16 {
    RUNNING.port
}

impl Postgres {
    fn start() -> Postgres {
        let dir = throw_away("postgres");
        let user = unprivileged(&dir);
        let data = dir.join("data");
        // The locale C and UTF-8 on every machine: what sorts here sorts there.
        let mut init = as_user(user, &tools::postgres("initdb"));
        init.arg("-D").arg(&data).args(["-U", "lumbung", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let done = init.current_dir(&dir).output().expect("initdb runs");
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));

        let port = free_port();
        let mut serve = as_user(user, &tools::postgres("postgres"));
        serve.arg("-D").arg(&data).arg("-k").arg(&dir).arg("-p").arg(port.to_string());
        // Throw-away data needs no fsync; what must survive a power cut is tested on the parts that promise it. The bench
        // of uploads asks for fsyncs, because they are what an upload waits for.
        let durable = if std::env::var_os("LUMBUNG_TEST_FSYNC").is_some() { "on" } else { "off" };
        let (fsync, pages) = (format!("fsync={durable}"), format!("full_page_writes={durable}"));
        for setting in ["listen_addresses=127.0.0.1", &fsync, &pages, "max_connections=400"] {
            serve.args(["-c", setting]);
        }
        let mut server = Server::start("postgres", dir, "INT", &serve);
        server.wait_for("to accept connections", |server| {
            let said = server.output();
            said.contains("ready to accept connections")
        });
        Postgres { port, next: AtomicU32::new(0), server }
    }

    fn create(&self, template: &str) -> String {
        let name = format!("t{}", self.next.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        format!("postgres://lumbung@127.0.0.1:{}/{name}", self.port)
    }

    fn run(&self, sql: &str) {
        let psql = Command::new(tools::postgres("psql"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "lumbung", "-d", "postgres", "-qc", sql])
            .output()
            .expect("psql runs");
        assert!(psql.status.success(), "{}\n{}", String::from_utf8_lossy(&psql.stderr), self.server.output());
    }
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made, who gets the folder.
fn unprivileged(dir: &Path) -> Option<(u32, u32)> {
    let ours = std::fs::metadata(dir).expect("the folder was just made").uid();
    if ours != 0 {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
    let ids = |name: &str| {
        let line = passwd.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let (user, group) = ids("postgres").or_else(|| ids("nobody")).expect("a user other than root");
    chown(dir, Some(user), Some(group)).expect("root may give a folder away");
    Some((user, group))
}

fn as_user(user: Option<(u32, u32)>, program: &Path) -> Command {
    let Some((user, group)) = user else { return Command::new(program) };
    let mut command = Command::new(tools::program("setpriv"));
    command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups").arg("--");
    command.arg(program);
    command
}
