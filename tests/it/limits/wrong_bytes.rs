//! A store that answers other bytes than were put, for what is not an original: page texts, page pictures, what the reading job is
//! given, and the parts of uploads. Each is refused or tried again, and none comes out as if it were right.

use std::time::{Duration, Instant};

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::json;

use super::outage::IMPATIENT;
use super::*;
use crate::reading::support::{LETTER, encoded, letter_pdf};
use crate::support::app::TestApp;
use crate::support::fault::{Fault, Faults};
use crate::support::regency::Actor;

fn id(document: &Value) -> &str {
    document["id"].as_str().expect("an id")
}

/// A letter of a few words in a large file, so that its original is long where its text is not.
fn large_letter_of_few_words() -> Vec<u8> {
    letter_pdf(&["Perihal tanggul blencong", &" ".repeat(20_000)])
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_pictures_that_the_store_answers_wrongly_reach_no_reader() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    let full = clerk.upload_and_read("surat.pdf", letter_pdf(LETTER), json!({})).await;
    let sparse = clerk.upload_and_read("jarang.pdf", large_letter_of_few_words(), json!({})).await;
    let page = |document: &Value, what: &str| format!("/api/v1/documents/{}/pages/1/{what}", id(document));
    let kept = ["text", "words?q=desa", "image"].map(|what| page(&full, what));
    let mut right = Vec::new();
    for path in &kept {
        right.push(clerk.get(path).await.is(200).body);
    }
    faults.store.now(Fault::WrongBytes).await;
    for path in &kept {
        clerk.get(path).await.refusal(500, "internal");
    }
    // Nobody has looked at these yet: they are to be drawn from the original.
    let drawn = [&full, &sparse].map(|document| page(document, "image?width=240"));
    for path in &drawn {
        clerk.get(path).await.refusal(500, "internal");
    }
    faults.store.now(Fault::None).await;
    for (path, right) in kept.iter().zip(&right) {
        assert!(clerk.get(path).await.is(200).body == *right, "{path} is another one afterwards");
    }
    for path in &drawn {
        let picture = clerk.get(path).await.is(200);
        assert!(picture.header("content-type").starts_with("image/"), "{path}");
        image::load_from_memory(&picture.body).expect("a whole picture");
    }
    app.finish().await;
}

/// Why the newest job waits, once it has failed.
async fn why_it_waits(app: &TestApp) -> String {
    let begun = Instant::now();
    loop {
        let newest = app.app.queue.list(false, None, 1).await.expect("the queue answers").pop();
        if let Some(why) = newest.and_then(|job| job.last_error) {
            return why;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing has failed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_given_wrong_bytes_is_tried_again_until_they_are_right() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    faults.store.now(Fault::WrongBytes).await;
    let made = clerk.upload("surat.pdf", large_letter_of_few_words(), json!({})).await;
    let path = format!("/api/v1/documents/{}", id(&made));
    let why = why_it_waits(&app).await;
    assert!(why.contains("does not authenticate"), "{why}");
    let state = clerk.get(&path).await.is(200).json()["state"].clone();
    assert!(state == "received" || state == "reading", "{state}: what was not read is not called so");
    clerk.get(&format!("{path}/pages/1/text")).await.is(404);
    faults.store.now(Fault::None).await;
    // While it is being tried time does not jump: its lease would end, and a second worker would take it beside the first.
    while app.is_leased().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.clock.advance(Duration::from_secs(120));
    assert_eq!(clerk.settled(id(&made)).await["state"], "ready");
    let text = clerk.get(&format!("{path}/pages/1/text")).await.is(200).text();
    assert_eq!(text.trim(), "Perihal tanggul blencong");
    assert_eq!(clerk.finds("blencong").await, [id(&made)]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_parts_come_back_wrong_is_not_acknowledged_until_they_are_right() {
    let faults = Faults::ready().await;
    let settings: Vec<_> = IMPATIENT.iter().copied().chain([("upload.part_bytes", "65536")]).collect();
    let app = TestApp::behind(&faults, &settings).await;
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(150_000);
    let place = begin_upload(&clerk, bytes.len(), NO_DETAILS).await;
    send(append(&clerk, &place, 0, bytes[..100_000].to_vec())).await.is(204);
    faults.store.now(Fault::WrongBytes).await;
    send(append(&clerk, &place, 100_000, bytes[100_000..].to_vec())).await.refusal(410, "upload-damaged");
    // Whoever asks has the upload finished where it can be.
    let asked = send(tus(&clerk, Method::HEAD, &place)).await.is(410);
    assert_eq!(asked.header("lumbung-document"), "");
    assert_eq!(documents(&clerk).await, 0, "what was not acknowledged is not there");
    faults.store.now(Fault::None).await;
    let asked = send(tus(&clerk, Method::HEAD, &place)).await.is(200);
    let document = asked.header("lumbung-document");
    assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, bytes);
    assert_eq!(documents(&clerk).await, 1);
    assert_eq!(clerk.settled(document).await["state"], "ready");
    app.finish().await;
}

/// So large that it is long as a JPEG too, with nothing on it over which OCR would brood.
fn photograph() -> Vec<u8> {
    let picture = RgbImage::from_fn(1000, 1000, |x, y| Rgb([(x / 4) as u8, (y / 4) as u8, 128]));
    encoded(&picture, ImageFormat::Jpeg)
}

#[tokio::test(flavor = "multi_thread")]
async fn photographs_that_come_back_wrong_are_bound_to_no_document() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    let bytes = photograph();
    let place = begin_upload(&clerk, bytes.len(), HELD).await;
    send(append(&clerk, &place, 0, bytes.clone())).await.is(204);
    let upload = place.rsplit('/').next().expect("an id");
    let ask = json!({ "metadata": {}, "uploads": [{ "id": upload, "turn": 0 }] });
    faults.store.now(Fault::WrongBytes).await;
    clerk.post("/api/v1/documents/from-uploads", ask.clone()).await.refusal(422, "invalid");
    assert_eq!(documents(&clerk).await, 0, "what was not acknowledged is not there");
    faults.store.now(Fault::None).await;
    let made = clerk.post("/api/v1/documents/from-uploads", ask).await.is(201).json();
    let pdf = clerk.get(&format!("/api/v1/documents/{}/content", id(&made))).await.is(200).body;
    assert!(pdf.windows(bytes.len()).any(|part| part == bytes.as_slice()), "the photograph was changed");
    app.finish().await;
}
