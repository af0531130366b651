//! What the operator is told: the figures of a node, and how the installation is.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::id;
use crate::reading::support::letter_pdf;
use crate::support::fault::{Fault, Proxy};
use crate::support::minio;
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};
use crate::support::server::{free_port, scratch, write_secret};
use crate::support::tools;

/// Reads the text by Prometheus's own strict parser and prints every sample: its name, its labels, its value.
const PARSE: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
print(json.dumps([[s.name, s.labels.get('of', ''), s.value] for f in parse(sys.stdin.read()) for s in f.samples]))";

struct Figures {
    text: String,
    samples: Vec<(String, String, f64)>,
}

impl Figures {
    async fn at(address: &str) -> Figures {
        let answer = reqwest::get(format!("http://{address}/metrics")).await.expect("it answers");
        assert_eq!(answer.status(), 200);
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
        let text = answer.text().await.expect("text");
        let samples = parsed(&text);
        Figures { text, samples }
    }

    fn value(&self, name: &str, of: &str) -> f64 {
        let found = self.samples.iter().find(|(known, about, _)| known == name && about == of);
        found.unwrap_or_else(|| panic!("no {name} of {of:?}:\n{}", self.text)).2
    }

    fn names(&self) -> BTreeSet<&str> {
        self.samples.iter().map(|(name, ..)| name.as_str()).collect()
    }
}

