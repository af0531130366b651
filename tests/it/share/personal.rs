//! Pages that hold NIK or KK numbers: whoever opens them to many is warned, and not refused.

use lumbung::id::DocumentId;

use super::*;
use crate::support::client::form;

/// A letter about somebody whom it names by number.
pub fn numbered_pdf() -> Vec<u8> {
    letter_pdf(&["Surat keterangan domisili", "Nama Siti Aminah", "NIK 3216 0147 1285 0003"])
}

pub async fn numbered(owner: &Client) -> String {
    let document = owner.upload_and_read("keterangan.pdf", numbered_pdf(), json!({ "title": "Keterangan" })).await;
    document["id"].as_str().expect("an id").to_owned()
}

fn path(document: &str) -> String {
    format!("/api/v1/documents/{document}")
}

/// The codes of what an answer warns of.
fn warned(answer: &Value) -> Vec<&str> {
    let warnings = answer["warnings"].as_array().into_iter().flatten();
    warnings.map(|warning| warning["code"].as_str().expect("a code")).collect()
}

both_stacks!(a_link_for_anyone_on_pages_with_personal_numbers_is_made_and_warned_of, async |app: &TestApp| {
    let (clerk, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let (document, other) = (numbered(&clerk).await, letter(&clerk, "biasa").await);
    for (document, holds) in [(&document, true), (&other, false)] {
        assert_eq!(clerk.get(&path(document)).await.is(200).json()["personal_data"], holds);
    }
    let for_anyone = terms(app, anyone(), "download", json!({}));
    let answer = try_link(&clerk, &document, &for_anyone).await.is(201).json();
    assert_eq!(warned(&answer), ["personal-data"], "{answer}");
    let said = answer["warnings"][0]["detail"].as_str().expect("a sentence");
    assert!(said.contains("anyone who has the link") && !said.contains("3216"), "{said}");
    let made = handed(&answer);
    open(&app.nobody(), &made, json!({})).await.is(200);

    let way = format!("/api/v1/links/{}", made.id);
    let indonesian = send(clerk.request(Method::GET, &way).header("Cookie", "lang=id")).await.is(200).json();
    let said = indonesian["warnings"][0]["detail"].as_str().expect("a sentence");
    assert!(said.contains("siapa saja yang memegang tautan"), "{said}");
    let paused = clerk.patch(&way, json!({ "paused": true })).await.is(200).json();
    assert_eq!(warned(&paused), ["personal-data"], "it may go on: {paused}");
    clerk.delete(&way).await.is(204);
    let ended = shown(&clerk, &made).await;
    assert!(ended.get("warnings").is_none(), "nobody opens it any more: {ended}");

    let for_agency = terms(app, offices(&[&agency]), "download", json!({}));
    for (document, terms) in [(&document, &for_agency), (&other, &for_anyone)] {
        let answer = try_link(&clerk, document, terms).await.is(201).json();
        assert!(answer.get("warnings").is_none(), "{answer}");
    }
});

both_stacks!(a_link_is_warned_of_by_the_version_that_it_shows, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let document = numbered(&clerk).await;
    let for_anyone = terms(app, anyone(), "view", json!({}));
    let made = link(&clerk, &document, &for_anyone).await;
    let second = form("tanpa-nomor.pdf", letter_pdf(&["Surat keterangan domisili"]), json!({}));
    send(clerk.request(Method::POST, &format!("{}/versions", path(&document))).multipart(second)).await.is(201);
    assert_eq!(clerk.settled(&document).await["personal_data"], false);
    assert_eq!(warned(&shown(&clerk, &made).await), ["personal-data"]);
    let later = try_link(&clerk, &document, &for_anyone).await.is(201).json();
    assert!(later.get("warnings").is_none(), "{later}");
});

both_stacks!(pages_with_personal_numbers_are_opened_to_the_regency_and_warned_of, async |app: &TestApp| {
    let (clerk, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let document = path(&numbered(&clerk).await);
    let opened = clerk.patch(&document, json!({ "reach": "kabupaten" })).await.is(200).json();
    assert_eq!((&opened["reach"], warned(&opened)), (&json!("kabupaten"), vec!["personal-data"]), "{opened}");
    other.get(&document).await.is(200);
    let closed = clerk.patch(&document, json!({ "reach": "kantor" })).await.is(200).json();
    assert!(closed.get("warnings").is_none(), "{closed}");
    other.get(&document).await.refusal(404, "not-found");
    let plain = path(&letter(&clerk, "biasa").await);
    let opened = clerk.patch(&plain, json!({ "reach": "kabupaten" })).await.is(200).json();
    assert!(opened.get("warnings").is_none(), "{opened}");
});

both_stacks!(what_a_former_program_read_is_not_known_until_it_is_read_again, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let document = numbered(&clerk).await;
    // As a program leaves it that does not look for such numbers, and that left out a part.
    for sql in [
        "UPDATE version SET personal_data = NULL, reason = 'timed-out' WHERE document = $1",
        "UPDATE document SET reason = 'timed-out' WHERE id = $1",
    ] {
        let id: DocumentId = document.parse().expect("an id");
        assert_eq!(app.app.db.execute(sql, vec![id.into()]).await.expect("changed"), 1);
    }
    let unknown = clerk.get(&path(&document)).await.is(200).json();
    assert!(unknown.get("personal_data").is_none(), "{unknown}");
    let answer = try_link(&clerk, &document, &terms(app, anyone(), "view", json!({}))).await.is(201).json();
    assert!(answer.get("warnings").is_none(), "{answer}");
    clerk.post(&format!("{}/read", path(&document)), json!({})).await.is(202);
    assert_eq!(clerk.settled(&document).await["personal_data"], true);
    assert_eq!(warned(&shown(&clerk, &handed(&answer)).await), ["personal-data"]);
});
