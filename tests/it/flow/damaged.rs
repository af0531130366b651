//! A document whose sealed details do not open, because its row is damaged or its key is lost: whatever lists it lists the
//! others too, and it among them without what was sealed.

use lumbung::db::Db;
use lumbung::id::DocumentId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::id;
use crate::reading::support::letter_pdf;
use crate::share::{link, offices, terms};
use crate::support::app::both_stacks;
use crate::support::client::{Client, send};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::web::plain::Plain;

const PLACEHOLDER: &str = "Details cannot be opened";
const TITLE: &str = "Berita acara kenari";

/// As where a disk changed a bit of a row.
fn flipped(sealed: &mut [u8]) {
    let last = sealed.last_mut().expect("not empty");
    *last ^= 1;
}

/// As where the row of the office's key is lost: what is sealed begins with the number of the key.
fn keyless(sealed: &mut [u8]) {
    sealed[6] ^= 1;
}

async fn put(db: &Db, document: &str, sealed: Vec<u8>) {
    let document: DocumentId = document.parse().expect("an id");
    let sql = "UPDATE document SET sealed = $2 WHERE id = $1";
    assert_eq!(db.execute(sql, vec![document.into(), sealed.into()]).await.expect("changed"), 1);
}

/// Gives what was there before.
async fn damage(db: &Db, document: &str, how: fn(&mut [u8])) -> Vec<u8> {
    let asked: DocumentId = document.parse().expect("an id");
    let sql = "SELECT sealed FROM document WHERE id = $1";
    let (before,): (Vec<u8>,) = db.one(sql, vec![asked.into()]).await.expect("asked").expect("it is there");
    let mut damaged = before.clone();
    how(&mut damaged);
    put(db, document, damaged).await;
    before
}

async fn kept(owner: &Client, title: &str, class: &str) -> String {
    let details = json!({ "title": title, "security_class": class, "number": "005/17", "sender": "Pak Kenari" });
    id(&owner.upload_and_read("surat.pdf", letter_pdf(&["perahu blencong", title]), details).await)
}

#[track_caller]
fn item<'a>(items: &'a [Value], document: &str) -> &'a Value {
    items.iter().find(|item| item["id"] == document).unwrap_or_else(|| panic!("{document} is not in {items:?}"))
}

#[track_caller]
fn is_without_details(item: &Value) {
    assert_eq!((&item["title"], &item["details_damaged"]), (&json!(PLACEHOLDER), &json!(true)), "{item}");
    assert_eq!((&item["number"], &item["sender"]), (&Value::Null, &Value::Null), "{item}");
    assert!(!item.to_string().to_lowercase().contains("kenari"), "{item}");
}

async fn items(caller: &Client, query: &str) -> Vec<Value> {
    let list = caller.get(&format!("/api/v1/documents{query}")).await.is(200).json();
    list["items"].as_array().expect("items").clone()
}

both_stacks!(documents_whose_details_do_not_open_hold_up_no_other_of_a_list, async |app| {
    let (clerk, head) = (app.actor(Actor::Clerk), app.actor(Actor::Head));
    let whole = kept(&clerk, "Undangan", "biasa").await;
    let (bit, key) = (kept(&clerk, TITLE, "rahasia").await, kept(&clerk, "Daftar kenari", "rahasia").await);
    let most_secret = kept(&head, "Kenari", "sangat_rahasia").await;
    app.settled().await;
    let db = &app.app.db;
    let before = damage(db, &bit, flipped).await;
    damage(db, &key, keyless).await;
    damage(db, &most_secret, flipped).await;

    let listed = items(&clerk, "").await;
    assert_eq!(listed.len(), 3, "a clerk does not see more than before: {listed:?}");
    assert_eq!(item(&listed, &whole)["title"], "Undangan");
    assert!(item(&listed, &whole).get("details_damaged").is_none());
    for document in [&bit, &key] {
        is_without_details(item(&listed, document));
        assert_eq!(item(&listed, document)["security_class"], "rahasia", "what was not sealed is told");
    }
    is_without_details(item(&items(&head, "").await, &most_secret));
    let indonesian = clerk.request(Method::GET, "/api/v1/documents").header("Cookie", "lang=id");
    let indonesian = send(indonesian).await.is(200).json();
    assert_eq!(item(indonesian["items"].as_array().expect("items"), &bit)["title"], "Rincian tidak terbuka");

    // Page by page, over the damaged ones.
    let (mut seen, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = clerk.get(&format!("/api/v1/documents{query}")).await.is(200).json();
        seen.extend(page["items"].as_array().expect("items").iter().map(id));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, listed.iter().map(id).collect::<Vec<_>>());

    let found = clerk.search("blencong").await;
    let found: Vec<Value> = found["items"].as_array().expect("items").clone();
    assert_eq!(found.len(), 3, "{found:?}");
    for hit in found {
        if hit["document"]["id"] == whole.as_str() {
            assert_eq!((&hit["document"]["title"], &hit["page"]), (&json!("Undangan"), &json!(1)), "{hit}");
        } else {
            is_without_details(&hit["document"]);
            assert_eq!((&hit["page"], &hit["snippet"]), (&Value::Null, &Value::Null), "{hit}");
        }
    }

    put(db, &bit, before).await;
    let listed = items(&clerk, "").await;
    assert_eq!(item(&listed, &bit)["title"], TITLE, "a row that is back as it was is listed as it was");
    assert!(item(&listed, &bit).get("details_damaged").is_none());
});

