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

/// A program before whose store the proxy stands. All sealed bytes together that wait in memory are 32 MiB.
async fn program_behind(faults: &Faults) -> Program {
    let endpoint = faults.store.endpoint();
    let settings = [
        ("storage.s3_endpoint", endpoint.as_str()),
        ("storage.connect_seconds", "2"),
        ("storage.answer_seconds", "8"),
        ("storage.operation_seconds", "10"),
        ("upload.spool_memory_total_bytes", "33554432"),
        // What came of an upload in pieces waits in the clear until it is sealed, beside that.
        ("upload.part_bytes", "524288"),
        ("limits.api_requests_per_minute", "100000"),
    ];
    Program::start(Stack::Networked, &settings).await
}

/// Sends all of them at once while the store says nothing. Each is refused, and in the end the store answers again.
async fn all_are_refused(faults: &Faults, program: &mut Program, requests: Vec<RequestBuilder>) {
    let (process, count) = (program.process(), requests.len());
    let before = resident(process);
    faults.store.now(Fault::Hang).await;
    let mut uploads = tokio::task::JoinSet::new();
    for request in requests {
        uploads.spawn(async move { try_send(request.timeout(Duration::from_secs(110))).await });
    }
    let (mut most, mut refused) = (before, 0);
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
    assert_eq!(refused, count);
    // 32 MiB wait; the rest is about 1 MiB for each file that is being sealed.
    assert!(most - before < 400 << 20, "{} MiB more than before", (most - before) >> 20);
    faults.store.now(Fault::None).await;
}

/// 800 MiB wait for a store that does not answer; 32 MiB of them may wait in memory.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_uploads_that_stall_are_refused_in_time_and_take_bounded_memory() {
    let faults = Faults::ready().await;
    let mut program = program_behind(&faults).await;
    let clerk = program.actor(Actor::Clerk);
    let content = Bytes::from(vec![0xf7; EACH]);
    let upload = || {
        let part = Part::stream_with_length(content.clone(), EACH as u64).file_name("acak.bin");
        let form = Form::new().text("metadata", "{}").part("file", part);
        clerk.request(Method::POST, "/api/v1/documents").multipart(form)
    };
    all_are_refused(&faults, &mut program, (0..UPLOADS).map(|_| upload()).collect()).await;
    let made = clerk.try_upload("sesudah.txt", b"Perihal: sesudah macet".to_vec(), json!({})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    program.stop().await;
}

/// The same 800 MiB by uploads that were begun while the store still answered, and that go on afterwards where they were.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_uploads_in_pieces_that_stall_are_refused_and_go_on_afterwards() {
    let faults = Faults::ready().await;
    let mut program = program_behind(&faults).await;
    let clerk = program.actor(Actor::Clerk);
    let content = Bytes::from(vec![0xf7; EACH]);
    let mut begun = Vec::new();
    for _ in 0..UPLOADS {
        begun.push(begin_upload(&clerk, EACH, NO_DETAILS).await);
    }
    let pieces = begun.iter().map(|place| append(&clerk, place, 0, content.clone())).collect();
    all_are_refused(&faults, &mut program, pieces).await;
    for place in &begun {
        let known = send(tus(&clerk, Method::HEAD, place)).await.is(200);
        assert_eq!(known.header("upload-offset"), "0", "what was refused is not counted as received");
    }
    let done = send(append(&clerk, &begun[0], 0, content.clone())).await.is(204);
    let path = format!("/api/v1/documents/{}/content", done.header("lumbung-document"));
    assert!(clerk.get(&path).await.is(200).body == content, "what was sent again comes back as it was");
    assert_eq!(documents(&clerk).await, 1, "nothing came of what was refused");
    program.stop().await;
}
