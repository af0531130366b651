//! What an office does with its documents and links: details edited in place, versions, the trash, the head's release.

use serde_json::json;

use super::clerk::Clerk;
use super::plain::{Plain, between, leads_to};
use crate::reading::support::letter_pdf;
use crate::share::{DAY, anyone, letter, link, offices, terms};
use crate::support::app::run_on;
use crate::support::regency::{Actor, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn details_are_edited_in_place_and_what_is_thrown_away_comes_back() {
    run_on(Stack::Embedded, async |app| {
        let document = letter(&app.actor(Actor::Clerk), "biasa").await;
        let clerk = Clerk::sits_down(&app.base, 1280, 900).await;
        clerk.logs_in("clerk").await;
        clerk.goes_to(&format!("/dokumen/{document}")).await;
        clerk.presses("#ubah summary").await;
        clerk.rewrites("#title", "Undangan rapat, diperbaiki").await;
        clerk.fills("#number", "005/17/DPMD/2026").await;
        clerk.finds_no_fault().await;
        clerk.presses("#ubah button").await;
        clerk.reads("Perubahan disimpan").await;
        assert_eq!(clerk.says("h1").await, "Undangan rapat, diperbaiki");
        clerk.reads("005/17/DPMD/2026").await;
        clerk.reads("Rincian diubah oleh clerk").await;

        clerk.asks("document.querySelector('form[action$=\"/sampah\"]').closest('details').open = true").await;
        clerk.reads("hari dapat dikembalikan").await;
        clerk.presses("form[action$='/sampah'] button").await;
        clerk.arrives("keadaan=trashed").await;
        clerk.reads("Undangan rapat, diperbaiki").await;
        clerk.finds_no_fault().await;
        clerk.searches("undangan").await;
        clerk.reads("Tidak ada hasil").await;
        clerk.goes_to("/dokumen?keadaan=trashed").await;
        clerk.presses("form[action$='/pulihkan'] button").await;
        clerk.arrives(&document).await;
        app.settled().await;
        clerk.searches("undangan").await;
        clerk.sees(".hits mark").await;
        clerk.hears_nothing().await;
        clerk.goes_home().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_crosses_another_is_told_and_loses_nothing() {
    run_on(Stack::Embedded, async |app| {
        let document = letter(&app.actor(Actor::Clerk), "biasa").await;
        let (one, other) = (Plain::of_member(app, "clerk").await, Plain::of_member(app, "archivist").await);
        let path = format!("/dokumen/{document}");
        let revision = between(&one.page(&path).await, "name=\"revision\" value=\"", "\"").to_owned();
        let fields = |title: &str| format!("revision={revision}&title={title}&security_class=biasa&reach=kantor");
        leads_to(&one.post(&path, &fields("Judul+pertama")).await);
        let refused = other.post(&path, &fields("Judul+kedua")).await;
        assert_eq!(refused.status(), 422);
        let page = refused.text().await.expect("a page");
        assert!(page.contains("Sudah diubah orang lain") && page.contains("value=\"Judul kedua\""), "{page}");
        assert!(page.contains("<h1>Judul pertama</h1>"), "{page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_leaves_the_former_one_whole() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let document = letter(&village, "biasa").await;
        let first = village.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body;
        let clerk = Plain::of_member(app, "clerk").await;
        let path = format!("/dokumen/{document}");
        let nothing = clerk.send(&format!("{path}/versi"), &[("note", "lupa")], "", Vec::new()).await;
        assert_eq!(nothing.status(), 422);
        assert!(nothing.text().await.expect("a page").contains("Pilih berkas dahulu"));
        let second = letter_pdf(&["Undangan rapat", "Jam diubah menjadi pukul sepuluh"]);
        let added =
            clerk.send(&format!("{path}/versi"), &[("note", "Jam berubah")], "undangan-2.pdf", second.clone()).await;
        leads_to(&added);
        app.settled().await;
        let page = clerk.page(&path).await;
        assert!(page.contains("Versi 1: undangan.pdf") && page.contains("Versi 2: undangan-2.pdf"), "{page}");
        assert!(page.contains("Jam berubah") && page.contains("2 dari 2"), "{page}");
        let bytes =
            async |number: i64| clerk.get(&format!("{path}/versi/{number}")).await.bytes().await.expect("bytes");
        assert_eq!((bytes(1).await.to_vec(), bytes(2).await.to_vec()), (first, second));
        assert_eq!(clerk.get(&format!("{path}/versi/3")).await.status(), 404);
        let other = Plain::of_member(app, "other.clerk").await;
        assert_eq!(other.get(&format!("{path}/versi/1")).await.status(), 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_on_a_confidential_document_waits_for_the_head() {
    run_on(Stack::Embedded, async |app| {
        let document = letter(&app.actor(Actor::Clerk), "rahasia").await;
        let clerk = Plain::of_member(app, "clerk").await;
        let form = clerk.page(&format!("/dokumen/{document}/bagikan")).await;
        // What the class forbids is greyed, with the reason beside it.
        let anyone = between(&form, "value=\"anyone\"", "</label>");
        assert!(anyone.contains("disabled") && anyone.contains("ahasia"), "{anyone}");
        let made =
            clerk.post(&format!("/dokumen/{document}/bagikan"), "untuk=offices&kantor=DPMD&hak=view&berlaku=7").await;
        assert!(made.text().await.expect("a page").contains("Menunggu dilepas pimpinan"));
        assert!(clerk.page("/tautan?keadaan=menunggu").await.contains("Menunggu pimpinan</span>"));
        let agency = Plain::of_member(app, "agency.clerk").await;
        assert!(!agency.page("/dibagikan").await.contains(&document));

        let head = Clerk::sits_down(&app.base, 360, 740).await;
        head.logs_in("head").await;
        head.reads("Menunggu pelepasan Anda").await;
        head.finds_no_fault().await;
        head.presses("main a[href^='/tautan/']").await;
        head.finds_no_fault().await;
        head.presses("button[value=lepas]").await;
        head.sees(".tag.now").await;
        head.misses("button[value=lepas]").await;
        head.goes_home().await;
        assert!(agency.page("/dibagikan").await.contains(&document));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_listed_by_their_state() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let document = letter(&village, "biasa").await;
        let make =
            async |extra: serde_json::Value| link(&village, &document, &terms(app, anyone(), "view", extra)).await.id;
        let clerk = Plain::of_member(app, "clerk").await;
        let (active, paused, revoked) = (make(json!({})).await, make(json!({})).await, make(json!({})).await);
        clerk.post(&format!("/tautan/{paused}"), "aksi=jeda").await;
        clerk.post(&format!("/tautan/{revoked}"), "aksi=cabut").await;
        let tomorrow = app.clock.now().plus(DAY).day(&app.app.zone);
        let scheduled = format!("untuk=anyone&hak=view&berlaku=7&mulai={tomorrow}");
        let scheduled = clerk.post(&format!("/dokumen/{document}/bagikan"), &scheduled).await;
        let scheduled = between(&scheduled.text().await.expect("a page"), "/tautan/", "\"").to_owned();
        for (state, id) in [("aktif", &active), ("dijeda", &paused), ("dicabut", &revoked), ("terjadwal", &scheduled)] {
            let page = clerk.page(&format!("/tautan?keadaan={state}")).await;
            assert_eq!(page.matches("href=\"/tautan/lnk_").count(), 1, "{state}: {page}");
            assert!(page.contains(id.as_str()), "{state}");
        }
        app.clock.advance(2 * DAY);
        let again = Plain::of_member(app, "clerk").await;
        assert!(again.page("/tautan?keadaan=habis").await.contains(&active));
        assert!(again.page("/tautan?keadaan=aktif").await.contains(&scheduled));
        assert!(again.page("/tautan?keadaan=menunggu").await.contains("Tidak ada tautan dalam keadaan ini"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_reads_on_its_pages_what_became_of_a_link() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        let document = letter(&village, "biasa").await;
        let named = offices(&[&app.actor(Actor::AgencyClerk)]);
        let made = link(&village, &document, &terms(app, named, "download", json!({}))).await;
        let outsider = Plain::of_member(app, "other.clerk").await;
        let asked = outsider.post(&format!("/s/{}", made.public), &format!("secret={}", made.secret)).await;
        assert!(asked.text().await.expect("a page").contains("Masuk dengan akun kantor yang menerimanya"));
        let agency = Plain::of_member(app, "agency.clerk").await;
        leads_to(&agency.post(&format!("/dokumen/{document}/buka"), "password=").await);
        agency.page(&format!("/dokumen/{document}")).await;
        let clerk = Plain::of_member(app, "clerk").await;
        let page = clerk.page(&format!("/dokumen/{document}")).await;
        for told in ["Tautan dibuat oleh", "Tautan gagal dibuka oleh other.clerk", "Tautan dibuka oleh agency.clerk"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        let page = clerk.page(&format!("/tautan/{}", made.id)).await;
        for told in ["Halamannya dilihat oleh", "bukan sebagai pembaca di kantor yang dituju tautan"] {
            assert!(page.contains(told), "{told}: {page}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_file_says_why_and_offers_another_try() {
    run_on(Stack::Embedded, async |app| {
        let clerk = Plain::of_member(app, "clerk").await;
        let broken = b"%PDF-1.7\nthis is where it was cut".to_vec();
        let rows = leads_to(&clerk.send("/unggah", &[], "rusak.pdf", broken).await);
        app.settled().await;
        let page = clerk.page(&rows).await;
        assert!(page.contains("Tidak terbaca:") && page.contains("Coba baca lagi"), "{page}");
        assert!(clerk.page("/").await.contains("Perlu dilihat: tidak terbaca"));
        let document = rows.split("dok=").nth(1).expect("an id");
        leads_to(&clerk.post(&format!("/dokumen/{document}/baca-ulang"), "").await);
        app.settled().await;
        assert!(clerk.page(&format!("/dokumen/{document}")).await.contains("Pembacaan ulang diminta"));
    })
    .await;
}
