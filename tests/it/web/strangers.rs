//! Those who were sent a link: what they are asked, what they get, and when it stops.

use reqwest::StatusCode;
use serde_json::json;

use super::clerk::Clerk;
use super::plain::{Plain, leads_to};
use crate::share::{DAY, Handed, anyone, letter, link, terms};
use crate::support::app::run_on;
use crate::support::mail;
use crate::support::regency::{Actor, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_link_stops_at_once_on_the_page_that_is_open() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let made = link(&village, &letter(&village, "biasa").await, &terms(app, anyone(), "view", json!({}))).await;
        let stranger = Clerk::sits_down(&app.base, 360, 740).await;
        stranger.goes_to(&format!("/s/{}#{}", made.public, made.secret)).await;
        stranger.reads("mengirim dokumen kepada Anda").await;
        assert!(!stranger.at().await.contains(&made.secret), "the secret stays in the address");
        stranger.finds_no_fault().await;
        stranger.presses("button[value=buka]").await;
        stranger.arrives("/lihat").await;
        stranger.reads("hanya untuk dilihat").await;
        stranger.misses("a[href$='/unduh']").await;
        let width = "return document.querySelector('.sheet img').decode().then(() => document.querySelector('.sheet img').naturalWidth)";
        assert!(stranger.asks(width).await.as_u64() > Some(300), "the page is not shown");
        stranger.finds_no_fault().await;

        village.delete(&format!("/api/v1/links/{}", made.id)).await.is(204);
        let again = "return fetch(document.querySelector('.sheet img').src).then((answer) => answer.status)";
        assert_eq!(stranger.asks(again).await, 404, "the picture of an open page is still sent");
        stranger.asks("location.reload()").await;
        stranger.reads("Tautan tidak dapat dibuka").await;
        stranger.reads("minta pengirim mengirim tautan baru").await;
        stranger.expects_a_refusal().await;
        stranger.finds_no_fault().await;
        stranger.goes_home().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_only_page_carries_a_watermark_and_the_original_is_never_sent() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let document = letter(&village, "biasa").await;
        let made = link(&village, &document, &terms(app, anyone(), "view", json!({}))).await;
        let stranger = Plain::of(app);
        let opened = opens(&stranger, &made, "").await;
        assert_eq!(opened, format!("/s/{}/lihat", made.public));
        let page = stranger.page(&opened).await;
        assert!(!page.contains("unduh") && !page.contains("/api/"), "{page}");
        let picture = stranger.get(&format!("/s/{}/hal/1", made.public)).await;
        assert_eq!(picture.headers()["cache-control"], "no-store");
        let picture = image::load_from_memory(&picture.bytes().await.expect("bytes")).expect("a picture").into_rgb8();
        let red = picture.pixels().filter(|pixel| i16::from(pixel[0]) - i16::from(pixel[2]) > 20).count();
        assert!(red > 1000, "a page picture without a watermark");
        let original = village.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body;
        for path in [
            format!("/s/{}/unduh", made.public),
            format!("/api/v1/shared/{}/content", made.public),
            format!("/api/v1/documents/{document}/content"),
            format!("/dokumen/{document}/versi/1"),
        ] {
            let answer = stranger.get(&path).await;
            assert!(!answer.status().is_success(), "{path}: {}", answer.status());
            assert_ne!(answer.bytes().await.expect("bytes"), original, "{path}");
        }
    })
    .await;
}

