//! A store or a database that is away, for a moment or for long, in every way in which a server can be away.

use std::time::{Duration, Instant};

use lumbung::ingest::ReadPages;
use serde_json::json;

use super::*;
use crate::share::{anyone, content, holder, link, open, terms};
use crate::support::app::TestApp;
use crate::support::client::{Answer, form};
use crate::support::fault::{Fault, Faults};
use crate::support::regency::Actor;

/// Waits that fit a test; the order of things is that of the defaults.
pub(super) const IMPATIENT: &[(&str, &str)] = &[
    ("storage.connect_seconds", "1"),
    ("storage.answer_seconds", "2"),
    ("storage.operation_seconds", "4"),
    ("database.acquire_seconds", "2"),
];

/// A put with its attempts, and then one more look.
const STORE_LIMIT: Duration = Duration::from_secs(12);

async fn try_upload(caller: &Client, text: &str) -> Answer {
    caller.try_upload("surat.txt", text.as_bytes().to_vec(), json!({})).await
}

/// 503 in both languages, and when to come again.
async fn is_unavailable(request: impl Fn() -> RequestBuilder, slug: &str) {
    for cookie in ["lang=en", "lang=id"] {
        let answer = send(request().header("Cookie", cookie)).await;
        assert_eq!(answer.header("retry-after"), "5", "{}", answer.text());
        let problem = answer.refusal(503, slug);
        let words = if cookie == "lang=en" { "try again" } else { "coba lagi" };
        assert!(problem["detail"].as_str().is_some_and(|said| said.contains(words)), "{problem}");
    }
}

fn post_letter(caller: &Client, text: &str) -> RequestBuilder {
    let form = form("surat.txt", text.as_bytes().to_vec(), json!({}));
    caller.request(Method::POST, "/api/v1/documents").multipart(form)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_told_within_its_limits_and_works_again_by_itself() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    let kept = clerk.upload_and_read("lama.txt", b"Perihal: sawah lama".to_vec(), json!({})).await;
    let content = format!("/api/v1/documents/{}/content", kept["id"].as_str().expect("an id"));
    for fault in [Fault::Refuse, Fault::Reset, Fault::SlowDown, Fault::InternalError, Fault::Hang] {
        faults.store.now(fault).await;
        let begun = Instant::now();
        let answer = try_upload(&clerk, &format!("Perihal: {fault:?}")).await;
        assert!(begun.elapsed() < STORE_LIMIT, "{fault:?}: {:?}", begun.elapsed());
        assert_eq!(answer.header("retry-after"), "5", "{fault:?}");
        answer.refusal(503, "store-unavailable");
        let begun = Instant::now();
        clerk.get(&content).await.refusal(503, "store-unavailable");
        assert!(begun.elapsed() < STORE_LIMIT, "{fault:?}: {:?}", begun.elapsed());
        assert_eq!(documents(&clerk).await, 1, "{fault:?}: what was not acknowledged is not there");
        faults.store.now(Fault::None).await;
        try_upload(&clerk, &format!("Perihal: {fault:?}")).await.is(201);
        clerk.get(&content).await.is(200);
        let all = clerk.get("/api/v1/documents").await.is(200).json();
        let newest = all["items"][0]["id"].as_str().expect("an id").to_owned();
        clerk.settled(&newest).await;
        clerk.delete(&format!("/api/v1/documents/{newest}")).await.is(204);
    }
    faults.store.now(Fault::SlowDown).await;
    is_unavailable(|| post_letter(&clerk, "Perihal: dua bahasa"), "store-unavailable").await;
    faults.store.now(Fault::None).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_question_is_answered_soon_whatever_hangs() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, &[]).await;
    app.nobody().get("/readyz").await.is(200);
    for (proxy, name) in [(&faults.store, "store"), (&faults.database, "database")] {
        proxy.now(Fault::Hang).await;
        let begun = Instant::now();
        let answer = app.nobody().get("/readyz").await.is(503);
        assert_eq!(answer.text(), format!("not ready: {name}\n"));
        app.nobody().get("/healthz").await.is(200);
        assert!(begun.elapsed() < Duration::from_secs(8), "{name}: {:?}", begun.elapsed());
        proxy.now(Fault::None).await;
        is_ready_again(&app).await;
    }
    app.finish().await;
}

