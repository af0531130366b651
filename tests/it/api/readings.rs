//! Whoever reads what is in a document leaves an entry, by whatever way it is read.

use reqwest::Method;
use serde_json::{Value, json};

use crate::reading::support::letter_pdf;
use crate::share::{anyone, holder, link, open, terms};
use crate::support::app::{TestApp, both_stacks};
use crate::support::client::send;
use crate::support::regency::Actor;
use crate::web::plain::Plain;

/// Below a document's own address, and below that of a link to it.
const OWN: [&str; 4] = ["/content", "/pages/1/image", "/pages/1/text", "/pages/1/words"];
const SHARED: [&str; 2] = ["/content", "/pages/1/image"];

/// Each with a document of its own: the same reader's second reading within minutes needs no entry.
async fn fresh(app: &TestApp, text: &str) -> String {
    let made = app.actor(Actor::Clerk).upload_and_read("surat.pdf", letter_pdf(&[text]), json!({})).await;
    made["id"].as_str().expect("an id").to_owned()
}

async fn readings_of(app: &TestApp, document: &str) -> Vec<Value> {
    let mut noted = app.noted("document.read").await;
    noted.extend(app.noted("document.view").await);
    noted.retain(|entry| entry["object"] == document);
    noted
}

both_stacks!(each_way_of_reading_leaves_an_entry_that_names_the_reader, async |app: &TestApp| {
    let archivist = app.actor(Actor::Archivist);
    for way in OWN {
        let document = fresh(app, &format!("dibaca lewat {way}")).await;
        assert_eq!(readings_of(app, &document).await, Vec::<Value>::new());
        archivist.get(&format!("/api/v1/documents/{document}{way}")).await.is(200);
        let noted = readings_of(app, &document).await;
        assert_eq!((noted.len(), noted[0]["person_name"].as_str()), (1, Some("archivist")), "{way}: {noted:?}");
        assert_eq!((&noted[0]["result"], &noted[0]["via"]), (&json!("ok"), &json!("api")), "{way}: {noted:?}");
    }
    former_version(app).await;
    for way in SHARED {
        let document = fresh(app, &format!("dibaca tamu lewat {way}")).await;
        let made = link(&app.actor(Actor::Clerk), &document, &terms(app, anyone(), "download", json!({}))).await;
        let stranger = holder(app, &open(&app.nobody(), &made, json!({})).await.is(200));
        stranger.get(&format!("/api/v1/shared/{}{way}", made.public)).await.is(200);
        let noted = readings_of(app, &document).await;
        assert_eq!((noted.len(), &noted[0]["link"]), (1, &json!(made.id)), "{way}: {noted:?}");
        assert_eq!((&noted[0]["person"], &noted[0]["network"]), (&Value::Null, &json!("127.0.0.0/24")), "{way}");
    }
});

async fn former_version(app: &TestApp) {
    let document = fresh(app, "versi lama").await;
    let second = crate::support::client::form("dua.pdf", letter_pdf(&["versi baru"]), json!({}));
    let path = format!("/api/v1/documents/{document}/versions");
    let clerk = app.actor(Actor::Clerk);
    send(clerk.request(Method::POST, &path).multipart(second)).await.is(201);
    clerk.settled(&document).await;
    let before = readings_of(app, &document).await.len();
    let page = Plain::of_member(app, "archivist").await.get(&format!("/dokumen/{document}/versi/1")).await;
    assert_eq!(page.status(), 200);
    let noted = readings_of(app, &document).await;
    assert_eq!((noted.len(), noted[0]["person_name"].as_str()), (before + 1, Some("archivist")), "{noted:?}");
    assert_eq!(noted[0]["via"], "web");
}
