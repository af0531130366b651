//! Other sites, and streams that outlive what they were opened for.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::share::letter;
use crate::support::app::both_stacks;
use crate::support::client::Client;
use crate::support::regency::{Actor, PASSWORD};
use crate::web::plain::Plain;

both_stacks!(the_api_takes_no_change_by_a_cookie_that_another_site_sends, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk, "biasa").await;
    let path = format!("/api/v1/documents/{document}");
    let tag = clerk.get(&path).await.is(200).header("etag").to_owned();
    let plain = Plain::of_member(app, "clerk").await;
    let address = format!("{}{path}", app.base);
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://lain.example"),
        ("origin", "null"),
        ("x-nothing", "that a browser would tell"),
    ];
    for (name, value) in foreign {
        for method in [Method::PATCH, Method::DELETE] {
            let request = plain.http.request(method, &address).header("if-match", &tag).header(name, value);
            let answer = request.json(&json!({ "title": "Diubah situs lain" })).send().await.expect("an answer");
            assert_eq!(answer.status(), 403, "{name}: {value}");
            assert!(answer.text().await.expect("text").contains("/errors/foreign-origin"), "{name}: {value}");
        }
    }
    let kept = clerk.get(&path).await.is(200);
    assert_eq!((kept.header("etag"), kept.json()["title"].as_str()), (tag.as_str(), Some("Undangan rapat")));
    let request = plain.http.patch(&address).header("if-match", &tag).header("sec-fetch-site", "same-origin");
    let answer = request.json(&json!({ "title": "Diubah sendiri" })).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "our own pages may");
});

/// What a watcher hears within three seconds.
async fn heard(caller: &Client) -> tokio::task::JoinHandle<String> {
    let mut events = caller.request(Method::GET, "/api/v1/events").send().await.expect("it answers");
    assert_eq!(events.status(), 200);
    tokio::spawn(async move {
        let mut told = String::new();
        let _ = tokio::time::timeout(Duration::from_secs(3), async {
            while let Ok(Some(piece)) = events.chunk().await {
                told.push_str(&String::from_utf8_lossy(&piece));
            }
        })
        .await;
        told
    })
}

both_stacks!(whoever_logged_out_hears_no_more_events_on_a_stream_that_is_open, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let session = async || {
        let opened = Client::nobody(&app.base).log_in(&clerk.account().login, PASSWORD).await.is(201).json();
        clerk.with_token(opened["access_token"].as_str().expect("a token"))
    };
    let (gone, stays) = (session().await, session().await);
    let watching = [heard(&gone).await, heard(&stays).await];
    gone.delete("/api/v1/sessions/current").await.is(204);
    let document = letter(&app.actor(Actor::Head), "biasa").await;
    let told = futures_util::future::join_all(watching).await.into_iter().map(|told| told.expect("it ends"));
    let tells: Vec<bool> = told.map(|told| told.contains(&document)).collect();
    assert_eq!(tells, [false, true], "who is still logged in hears of it");
});

both_stacks!(nobody_hears_events_of_what_they_may_not_see, async |app| {
    let head = app.actor(Actor::Head);
    let watching = [
        heard(&head).await,
        heard(&app.actor(Actor::Clerk)).await,
        heard(&app.actor(Actor::OtherHead)).await,
        heard(&app.actor(Actor::AgencyHead)).await,
    ];
    let document = letter(&head, "sangat_rahasia").await;
    let told = futures_util::future::join_all(watching).await.into_iter().map(|told| told.expect("it ends"));
    let tells: Vec<bool> = told.map(|told| told.contains(&document)).collect();
    assert_eq!(tells, [true, false, false, false], "the head alone hears of it");
});
