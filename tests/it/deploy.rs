//! The examples in `deploy/` are read by the parsers that will read them, and keep the promises that they are there for.

mod alerts;
mod containers;
mod readme;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use lumbung::config::Config;
use serde_json::Value;

use crate::support::program::Program;
use crate::support::regency::Stack;
use crate::support::tools;

/// Files, each with a test that looks at it.
type Checks = &'static [(&'static str, fn())];

const CHECKS: Checks = &[
    ("compose.yaml", compose_and_its_configuration_speak_of_the_same_things),
    ("garage.toml", garage_takes_the_place_of_minio_and_nothing_else_changes),
    ("lumbung-backup.service", the_nightly_backup_makes_a_file_and_clears_old_ones),
    ("lumbung-backup.timer", the_nightly_backup_makes_a_file_and_clears_old_ones),
    ("lumbung-embedded.toml", the_example_configurations_are_right),
    ("lumbung-garage.toml", garage_takes_the_place_of_minio_and_nothing_else_changes),
    ("lumbung.service", the_unit_is_hardened_and_leaves_the_reader_its_jail),
    ("lumbung.toml", the_example_configurations_are_right),
    ("nginx.conf", nginx_reads_its_example_and_forges_no_address),
];

#[test]
fn every_file_is_looked_at_by_a_test() {
    let checks = [CHECKS, alerts::CHECKS, containers::CHECKS, readme::CHECKS, units::CHECKS].concat();
    let claimed: BTreeSet<String> = checks.into_iter().map(|(file, _)| file.to_owned()).collect();
    assert_eq!(files(), claimed, "what lies in deploy/ and what a test claims to look at");
}

/// Everything below `deploy/`, without what an operator puts there and git ignores.
fn files() -> BTreeSet<String> {
    let mut git = Command::new(tools::program("git"));
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir("deploy");
    let listed = git.output().expect("git runs");
    assert!(listed.status.success(), "git: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("names in UTF-8");
    names.split_terminator('\0').filter(|name| Path::new("deploy").join(name).exists()).map(str::to_owned).collect()
}

fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new("deploy").join(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
}

/// What a unit of systemd sets.
fn settings(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter(|line| !line.starts_with(['#', '[']) && !line.is_empty())
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("not a setting: {line}")))
        .collect()
}