fn parsed(text: &str) -> Vec<(String, String, f64)> {
    let mut python = Command::new(tools::python());
    let mut child =
        python.args(["-c", PARSE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python runs");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("taken");
    let done = child.wait_with_output().expect("ends");
    assert!(done.status.success(), "not OpenMetrics:\n{text}");
    serde_json::from_slice(&done.stdout).expect("JSON")
}

async fn watched(stack: Stack, more: &[(&str, &str)]) -> (Program, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let settings: Vec<_> = more.iter().copied().chain([("metrics.listen", address.as_str())]).collect();
    (Program::start(stack, &settings).await, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_its_operator_what_it_did_and_nothing_about_whom() {
    for stack in [Stack::Embedded, Stack::Networked] {
        let (program, address) = watched(stack, &[]).await;
        let clerk = program.actor(Actor::Clerk);
        let title = "Permohonan tanggul Kalimalang";
        let document =
            id(&clerk.upload_and_read("surat.pdf", letter_pdf(&["tanggul"]), json!({ "title": title })).await);
        clerk.get("/api/v1/documents/doc_zzzzzzzz").await.refusal(404, "not-found");
        let wrong = clerk.log_in(&clerk.account().login, "bukan sandinya").await;
        assert_eq!(wrong.status, 401);

        let figures = Figures::at(&address).await;
        for part in ["database", "key", "store", "index", "disk", "server"] {
            assert_eq!(figures.value("lumbung_up", part), 1.0, "{part}");
        }
        assert!(figures.value("lumbung_store_call_seconds_count", "put") >= 2.0, "original and pages");
        assert!(figures.value("lumbung_answer_seconds_count", "upload") >= 1.0);
        assert!(figures.value("lumbung_refused_total", "not-found") >= 1.0);
        assert!(figures.value("lumbung_job_seconds_count", "read_pages") >= 1.0, "{}", figures.text);
        assert_eq!(figures.value("lumbung_jobs", "dead"), 0.0);
        assert!(figures.value("lumbung_index_behind_seconds", "") < 5.0);
        assert!(figures.value("lumbung_clock_ahead_seconds", "").abs() < 5.0);
        assert!(figures.value("lumbung_resident_memory_bytes", "") > 1e6);
        assert!(figures.value("lumbung_disk_free_bytes", "data") > 0.0);
        for name in [&document, title, "Kalimalang", clerk.office(), &clerk.account().login] {
            assert!(!figures.text.contains(name), "{name} is told");
        }
        let beside = reqwest::get(format!("{}/metrics", program.base)).await.expect("answers");
        assert_eq!(beside.status(), 404, "strangers do not reach it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alert_speaks_of_a_figure_that_is_there() {
    let mirror = crate::support::server::scratch("mirror");
    let mirror = [("storage.mirror.kind", "folder"), ("storage.mirror.folder", mirror.to_str().expect("a plain path"))];
    let (program, address) = watched(Stack::Embedded, &mirror).await;
    let clerk = program.actor(Actor::Clerk);
    clerk.upload("acak.bin", vec![7; 2000], json!({})).await;
    clerk.get("/api/v1/documents/doc_zzzzzzzz").await;
    let figures = Figures::at(&address).await;
    let known = figures.names();

    let script = "import json,sys,yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let run = Command::new(tools::python()).args(["-c", script, "deploy/alerts.yaml"]).output().expect("Python runs");
    let rules: Value = serde_json::from_slice(&run.stdout).expect("YAML");
    let rules = rules["groups"][0]["rules"].as_array().expect("rules");
    assert!(rules.len() > 10);
    for rule in rules {
        let expression = rule["expr"].as_str().expect("an expression");
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words.filter(|word| word.starts_with("lumbung_")) {
            assert!(known.contains(word), "{}: no figure {word}", rule["alert"]);
        }
        let action = rule["annotations"]["action"].as_str().unwrap_or_default();
        assert!(!action.is_empty(), "{}: what is to be done?", rule["alert"]);
        for call in action.split("GET ").skip(1).filter_map(|rest| rest.split_whitespace().next()) {
            program.actor(Actor::PlatformAdmin).get(call).await.is(200);
        }
        assert!(["page", "ticket"].contains(&rule["labels"]["severity"].as_str().unwrap_or_default()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_command_says_what_is_well_and_what_is_not() {
    let mut program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    clerk.upload_and_read("surat.txt", b"Perihal: tanggul\n".to_vec(), json!({})).await;
    // The first record of the bucket is being written.
    let begun = Instant::now();
    let report = loop {
        let told = program.command(&["status", "--json"]);
        let report: Value = serde_json::from_slice(&told.stdout).expect("JSON");
        if told.status.success() {
            break report;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{report}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert_eq!((&report["healthy"], &report["server"], &report["store"]), (&json!(true), &json!(true), &json!(true)));
    assert!(report["disks"].as_array().is_some_and(|disks| disks.len() == 4), "{report}");

    program.stop().await;
    let told = program.command(&["status"]);
    let lines = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(told.status.code(), Some(1), "{lines}");
    assert!(lines.contains("! peladen siap / server ready: TIDAK / NO"), "{lines}");
    assert!(lines.contains("\n  penyimpanan menjawab / store answers: ya / yes"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_room_is_not_ready_before_an_upload_fails() {
    let (program, address) = watched(Stack::Embedded, &[]).await;
    let enough = Figures::at(&address).await.value("lumbung_disk_free_bytes", "data") as u64;
    drop(program);
    let needed = (enough * 2).to_string();
    let settings = [("limits.min_free_bytes", needed.as_str())];
    let program = Program::launch(Stack::Embedded, &settings, &Default::default()).await;
    let said = program.says_of_its_readiness().await;
    assert_eq!(said, "not ready: disk\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_slow_or_away_and_a_caller_who_waits_are_seen_and_each_failure_is_one_line() {
    let endpoint = minio::endpoint().await;
    let proxy = Proxy::before(endpoint.trim_start_matches("http://").parse().expect("an address")).await;
    let through = proxy.endpoint();
    let settings = [
        ("storage.s3_endpoint", through.as_str()),
        ("storage.answer_seconds", "2"),
        ("storage.operation_seconds", "6"),
        ("limits.api_requests_per_minute", "40"),
    ];
    let (program, address) = watched(Stack::Networked, &settings).await;
    let clerk = program.actor(Actor::Clerk);
    let slow = |figures: &Figures| {
        let sum = figures.value("lumbung_store_call_seconds_sum", "put");
        sum / figures.value("lumbung_store_call_seconds_count", "put")
    };
    clerk.upload("satu.bin", vec![7; 2000], json!({})).await;
    let before = Figures::at(&address).await;
    assert!(slow(&before) < 1.0, "{}", before.text);
    proxy.now(Fault::Slow).await;
    clerk.upload("dua.bin", vec![8; 2000], json!({})).await;
    let during = Figures::at(&address).await;
    let puts = |figures: &Figures| figures.value("lumbung_store_call_seconds_count", "put");
    let took =
        during.value("lumbung_store_call_seconds_sum", "put") - before.value("lumbung_store_call_seconds_sum", "put");
    assert!(took / (puts(&during) - puts(&before)) >= 1.0, "a put that took a second is seen: {took}");

    proxy.now(Fault::InternalError).await;
    let refused = clerk.try_upload("tiga.bin", vec![9; 2000], json!({})).await;
    let request = refused.header("x-request-id").to_owned();
    refused.refusal(503, "store-unavailable");
    let after = Figures::at(&address).await;
    assert!(
        after.value("lumbung_store_call_failed_total", "put") > during.value("lumbung_store_call_failed_total", "put")
    );
    assert_eq!(after.value("lumbung_up", "store"), 0.0);
    assert!(after.value("lumbung_answer_failed_total", "upload") >= 1.0);
    proxy.now(Fault::None).await;
    let output = program.output();
    let lines: Vec<&str> = output.lines().filter(|line| line.contains(&request)).collect();
    assert_eq!(lines.len(), 1, "one line for one failure: {lines:?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("store-unavailable"), "{lines:?}");

    let waits = after.value("lumbung_refused_total", "too-many");
    let mut asked = 0;
    while clerk.get("/api/v1/documents").await.status != 429 {
        asked += 1;
        assert!(asked < 60, "nobody is asked to wait");
    }
    let throttled = Figures::at(&address).await.value("lumbung_refused_total", "too-many");
    assert_eq!(throttled, waits + 1.0, "who is throttled is seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_differs_from_the_databases_tells_by_how_much() {
    let address = format!("127.0.0.1:{}", free_port());
    let launch = Launch { environment: &[("LUMBUNG_MACHINE_AHEAD", "300")], ..Launch::default() };
    let mut program = Program::launch(Stack::Networked, &[("metrics.listen", address.as_str())], &launch).await;
    assert!(program.becomes_ready().await, "{}", program.output());
    let ahead = Figures::at(&address).await.value("lumbung_clock_ahead_seconds", "");
    assert!((295.0..305.0).contains(&ahead), "{ahead}");
    let told = program.output();
    assert!(told.contains("WARN") && told.contains("clock"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_everybody_can_read_is_told_at_the_start() {
    const TOLD: &str = "every user of this machine can read this secret";
    let open = scratch("secret").join("open");
    write_secret(&open, minio::SECRET_KEY);
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).expect("our folder");
    let settings = [("storage.s3_secret_key_file", open.to_str().expect("a plain path"))];
    let mut program = Program::start(Stack::Networked, &settings).await;
    let said = program.output();
    assert!(said.contains(TOLD) && said.contains(settings[0].1) && !said.contains(minio::SECRET_KEY), "{said}");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o640)).expect("our folder");
    program.ask_to_stop();
    program.restart_after_stop().await;
    let said = program.output();
    assert!(!said.contains(TOLD), "{said}");
    program.stop().await;
}

/// What another regency, or a law that gives a village a new code, changes: the file, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_list_of_offices_is_taken_in_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("kantor.csv");
    let head = "kind,code,parent_code,name,aliases,former_codes\nkabupaten,32.16,,Kabupaten Bekasi,,\n";
    std::fs::write(&list, head).expect("our folder");
    let named = list.display().to_string();
    let mut program = Program::start(Stack::Embedded, &[("region.offices_file", &named)]).await;
    let clerk = program.actor(Actor::Clerk);
    let found =
        async |code: &str| clerk.get(&format!("/api/v1/offices?q={code}")).await.is(200).json()["items"][0].clone();
    let before = found("32.16.01.1007").await;
    let changes = "kelurahan,32.16.01.1099,32.16,Kelurahan Baru,,32.16.01.1007:2026\nperangkat_daerah,32.16-99,32.16,Dinas Baru,,\n";
    std::fs::write(&list, format!("{head}{changes}")).expect("our folder");
    program.stop().await;
    program.start_again().await;
    let after = found("32.16.01.1007").await;
    assert_eq!(after["id"], before["id"], "it is the same office, found by the code that it bore");
    assert_eq!((&after["code"], &after["name"]), (&json!("32.16.01.1099"), &before["name"]));
    assert_eq!(found("32.16-99").await["name"], "Dinas Baru");
    program.stop().await;
    program.start_again().await;
    assert_eq!(found("32.16-99").await["name"], "Dinas Baru");
}
