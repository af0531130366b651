//! The hostile files once more, as they would really come: by the API to the running program, with ordinary letters of the
//! same and of another office in their midst.

use super::{
    hostile_files::{Fate, Hostile, own_set, shared_set},
    support::{LETTER, letter_pdf, letter_scan, png},
    tree::{self, TREE_LIMIT, Watch},
};
use crate::support::{
    client::Client,
    program::Program,
    regency::{Actor, Stack},
};
use lumbung::read::Reason;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Two files are read at the same time, each by one reader and at most one Tesseract; some may be about to be buried.
const MOST_CHILDREN: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_files_that_broke_other_readers_settle_as_the_table_says() {
    let Some(files) = shared_set() else { return };
    settle(files).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaded_hostile_files_of_our_own_settle_as_the_table_says() {
    settle(own_set()).await;
}

async fn settle(files: Vec<Hostile>) {
    // What never ends is ended sooner than usual, by a measure that does not depend on what else the machine does.
    let settings = [("limits.api_requests_per_minute", "100000"), ("reading.cpu_seconds", "15")];
    let mut program = Program::start(Stack::Embedded, &settings).await;
    let process = program.process();
    let (memory, children) =
        (Watch::start(move || tree::memory(process)), Watch::start(move || tree::children(process)));
    let (clerk, neighbour) = (program.actor(Actor::Clerk), program.actor(Actor::OtherClerk));
    let scan = png(&letter_scan(&LETTER[..6]).await);
    let started = Instant::now();
    let middle = files.len() / 2;
    let (mut sent, mut letters, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (path, bytes, fate)) in files.into_iter().enumerate() {
        if at == middle {
            letters.push(tokio::spawn(found("typeset", clerk.clone(), letter_pdf(LETTER))));
            letters.push(tokio::spawn(found("scanned", neighbour.clone(), scan.clone())));
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let answer = clerk.try_upload(name, bytes.clone(), json!({ "title": path })).await;
        if fate == Fate::Not(Reason::Empty) {
            answer.refusal(422, "invalid");
        } else {
            sent.push((path, bytes, fate, answer.is(201).json()));
        }
    }
    for letter in letters {
        let (kind, took) = letter.await.expect("the letter was looked for");
        eprintln!("the {kind} letter was found after {took:.1?}");
        assert!(took < Duration::from_secs(60), "the {kind} letter waited {took:?}");
    }
    for (path, bytes, fate, made) in &sent {
        let id = made["id"].as_str().expect("an id");
        let settled = clerk.settled(id).await;
        if !holds(*fate, &clerk, &settled).await {
            wrong.push(format!("{path}: {fate:?}, but it became {} {}", settled["state"], settled["reason"]));
        }
        let kept = clerk.get(&format!("/api/v1/documents/{id}/content")).await.is(200);
        assert!(kept.body == *bytes, "{path} was not kept byte for byte");
    }
    let took = started.elapsed();
    let (memory, children) = (memory.peak(), children.peak());
    eprintln!("settled in {took:.1?}; the whole tree took at most {} MiB and {children} children", memory >> 20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(took < Duration::from_secs(300), "settling took {took:?}");
    assert!(memory < TREE_LIMIT, "the whole tree took {} MiB", memory >> 20);
    assert!(children <= MOST_CHILDREN, "{children} children at once");
    lives_on(&mut program, process).await;
}

/// What must have become of a file, as the API tells it.
async fn holds(fate: Fate, clerk: &Client, settled: &Value) -> bool {
    match fate {
        Fate::Read(0) => settled["state"] == "ready",
        Fate::Read(least) => settled["state"] == "ready" && text_of(clerk, settled).await >= least,
        Fate::Stored => settled["state"] == "stored" && settled.get("reason").is_none(),
        Fate::Not(Reason::TooMuchText) => settled["reason"] == Reason::TooMuchText.slug(),
        Fate::Not(reason) => {
            let said = ["id", "en"].map(|language| settled["reason_text"][language].as_str().unwrap_or_default());
            let is_told = said == [reason.say().id.as_ref(), reason.say().en.as_ref()];
            settled["state"] == "unreadable" && settled["reason"] == reason.slug() && is_told
        }
    }
}

async fn text_of(clerk: &Client, document: &Value) -> usize {
    let mut text = 0;
    for page in 1..=document["pages"].as_u64().unwrap_or(0).min(20) {
        let path = format!("/api/v1/documents/{}/pages/{page}/text", document["id"].as_str().expect("an id"));
        text += clerk.get(&path).await.is(200).body.len();
    }
    text
}

/// Uploads an ordinary letter and asks for it by a word of its text until it is there.
async fn found(kind: &'static str, owner: Client, letter: Vec<u8>) -> (&'static str, Duration) {
    let sent = Instant::now();
    let id = owner.upload("surat biasa", letter, json!({})).await["id"].as_str().expect("an id").to_owned();
    while !owner.finds("sukamaju").await.contains(&id) && sent.elapsed() < Duration::from_secs(100) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    (kind, sent.elapsed())
}

/// The same process answers, gave up no job, reads the next letter, and keeps no child of its own.
async fn lives_on(program: &mut Program, process: u32) {
    let clerk = program.actor(Actor::Clerk);
    assert_eq!(program.process(), process);
    let status = clerk.get("/api/v1/status").await.is(200).json();
    assert_eq!((&status["healthy"], &status["jobs"]["dead"]), (&json!(true), &json!(0)), "{status}");
    clerk.upload_and_read("sesudahnya.txt", b"tanggul blencong".to_vec(), json!({})).await;
    for _ in 0..100 {
        if tree::children(process) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} readers are left over", tree::children(process));
}
