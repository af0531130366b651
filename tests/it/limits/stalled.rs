//! Very many uploads that wait for a store which says nothing.

use std::time::Duration;

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::*;
use crate::support::client::try_send;
use crate::support::fault::{Fault, Faults};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const UPLOADS: usize = 200;
const EACH: usize = 4 << 20;

fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

/// 800 MiB wait for a store that does not answer; 32 MiB of them may wait in memory.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_uploads_that_stall_are_refused_in_time_and_take_bounded_memory() {
    let faults = Faults::ready().await;
    let endpoint = faults.store.endpoint();
    let settings = [
        ("storage.s3_endpoint", endpoint.as_str()),
        ("storage.connect_seconds", "2"),
        ("storage.answer_seconds", "8"),
        ("storage.operation_seconds", "10"),
        ("upload.spool_memory_total_bytes", "33554432"),
        ("limits.api_requests_per_minute", "100000"),
    ];
    let mut program = Program::start(Stack::Networked, &settings).await;
    let (clerk, process) = (program.actor(Actor::Clerk), program.process());
    let before = resident(process);
    faults.store.now(Fault::Hang).await;
    let mut uploads = tokio::task::JoinSet::new();
    let content = Bytes::from(vec![0xf7; EACH]);
    for _ in 0..UPLOADS {
        let part = Part::stream_with_length(content.clone(), EACH as u64).file_name("acak.bin");
        let request = clerk
            .request(Method::POST, "/api/v1/documents")
            .multipart(Form::new().text("metadata", "{}").part("file", part));
        uploads.spawn(async move { try_send(request.timeout(Duration::from_secs(110))).await });
    }
    let mut most = 0;
    let mut refused = 0;
    while !uploads.is_empty() {
        most = most.max(resident(process));
        let Ok(Some(ended)) = tokio::time::timeout(Duration::from_millis(50), uploads.join_next()).await else {
            continue;
        };
        let answer = ended.expect("a task of ours").expect("every upload is answered");
        answer.refusal(503, "store-unavailable");
        refused += 1;
    }
    eprintln!("{refused} refused; {} MiB more at most", (most - before) >> 20);
    assert_eq!(refused, UPLOADS);
    // 32 MiB wait; the rest is about 1 MiB for each file that is being sealed.
    assert!(most - before < 400 << 20, "{} MiB more than before", (most - before) >> 20);
    faults.store.now(Fault::None).await;
    let made = clerk.try_upload("sesudah.txt", b"Perihal: sesudah macet".to_vec(), json!({})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    program.stop().await;
}
