//! Offices and the audit: who sees what.

use reqwest::Method;
use serde_json::json;

use crate::support::app::both_stacks;
use crate::support::client::send;
use crate::support::regency::{Actor, VILLAGE};

both_stacks!(an_office_is_found_by_name_parent_and_former_code, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let found = clerk.get("/api/v1/offices?q=32.16.01.2007").await.is(200).json();
    assert_eq!(found["items"][0]["code"], "32.16.01.1007");
    let id = found["items"][0]["id"].as_str().expect("an id").to_owned();
    let office = clerk.get(&format!("/api/v1/offices/{id}")).await.is(200).json();
    assert_eq!(office["name"], "Kelurahan Setia Asih");
    assert_eq!(office["codes"][1], json!({ "code": "32.16.01.2007", "since": null, "until": "2022" }));
    let parent = office["parent"]["id"].as_str().expect("an id");
    let mut path = format!("/api/v1/offices?parent={parent}&limit=3");
    let mut seen = Vec::new();
    loop {
        let page = clerk.get(&path).await.is(200).json();
        seen.extend(page["items"].as_array().expect("items").iter().map(|office| office["code"].to_string()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/offices?parent={parent}&limit=3&cursor={next}");
    }
    assert!(seen.len() > 3 && seen.is_sorted() && seen.iter().any(|code| code.contains(VILLAGE)), "{seen:?}");
    app.nobody().get("/api/v1/offices").await.refusal(401, "unauthorized");
    clerk.get("/api/v1/offices/ofc_x").await.refusal(404, "not-found");
    clerk.get(&format!("/api/v1/offices/{}", lumbung::id::OfficeId::fresh(&app.clock))).await.refusal(404, "not-found");
});

both_stacks!(the_platforms_admin_corrects_an_office_and_no_change_is_overwritten_unseen, async |app| {
    let (clerk, platform) = (app.actor(Actor::Clerk), app.actor(Actor::PlatformAdmin));
    let path = format!("/api/v1/offices/{}", app.account(Actor::AgencyClerk).office);
    let change = json!({ "name": "Dinas PMD", "aliases": ["DPMD"] });
    clerk.patch(&path, change.clone()).await.refusal(403, "not-your-role");
    let etag = platform.get(&path).await.is(200).header("etag").to_owned();
    let patch = |tag: Option<&str>| {
        let request = platform.request(Method::PATCH, &path).json(&change);
        send(match tag {
            Some(tag) => request.header("If-Match", tag),
            None => request,
        })
    };
    patch(None).await.refusal(428, "if-match-required");
    let changed = patch(Some(&etag)).await.is(200);
    assert_ne!(changed.header("etag"), etag);
    patch(Some(&etag)).await.refusal(412, "stale");
    assert_eq!(clerk.get("/api/v1/offices?q=dpmd").await.is(200).json()["items"][0]["name"], "Dinas PMD");
    platform.patch(&path, json!({ "name": " " })).await.refusal(422, "invalid");
});

both_stacks!(the_audit_is_whole_for_the_auditor_and_about_itself_for_an_office, async |app| {
    app.nobody().log_in("clerk", crate::support::regency::PASSWORD).await.is(201);
    app.nobody().log_in("other.clerk", crate::support::regency::PASSWORD).await.is(201);
    let (admin, auditor) = (app.actor(Actor::Admin), app.actor(Actor::Auditor));
    let (own, other) = (app.account(Actor::Clerk).office, app.account(Actor::OtherClerk).office);
    let seen = admin.get("/api/v1/audit").await.is(200).json();
    let items = seen["items"].as_array().expect("items");
    assert!(!items.is_empty() && items.iter().all(|line| line["office"] == own.as_str()), "{seen}");
    assert_eq!((items[0]["action"].as_str(), items[0]["person_name"].as_str()), (Some("session.begin"), Some("clerk")));
    assert_eq!(items[0]["network"], "127.0.0.0/24");
    let foreign = admin.get(&format!("/api/v1/audit?office={other}")).await.is(200).json();
    assert_eq!(foreign["items"], json!([]));
    let whole = auditor.get("/api/v1/audit?limit=200").await.is(200).json();
    let offices: Vec<_> = whole["items"].as_array().expect("items").iter().map(|line| line["office"].clone()).collect();
    assert!(offices.contains(&json!(own)) && offices.contains(&json!(other)));
    let filtered = auditor.get(&format!("/api/v1/audit?office={other}&action=session.begin")).await.is(200).json();
    assert!(filtered["items"].as_array().expect("items").iter().all(|line| line["office"] == other.as_str()));
    let late = auditor.get("/api/v1/audit?from=2099-01-01T00:00:00Z").await.is(200).json();
    assert_eq!(late["items"], json!([]));
    auditor.get("/api/v1/audit?from=kemarin").await.refusal(422, "invalid");
    for actor in [Actor::Clerk, Actor::Archivist, Actor::PlatformAdmin, Actor::Provisioner] {
        app.actor(actor).get("/api/v1/audit").await.refusal(403, "not-your-role");
    }
});
