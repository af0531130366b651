//! What an office may keep: told before it is reached, refused before it is passed, and of no concern to others.

use serde_json::json;

use super::*;
use crate::support::app::both_stacks;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const MIB: usize = 1 << 20;

/// Letters of different content, so that none is the other's twin.
fn numbered(number: u8, size: usize) -> Vec<u8> {
    let mut bytes = letter(size);
    bytes[..4].copy_from_slice(format!("{number:04}").as_bytes());
    bytes
}

async fn give_quota(platform: &Client, office: &str, bytes: u64) -> Value {
    platform.patch(&format!("/api/v1/offices/{office}"), json!({ "quota_bytes": bytes })).await.is(200).json()
}

both_stacks!(an_office_keeps_no_more_than_its_quota_and_others_do_not_notice, async |app: &TestApp| {
    let (clerk, other, platform) =
        (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk), app.actor(Actor::PlatformAdmin));
    let office = format!("/api/v1/offices/{}", clerk.office());
    let before = clerk.get(&office).await.is(200).json();
    assert_eq!(before["room"], json!({ "used_bytes": 0 }), "no quota unless somebody said one");
    let given = give_quota(&platform, clerk.office(), 3 * MIB as u64).await;
    assert_eq!(given["room"]["quota_bytes"], 3 * MIB);
    assert_eq!(other.get(&office).await.is(200).json()["room"], Value::Null, "another office is not told");

    let kept = clerk.upload("satu.txt", numbered(1, 2 * MIB), json!({})).await;
    assert_eq!(clerk.get(&office).await.is(200).json()["room"]["used_bytes"], 2 * MIB);
    let told = refused(|| upload(&clerk, &[metadata("{}"), file(&numbered(2, 2 * MIB))]), 413, "office-full").await;
    assert!(told["detail"].as_str().is_some_and(|said| said.contains("2.1 of 3.1 MB")), "{told}");
    let tus = || {
        let request = clerk.request(Method::POST, "/api/v1/uploads").header("Tus-Resumable", "1.0.0");
        request.header("Upload-Length", 2 * MIB).header("Upload-Metadata", "metadata e30=")
    };
    refused(tus, 413, "office-full").await;
    let version = format!("/api/v1/documents/{}/versions", kept["id"].as_str().expect("an id"));
    let body = || multipart(&[metadata("{}"), file(&numbered(3, 2 * MIB))]);
    let post = || clerk.request(Method::POST, &version).header("Content-Type", MULTIPART).body(body());
    refused(post, 413, "office-full").await;
    assert_eq!(documents(&clerk).await, 1);
    other.upload("lain.txt", numbered(4, 2 * MIB), json!({})).await;

    clerk.upload("muat.txt", numbered(5, MIB), json!({})).await;
    refused(|| upload(&clerk, &[metadata("{}"), file(b"satu bita lagi")]), 413, "office-full").await;
    // The trash is still kept; what is destroyed is not.
    clerk.delete(&format!("/api/v1/documents/{}", kept["id"].as_str().expect("an id"))).await.is(204);
    refused(|| upload(&clerk, &[metadata("{}"), file(b"satu bita lagi")]), 413, "office-full").await;

    platform.patch(&office, json!({ "quota_bytes": u64::MAX })).await.refusal(422, "invalid");
    clerk.patch(&office, json!({ "quota_bytes": 0 })).await.refusal(403, "not-your-role");
    assert_eq!(give_quota(&platform, clerk.office(), 0).await["room"]["quota_bytes"], Value::Null);
    clerk.upload("lagi.txt", numbered(6, 2 * MIB), json!({})).await;
});

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_for_all_is_told_to_the_office_and_to_the_operator_before_it_is_reached() {
    for stack in [Stack::Embedded, Stack::Networked] {
        let program = Program::start(stack, &[("limits.office_bytes", "2000000")]).await;
        let (clerk, platform) = (program.actor(Actor::Clerk), program.actor(Actor::PlatformAdmin));
        let status = || {
            let said = program.command(&["status", "--json"]).stdout;
            serde_json::from_slice::<Value>(&said).expect("JSON")["nearly_full"].clone()
        };
        clerk.upload("satu.txt", numbered(1, 1_500_000), json!({})).await;
        assert_eq!(status(), json!([]), "75 % is not nearly all");
        clerk.upload("dua.txt", numbered(2, 150_000), json!({})).await;
        let told = status();
        assert_eq!(told[0]["used_bytes"], 1_650_000);
        assert_eq!(told[0]["quota_bytes"], 2_000_000);
        assert_eq!(told.as_array().expect("a list").len(), 1, "{told}");
        let lines = String::from_utf8_lossy(&program.command(&["status"]).stdout).into_owned();
        assert!(lines.contains("nearly full") && lines.contains(told[0]["code"].as_str().expect("a code")), "{lines}");
        // A quota of its own, larger, takes the office off the list.
        give_quota(&platform, clerk.office(), 10_000_000).await;
        assert_eq!(status(), json!([]));
    }
}
