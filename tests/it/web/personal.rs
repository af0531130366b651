//! Pages that hold NIK or KK numbers are opened to many by somebody who said that they have checked it, and by nobody else.

use serde_json::json;

use super::plain::{Plain, between, leads_to};
use crate::share::personal::{numbered, numbered_pdf};
use crate::share::{anyone, letter, link, terms};
use crate::support::app::run_on;
use crate::support::regency::{Actor, Stack};

/// What the owner reads of a link, and of the reach.
const OF_LINK: &str = "siapa saja yang memegang tautan dapat membacanya";
const OF_REACH: &str = "semua kantor kabupaten dapat menemukan serta membacanya";

const BOX: &str = "name=\"pribadi\"";
const ASKED: [&str; 2] = ["id=\"pribadi-salah\"", "Centang bahwa Anda sudah memeriksanya"];

#[track_caller]
fn says(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "no {text} in {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_anyone_is_asked_about_with_its_values_kept_and_then_made() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let document = numbered(&village).await;
        let clerk = Plain::of_member(app, "clerk").await;
        let share = format!("/dokumen/{document}/bagikan");
        says(&clerk.page(&share).await, &["bentuknya NIK atau nomor KK", BOX]);

        let fields = "untuk=anyone&hak=view&berlaku=30&kali=5&label=Untuk+warga&kata_sandi=kunci+desa";
        let asked = clerk.post(&share, fields).await;
        assert_eq!(asked.status(), 422);
        let asked = asked.text().await.expect("a page");
        says(&asked, &ASKED);
        let kept = ["id=\"untuk-anyone\" checked", "value=\"30\" checked", "value=\"view\" checked", "value=\"5\""];
        says(&asked, &kept);
        says(&asked, &["value=\"Untuk warga\"", "value=\"kunci desa\""]);
        let links = village.get(&format!("/api/v1/links?document={document}")).await.is(200).json();
        assert_eq!(links["items"], json!([]));

        let made = clerk.post(&share, &format!("{fields}&pribadi=1")).await;
        assert_eq!(made.status(), 200);
        let made = made.text().await.expect("a page");
        let id = between(&made, "/tautan/", "\"");
        let link = village.get(&format!("/api/v1/links/{id}")).await.is(200).json();
        assert_eq!((&link["audience"]["kind"], &link["has_password"]), (&json!("anyone"), &json!(true)), "{link}");
        for page in [format!("/dokumen/{document}"), format!("/tautan/{id}")] {
            says(&clerk.page(&page).await, &[OF_LINK]);
        }
        leads_to(&clerk.post(&format!("/tautan/{id}"), "aksi=cabut").await);
        assert!(!clerk.page(&format!("/dokumen/{document}")).await.contains(OF_LINK), "it is closed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_where_few_may_read_or_nothing_is_found() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let (document, other) = (numbered(&village).await, letter(&village, "biasa").await);
        let clerk = Plain::of_member(app, "clerk").await;
        let for_agency = "untuk=offices&kantor=DPMD&hak=view&berlaku=7";
        let made = clerk.post(&format!("/dokumen/{document}/bagikan"), for_agency).await;
        assert_eq!(made.status(), 200);
        let share = format!("/dokumen/{other}/bagikan");
        for page in [share.clone(), format!("/dokumen/{other}"), "/unggah".to_owned()] {
            assert!(!clerk.page(&page).await.contains(BOX), "{page}");
        }
        assert_eq!(clerk.post(&share, "untuk=anyone&hak=view&berlaku=7").await.status(), 200);
        // And whoever is asked is asked in their language.
        leads_to(&clerk.post("/bahasa", "lang=en&kembali=%2F").await);
        let asked = clerk.post(&format!("/dokumen/{document}/bagikan"), "untuk=anyone&hak=view&berlaku=7").await;
        assert_eq!(asked.status(), 422);
        let asked = asked.text().await.expect("a page");
        says(&asked, &["in the form of a NIK or KK number", "Tick that you have checked"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_to_the_regency_is_asked_about_with_its_values_kept_and_then_done() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let document = numbered(&village).await;
        let clerk = Plain::of_member(app, "clerk").await;
        let path = format!("/dokumen/{document}");
        let fields = async |title: &str| {
            let page = clerk.page(&path).await;
            let revision = between(&page, "name=\"revision\" value=\"", "\"");
            format!("revision={revision}&title={title}&security_class=biasa&reach=kabupaten")
        };
        let reach =
            async || village.get(&format!("/api/v1/documents/{document}")).await.is(200).json()["reach"].clone();
        says(&clerk.page(&path).await, &["bentuknya NIK atau nomor KK", BOX]);
        let wanted = fields("Keterangan+usaha").await;
        let asked = clerk.post(&path, &wanted).await;
        assert_eq!(asked.status(), 422);
        let asked = asked.text().await.expect("a page");
        says(&asked, &ASKED);
        says(&asked, &["value=\"Keterangan usaha\"", "value=\"kabupaten\" selected", "id=\"ubah\" open"]);
        assert_eq!(reach().await, "kantor");

        leads_to(&clerk.post(&path, &format!("{wanted}&pribadi=1")).await);
        assert_eq!(reach().await, "kabupaten");
        let page = clerk.page(&path).await;
        says(&page, &[OF_REACH]);
        assert!(!page.contains(BOX), "it is open already: {page}");
        leads_to(&clerk.post(&path, &fields("Keterangan+usaha+2").await).await);
        let other = Plain::of_member(app, "other.clerk").await.page(&path).await;
        assert!(other.contains("Keterangan usaha 2") && !other.contains(OF_REACH), "it is not theirs: {other}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_opened_before_it_was_read_is_told_to_its_owner_afterwards() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let open = json!({ "title": "Keterangan", "reach": "kabupaten" });
        let document = village.upload("keterangan.pdf", numbered_pdf(), open).await;
        let document = document["id"].as_str().expect("an id");
        link(&village, document, &terms(app, anyone(), "download", json!({}))).await;
        app.settled().await;
        let clerk = Plain::of_member(app, "clerk").await;
        says(&clerk.page(&format!("/dokumen/{document}")).await, &[OF_LINK, OF_REACH]);
    })
    .await;
}