both_stacks!(a_document_whose_details_do_not_open_says_what_to_do_to_whoever_may_see_it, async |app| {
    let (clerk, head) = (app.actor(Actor::Clerk), app.actor(Actor::Head));
    let document = kept(&clerk, TITLE, "rahasia").await;
    let most_secret = kept(&head, "Kenari", "sangat_rahasia").await;
    app.settled().await;
    let before = damage(&app.app.db, &document, flipped).await;
    damage(&app.app.db, &most_secret, flipped).await;
    let path = format!("/api/v1/documents/{document}");
    for way in [path.clone(), format!("{path}/content"), format!("{path}/pages/1/text")] {
        let english = clerk.get(&way).await.refusal(500, "details-damaged");
        let indonesian = send(clerk.request(Method::GET, &way).header("Cookie", "lang=id")).await;
        let indonesian = indonesian.refusal(500, "details-damaged");
        for problem in [&english, &indonesian] {
            let said = problem["detail"].as_str().unwrap_or_default();
            assert!(said.contains("operator") && !said.contains("kenari"), "{problem}");
        }
        assert_ne!(english["detail"], indonesian["detail"]);
    }
    clerk.delete(&path).await.refusal(500, "details-damaged");
    app.actor(Actor::OtherClerk).get(&path).await.refusal(404, "not-found");
    clerk.get(&format!("/api/v1/documents/{most_secret}")).await.refusal(404, "not-found");
    put(&app.app.db, &document, before).await;
    assert_eq!(clerk.get(&path).await.is(200).json()["title"], TITLE);
});

both_stacks!(pages_and_offices_with_a_link_see_that_the_details_do_not_open, async |app| {
    let (clerk, head, agency) = (app.actor(Actor::Clerk), app.actor(Actor::Head), app.actor(Actor::AgencyClerk));
    let (whole, document) = (kept(&clerk, "Undangan", "biasa").await, kept(&clerk, TITLE, "rahasia").await);
    let asked = terms(app, offices(&[&agency]), "view", json!({}));
    link(&head, &document, &asked).await;
    link(&head, &whole, &asked).await;
    app.settled().await;
    damage(&app.app.db, &document, flipped).await;

    let shared = items(&agency, "?shared=with-us").await;
    assert_eq!((shared.len(), &item(&shared, &whole)["title"]), (2, &json!("Undangan")));
    is_without_details(item(&shared, &document));
    assert!(item(&shared, &document)["access"]["link"].is_string());
    agency.get(&format!("/api/v1/documents/{document}")).await.refusal(500, "details-damaged");

    let office = Plain::of_member(app, "clerk").await;
    let brought = format!("/unggah?dok={whole}&dok={document}");
    for place in ["/", "/dokumen", "/cari?q=blencong", "/tautan", &brought] {
        let page = office.page(place).await;
        assert!(page.contains("Rincian tidak terbuka") && page.contains("Undangan"), "{place}: {page}");
        assert!(!page.contains(TITLE), "{place}: {page}");
    }
    let theirs = Plain::of_member(app, "agency.clerk").await;
    let page = theirs.page("/dibagikan").await;
    assert!(page.contains("Rincian tidak terbuka") && page.contains("Undangan") && !page.contains(TITLE), "{page}");
    let own = office.get(&format!("/dokumen/{document}")).await;
    assert_eq!(own.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let own = own.text().await.expect("a page");
    assert!(own.contains("Rincian dokumen ini tidak dapat dibuka") && own.contains("req_"), "{own}");
});

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_is_told_once_for_each_list_which_details_do_not_open_and_never_what_they_were() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    kept(&clerk, "Undangan", "biasa").await;
    let document = kept(&clerk, TITLE, "rahasia").await;
    let db = program.home.open_database().await;
    damage(&db, &document, flipped).await;
    db.close().await;
    let failures = || {
        let said = program.output();
        assert!(!said.to_lowercase().contains("kenari"), "{said}");
        said.lines().filter(|line| line.contains("ERROR") && line.contains(&document)).count()
    };
    assert_eq!(items(&clerk, "").await.len(), 2);
    assert_eq!(failures(), 1, "{}", program.output());
    assert_eq!(items(&clerk, "").await.len(), 2);
    assert_eq!(failures(), 2, "{}", program.output());
}
