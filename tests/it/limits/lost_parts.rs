//! Parts of resumable uploads that are lost for good: whoever sends is told to begin again instead of asking forever, and the
//! operator is told once. What is merely away is waited for.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use lumbung::blob::{ObjectName, Prefix};
use lumbung::id::UploadId;
use lumbung::jobs::housekeeping;
use lumbung::seal::SealedBody;
use serde_json::json;

use super::outage::IMPATIENT;
use super::*;
use crate::support::app::{TestApp, both_stacks};
use crate::support::client::Answer;
use crate::support::fault::{Fault, Faults};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const SIZE: usize = 3000;

fn id_of(place: &str) -> UploadId {
    place.rsplit('/').next().expect("an id").parse().expect("an upload's id")
}

async fn parts(app: &TestApp) -> Vec<ObjectName> {
    let listed: Vec<_> = app.app.store.list(Prefix::Parts).try_collect().await.expect("the store lists");
    listed.into_iter().filter_map(|part| part.name()).collect()
}

/// Why an upload has failed.
async fn failed(app: &TestApp, place: &str) -> Option<String> {
    let sql = "SELECT failed FROM upload WHERE id = $1";
    let (failed,): (Option<String>,) =
        app.app.db.one(sql, vec![id_of(place).into()]).await.expect("asked").expect("it is there");
    failed
}

/// An upload of which a part is here and the rest to be sent.
async fn begun(clerk: &Client, more: &str) -> String {
    let place = begin_upload(clerk, SIZE, more).await;
    send(append(clerk, &place, 0, letter(SIZE)[..2000].to_vec())).await.is(204);
    place
}

async fn rest(clerk: &Client, place: &str) -> Answer {
    send(append(clerk, place, 2000, letter(SIZE)[2000..].to_vec())).await
}

async fn head(clerk: &Client, place: &str) -> Answer {
    send(tus(clerk, Method::HEAD, place)).await
}

both_stacks!(an_upload_of_which_a_part_is_gone_says_to_begin_again, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let place = begun(&clerk, NO_DETAILS).await;
    app.app.store.delete(&parts(app).await[0]).await.expect("it is lost");
    let told = rest(&clerk, &place).await.refusal(410, "upload-damaged");
    assert!(told["detail"].as_str().is_some_and(|said| said.contains("again from the beginning")), "{told}");
    refused(|| append(&clerk, &place, SIZE, Vec::<u8>::new()), 410, "upload-damaged").await;
    head(&clerk, &place).await.is(410);
    assert_eq!(failed(app, &place).await.as_deref(), Some("upload-damaged"));
    assert_eq!((documents(&clerk).await, parts(app).await.len()), (0, 1), "what is left goes when it expires");

    let again = begun(&clerk, NO_DETAILS).await;
    let document = rest(&clerk, &again).await.is(204).header("lumbung-document").to_owned();
    assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, letter(SIZE));
    let is_new = app.app.ingest.fail_upload(id_of(&again), "a reason").await.expect("asked");
    assert_eq!((is_new, failed(app, &again).await), (false, None), "what became a document has not failed");
    clerk.settled(&document).await;

    app.clock.advance(Duration::from_secs(49 * 3600));
    housekeeping::tidy(&app.app).await.expect("housekeeping runs");
    assert!(parts(app).await.is_empty(), "they have expired with it");
    head(&clerk, &place).await.is(404);
});

