//! How much may be written. Each length is a key of the configuration; whoever writes more is told the number of this installation,
//! in the language that they read, and nothing of it is kept.

use lumbung::audit::{Origin, Who};
use lumbung::vault::Order;
use serde_json::json;

use super::*;
use crate::share::{DAY, anyone, at, link, shown, terms};
use crate::support::app::TestApp;
use crate::support::client::form;
use crate::support::regency::{Actor, PASSWORD, Stack};

/// A number of its own for each, so that a refusal that tells another one is seen.
pub const SMALL: &[(&str, &str)] = &[
    ("upload.max_title", "21"),
    ("limits.field_chars", "22"),
    ("limits.summary_chars", "23"),
    ("limits.word_chars", "24"),
    ("limits.note_chars", "25"),
    ("limits.office_name_chars", "26"),
    ("limits.office_address_chars", "27"),
    ("limits.reason_chars", "30"),
    ("limits.idempotency_key_bytes", "37"),
    ("session.max_password", "66"),
    ("session.min_login", "4"),
    ("session.max_login", "17"),
    ("session.max_name", "41"),
    ("session.max_token_label", "9"),
    ("links.max_label", "28"),
    ("links.min_password", "6"),
    ("links.max_password", "29"),
    ("links.max_opens", "31"),
    ("links.drop_days", "10"),
    ("links.drop_files", "32"),
    ("links.drop_bytes", "3300000"),
    ("links.drop_types", "2"),
];

/// As much as the configuration lets an operator allow.
const WIDEST: &[(&str, &str)] = &[
    ("upload.max_title", "10000"),
    ("upload.max_file_name", "1000"),
    ("limits.field_chars", "10000"),
    ("limits.summary_chars", "100000"),
    ("limits.word_chars", "200"),
    ("limits.office_name_chars", "1000"),
    ("limits.office_address_chars", "10000"),
    ("limits.idempotency_key_bytes", "2000"),
    ("session.max_login", "254"),
    ("session.max_name", "1000"),
    ("session.max_token_label", "1000"),
    ("links.max_label", "1000"),
    ("links.max_opens", "1000000000"),
    ("links.drop_files", "1000000000"),
    ("links.drop_bytes", "1000000000000000"),
];

fn long(characters: usize) -> String {
    "a".repeat(characters)
}

/// Letters that no index of a database can make shorter.
fn noise(characters: usize) -> String {
    let mut text = String::new();
    while text.len() < characters {
        text.push_str(&lumbung::id::to_letters(&lumbung::id::random::<20>()));
    }
    text.truncate(characters);
    text
}

/// The refusal in Indonesian, then in English.
async fn in_both(request: &RequestBuilder, status: u16, slug: &str) -> [Value; 2] {
    let of = async |lang: &str| {
        let one = request.try_clone().expect("no stream").header("Cookie", format!("lang={lang}"));
        send(one).await.refusal(status, slug)
    };
    [of("id").await, of("en").await]
}

/// Each of the mistakes is told at its place with its number, in both languages.
async fn told(request: RequestBuilder, mistakes: &[(&str, &str)]) {
    let problems = in_both(&request, 422, "invalid").await;
    for (pointer, number) in mistakes {
        let said = problems.each_ref().map(|problem| {
            let errors = problem["errors"].as_array().expect("errors");
            let error = errors.iter().find(|error| error["pointer"] == *pointer);
            error.and_then(|error| error["detail"].as_str()).unwrap_or_default().to_owned()
        });
        assert!(said.iter().all(|said| said.contains(number)), "{pointer}, {number}: {problems:?}");
        assert_ne!(said[0], said[1], "{pointer}");
    }
}

async fn count(caller: &Client, path: &str) -> usize {
    caller.get(path).await.is(200).json()["items"].as_array().expect("items").len()
}

async fn of_details(clerk: &Client) -> String {
    let bring = |details: Value| upload(clerk, &[metadata(&details.to_string()), file(b"isi surat")]);
    let details = |more: usize| {
        json!({
            "title": long(21 + more), "number": long(22 + more), "sender": long(22 + more), "recipient": long(22 + more),
            "summary": long(23 + more), "kind": long(24 + more), "classification": long(24 + more),
            "labels": [long(24 + more)],
        })
    };
    let mistakes = [
        ("/title", "21"),
        ("/number", "22"),
        ("/sender", "22"),
        ("/recipient", "22"),
        ("/summary", "23"),
        ("/kind", "24"),
        ("/classification", "24"),
        ("/labels/0", "24"),
    ];
    told(bring(details(1)), &mistakes).await;
    for problem in in_both(&bring(json!({})).header("Idempotency-Key", long(38)), 400, "idempotency-key").await {
        assert!(problem["detail"].as_str().is_some_and(|said| said.contains("37")), "{problem}");
    }
    assert_eq!(documents(clerk).await, 0);
    let kept = send(bring(details(0)).header("Idempotency-Key", long(37))).await.is(201).json();
    kept["id"].as_str().expect("an id").to_owned()
}

