//! One real `clamd` for the test process, with the standard test signature as its only database: no virus list is fetched.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::server::{Server, throw_away};
use super::tools;

/// The harmless file of which every antivirus program says that it found something; in two parts, lest one finds it here.
pub const TEST_FILE: &str = concat!(r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*");

static RUNNING: LazyLock<Server> = LazyLock::new(|| {
    let dir = throw_away("clamd");
    std::fs::create_dir(dir.join("database")).expect("our folder is writable");
    let signature = format!("Lumbung.Test:0:*:{}\n", data_encoding::HEXLOWER.encode(&TEST_FILE.as_bytes()[28..]));
    std::fs::write(dir.join("database/test.ndb"), signature).expect("our folder is writable");
    let settings = format!(
        "DatabaseDirectory {0}/database\nLocalSocket {0}/clamd.sock\nForeground yes\nAlertExceedsMax yes\n\
         StreamMaxLength 20M\nMaxFileSize 1M\n",
        dir.display()
    );
    let file = dir.join("clamd.conf");
    std::fs::write(&file, settings).expect("our folder is writable");
    let mut serve = Command::new(tools::program("clamd"));
    serve.arg("--config-file").arg(&file);
    let server = Server::start("clamd", dir, "TERM", &serve);
    let begun = Instant::now();
    while !server.dir().join("clamd.sock").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "clamd does not begin:\n{}", server.output());
        std::thread::sleep(Duration::from_millis(100));
    }
    server
});

/// Where it listens.
pub fn socket() -> PathBuf {
    RUNNING.dir().join("clamd.sock")
}
