//! The main way through the house: what a person sends in, from outside and to its end.

mod antivirus;
mod canary;
mod damaged;
mod document;
mod isolation;
mod keys;
mod listing;
mod operating;
mod rotation;
mod stolen;
mod tus;
mod verify;

use serde_json::{Value, json};

use crate::support::app::both_stacks;
use crate::support::regency::Actor;

both_stacks!(an_uploaded_letter_is_found_by_its_own_office_only, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let letter = b"Perihal: perbaikan tanggul Kali Blencong\n".to_vec();
    let document = clerk.upload_and_read("surat.txt", letter, json!({ "title": "Permohonan tanggul" })).await;
    let id = document["id"].as_str().expect("an id");
    assert_eq!(clerk.finds("blencong").await, [id]);
    for other in [Actor::OtherClerk, Actor::AgencyClerk] {
        let stranger = app.actor(other);
        assert!(stranger.finds("blencong").await.is_empty(), "{other:?} found it");
        stranger.get(&format!("/api/v1/documents/{id}")).await.refusal(404, "not-found");
    }
    app.nobody().get("/api/v1/documents").await.refusal(401, "unauthorized");
});

/// The id of a document, an upload or a link.
pub fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap_or_else(|| panic!("no id: {thing}")).to_owned()
}

/// Whether `bytes` hold `word` anywhere.
pub fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}
