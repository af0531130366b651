//! Faults of our own: a handler, a job or a background task that panics ends its own work and nobody else's.

use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};

/// One worker, so that losing it would be seen; another attempt soon.
const SETTINGS: [(&str, &str); 2] = [("queue.workers", "1"), ("queue.backoff_seconds", "1")];

async fn panics_at(stack: Stack, point: &str) {
    let armed = [("LUMBUNG_PANIC_AT", point)];
    let launch = Launch { environment: &armed, ..Launch::default() };
    let mut program = Program::launch(stack, &SETTINGS, &launch).await;
    assert!(program.becomes_ready().await, "{}", program.output());
    let clerk = program.actor(Actor::Clerk);
    let mut refused = 0;
    for word in ["durian", "rambutan"] {
        let text = format!("Perihal: pohon {word} di halaman kantor desa.").into_bytes();
        let mut answer = clerk.try_upload("surat.txt", text.clone(), json!({})).await;
        if answer.status == 500 {
            // What to say of a fault of ours, and no word of what it was.
            let said = answer.refusal(500, "internal").to_string();
            assert!(!said.contains("panic"), "{said}");
            refused += 1;
            answer = clerk.try_upload("surat.txt", text, json!({})).await;
        }
        let document = answer.is(201).json()["id"].as_str().expect("an id").to_owned();
        let begun = Instant::now();
        while clerk.finds(word).await != [document.clone()] {
            assert!(begun.elapsed() < Duration::from_secs(60), "{word} is not found\n{}", program.output());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(refused, usize::from(point == "record.written"));
    assert_eq!(documents(&clerk).await, 2, "nothing of the first attempt is there");
    assert!(program.output().contains(&format!("asked to panic at {point}")), "it was reached\n{}", program.output());
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_answers_and_the_next_request_is_served() {
    panics_at(Stack::Embedded, "record.written").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_is_tried_again_and_costs_no_worker_embedded() {
    panics_at(Stack::Embedded, "read.written").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_is_tried_again_and_costs_no_worker_networked() {
    panics_at(Stack::Networked, "read.written").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn indexing_that_panics_begins_anew_embedded() {
    panics_at(Stack::Embedded, "index.applied").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn indexing_that_panics_begins_anew_networked() {
    panics_at(Stack::Networked, "index.applied").await;
}

/// Worse than a panic: what ends the whole process would end it again after every start.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ends_the_program_each_time_is_given_up_and_the_program_lives() {
    let armed = [("LUMBUNG_DIE_AT", "read.written")];
    let launch = Launch { environment: &armed, ..Launch::default() };
    let settings = [("queue.workers", "1"), ("queue.max_attempts", "2"), ("queue.max_interruptions", "3")];
    let mut program = Program::launch(Stack::Embedded, &settings, &launch).await;
    assert!(program.becomes_ready().await, "{}", program.output());
    let clerk = program.actor(Actor::Clerk);
    let document = clerk.upload("surat.txt", b"Perihal: pohon durian.".to_vec(), json!({})).await;
    for life in 1..=3 {
        assert!(program.dies_within(Duration::from_secs(30)).await, "life {life}: {}", program.output());
        program.launch_again(&launch);
    }
    assert!(program.becomes_ready().await, "{}", program.output());
    let platform = program.actor(Actor::PlatformAdmin);
    let begun = Instant::now();
    let job = loop {
        let dead = platform.get("/api/v1/jobs?state=dead").await.is(200).json();
        if let [job] = dead["items"].as_array().expect("items").as_slice() {
            break job.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{dead} {}", program.output());
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(job["last_error"].as_str().is_some_and(|said| said.contains("the program ended each time")), "{job}");
    // The mended program.
    program.ask_to_stop();
    program.restart_after_stop().await;
    let retry = format!("/api/v1/jobs/{}/retry", job["id"].as_str().expect("an id"));
    send(platform.request(Method::POST, &retry)).await.is(204);
    clerk.settled(document["id"].as_str().expect("an id")).await;
    until_found(&program, &clerk, &[1, 0, 0]).await;
    program.stop().await;
}

async fn stumbles(stack: Stack) {
    let armed = [("LUMBUNG_STUMBLE_OVER", "durian")];
    let launch = Launch { environment: &armed, ..Launch::default() };
    let mut program = Program::launch(stack, &SETTINGS, &launch).await;
    assert!(program.becomes_ready().await, "{}", program.output());
    let clerk = program.actor(Actor::Clerk);
    let letters: Vec<Vec<u8>> =
        ["durian", "rambutan", "salak"].map(|word| format!("Perihal: pohon {word}.").into_bytes()).into();
    for letter in letters {
        clerk.upload("surat.txt", letter, json!({})).await;
    }
    until_found(&program, &clerk, &[0, 1, 1]).await;
    let said = program.output();
    assert!(said.contains("nobody finds it until the program is mended"), "{said}");
    assert!(!said.contains("durian"), "no word of a letter is in the log\n{said}");
    // The mended program.
    program.ask_to_stop();
    program.restart_after_stop().await;
    let done = program.command(&["reindex"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    until_found(&program, &clerk, &[1, 1, 1]).await;
    program.stop().await;
}

/// How many letters each of the three words finds.
async fn until_found(program: &Program, clerk: &Client, counts: &[usize]) {
    let begun = Instant::now();
    loop {
        let mut found = Vec::new();
        for word in ["durian", "rambutan", "salak"] {
            found.push(clerk.finds(word).await.len());
        }
        if found == counts {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{found:?}\n{}", program.output());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_at_which_indexing_stumbles_holds_up_no_other_embedded() {
    stumbles(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_at_which_indexing_stumbles_holds_up_no_other_networked() {
    stumbles(Stack::Networked).await;
}
