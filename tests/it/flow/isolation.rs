//! What one office has, no other office learns: not by asking, not by counting, not by what the store or the database shows.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{holds, id};
use crate::attack::timing::slower_of_pairs;
use crate::reading::support::letter_pdf;
use crate::support::app::{TestApp, both_stacks};
use crate::support::client::{Answer, Client, form, send};
use crate::support::regency::{Actor, Stack};

async fn letter(owner: &Client, metadata: Value) -> String {
    id(&owner.upload_and_read("surat.txt", b"tanggul blencong jebol\n".to_vec(), metadata).await)
}

/// Every route of a document, as somebody would call it.
async fn every_route(caller: &Client, document: &str) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for rest in ["", "/content", "/pages/1/image", "/pages/1/text", "/pages/1/words?q=blencong", "/history"] {
        let path = format!("/api/v1/documents/{document}{rest}");
        answers.push((format!("GET {rest}"), caller.get(&path).await));
    }
    let path = format!("/api/v1/documents/{document}");
    let patch = caller.request(Method::PATCH, &path).header("If-Match", "\"1\"").json(&json!({ "title": "x" }));
    answers.push(("PATCH".into(), send(patch).await));
    answers.push(("PATCH blindly".into(), send(caller.request(Method::PATCH, &path).json(&json!({}))).await));
    answers.push(("DELETE".into(), caller.delete(&path).await));
    for rest in ["/restore", "/read"] {
        answers.push((format!("POST {rest}"), caller.post(&format!("{path}{rest}"), json!({})).await));
    }
    let version = caller.request(Method::POST, &format!("{path}/versions"));
    answers.push(("POST /versions".into(), send(version.multipart(form("x.txt", b"x".to_vec(), json!({})))).await));
    let terms = json!({ "audience": { "kind": "anyone" }, "rights": "view", "expires_at": "2099-01-01T00:00:00Z" });
    answers.push(("POST /links".into(), caller.post(&format!("{path}/links"), terms).await));
    answers
}

/// A problem without what is different in every answer.
fn told(answer: &Answer) -> Value {
    let mut problem = answer.json();
    problem.as_object_mut().expect("an object").remove("request_id");
    problem
}

both_stacks!(a_foreign_document_answers_exactly_like_one_that_does_not_exist, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let foreign = letter(&clerk, json!({ "title": "Tanggul" })).await;
    let unknown = lumbung::id::DocumentId::fresh(&app.clock).to_string();
    for actor in [Actor::OtherClerk, Actor::OtherHead, Actor::AgencyHead] {
        let stranger = app.actor(actor);
        let there = every_route(&stranger, &foreign).await;
        let nowhere = every_route(&stranger, &unknown).await;
        for ((route, there), (_, nowhere)) in there.iter().zip(&nowhere) {
            assert_eq!((there.status, nowhere.status), (404, 404), "{actor:?} {route}: {}", there.text());
            assert_eq!(told(there), told(nowhere), "{actor:?} {route}");
            let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(names(there), names(nowhere), "{actor:?} {route}");
        }
    }
    assert_eq!(clerk.get(&format!("/api/v1/documents/{foreign}")).await.is(200).json()["title"], "Tanggul");
});

