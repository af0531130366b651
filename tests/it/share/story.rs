//! A village shares a letter with an agency, sees who opened it, and stops it.

use futures_util::TryStreamExt;
use lumbung::blob::Prefix;

use super::*;

both_stacks!(an_agency_opens_what_a_village_shares_until_the_village_stops_it, async |app: &TestApp| {
    let (village, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let document = letter(&village, "terbatas").await;
    let path = format!("/api/v1/documents/{document}");
    agency.get(&path).await.refusal(404, "not-found");

    let week = json!({ "expires_at": at(app, 7 * DAY), "label": "Untuk DPMD" });
    let made = link(&village, &document, &terms(app, offices(&[&agency]), "view", week)).await;
    app.settled().await;
    let listed = agency.get(&path).await.is(200).json();
    assert_eq!(listed["title"], "Undangan rapat");
    assert_eq!(listed["access"], json!({ "link": made.public, "needs": [] }));
    assert!(listed.get("fingerprint").is_none(), "{listed}");
    let with_us = agency.get("/api/v1/documents?shared=with-us").await.is(200).json();
    assert_eq!(with_us["items"][0]["id"], document.as_str());
    assert_eq!(agency.finds("undangan").await, std::slice::from_ref(&document));
    agency.get(&format!("{path}/content")).await.refusal(403, "open-first");
    agency.get(&format!("{path}/pages/1/text")).await.refusal(403, "open-first");

    let opened = agency.post(&format!("/api/v1/shared/{}/open", made.public), json!({})).await.is(200);
    assert_eq!(opened.json()["document"]["title"], "Undangan rapat");
    assert_eq!(opened.json()["rights"], "view");
    let reader = holder(app, &opened);
    let picture = reader.get(&page(&made)).await.is(200);
    assert!(has_red_ink(&picture.body), "a page picture without a watermark");
    reader.get(&content(&made)).await.refusal(403, "view-only");

    let log = village.get(&format!("/api/v1/links/{}/opens", made.id)).await.is(200).json();
    assert_eq!(log["items"][0]["result"], "viewed");
    assert_eq!(log["items"][1]["result"], "opened");
    assert_eq!(log["items"][1]["by"]["office"]["id"], agency.office());
    assert_eq!(log["items"][1]["network"], "127.0.0.0/24");

    village.delete(&format!("/api/v1/links/{}", made.id)).await.is(204);
    reader.get(&page(&made)).await.refusal(404, "link-unusable");
    agency.post(&format!("/api/v1/shared/{}/open", made.public), json!({})).await.refusal(404, "link-unusable");
    agency.get(&path).await.refusal(404, "not-found");
    app.settled().await;
    assert!(agency.finds("undangan").await.is_empty());
    village.delete(&format!("/api/v1/links/{}", made.id)).await.is(204);
});

both_stacks!(another_village_learns_nothing_of_a_link, async |app: &TestApp| {
    let (village, agency, other) =
        (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk), app.actor(Actor::OtherClerk));
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, offices(&[&agency]), "view", json!({}))).await;
    app.settled().await;
    assert!(other.finds("undangan").await.is_empty());
    other.get(&format!("/api/v1/documents/{document}")).await.refusal(404, "not-found");
    other.get(&format!("/api/v1/links/{}", made.id)).await.refusal(404, "not-found");
    other.get(&format!("/api/v1/links/{}/opens", made.id)).await.refusal(404, "not-found");
    other.delete(&format!("/api/v1/links/{}", made.id)).await.refusal(404, "not-found");
    try_link(&other, &document, &terms(app, anyone(), "view", json!({}))).await.refusal(404, "not-found");
    other.post(&format!("/api/v1/shared/{}/open", made.public), json!({})).await.refusal(404, "link-unusable");
    open(&other, &made, json!({})).await.refusal(401, "link-login");
    open(&app.nobody(), &made, json!({})).await.refusal(401, "link-login");
    // Its secret went to somebody for whom it was not meant; who has not logged in yet may still be the right one.
    let log = village.get(&format!("/api/v1/links/{}/opens", made.id)).await.is(200).json();
    let reasons: Vec<&Value> = log["items"].as_array().expect("items").iter().map(|line| &line["reason"]).collect();
    assert_eq!(reasons, ["audience", "secret"], "{log}");
    assert_eq!(log["items"][0]["by"]["office"]["id"], other.office());
    let sentence = log["items"][0]["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("not as a reader of an office that the link is for"), "{sentence}");
    assert_eq!(other.get("/api/v1/links").await.is(200).json()["items"], json!([]));
});

