//! Every question here is asked right after the answer to the change, without a pause.

use std::time::Duration;

use serde_json::json;

use super::{counted, letter, path, until, untitled};
use crate::share::{link, offices, open, terms};
use crate::support::app::both_stacks;
use crate::support::client::{form, send};
use crate::support::regency::Actor;
use reqwest::Method;

both_stacks!(a_letter_is_found_within_two_seconds_after_it_was_read, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let read = "SELECT state FROM version WHERE state = 'ready' AND file_name = $1";
    for word in ["kelurahansatu", "kelurahandua", "kelurahantiga"] {
        let name = format!("{word}.txt");
        clerk.upload(&name, format!("surat {word}\n").into_bytes(), untitled()).await;
        until(Duration::from_secs(60), "its text is read", async || {
            let row: Option<(String,)> =
                app.app.db.one(read, vec![name.as_str().into()]).await.expect("the database answers");
            row.is_some()
        })
        .await;
        let found = async || !clerk.finds(word).await.is_empty();
        until(Duration::from_secs(2), "it is found", found).await;
    }
});

both_stacks!(a_raised_class_takes_a_letter_from_those_below_it_at_once, async |app| {
    let (clerk, head) = (app.actor(Actor::Clerk), app.actor(Actor::Head));
    let document = letter(&clerk, "tanggul blencong", untitled()).await;
    letter(&clerk, "jembatan blencong", untitled()).await;
    assert_eq!((counted(&clerk, "blencong").await, counted(&clerk, "tanggul").await), (2, 1));
    clerk.patch(&path(&document), json!({ "security_class": "sangat_rahasia" })).await.is(200);
    assert_eq!((counted(&clerk, "blencong").await, counted(&clerk, "tanggul").await), (1, 0));
    assert_eq!(counted(&head, "tanggul").await, 1);
    head.patch(&path(&document), json!({ "security_class": "biasa" })).await.is(200);
    assert_eq!((counted(&clerk, "blencong").await, counted(&clerk, "tanggul").await), (2, 1));
});

both_stacks!(a_letter_that_is_opened_to_the_regency_is_found_by_all_at_once_and_closed_again, async |app| {
    let (clerk, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let document = letter(&clerk, "tanggul blencong", untitled()).await;
    assert_eq!(counted(&other, "blencong").await, 0);
    for _ in 0..2 {
        clerk.patch(&path(&document), json!({ "reach": "kabupaten" })).await.is(200);
        assert_eq!(counted(&other, "blencong").await, 1);
        clerk.patch(&path(&document), json!({ "reach": "kantor" })).await.is(200);
        assert_eq!((counted(&other, "blencong").await, counted(&clerk, "blencong").await), (0, 1));
    }
});

both_stacks!(what_is_thrown_away_and_brought_back_is_counted_so_at_once, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk, "tanggul blencong", untitled()).await;
    letter(&clerk, "jembatan blencong", untitled()).await;
    for _ in 0..2 {
        clerk.delete(&path(&document)).await.is(204);
        assert_eq!((counted(&clerk, "blencong").await, counted(&clerk, "tanggul").await), (1, 0));
        clerk.post(&format!("{}/restore", path(&document)), json!({})).await.is(200);
        assert_eq!((counted(&clerk, "blencong").await, counted(&clerk, "tanggul").await), (2, 1));
    }
});

both_stacks!(the_words_of_an_old_version_are_gone_at_once, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk, "tanggul blencong", untitled()).await;
    let next = form("kedua.txt", b"jembatan kalijodo\n".to_vec(), json!({}));
    let next = clerk.request(Method::POST, &format!("{}/versions", path(&document))).multipart(next);
    send(next).await.is(201);
    assert_eq!(counted(&clerk, "blencong").await, 0);
    assert_eq!(clerk.settled(&document).await["state"], "ready");
    assert_eq!((counted(&clerk, "kalijodo").await, counted(&clerk, "blencong").await), (1, 0));
});

both_stacks!(a_grant_opens_the_words_of_a_letter_at_once_and_a_revoked_link_hides_its_title, async |app| {
    let (clerk, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let document = letter(&clerk, "tanggul blencong", json!({ "title": "Permohonan bronjong" })).await;
    assert_eq!(counted(&agency, "bronjong").await, 0);
    let first = link(&clerk, &document, &terms(app, offices(&[&agency]), "download", json!({}))).await;
    assert_eq!((counted(&agency, "bronjong").await, counted(&agency, "blencong").await), (1, 0));
    clerk.delete(&format!("/api/v1/links/{}", first.id)).await.is(204);
    assert_eq!(counted(&agency, "bronjong").await, 0);
    let second = link(&clerk, &document, &terms(app, offices(&[&agency]), "download", json!({}))).await;
    open(&agency, &second, json!({})).await.is(200);
    assert_eq!((counted(&agency, "bronjong").await, counted(&agency, "blencong").await), (1, 1));
    // Whoever was not named learns nothing of it, by no count.
    let other = app.actor(Actor::OtherClerk);
    assert_eq!((counted(&other, "bronjong").await, counted(&other, "blencong").await), (0, 0));
});
