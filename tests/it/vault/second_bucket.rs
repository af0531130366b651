//! The mirror as a second bucket on an S3 server: it follows, is away for a while, catches up by itself, and mends the first.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::client::Client;
use crate::support::fault::{Fault, Proxy};
use crate::support::minio::{self, Bucket, fresh_bucket};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::support::server::{scratch, write_secret};

async fn waiting(clerk: &Client) -> u64 {
    let status = clerk.get("/api/v1/status").await.is(200).json();
    status["vault"]["mirror"]["waiting"].as_u64().unwrap_or_else(|| panic!("{status}"))
}

async fn followed(clerk: &Client) {
    let started = Instant::now();
    while waiting(clerk).await > 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "the mirror does not follow");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Keys of originals, pages and pictures.
async fn objects(bucket: &Bucket) -> Vec<(String, u64)> {
    bucket.objects().await.into_iter().filter(|(key, _)| key.starts_with("o/")).collect()
}

/// A server on one bucket whose mirror is another one, behind a proxy that can fail.
struct Twice {
    program: Program,
    clerk: Client,
    first: Bucket,
    second: Bucket,
    proxy: Proxy,
}

impl Twice {
    async fn start() -> Twice {
        let second = fresh_bucket().await;
        let endpoint = minio::endpoint().await;
        let proxy = Proxy::before(endpoint.trim_start_matches("http://").parse().expect("an address")).await;
        let secret = scratch("mirror").join("secret");
        write_secret(&secret, minio::SECRET_KEY);
        let (through, secret) = (proxy.endpoint(), secret.display().to_string());
        let settings = [
            ("storage.mirror.kind", "s3"),
            ("storage.mirror.s3_endpoint", through.as_str()),
            ("storage.mirror.s3_bucket", second.name.as_str()),
            ("storage.mirror.s3_access_key", minio::ACCESS_KEY),
            ("storage.mirror.s3_secret_key_file", secret.as_str()),
            ("storage.connect_seconds", "1"),
            ("storage.answer_seconds", "2"),
            ("storage.operation_seconds", "4"),
        ];
        let program = Program::start(Stack::Networked, &settings).await;
        let (clerk, first) = (program.actor(Actor::Clerk), program.bucket.clone().expect("on S3"));
        Twice { program, clerk, first, second, proxy }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_bucket_that_was_away_catches_up_and_mends_the_first() {
    let Twice { program, clerk, first, second, proxy } = Twice::start().await;
    clerk.upload_and_read("a.txt", b"Perihal: talud\n".to_vec(), json!({})).await;
    followed(&clerk).await;
    assert_eq!(objects(&second).await, objects(&first).await);

    proxy.now(Fault::Refuse).await;
    let begun = Instant::now();
    let kept = clerk.upload_and_read("b.txt", b"Perihal: irigasi\n".to_vec(), json!({})).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "nobody waits for the mirror: {:?}", begun.elapsed());
    assert!(waiting(&clerk).await > 0, "and it is said how much it lacks");
    reqwest::get(format!("{}/readyz", program.base)).await.expect("answers").error_for_status().expect("ready");
    proxy.now(Fault::None).await;
    followed(&clerk).await;
    let all = objects(&first).await;
    assert_eq!(objects(&second).await, all);

    let (lost, _) = &all[0];
    first.client().delete_object().bucket(&first.name).key(lost).send().await.expect("deleted");
    let mut bytes = first.read(&all[1].0).await;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    first.write(&all[1].0, bytes).await;
    let repaired = program.command(&["verify", "--scrub", "--repair", "--json"]);
    assert_eq!(repaired.status.code(), Some(0), "{}", String::from_utf8_lossy(&repaired.stdout));
    let verified = program.command(&["verify", "--deep", "--json"]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
    assert_eq!(objects(&first).await, all);
    let path = format!("/api/v1/documents/{}/content", kept["id"].as_str().expect("an id"));
    assert_eq!(clerk.get(&path).await.is(200).body, b"Perihal: irigasi\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_while_the_second_bucket_is_away_is_said_to_remain_there() {
    let Twice { program, clerk, first, second, proxy } = Twice::start().await;
    let gone = clerk.upload_and_read("a.txt", b"Perihal: talud\n".to_vec(), json!({})).await;
    followed(&clerk).await;
    let id = gone["id"].as_str().expect("an id");
    clerk.delete(&format!("/api/v1/documents/{id}")).await.is(204);
    proxy.now(Fault::Reset).await;
    let told = program.command(&["destroy", id, "--reason", "uji", "--json"]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.code().is_some_and(|code| code < 2), "{text}{}", String::from_utf8_lossy(&told.stderr));
    let report: serde_json::Value = serde_json::from_str(&text).expect("one JSON object");
    let remains = report["remains"].as_array().expect("what remains");
    assert!(!remains.is_empty() && remains.iter().all(|remain| remain["where"] == "mirror"), "{report}");
    assert!(objects(&first).await.is_empty(), "what could be asked let go of it at once");
    assert!(!objects(&second).await.is_empty());
    proxy.now(Fault::None).await;
    let started = Instant::now();
    while !objects(&second).await.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "it is not tried again");
        let swept = program.command_with(&[("LUMBUNG_CLOCK_AHEAD", "7200")], &["sweep", "--confirm"]);
        assert!(swept.status.success(), "{}", String::from_utf8_lossy(&swept.stderr));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