/// Presses Buka with the secret and more; where that leads.
async fn opens(stranger: &Plain, made: &Handed, extra: &str) -> String {
    let fields = format!("secret={}&langkah=buka{extra}", made.secret);
    leads_to(&stranger.post(&format!("/s/{}", made.public), &fields).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_beside_its_field_and_the_right_one_opens_the_download() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let document = letter(&village, "biasa").await;
        let guarded = terms(app, anyone(), "download", json!({ "password": "kunci lumbung" }));
        let made = link(&village, &document, &guarded).await;
        let stranger = Clerk::sits_down(&app.base, 1280, 900).await;
        stranger.goes_to(&format!("/s/{}#{}", made.public, made.secret)).await;
        stranger.fills("#password", "bukan ini").await;
        stranger.finds_no_fault().await;
        stranger.presses("button[value=buka]").await;
        stranger.reads("Ada yang perlu diperbaiki").await;
        stranger.expects_a_refusal().await;
        stranger.finds_no_fault().await;
        stranger.presses(".mistakes a").await;
        let focused = "return [document.activeElement.id, document.activeElement.getAttribute('aria-invalid')]";
        assert_eq!(stranger.asks(focused).await, json!(["password", "true"]));

        // The other language keeps what the address said.
        stranger.presses("footer button[value=en]").await;
        stranger.reads("sends you a document").await;
        stranger.fills("#password", "kunci lumbung").await;
        stranger.presses("button[value=buka]").await;
        stranger.arrives("/lihat").await;
        stranger.finds_no_fault().await;
        let size = "return fetch(document.querySelector('a[href$=\"/unduh\"]').href).then((answer) => answer.arrayBuffer()).then((bytes) => bytes.byteLength)";
        let original = village.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body;
        assert_eq!(stranger.asks(size).await, original.len());
        stranger.hears_nothing().await;
        stranger.goes_home().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_came_by_mail_opens() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let address = format!("u{}@example.id", lumbung::id::secret());
        let audience = json!({ "kind": "email", "emails": [address] });
        let document = letter(&village, "terbatas").await;
        let made = link(&village, &document, &terms(app, audience, "view", json!({}))).await;
        let stranger = Clerk::sits_down(&app.base, 360, 740).await;
        stranger.goes_to(&format!("/s/{}#{}", made.public, made.secret)).await;
        stranger.fills("#surel", &address).await;
        stranger.finds_no_fault().await;
        stranger.presses("button[value=kode]").await;
        stranger.reads("kodenya sudah dikirim").await;
        let mail = mail::wait_for(&address, 1).await;
        let code: String = mail.text.lines().next().expect("a line").chars().filter(char::is_ascii_digit).collect();
        stranger.fills("#code", &code).await;
        stranger.finds_no_fault().await;
        stranger.presses("button[value=buka]").await;
        stranger.arrives("/lihat").await;
        stranger.sees(".sheet img").await;
        stranger.finds_no_fault().await;
        stranger.goes_home().await;
        let seen = Plain::of_member(app, "clerk").await.page(&format!("/tautan/{}", made.id)).await;
        assert!(seen.contains(&format!("Dibuka oleh {address}")), "{seen}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_unknown_expired_and_revoked_links_show_the_same_calm_page() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let document = letter(&village, "biasa").await;
        let make = async || link(&village, &document, &terms(app, anyone(), "view", json!({}))).await;
        let (wrong, revoked, expired) = (make().await, make().await, make().await);
        village.delete(&format!("/api/v1/links/{}", revoked.id)).await.is(204);
        let stranger = Plain::of(app);
        let told = async |public: &str, secret: &str| {
            let answer = stranger.post(&format!("/s/{public}"), &format!("secret={secret}")).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND);
            answer.text().await.expect("a page").replace(public, "")
        };
        let calm = told("aaaaaaaaaaaaaaaa", "bbbb").await;
        assert!(calm.contains("Tautan tidak dapat dibuka") && calm.contains("minta pengirim"), "{calm}");
        assert!(!calm.contains("Ke Beranda"), "a stranger has no start to go to");
        assert_eq!(told(&wrong.public, "bbbb").await, calm);
        assert_eq!(told(&revoked.public, &revoked.secret).await, calm);
        app.clock.advance(2 * DAY);
        assert_eq!(told(&expired.public, &expired.secret).await, calm);
    })
    .await;
}