fn config(name: &str) -> Config {
    let loaded = Config::load(Some(&Path::new("deploy").join(name)), []);
    loaded.unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

/// Runs a line of Python with the packages of the test ground and reads the JSON that it prints.
fn python(script: &str, argument: &Path) -> Value {
    let run = Command::new(tools::python()).args(["-c", script]).arg(argument).output().expect("Python runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).expect("JSON")
}

fn yaml(name: &str) -> Value {
    let script = "import json,sys,yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    python(script, &Path::new("deploy").join(name))
}

fn compose() -> Value {
    yaml("compose.yaml")
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

fn words(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

#[test]
fn the_example_configurations_are_right() {
    let networked = config("lumbung.toml");
    assert_eq!(networked.storage.kind, "s3");
    assert!(networked.database.url.starts_with("postgres:"));
    let embedded = config("lumbung-embedded.toml");
    assert_eq!(embedded.storage.kind, "folder");
    assert!(embedded.database.url.starts_with("sqlite:"));
}

#[test]
fn garage_takes_the_place_of_minio_and_nothing_else_changes() {
    let (minio, garage) = (config("lumbung.toml"), config("lumbung-garage.toml"));
    let shown = |config: &Config| config.shown().expect("TOML");
    let mut exchanged = garage.clone();
    exchanged.storage.s3_endpoint.clone_from(&minio.storage.s3_endpoint);
    exchanged.storage.s3_region.clone_from(&minio.storage.s3_region);
    exchanged.storage.s3_access_key.clone_from(&minio.storage.s3_access_key);
    // A key of Garage may make no bucket unless somebody allows it.
    exchanged.storage.s3_create_bucket = minio.storage.s3_create_bucket;
    assert_eq!(shown(&exchanged), shown(&minio));
    assert!(!garage.storage.s3_create_bucket);

    let store: toml::Table = text("garage.toml").parse().expect("TOML");
    for sync in ["metadata_fsync", "data_fsync"] {
        assert_eq!(store[sync].as_bool(), Some(true), "{sync}: an acknowledged letter would be lost with the power");
    }
    assert_eq!(store["s3_api"]["s3_region"].as_str(), Some(garage.storage.s3_region.as_str()));
    let (_, port) = garage.storage.s3_endpoint.rsplit_once(':').expect("a port");
    assert_eq!(store["s3_api"]["api_bind_addr"].as_str(), Some(format!("0.0.0.0:{port}").as_str()));
    assert!(store.contains_key("rpc_secret_file") && !store.contains_key("rpc_secret"), "a secret stands in a file");
}

#[test]
fn compose_holds_no_password_and_opens_only_the_proxy() {
    let compose = compose();
    let secrets = keys(&compose["secrets"]);
    for (name, service) in compose["services"].as_object().expect("services") {
        let has_port = service.get("ports").is_some();
        assert_eq!(has_port, name == "proxy", "{name}");
        for variable in keys(&service["environment"]) {
            let is_secret = ["PASSWORD", "SECRET", "KEY"].iter().any(|word| variable.contains(word));
            assert!(!is_secret || variable.ends_with("_FILE"), "{name} takes {variable} from its environment");
        }
        assert!(words(&service["secrets"]).is_subset(&secrets), "{name} names a secret that is not declared");
        // The nodes believe the proxy by the network it comes from: there must be no second way.
        let ways = words(&service["networks"]);
        assert_eq!(ways.contains("outside"), name == "proxy", "{name}");
        assert_eq!(ways.contains("mail"), name.starts_with("lumbung"), "{name}");
    }
    assert_eq!(compose["networks"]["inside"]["internal"], true);
}

#[test]
fn compose_and_its_configuration_speak_of_the_same_things() {
    let (compose, config) = (compose(), config("lumbung.toml"));
    let services = keys(&compose["services"]);
    let host_of = |url: &str| {
        let after = url.split("://").nth(1).unwrap_or_default();
        let host = after.split(['/', ':']).next().unwrap_or_default();
        host.rsplit('@').next().unwrap_or_default().to_owned()
    };
    for url in [&config.database.url, &config.storage.s3_endpoint] {
        assert!(services.contains(&host_of(url)), "{url} names no service");
    }
    for (node, data) in [("lumbung1", "node1"), ("lumbung2", "node2")] {
        let given = words(&compose["services"][node]["secrets"]);
        for file in [&config.database.password_file, &config.storage.s3_secret_key_file] {
            let name = file.strip_prefix("/run/secrets").expect("a secret").display().to_string();
            assert!(given.contains(&name), "{name} is not given to {node}");
        }
        let mounted = words(&compose["services"][node]["volumes"]);
        let key = config.keys.master_file.parent().expect("a folder");
        for volume in [format!("{data}:{}", config.data.dir.display()), format!("key:{}", key.display())] {
            assert!(mounted.contains(&volume), "{volume}: {mounted:?}");
        }
    }
    let network = compose["networks"]["inside"]["ipam"]["config"][0]["subnet"].as_str().expect("a subnet");
    assert_eq!(config.server.trusted_proxies, [network]);
    assert_eq!(config.storage.s3_access_key, compose["services"]["minio"]["environment"]["MINIO_ROOT_USER"]);
}

#[test]
fn the_compose_store_is_the_one_that_the_tests_run_on() {
    let file = text("minio.Containerfile");
    let needs = std::fs::read_to_string("tools/needs.sh").expect("readable");
    let tested = needs.lines().find_map(|line| line.strip_prefix("MINIO=")).expect("a version");
    assert!(file.contains(tested), "minio.Containerfile builds another version than {tested}");
}

#[test]
fn nginx_reads_its_example_and_forges_no_address() {
    let dir = tempfile::tempdir().expect("a folder");
    let main = dir.path().join("nginx.conf");
    let site = std::fs::canonicalize("deploy/nginx.conf").expect("there");
    std::fs::write(&main, format!("events {{}}\nhttp {{ include {}; }}\n", site.display())).expect("written");
    let parsed =
        python("import crossplane,json,sys; print(json.dumps(crossplane.parse(sys.argv[1], strict=True)))", &main);
    assert_eq!(parsed["status"], "ok", "{}", parsed["errors"]);
    let mut directives = BTreeMap::<String, Vec<String>>::new();
    let mut blocks = vec![&parsed["config"][1]["parsed"]];
    while let Some(block) = blocks.pop() {
        for item in block.as_array().into_iter().flatten() {
            let args: Vec<_> = item["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let name = item["directive"].as_str().unwrap_or_default().to_owned();
            directives.entry(name).or_default().push(args.join(" "));
            blocks.extend(item.get("block"));
        }
    }
    let has = |name: &str, args: &str| directives.get(name).is_some_and(|all| all.iter().any(|found| found == args));
    assert!(has("proxy_set_header", "X-Forwarded-For $remote_addr"), "{directives:?}");
    assert!(has("proxy_request_buffering", "off") && has("proxy_buffering", "off"));
    let compose = compose();
    for node in keys(&compose["services"]).iter().filter(|name| name.starts_with("lumbung")) {
        assert!(has("server", &format!("{node}:8080 max_fails=2 fail_timeout=10s")), "{node} is asked for nothing");
    }
    assert!(has("ssl_protocols", "TLSv1.2 TLSv1.3") && has("client_max_body_size", "0"));
}

#[test]
fn the_unit_is_hardened_and_leaves_the_reader_its_jail() {
    let text = text("lumbung.service");
    let unit = settings(&text);
    let wanted = [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("ProtectControlGroups", "yes"),
        ("RestrictSUIDSGID", "yes"),
        ("RestrictNamespaces", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("CapabilityBoundingSet", ""),
        ("LimitCORE", "0"),
        ("StateDirectoryMode", "0700"),
        // Landlock and seccomp are in its @sandbox; without them `reading.require_jail` stops reading.
        ("SystemCallFilter", "@system-service"),
    ];
    for (name, value) in wanted {
        assert_eq!(unit.get(name), Some(&value), "{name}");
    }
    let config = config("lumbung-embedded.toml");
    assert_eq!(config.data.dir, Path::new("/var/lib").join(unit["StateDirectory"]));
    let (credential, _) = unit["LoadCredential"].split_once(':').expect("name and file");
    assert_eq!(config.keys.master_file, Path::new("/run/credentials/lumbung.service").join(credential));
    let stop: u64 = unit["TimeoutStopSec"].trim_end_matches('s').parse().expect("seconds");
    assert!(stop > config.server.stop_seconds, "systemd would kill it in the midst of a graceful stop");
}

/// The two lines are run as they stand in the unit, with other paths.
#[tokio::test(flavor = "multi_thread")]
async fn the_nightly_backup_makes_a_file_and_clears_old_ones() {
    let timer = text("lumbung-backup.timer");
    let timer = settings(&timer);
    assert_eq!((timer["OnCalendar"], timer["Persistent"]), ("*-*-* 01:30:00", "true"));
    let text = text("lumbung-backup.service");
    let unit = settings(&text);
    let (state, _) = unit["StateDirectory"].split_once(' ').expect("two folders");
    assert_eq!((unit["Type"], state), ("oneshot", "lumbung"));
    let program = Program::start(Stack::Embedded, &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let plain = |line: &str| {
        let line = line.replace("$$", "$").replace("%%", "%");
        let line = line.replace("/var/lib/lumbung/backups", &folder.path().display().to_string());
        let line = line.replace("/usr/local/bin/lumbung", env!("CARGO_BIN_EXE_lumbung"));
        line.replace("/etc/lumbung/lumbung.toml", &program.home.file.display().to_string())
    };
    let run = |line: &str| {
        let line = line.strip_prefix("/bin/sh -euc '").and_then(|line| line.strip_suffix('\'')).unwrap_or(line);
        let mut shell = Command::new("/bin/sh");
        let ran = shell.args(["-euc", line]).env("CREDENTIALS_DIRECTORY", &program.home.dir).output().expect("it runs");
        assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let old = folder.path().join("20200101T000000Z.lumbung");
    std::fs::write(&old, b"old").expect("written");
    run(&format!("touch -d '31 days ago' {}", old.display()));
    run(&plain(unit["ExecStart"]));
    run(&plain(unit["ExecStartPost"]));
    let kept: Vec<_> = std::fs::read_dir(folder.path()).expect("there").flatten().collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].metadata().expect("there").len() > 10_000, "a whole database lies in it");
    assert!(kept[0].path() != old);
}
