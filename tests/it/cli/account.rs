//! `lumbung account reset` and `lumbung reindex`: what an operator does on the machine, recorded.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::text;
use crate::reading::support::letter_pdf;
use crate::support::app::Home;
use crate::support::client::Client;
use crate::support::program::Program;
use crate::support::regency::{Actor, PASSWORD, Stack};

fn is_noted(audit: &serde_json::Value, action: &str) -> bool {
    audit["items"].as_array().expect("items").iter().any(|item| item["action"] == action)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_gives_one_link_and_ends_what_was_before() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let Home { dir, .. } = &program.home;
    let (clerk, out) = (program.actor(Actor::Clerk), dir.join("link.txt"));
    let place = out.to_str().expect("a path");
    clerk.get("/api/v1/me").await.is(200);

    let unknown = program.command(&["account", "reset", "nobody.here", "--out", place]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("nobody.here"));
    assert!(!out.exists(), "no empty file is left behind");
    std::fs::write(&out, "mine").expect("our folder");
    let taken = program.command(&["account", "reset", "clerk", "--out", place]);
    assert_eq!(taken.status.code(), Some(2));
    assert_eq!(text(&out), "mine", "nothing is overwritten");
    clerk.get("/api/v1/me").await.is(200);

    std::fs::remove_file(&out).expect("removed");
    let done = program.command(&["account", "reset", "clerk", "--out", place, "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!((&report["login"], &report["activation_link_file"]), (&json!("clerk"), &json!(place)));
    assert_eq!(std::fs::metadata(&out).expect("made").permissions().mode() & 0o777, 0o600);
    clerk.get("/api/v1/me").await.refusal(401, "unauthorized");
    let link = text(&out);
    let (address, secret) = link.trim().split_once('#').expect("the secret is the fragment");
    assert_eq!(address, format!("{}/aktivasi", program.base));
    assert!(!String::from_utf8_lossy(&done.stdout).contains(secret));
    let nobody = Client::nobody(&program.base);
    let again = json!({ "secret": secret, "password": format!("{PASSWORD} baru") });
    nobody.post("/api/v1/activations", again.clone()).await.is(200);
    nobody.post("/api/v1/activations", again).await.refusal(404, "activation-unusable");
    let audit = program.actor(Actor::Auditor).get("/api/v1/audit").await.is(200).json();
    assert!(is_noted(&audit, "credentials.reset"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reindexing_is_asked_for_beside_a_running_server() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    clerk.upload_and_read("a.pdf", letter_pdf(&["tanggul blencong"]), json!({})).await;
    let asked = program.command(&["reindex", "--json"]);
    assert_eq!(asked.status.code(), Some(0), "{}", String::from_utf8_lossy(&asked.stderr));
    let report: serde_json::Value = serde_json::from_slice(&asked.stdout).expect("JSON");
    assert!(report["job"].as_str().is_some_and(|job| job.starts_with("job_")), "{report}");
    let plain = program.command(&["reindex"]);
    assert!(String::from_utf8_lossy(&plain.stdout).starts_with("job_"));
    assert_eq!(clerk.finds("blencong").await.len(), 1, "search goes on meanwhile");
    let audit = program.actor(Actor::Auditor).get("/api/v1/audit").await.is(200).json();
    assert!(is_noted(&audit, "index.rebuild"), "{audit}");
}