both_stacks!(time_ends_a_listing_without_anybody_asking, async |app: &TestApp| {
    let (village, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let document = letter(&village, "biasa").await;
    link(&village, &document, &terms(app, offices(&[&agency]), "view", json!({}))).await;
    app.settled().await;
    assert_eq!(agency.finds("undangan").await.len(), 1);
    app.clock.advance(DAY);
    app.settled().await;
    assert!(agency.finds("undangan").await.is_empty());
    assert_eq!(agency.get("/api/v1/documents?shared=with-us").await.is(200).json()["items"], json!([]));
});

both_stacks!(an_office_that_may_download_opens_the_document_as_if_it_were_granted, async |app: &TestApp| {
    let (village, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let document = letter(&village, "terbatas").await;
    let made = link(&village, &document, &terms(app, offices(&[&agency]), "download", json!({}))).await;
    let opened = agency.post(&format!("/api/v1/shared/{}/open", made.public), json!({})).await.is(200);
    let original = village.get(&format!("/api/v1/documents/{document}/content")).await.is(200);
    assert_eq!(holder(app, &opened).get(&content(&made)).await.is(200).body, original.body);
    assert_eq!(log(&village, &made).await, ["downloaded", "opened"]);
    let path = format!("/api/v1/documents/{document}");
    send(agency.request(Method::HEAD, &format!("{path}/content"))).await.is(200);
    assert_eq!(log(&village, &made).await, ["downloaded", "opened"], "HEAD gives nothing away");
    for _ in 0..2 {
        assert_eq!(agency.get(&format!("{path}/content")).await.is(200).body, original.body);
        agency.get(&format!("{path}/pages/1/image")).await.is(200);
    }
    assert_eq!(log(&village, &made).await, ["viewed", "downloaded", "downloaded", "opened"]);
    let told = village.get(&format!("/api/v1/links/{}/opens?limit=2", made.id)).await.is(200).json();
    for line in told["items"].as_array().expect("items") {
        assert_eq!(
            (&line["by"]["office"]["id"], &line["by"]["person"]),
            (&json!(agency.office()), &json!("agency.clerk"))
        );
    }
    let history = village.get(&format!("{path}/history?limit=2")).await.is(200).json();
    assert_eq!([&history["items"][0]["action"], &history["items"][1]["action"]], ["document.view", "document.read"]);
    assert!(history["items"].as_array().expect("items").iter().all(|item| item["detail"]["link"] == made.id.as_str()));

    // Another opening is read by anew, and a reading of the owner's is none of any link.
    let second = link(&village, &document, &terms(app, offices(&[&agency]), "download", json!({}))).await;
    village.delete(&format!("/api/v1/links/{}", made.id)).await.is(204);
    open(&agency, &second, json!({})).await.is(200);
    agency.get(&format!("{path}/content")).await.is(200);
    village.get(&format!("{path}/content")).await.is(200);
    assert_eq!(log(&village, &second).await, ["downloaded", "opened"]);
    assert_eq!(log(&village, &made).await.len(), 4);
    village.delete(&format!("/api/v1/links/{}", second.id)).await.is(204);
    agency.get(&format!("{path}/content")).await.refusal(404, "not-found");
});

both_stacks!(the_office_lists_its_links_in_pages_and_by_document, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let (one, two) = (letter(&village, "biasa").await, letter(&village, "biasa").await);
    let mut made = Vec::new();
    for document in [&one, &two, &one] {
        made.insert(0, link(&village, document, &terms(app, anyone(), "view", json!({}))).await.id);
    }
    // Whoever works in the archive sees them, whoever made them.
    let archivist = app.actor(Actor::Archivist);
    let first = archivist.get("/api/v1/links?limit=2").await.is(200).json();
    let cursor = first["next_cursor"].as_str().expect("another page");
    let second = archivist.get(&format!("/api/v1/links?limit=2&cursor={cursor}")).await.is(200).json();
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().expect("items").iter().map(|link| link["id"].as_str().expect("an id").into()).collect()
    };
    assert_eq!([ids(&first), ids(&second)].concat(), made);
    assert_eq!(second["next_cursor"], Value::Null);
    assert!(first["items"][0].get("url").is_none(), "the secret is told once");
    let of_two = archivist.get(&format!("/api/v1/links?document={two}")).await.is(200).json();
    assert_eq!(ids(&of_two), [made[1].clone()]);
    village.get("/api/v1/links?colour=red").await.refusal(422, "invalid");
});

/// Whether a grey page carries letters in red.
fn has_red_ink(picture: &[u8]) -> bool {
    let picture = image::load_from_memory(picture).expect("a picture").into_rgb8();
    let red = picture.pixels().filter(|pixel| i16::from(pixel[0]) - i16::from(pixel[2]) > 20).count();
    red > 1000
}

/// Objects in the store, and rows that name what was made of documents.
async fn kept(app: &TestApp) -> (usize, i64) {
    let objects: Vec<_> = app.app.store.list(Prefix::Objects).try_collect().await.expect("lists");
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM derivation";
    let rows: Option<(i64,)> = app.app.db.one(sql, vec![]).await.expect("the database answers");
    (objects.len(), rows.map_or(0, |(count,)| count))
}

both_stacks!(a_page_with_a_watermark_is_drawn_for_each_viewing_and_kept_nowhere, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, anyone(), "view", json!({}))).await;
    let before = kept(app).await;
    for _ in 0..2 {
        let opened = open(&app.nobody(), &made, json!({})).await.is(200);
        let picture = holder(app, &opened).get(&page(&made)).await.is(200);
        assert!(has_red_ink(&picture.body) && picture.header("cache-control").contains("no-store"));
    }
    assert_eq!(kept(app).await, before, "a page with somebody's name on it was kept");
    // The owner's own view has no watermark, and is kept for the next one.
    village.get(&format!("/api/v1/documents/{document}/pages/1/image")).await.is(200);
    assert_eq!(kept(app).await, (before.0 + 1, before.1 + 1));
});