both_stacks!(counts_facets_and_suggestions_leave_out_what_others_have, async |app| {
    let (clerk, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let metadata = |kind: &str, code: &str, year: &str| json!({ "title": "Tanggul kalimati", "kind": kind, "classification": code, "date": format!("{year}-02-03"), "number": "777/KM" });
    letter(&clerk, metadata("surat undangan", "400.1", "2021")).await;
    letter(&clerk, metadata("nota dinas", "400.2", "2022")).await;
    let empty = other.search("blencong").await;
    assert_eq!((&empty["total"], &empty["items"]), (&json!(0), &json!([])));
    for facet in ["office", "kind", "year", "classification"] {
        assert_eq!(empty["facets"][facet], json!([]), "{facet}");
    }
    assert!(empty.get("did_you_mean").is_none_or(Value::is_null), "{empty}");
    let near = other.search("blencogn").await;
    assert!(near.get("did_you_mean").is_none_or(Value::is_null), "a foreign word is offered: {near}");
    for start in ["blen", "tanggul kali", "777"] {
        let offered = other.get(&format!("/api/v1/search/suggest?q={start}")).await.is(200).json();
        assert_eq!(offered["items"], json!([]), "{start}");
        let own = clerk.get(&format!("/api/v1/search/suggest?q={start}")).await.is(200).json();
        assert_ne!(own["items"], json!([]), "{start}");
    }
    let own = letter(&other, metadata("keputusan", "500.1", "2023")).await;
    let found = other.search("blencong").await;
    assert_eq!((&found["total"], &found["items"][0]["document"]["id"]), (&json!(1), &json!(own)));
    for (facet, value) in [("kind", "keputusan"), ("year", "2023")] {
        assert_eq!(found["facets"][facet].as_array().map(Vec::len), Some(1), "{found}");
        assert_eq!(found["facets"][facet][0]["value"], value);
        assert_eq!(found["facets"][facet][0]["count"], 1);
    }
    let suggested = other.get("/api/v1/search/suggest?q=blen").await.is(200).json();
    assert_eq!(suggested["items"][0]["count"], 1, "{suggested}");
    assert_eq!(clerk.search("blencong").await["total"], 2);
});

both_stacks!(what_an_office_opens_to_the_regency_is_found_by_others_until_it_closes_it, async |app| {
    let (clerk, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let document = letter(&clerk, json!({ "reach": "kabupaten" })).await;
    let path = format!("/api/v1/documents/{document}");
    assert_eq!(other.finds("blencong").await, [document.as_str()]);
    other.get(&format!("{path}/content")).await.is(200);
    send(other.request(Method::PATCH, &path).header("If-Match", "*").json(&json!({ "title": "x" }))).await.is(404);
    other.delete(&path).await.is(404);
    other.get(&format!("{path}/history")).await.is(404);
    clerk.patch(&path, json!({ "security_class": "terbatas" })).await.is(200);
    assert!(other.finds("blencong").await.is_empty());
    other.get(&path).await.refusal(404, "not-found");
    assert_eq!(clerk.finds("blencong").await, [document.as_str()]);
});

both_stacks!(the_most_secret_class_is_for_heads_alone, async |app| {
    let (clerk, head) = (app.actor(Actor::Clerk), app.actor(Actor::Head));
    let bytes = b"rencana blencong\n".to_vec();
    let made = clerk.upload("rencana.txt", bytes.clone(), json!({ "security_class": "sangat_rahasia" })).await;
    let document = id(&made);
    assert_eq!(head.settled(&document).await["state"], "ready");
    assert_eq!(head.finds("blencong").await, [document.as_str()]);
    for actor in [Actor::Clerk, Actor::Archivist, Actor::Admin, Actor::OtherHead, Actor::AgencyHead] {
        let person = app.actor(actor);
        assert!(person.finds("blencong").await.is_empty(), "{actor:?}");
        assert_eq!(person.get(&format!("/api/v1/documents/{document}")).await.status, 404, "{actor:?}");
    }
    let listed = clerk.get("/api/v1/documents").await.is(200).json();
    assert_eq!(listed["items"], json!([]), "a clerk's list leaves it out");
    let again = clerk.upload("lagi.txt", bytes, json!({})).await;
    assert!(again.get("duplicate_of").is_none(), "it is not named to whoever may not see it: {again}");
    assert!(alone(&clerk, &id(&again)).await.get("duplicate_of").is_none(), "nor later");
    assert_eq!(alone(&head, &id(&again)).await["duplicate_of"], made["id"]);
});

async fn alone(caller: &Client, document: &str) -> Value {
    caller.get(&format!("/api/v1/documents/{document}")).await.is(200).json()
}

both_stacks!(equal_files_meet_inside_an_office_and_never_across, async |app| {
    let (clerk, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let bytes = letter_pdf(&["salinan yang sama"]);
    let first = clerk.upload("satu.pdf", bytes.clone(), json!({})).await;
    let second = clerk.upload("dua.pdf", bytes.clone(), json!({ "title": "Lain" })).await;
    assert_eq!(second["duplicate_of"], first["id"]);
    assert_eq!(second["title"], "Lain");
    assert_eq!(alone(&clerk, &id(&second)).await["duplicate_of"], first["id"], "asked for alone it says so too");
    let original = alone(&clerk, &id(&first)).await;
    assert!(original.get("duplicate_of").is_none(), "two would name each other: {original}");
    let listed = clerk.get("/api/v1/documents").await.is(200).json();
    let items = listed["items"].as_array().expect("items");
    assert!(items.len() == 2 && items.iter().all(|item| item.get("duplicate_of").is_none()), "{listed}");
    let foreign = other.upload("tiga.pdf", bytes, json!({})).await;
    assert!(foreign.get("duplicate_of").is_none(), "{foreign}");
    assert!(alone(&other, &id(&foreign)).await.get("duplicate_of").is_none());
    clerk.patch(&format!("/api/v1/documents/{}", id(&second)), json!({ "reach": "kabupaten" })).await.is(200);
    let within_reach = alone(&other, &id(&second)).await;
    assert!(within_reach.get("duplicate_of").is_none(), "what an office has is told to itself: {within_reach}");
    app.settled().await;
    let live = "SELECT CAST(COUNT(*) AS BIGINT) FROM blob WHERE state = 'live'";
    let (live,): (i64,) = app.app.db.one(live, vec![]).await.expect("asked").expect("a row");
    assert_eq!(live, 2, "one blob for each office");
    clerk.delete(&format!("/api/v1/documents/{}", id(&first))).await.is(204);
    assert!(alone(&clerk, &id(&second)).await.get("duplicate_of").is_none(), "what is in the trash is not named");
    let third = clerk.upload("empat.pdf", letter_pdf(&["salinan yang sama"]), json!({})).await;
    assert_eq!(third["duplicate_of"], second["id"], "what is in the trash is not named");
});

/// A coarse measure: whoever uploads to find out whether somebody has a file must not be told by the clock.
async fn medians(asker: &Client, theirs: &[Vec<u8>]) -> (Duration, Duration) {
    let (mut known, mut fresh) = (Vec::new(), Vec::new());
    for (at, bytes) in theirs.iter().enumerate() {
        let mut other = bytes.clone();
        other.extend_from_slice(format!("% salinan {at} {}", asker.office()).as_bytes());
        // In turns first: whatever the machine does besides disturbs both alike.
        let mut both = [(&mut known, bytes.clone()), (&mut fresh, other)];
        both.rotate_left(at % 2);
        for (times, bytes) in both {
            let sent = Instant::now();
            let made = asker.upload("surat.pdf", bytes, json!({})).await;
            times.push(sent.elapsed());
            assert!(made.get("duplicate_of").is_none(), "{made}");
        }
    }
    known.sort();
    fresh.sort();
    (known[known.len() / 2], fresh[fresh.len() / 2])
}

both_stacks!(how_long_an_upload_takes_does_not_tell_what_other_offices_have, async |app| {
    let (clerk, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let padding = "arsip lama ".repeat(20_000);
    let letters: Vec<Vec<u8>> = (0..15)
        .map(|number| [letter_pdf(&[&format!("arsip nomor {number}")]), padding.clone().into()].concat())
        .collect();
    for letter in &letters {
        clerk.upload("surat.pdf", letter.clone(), json!({})).await;
    }
    app.settled().await;
    let (known, fresh) = medians(&other, &letters).await;
    let ratio = known.as_secs_f64() / fresh.as_secs_f64();
    eprintln!("files that another office has: {known:.1?}, files that nobody has: {fresh:.1?}, ratio {ratio:.2}");
    assert!((0.4..2.5).contains(&ratio), "{known:?} for known files, {fresh:?} for fresh ones");
});

#[tokio::test(flavor = "multi_thread")]
async fn details_of_a_confidential_letter_are_not_in_the_clear_in_the_database_file() {
    let app = TestApp::start(Stack::Embedded).await;
    let clerk = app.actor(Actor::Clerk);
    let details = |class: &str, word: &str| {
        json!({ "title": format!("{word}judul"), "number": format!("{word}nomor"), "sender": format!("{word}pengirim"),
                "recipient": format!("{word}penerima"), "summary": format!("{word}isi"), "security_class": class })
    };
    letter(&clerk, details("rahasia", "Kenarisatu")).await;
    letter(&clerk, details("biasa", "Kenaridua")).await;
    let found = clerk.search("Kenarisatujudul").await;
    assert_eq!(found["items"][0]["document"]["title"], "Kenarisatujudul", "its own office finds it by its title");
    let mut files = 0;
    let mut is_seen = false;
    for entry in std::fs::read_dir(app.dir()).expect("the data folder").flatten() {
        if !entry.file_name().to_string_lossy().starts_with("lumbung.db") {
            continue;
        }
        let bytes = std::fs::read(entry.path()).expect("a file of the database");
        files += 1;
        is_seen |= holds(&bytes, "Kenariduajudul");
        assert!(!holds(&bytes, "Kenarisatu"), "{} holds it", entry.path().display());
    }
    assert!(files > 0 && is_seen, "the search of the file finds what is in the clear");
    app.finish().await;
}

both_stacks!(how_long_a_refusal_takes_does_not_tell_whether_the_document_exists, async |app| {
    let document = app.actor(Actor::Clerk).upload("surat.txt", b"rahasia dapur".to_vec(), json!({})).await;
    let there = format!("/api/v1/documents/{}", id(&document));
    let missing = format!("/api/v1/documents/{}", lumbung::id::DocumentId::fresh(&app.clock));
    let other = app.actor(Actor::OtherClerk);
    for part in ["", "/content", "/history"] {
        let share = slower_of_pairs(300, async |which| {
            other.get(&format!("{}{part}", [&there, &missing][which])).await.refusal(404, "not-found");
        })
        .await;
        // Half, if time tells nothing; one query more would make it nearly all.
        assert!((0.35..=0.65).contains(&share), "{part}: an existing one is slower in {share} of the pairs");
    }
});
