//! What each class allows, asked for over the API.

use super::*;

both_stacks!(each_class_refuses_what_it_does_not_allow_with_the_rules_name, async |app: &TestApp| {
    let (village, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let to_agency = || offices(&[&agency]);
    let by_mail = || json!({ "kind": "email", "emails": ["a@example.id"] });
    let table = [
        ("biasa", anyone(), "download", 365, None),
        ("biasa", anyone(), "download", 366, Some("life-too-long")),
        ("terbatas", anyone(), "view", 1, Some("audience-too-wide")),
        ("terbatas", to_agency(), "download", 7, None),
        ("terbatas", to_agency(), "download", 8, Some("life-too-long")),
        ("terbatas", by_mail(), "view", 7, None),
        ("terbatas", by_mail(), "download", 1, Some("rights-too-wide")),
        ("rahasia", anyone(), "view", 1, Some("audience-too-wide")),
        ("rahasia", by_mail(), "view", 1, Some("audience-too-wide")),
        ("rahasia", to_agency(), "download", 1, Some("rights-too-wide")),
        ("rahasia", to_agency(), "view", 8, Some("life-too-long")),
        ("rahasia", to_agency(), "view", 7, None),
        ("sangat_rahasia", to_agency(), "view", 1, Some("class-has-no-links")),
    ];
    let head = app.actor(Actor::Head);
    let mut letters = std::collections::HashMap::new();
    for class in ["biasa", "terbatas", "rahasia", "sangat_rahasia"] {
        letters.insert(class, letter(&head, class).await);
    }
    for (class, audience, rights, days, refusal) in table {
        let caller = if class == "sangat_rahasia" { &head } else { &village };
        let asked = terms(app, audience, rights, json!({ "expires_at": at(app, days * DAY) }));
        let answer = try_link(caller, &letters[class], &asked).await;
        match refusal {
            None => drop(answer.is(201)),
            Some(slug) => drop(answer.refusal(403, slug)),
        }
    }
});

both_stacks!(a_clerks_link_on_rahasia_waits_for_the_head, async |app: &TestApp| {
    let (clerk, head, agency) = (app.actor(Actor::Clerk), app.actor(Actor::Head), app.actor(Actor::AgencyClerk));
    let document = letter(&clerk, "rahasia").await;
    let made = link(&clerk, &document, &terms(app, offices(&[&agency]), "view", json!({}))).await;
    assert_eq!(shown(&clerk, &made).await["state"], "pending");
    open(&agency, &made, json!({})).await.refusal(404, "link-unusable");
    let release = format!("/api/v1/links/{}/release", made.id);
    clerk.post(&release, json!({})).await.refusal(403, "not-your-role");
    app.actor(Actor::AgencyHead).post(&release, json!({})).await.refusal(404, "not-found");
    assert_eq!(head.post(&release, json!({})).await.is(200).json()["state"], "open");
    let noted = app.noted("link.release").await;
    assert_eq!((noted.len(), noted[0]["person_name"].as_str()), (1, Some("head")), "{noted:?}");
    let opened = open(&agency, &made, json!({})).await.is(200);
    assert_eq!(opened.json()["document"]["title"], "Undangan rapat");
});

both_stacks!(raising_a_class_kills_at_once_the_links_that_no_longer_conform, async |app: &TestApp| {
    let (village, head) = (app.actor(Actor::Clerk), app.actor(Actor::Head));
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, anyone(), "download", json!({}))).await;
    let reader = holder(app, &open(&app.nobody(), &made, json!({})).await.is(200));
    let path = format!("/api/v1/documents/{document}");
    village.patch(&path, json!({ "security_class": "terbatas" })).await.is(200);
    reader.get(&content(&made)).await.refusal(404, "link-unusable");
    open(&app.nobody(), &made, json!({})).await.refusal(404, "link-unusable");
    assert_eq!(shown(&village, &made).await["state"], "class_raised");
    head.patch(&path, json!({ "security_class": "biasa" })).await.is(200);
    open(&app.nobody(), &made, json!({})).await.refusal(404, "link-unusable");
    let again = village.patch(&format!("/api/v1/links/{}", made.id), json!({ "paused": false })).await;
    again.refusal(409, "link-ended");
});