async fn of_notes(clerk: &Client, document: &str) {
    let path = format!("/api/v1/documents/{document}");
    let version = |characters: usize| {
        let note = json!({ "note": long(characters) }).to_string();
        let body = multipart(&[metadata(&note), file(b"isi kedua")]);
        clerk.request(Method::POST, &format!("{path}/versions")).header("Content-Type", MULTIPART).body(body)
    };
    told(version(26), &[("/metadata/note", "25")]).await;
    assert_eq!(clerk.get(&path).await.is(200).json()["versions"], 1);
    send(version(25)).await.is(201);
}

async fn of_links(app: &TestApp, clerk: &Client, document: &str) {
    let path = format!("/api/v1/documents/{document}/links");
    let make = |extra: Value| clerk.request(Method::POST, &path).json(&terms(app, anyone(), "download", extra));
    let mistakes = [("/label", "28"), ("/password", "6"), ("/password", "29"), ("/max_opens", "31")];
    for password in [long(5), long(30)] {
        told(make(json!({ "label": long(29), "password": password, "max_opens": 32 })), &mistakes).await;
    }
    assert_eq!(count(clerk, "/api/v1/links").await, 0);
    let most = json!({ "label": long(28), "password": long(29), "max_opens": 31 });
    let made = link(clerk, document, &terms(app, anyone(), "download", most)).await;
    let own = format!("/api/v1/links/{}", made.id);
    let etag = clerk.get(&own).await.is(200).header("etag").to_owned();
    let change = json!({ "label": long(29), "max_opens": 32, "paused": true });
    let change = clerk.request(Method::PATCH, &own).header("If-Match", &etag).json(&change);
    told(change, &[("/label", "28"), ("/max_opens", "31")]).await;
    let kept = shown(clerk, &made).await;
    assert_eq!((&kept["label"], &kept["paused"]), (&json!(long(28)), &json!(false)));
}

async fn of_upload_only_links(app: &TestApp, clerk: &Client) {
    let make = |days: u32, body: Value| {
        let mut terms = body;
        terms["expires_at"] = at(app, DAY * days).into();
        clerk.request(Method::POST, "/api/v1/drops").json(&terms)
    };
    let too_much = json!({
        "label": long(29), "max_files": 33, "max_bytes": 3_300_001, "types": ["pdf", "png", "jpg"], "password": long(5),
    });
    let mistakes = [
        ("/label", "28"),
        ("/max_files", "32"),
        ("/max_bytes", "3300000"),
        ("/types", "2"),
        ("/password", "6"),
        ("/password", "29"),
    ];
    told(make(1, too_much), &mistakes).await;
    let most = json!({
        "label": long(28), "max_files": 32, "max_bytes": 3_300_000, "types": ["pdf", "png"], "password": long(6),
    });
    for problem in in_both(&make(11, most.clone()), 403, "life-too-long").await {
        assert!(problem["detail"].as_str().is_some_and(|said| said.contains("10")), "{problem}");
    }
    assert_eq!(count(clerk, "/api/v1/drops").await, 0);
    send(make(10, most)).await.is(201);
}

async fn of_people(app: &TestApp, clerk: &Client) {
    let admin = app.actor(Actor::Admin);
    let office = format!("/api/v1/offices/{}", admin.office());
    let (members, tokens) = (format!("{office}/members"), format!("{office}/tokens"));
    let (people, made) = (count(&admin, &members).await, count(clerk, &tokens).await);
    let invite = |login: &str, name: &str| {
        let body = json!({ "login": login, "name": name, "role": "clerk" });
        admin.request(Method::POST, &members).json(&body)
    };
    for login in ["abc".to_owned(), long(18)] {
        told(invite(&login, "Nama Baru"), &[("/login", "4"), ("/login", "17")]).await;
    }
    told(invite("nama.baru", &long(42)), &[("/name", "41")]).await;
    let token = json!({ "label": long(10), "scopes": ["read"], "expires_at": at(app, DAY) });
    told(clerk.request(Method::POST, &tokens).json(&token), &[("/label", "9")]).await;
    assert_eq!((count(&admin, &members).await, count(clerk, &tokens).await), (people, made));

    let session = app.nobody().log_in("clerk", PASSWORD).await.is(201).json();
    let own = app.nobody().with_token(session["access_token"].as_str().expect("a token"));
    let password = json!({ "password": PASSWORD, "new_password": "padi menguning ".repeat(5) });
    told(own.request(Method::PUT, "/api/v1/me/password").json(&password), &[("/new_password", "66")]).await;
    app.nobody().log_in("clerk", PASSWORD).await.is(201);
}