async fn is_ready_again(app: &TestApp) {
    let begun = Instant::now();
    while app.nobody().get("/readyz").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not come back by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_answer_from_the_store_is_lost_is_acknowledged_once() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    faults.store.now(Fault::LoseAnswer).await;
    let request = || post_letter(&clerk, "Perihal: jawaban hilang").header("Idempotency-Key", "hilang-1");
    let lost = send(request()).await;
    assert!(faults.store.struck() > 0);
    faults.store.now(Fault::None).await;
    lost.refusal(503, "store-unavailable");
    assert_eq!(documents(&clerk).await, 0);
    let made = send(request()).await.is(201).json();
    assert_eq!(send(request()).await.is(201).json()["id"], made["id"], "the same upload again is the same document");
    assert_eq!(documents(&clerk).await, 1);
    app.finish().await;
}

/// Somebody asks for an original that does not come whole; how long it takes until they know.
async fn told_that_it_is_broken(fault: Fault) -> Duration {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(500_000);
    let document = clerk.upload_and_read("panjang.txt", bytes.clone(), json!({})).await;
    let path = format!("/api/v1/documents/{}/content", document["id"].as_str().expect("an id"));
    faults.store.now(fault).await;
    let begun = Instant::now();
    let answer = clerk.request(Method::GET, &path).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let came = answer.bytes().await;
    let took = begun.elapsed();
    assert!(status == 503 || came.is_err(), "{status}: {:?} bytes as if whole", came.map(|bytes| bytes.len()));
    faults.store.now(Fault::None).await;
    assert_eq!(clerk.get(&path).await.is(200).body, bytes);
    app.finish().await;
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_that_breaks_off_is_never_taken_for_whole() {
    told_that_it_is_broken(Fault::Truncate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_that_stalls_on_its_way_is_given_up_within_the_limits_of_the_store() {
    let took = told_that_it_is_broken(Fault::Stall).await;
    assert!(took < STORE_LIMIT, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_store_is_waited_for() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    faults.store.now(Fault::Slow).await;
    let made = try_upload(&clerk, "Perihal: simpanan lambat").await.is(201).json();
    assert!(faults.store.struck() > 0, "the store was never slow");
    let id = made["id"].as_str().expect("an id");
    assert_eq!(clerk.get(&format!("/api/v1/documents/{id}/content")).await.is(200).text(), "Perihal: simpanan lambat");
    assert_eq!(clerk.settled(id).await["state"], "ready");
    faults.store.now(Fault::None).await;
    app.finish().await;
}

/// Whole, in part and by a link: what the store answers wrongly reaches nobody.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_the_store_answers_wrongly_reach_no_reader() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(500_000);
    let document = clerk.upload_and_read("panjang.txt", bytes.clone(), json!({})).await;
    let id = document["id"].as_str().expect("an id");
    let made = link(&clerk, id, &terms(&app, anyone(), "download", json!({}))).await;
    let stranger = holder(&app, &open(&app.nobody(), &made, json!({})).await.is(200));
    let own = format!("/api/v1/documents/{id}/content");
    let (asked, right) = ([(&clerk, own.as_str()), (&stranger, &content(&made))], &bytes);
    faults.store.now(Fault::WrongBytes).await;
    let mut broken = 0;
    for (caller, path) in asked {
        for (range, right) in [
            (None, &right[..]),
            (Some("bytes=2500-2999"), &right[2500..3000]),
            (Some("bytes=70000-"), &right[70_000..]),
        ] {
            let mut request = caller.request(Method::GET, path);
            if let Some(range) = range {
                request = request.header("Range", range);
            }
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            match answer.bytes().await {
                Ok(came) if status < 500 => assert!(came == right, "{path} {range:?}: other bytes as if right"),
                _ => broken += 1,
            }
        }
    }
    assert!(broken >= 4, "of six answers {broken} were broken: what the store said was not wrong");
    faults.store.now(Fault::None).await;
    assert_eq!(clerk.get(&own).await.is(200).body, bytes);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_read_outlasts_a_long_outage_of_the_store() {
    let faults = Faults::ready().await;
    let settings: Vec<_> = IMPATIENT.iter().copied().chain([("queue.max_attempts", "2")]).collect();
    let app = TestApp::behind(&faults, &settings).await;
    let clerk = app.actor(Actor::Clerk);
    let document = clerk.upload_and_read("surat.txt", b"Perihal: gudang pupuk".to_vec(), json!({})).await;
    let version = document["version"].as_str().expect("an id").parse().expect("a version's id");
    faults.store.now(Fault::Reset).await;
    let mut tx = app.app.db.write().await.expect("a transaction");
    let job = app.app.queue.enqueue(&mut tx, &ReadPages { version }, None).await.expect("enqueued");
    tx.commit().await.expect("committed");
    app.app.nudge();
    let (begun, before) = (Instant::now(), faults.store.struck());
    // Each attempt of the job makes up to three of its own; so it was tried far more often than it may fail.
    while faults.store.struck() < before + 13 {
        assert!(begun.elapsed() < Duration::from_secs(40), "it is not tried again");
        tokio::time::sleep(Duration::from_millis(100)).await;
        // While it is being tried time does not jump: the lease would end, and a second worker would take it beside the first.
        if !app.is_leased().await {
            app.clock.advance(Duration::from_secs(15));
        }
    }
    let seen = app.app.queue.list(false, None, 1).await.expect("the queue answers");
    assert_eq!((seen[0].id, seen[0].state.as_str()), (job.0, "waiting"), "nothing is given up while the store is away");
    assert!(seen[0].last_error.as_ref().is_some_and(|error| error.starts_with("store-unavailable")), "{seen:?}");
    faults.store.now(Fault::None).await;
    // As above: two that read the same would leave what one of them wrote.
    while app.is_leased().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.clock.advance(Duration::from_secs(120));
    app.swept().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_and_works_again_without_a_restart() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    clerk.upload_and_read("lama.txt", b"Perihal: sawah lama".to_vec(), json!({})).await;
    for fault in [Fault::Refuse, Fault::Reset] {
        faults.database.now(fault).await;
        let begun = Instant::now();
        is_unavailable(|| post_letter(&clerk, "Perihal: basis data pergi"), "database-away").await;
        is_unavailable(|| clerk.request(Method::GET, "/api/v1/documents"), "database-away").await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{fault:?}: {:?}", begun.elapsed());
        let problem = app.nobody().get("/readyz").await.is(503);
        assert!(problem.text().contains("database"), "{}", problem.text());
        faults.database.now(Fault::None).await;
        is_ready_again(&app).await;
        assert_eq!(documents(&clerk).await, 1, "{fault:?}");
    }
    let made = try_upload(&clerk, "Perihal: basis data pulang").await.is(201).json();
    assert_eq!(clerk.settled(made["id"].as_str().expect("an id")).await["state"], "ready");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_says_nothing_is_taken_for_away_within_its_limit() {
    let faults = Faults::ready().await;
    let settings: Vec<_> = IMPATIENT.iter().copied().chain([("database.answer_seconds", "3")]).collect();
    let app = TestApp::behind(&faults, &settings).await;
    let clerk = app.actor(Actor::Clerk);
    clerk.upload_and_read("lama.txt", b"Perihal: sawah lama".to_vec(), json!({})).await;
    faults.database.now(Fault::Hang).await;
    let begun = Instant::now();
    is_unavailable(|| post_letter(&clerk, "Perihal: basis data diam"), "database-away").await;
    is_unavailable(|| clerk.request(Method::GET, "/api/v1/documents"), "database-away").await;
    assert!(begun.elapsed() < Duration::from_secs(30), "four requests took {:?}", begun.elapsed());
    faults.database.now(Fault::None).await;
    is_ready_again(&app).await;
    assert_eq!(documents(&clerk).await, 1, "nothing half done is seen");
    let made = try_upload(&clerk, "Perihal: basis data bicara lagi").await.is(201).json();
    assert_eq!(clerk.settled(made["id"].as_str().expect("an id")).await["state"], "ready");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_leaves_in_the_midst_of_uploads_loses_nothing_that_was_acknowledged() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    let mut uploads = tokio::task::JoinSet::new();
    for number in 0..24 {
        let clerk = clerk.clone();
        uploads.spawn(async move { (number, try_upload(&clerk, &format!("Perihal: surat ke-{number}")).await) });
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    faults.database.now(Fault::Reset).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    faults.database.now(Fault::None).await;
    let mut acknowledged = Vec::new();
    while let Some(done) = uploads.join_next().await {
        let (number, answer) = done.expect("a task of ours");
        match answer.status {
            201 => acknowledged.push((number, answer.json()["id"].as_str().expect("an id").to_owned())),
            503 => drop(answer.refusal(503, "database-away")),
            other => panic!("{number}: {other} {}", answer.text()),
        }
    }
    is_ready_again(&app).await;
    for (number, id) in acknowledged {
        let path = format!("/api/v1/documents/{id}/content");
        assert_eq!(clerk.get(&path).await.is(200).text(), format!("Perihal: surat ke-{number}"));
    }
    app.finish().await;
}
