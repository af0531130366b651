//! The units and their user, judged by systemd's own programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Checks, files, settings, text};
use crate::support::tools;

pub const CHECKS: Checks = &[
    ("lumbung-backup.service", the_backup_is_confined_as_the_server_is),
    ("lumbung-backup.timer", systemd_finds_no_fault_in_the_units),
    ("lumbung.service", systemd_finds_no_fault_in_the_units),
    ("lumbung.sysusers", the_user_of_the_units_is_made_with_the_home_that_they_give_it),
];

const SERVICES: [&str; 2] = ["lumbung.service", "lumbung-backup.service"];

/// What the server sets and a backup does otherwise: how it runs and ends, and bounds for many callers and for its readers.
const OF_THE_SERVER: &[&str] = &[
    "ExecStart",
    "KillMode",
    "LimitNOFILE",
    "MemoryMax",
    "Restart",
    "RestartSec",
    "StateDirectory",
    "TasksMax",
    "TimeoutStopSec",
    "Type",
];

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = files().into_iter().filter(|name| name.ends_with(".service") || name.ends_with(".timer"));
    let copies: Vec<_> = names
        .map(|name| {
            let unit = text(&name).replace("/usr/local/bin/lumbung", env!("CARGO_BIN_EXE_lumbung"));
            let copy = folder.path().join(name);
            fs::write(&copy, unit).expect("written");
            copy
        })
        .collect();
    assert!(copies.len() > SERVICES.len(), "{copies:?}");
    // Of a key that it does not know it only warns unless it is told what counts as an error.
    let mut verify = Command::new(tools::program("systemd-analyze"));
    verify.args(["verify", "--man=no", "--recursive-errors=no"]).args(copies);
    let judged = verify.output().expect("systemd-analyze runs");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}

#[test]
fn the_backup_is_confined_as_the_server_is() {
    let [server, backup] = SERVICES.map(text);
    let (server, backup) = (service(&server), service(&backup));
    for (key, value) in server.into_iter().filter(|(key, _)| !OF_THE_SERVER.contains(key)) {
        assert_eq!(backup.get(key), Some(&value), "{key}");
    }
}

#[test]
fn the_user_of_the_units_is_made_with_the_home_that_they_give_it() {
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir(root.path().join("etc")).expect("our folder");
    let wanted = fs::canonicalize("deploy/lumbung.sysusers").expect("there");
    let mut sysusers = Command::new(tools::program("systemd-sysusers"));
    let made = sysusers.arg(format!("--root={}", root.path().display())).arg(wanted).output().expect("it runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (users, groups) = (lines(root.path(), "passwd"), lines(root.path(), "group"));
    for name in SERVICES {
        let text = text(name);
        let unit = service(&text);
        let user = users.iter().find(|user| user[0] == unit["User"]).unwrap_or_else(|| panic!("{name}: {users:?}"));
        let group =
            groups.iter().find(|group| group[0] == unit["Group"]).unwrap_or_else(|| panic!("{name}: {groups:?}"));
        assert_eq!(user[3], group[2], "{name}: the user's group is another one");
        let state = unit["StateDirectory"].split(' ').next().expect("a folder");
        assert_eq!(Path::new(&user[5]), Path::new("/var/lib").join(state), "{name}");
        assert!(user[6].ends_with("/nologin"), "somebody could log in: {}", user[6]);
    }
}

fn service(text: &str) -> BTreeMap<&str, &str> {
    let (_, section) = text.split_once("[Service]\n").expect("a service");
    settings(section.split("\n[").next().unwrap_or_default())
}

/// The lines of a file of users or groups, in their fields.
fn lines(root: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root.join("etc").join(name)).expect("it was made");
    text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
}