async fn of_offices(app: &TestApp) {
    let platform = app.actor(Actor::PlatformAdmin);
    let path = format!("/api/v1/offices/{}", app.account(Actor::AgencyClerk).office);
    let etag = platform.get(&path).await.is(200).header("etag").to_owned();
    let correct = |body: Value| platform.request(Method::PATCH, &path).header("If-Match", &etag).json(&body);
    told(correct(json!({ "name": long(27) })), &[("/name", "26")]).await;
    told(correct(json!({ "aliases": ["DPMD", long(27)] })), &[("/aliases", "26")]).await;
    told(correct(json!({ "name": "Dinas PMD", "address": long(28) })), &[("/address", "27")]).await;
    assert_eq!(platform.get(&path).await.is(200).header("etag"), etag, "nothing of it is kept");
    send(correct(json!({ "name": long(26), "address": long(27) }))).await.is(200);
}

async fn of_reasons(app: &TestApp, clerk: &Client, document: &str) {
    let path = format!("/api/v1/documents/{document}");
    clerk.delete(&path).await.is(204);
    let (origin, reason) = (Origin::machine(), long(31));
    let order =
        Order { document: document.parse().expect("an id"), who: Who::Machine, reason: &reason, origin: &origin };
    let refusal = app.app.vault.destroy(order).await.expect_err("a reason of 31 characters");
    let said = &refusal.fields()[0];
    assert!(said.pointer == "/reason" && said.detail.id.contains("30") && said.detail.en.contains("30"), "{refusal:?}");
    clerk.post(&format!("{path}/restore"), json!({})).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_more_than_is_configured_is_told_the_number_and_nothing_is_kept() {
    for stack in [Stack::Embedded, Stack::Networked] {
        let app = TestApp::with(stack, SMALL).await;
        let clerk = app.actor(Actor::Clerk);
        let document = of_details(&clerk).await;
        of_notes(&clerk, &document).await;
        of_links(&app, &clerk, &document).await;
        of_upload_only_links(&app, &clerk).await;
        of_people(&app, &clerk).await;
        of_offices(&app).await;
        of_reasons(&app, &clerk, &document).await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_that_can_be_configured_is_borne_by_database_index_and_store() {
    for stack in [Stack::Embedded, Stack::Networked] {
        let app = TestApp::with(stack, WIDEST).await;
        let clerk = app.actor(Actor::Clerk);
        for class in ["biasa", "rahasia"] {
            let details = json!({
                "title": noise(10_000), "number": noise(10_000), "sender": noise(10_000), "recipient": noise(10_000),
                "summary": noise(100_000), "kind": noise(200), "classification": "7.".repeat(100), "labels": [noise(200)],
                "security_class": class,
            });
            let (key, name) = (noise(2_000), format!("{}.txt", noise(996)));
            let bring = || {
                let body = form(&name, format!("Perihal pintu air, {class}").into(), details.clone());
                clerk.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", &key).multipart(body)
            };
            let brought = send(bring()).await.is(201).json();
            assert_eq!(send(bring()).await.is(201).json()["id"], brought["id"], "the key is known again");
            let id = brought["id"].as_str().expect("an id");
            let kept = clerk.settled(id).await;
            assert_eq!((&kept["state"], &kept["file_name"]), (&json!("ready"), &json!(name)));
            for (field, written) in details.as_object().expect("details") {
                assert_eq!(&kept[field], written, "{field}");
            }
            let content = clerk.get(&format!("/api/v1/documents/{id}/content")).await.is(200);
            assert!(content.header("content-disposition").contains(&name), "{:?}", content.headers);
        }
        assert_eq!(clerk.finds("pintu air").await.len(), 2);

        let document = clerk.upload("surat.txt", b"Perihal tanggul".to_vec(), json!({})).await;
        let document = document["id"].as_str().expect("an id");
        let most = json!({ "label": noise(1_000), "max_opens": 1_000_000_000 });
        link(&clerk, document, &terms(&app, anyone(), "download", most)).await;
        let most = json!({
            "label": noise(1_000), "max_files": 1_000_000_000, "max_bytes": 1_000_000_000_000_000_u64,
            "expires_at": at(&app, DAY),
        });
        clerk.post("/api/v1/drops", most).await.is(201);
        let admin = app.actor(Actor::Admin);
        let office = format!("/api/v1/offices/{}", admin.office());
        let member = json!({ "login": noise(254), "name": noise(1_000), "role": "clerk" });
        admin.post(&format!("{office}/members"), member).await.is(201);
        let token = json!({ "label": noise(1_000), "scopes": ["read"], "expires_at": at(&app, DAY) });
        clerk.post(&format!("{office}/tokens"), token).await.is(201);
        let names = json!({ "name": noise(1_000), "aliases": [noise(1_000)], "address": noise(10_000) });
        app.actor(Actor::PlatformAdmin).patch(&office, names).await.is(200);
        app.finish().await;
    }
}