/// On PostgreSQL the two run at once, and neither may miss the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_made_while_the_class_is_raised_is_refused() {
    let app = TestApp::start(Stack::Networked).await;
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let id: lumbung::id::DocumentId = document.parse().expect("an id");
    let mut raising = app.app.db.write().await.expect("a transaction");
    raising.execute("UPDATE document SET security_class = 2 WHERE id = $1", vec![id.into()]).await.expect("raised");
    let terms = terms(&app, anyone(), "download", json!({}));
    let (clerk, path) = (village.clone(), document.clone());
    let making = tokio::spawn(async move { try_link(&clerk, &path, &terms).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!making.is_finished(), "it waits for whoever changes the document");
    raising.commit().await.expect("committed");
    making.await.expect("answered").refusal(409, "document-changed");
    app.finish().await;
}

both_stacks!(no_chain_of_extensions_outlives_the_longest_life, async |app: &TestApp| {
    let (village, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let document = letter(&village, "terbatas").await;
    let end = app.clock.now().plus(7 * DAY);
    let made = link(&village, &document, &terms(app, offices(&[&agency]), "view", json!({}))).await;
    let path = format!("/api/v1/links/{}", made.id);
    app.clock.advance(DAY / 2);
    village.patch(&path, json!({ "expires_at": end.rfc3339() })).await.is(200);
    let later = json!({ "expires_at": end.plus(DAY / 4).rfc3339() });
    village.patch(&path, later).await.refusal(403, "life-too-long");
});

both_stacks!(a_change_names_the_state_that_it_changes, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let made = link(&village, &document, &terms(app, anyone(), "view", json!({ "max_opens": 1 }))).await;
    let path = format!("/api/v1/links/{}", made.id);
    let patch = |etag: Option<String>, body: Value| {
        let request = village.request(Method::PATCH, &path).json(&body);
        send(match etag {
            Some(etag) => request.header("If-Match", etag),
            None => request,
        })
    };
    let etag = village.get(&path).await.is(200).header("etag").to_owned();
    patch(None, json!({ "label": "satu" })).await.refusal(428, "if-match-required");
    patch(Some(etag.clone()), json!({ "colour": "red" })).await.refusal(422, "invalid");
    let changed = patch(Some(etag.clone()), json!({ "label": "satu", "max_opens": null })).await.is(200);
    assert_eq!((&changed.json()["label"], &changed.json()["max_opens"]), (&json!("satu"), &Value::Null));
    assert_ne!(changed.header("etag"), etag);
    patch(Some(etag), json!({ "label": "dua" })).await.refusal(412, "stale");
});

both_stacks!(a_repeated_request_answers_with_the_first_links_address, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let asked = terms(app, anyone(), "view", json!({}));
    let ask = |body: Value| {
        let path = format!("/api/v1/documents/{document}/links");
        send(village.request(Method::POST, &path).header("Idempotency-Key", "satu").json(&body))
    };
    let first = ask(asked.clone()).await.is(201).json();
    let second = ask(asked.clone()).await.is(201).json();
    assert_eq!(first, second);
    assert_eq!(village.get("/api/v1/links").await.is(200).json()["items"].as_array().map(Vec::len), Some(1));
    let other = json!({ "rights": "download", "audience": asked["audience"], "expires_at": asked["expires_at"] });
    ask(other).await.refusal(422, "idempotency-key-reused");
});

both_stacks!(viewing_only_needs_page_pictures, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let kept = village.upload("arsip.bin", vec![0x13, 0x37, 0, 1, 2, 3, 255, 254], json!({})).await;
    let document = kept["id"].as_str().expect("an id");
    village.settled(document).await;
    let refusal = try_link(&village, document, &terms(app, anyone(), "view", json!({}))).await;
    let problem = refusal.refusal(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/rights");
    try_link(&village, document, &terms(app, anyone(), "download", json!({}))).await.is(201);
});
