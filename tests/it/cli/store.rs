//! `lumbung store check`: what is asked of a store, and that nothing of it stays behind.

use super::*;
use crate::support::regency::Stack;

/// The trials by their English names, with their outcomes.
fn outcomes(trials: &Value) -> Vec<(String, String)> {
    let trials = trials.as_array().expect("trials").iter();
    trials.map(|trial| (text(&trial["what"]), text(&trial["outcome"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_tried_with_every_call_that_is_needed_and_left_as_it_was() {
    for stack in [Stack::Embedded, Stack::Networked] {
        let program = Program::start(stack, &[]).await;
        let bucket = program.bucket.as_ref();
        let checked = program.command(&["store", "check", "--json"]);
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        let report: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
        assert_eq!(report["ok"], true);
        for (what, outcome) in outcomes(&report["store"]) {
            assert_eq!(outcome, "ok", "{what}");
        }
        assert_eq!(report["mirror"], serde_json::json!([]));
        if let Some(bucket) = bucket {
            assert!(outcomes(&report["store"]).len() > 12, "an S3 server is asked for more than a folder");
            let mut left = bucket.objects().await;
            // The server beside it writes records and objects, and nothing to where the trials are.
            left.retain(|(path, _)| path.starts_with("u/") || path.starts_with("q/"));
            assert_eq!(left, [], "nothing of the trials stays");
        }
        let said = program.command(&["store", "check"]);
        assert!(String::from_utf8_lossy(&said.stdout).contains("PutObject (If-None-Match)") == bucket.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_calls_for_operators_names_every_call_that_is_tried() {
    let program = Program::start(Stack::Networked, &[]).await;
    let checked = program.command(&["store", "check", "--json"]);
    let report: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    let guide = std::fs::read_to_string("deploy/README.md").expect("our own file");
    for trial in report["store"].as_array().expect("trials") {
        let calls = text(&trial["calls"]);
        for call in calls.split(", ") {
            let name = call.split(' ').next().expect("a name");
            assert!(guide.contains(&format!("`{name}`")), "deploy/README.md does not name {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_said_to_be_away() {
    let program = Program::start(Stack::Networked, &[]).await;
    let away = [
        ("LUMBUNG__STORAGE__S3_ENDPOINT", "http://127.0.0.1:1"),
        ("LUMBUNG__STORAGE__OPERATION_SECONDS", "3"),
        ("LUMBUNG__STORAGE__CONNECT_SECONDS", "1"),
    ];
    let checked = program.command_with(&away, &["store", "check"]);
    assert_eq!(checked.status.code(), Some(3), "{}", String::from_utf8_lossy(&checked.stdout));
    assert!(String::from_utf8_lossy(&checked.stderr).contains("does not answer"));
}