both_stacks!(an_upload_of_which_a_part_is_damaged_goes_on_when_it_is_as_it_was, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let begin = || {
        let request = tus(&clerk, Method::POST, "/api/v1/uploads").header("Upload-Length", SIZE);
        request.header("Upload-Metadata", NO_DETAILS).header("Idempotency-Key", "kunci")
    };
    let location = send(begin()).await.is(201).header("location").to_owned();
    let place = location[location.find("/api/v1/uploads/").expect("a place of ours")..].to_owned();
    send(append(&clerk, &place, 0, letter(SIZE)[..2000].to_vec())).await.is(204);
    let part = parts(app).await.pop().expect("a part");
    let sealed = app.app.store.get(&part, None).await.expect("there").collect().await.expect("whole");
    let mut damaged = sealed.to_vec();
    *damaged.last_mut().expect("not empty") ^= 1;
    app.app.store.put(&part, &SealedBody::from_bytes(damaged.into())).await.expect("damaged");
    rest(&clerk, &place).await.refusal(410, "upload-damaged");
    let again = send(begin()).await.is(201);
    assert_eq!((again.header("location"), again.header("upload-offset")), (location.as_str(), ""));
    head(&clerk, &place).await.is(410);

    app.app.store.put(&part, &SealedBody::from_bytes(sealed)).await.expect("brought back");
    let asked = head(&clerk, &place).await.is(200);
    assert_eq!(asked.header("lumbung-failed"), "", "it has not failed");
    let document = asked.header("lumbung-document");
    assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, letter(SIZE));
    assert_eq!(failed(app, &place).await, None);
    clerk.settled(document).await;
});

both_stacks!(a_held_picture_of_which_a_part_is_gone_is_named_and_uploaded_again, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let (lost, whole) = (begun(&clerk, HELD).await, begun(&clerk, HELD).await);
    for place in [&lost, &whole] {
        rest(&clerk, place).await.is(204);
    }
    let is_of = |part: &ObjectName| matches!(part, ObjectName::Part { upload, .. } if *upload == id_of(&lost));
    let part = parts(app).await.into_iter().find(is_of).expect("its part");
    app.app.store.delete(&part).await.expect("it is lost");
    let uploads = [&whole, &lost].map(|place| json!({ "id": id_of(place).to_string(), "turn": 0 }));
    let ask = json!({ "metadata": {}, "uploads": uploads });
    let told = clerk.post("/api/v1/documents/from-uploads", ask).await.refusal(422, "invalid");
    assert!(points_at(&told, "/uploads/1/id"), "{told}");
    head(&clerk, &lost).await.is(410);
    head(&clerk, &whole).await.is(200);
    assert_eq!(failed(app, &whole).await, None);
    send(tus(&clerk, Method::DELETE, &lost)).await.is(204);
    head(&clerk, &lost).await.is(404);
});

/// A server that died between the last byte and the document, and whose store is away when the client asks.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_store_is_away_has_not_failed_and_becomes_the_document_afterwards() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, IMPATIENT).await;
    let clerk = app.actor(Actor::Clerk);
    let place = begin_upload(&clerk, SIZE, NO_DETAILS).await;
    let upload = app.app.ingest.upload(id_of(&place), |_| true).await.expect("it was begun");
    app.app.ingest.append_whole(&upload, Bytes::from(letter(SIZE))).await.expect("kept");
    for fault in [Fault::SlowDown, Fault::Refuse] {
        faults.store.now(fault).await;
        let asked = head(&clerk, &place).await.is(503);
        assert_eq!(asked.header("retry-after"), "5", "{fault:?}");
        send(append(&clerk, &place, SIZE, Vec::<u8>::new())).await.refusal(503, "store-unavailable");
        assert_eq!(failed(&app, &place).await, None, "{fault:?}");
        faults.store.now(Fault::None).await;
    }
    let asked = head(&clerk, &place).await.is(200);
    let document = asked.header("lumbung-document");
    assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, letter(SIZE));
    clerk.settled(document).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_is_told_once_of_an_upload_that_was_lost() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    let place = begun(&clerk, NO_DETAILS).await;
    let parts = program.home.dir.join("store/u").join(id_of(&place).to_string());
    for part in std::fs::read_dir(parts).expect("a folder of parts").flatten() {
        std::fs::remove_file(part.path()).expect("removed");
    }
    rest(&clerk, &place).await.refusal(410, "upload-damaged");
    for _ in 0..3 {
        head(&clerk, &place).await.is(410);
    }
    let said = program.output();
    let told = said.lines().filter(|line| line.contains("ERROR") && line.contains(&id_of(&place).to_string())).count();
    assert_eq!(told, 1, "{said}");
    assert!(!said.contains("surat.txt"), "{said}");
}
