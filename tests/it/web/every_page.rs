//! Every page at both widths, in the light and in the dark: accessible, no wider than its window, silent on the console.

use serde_json::json;

use super::clerk::Clerk;
use super::plain::Plain;
use crate::share::personal::numbered;
use crate::share::{anyone, letter, link, offices, terms};
use crate::support::app::{TestApp, run_on};
use crate::support::regency::{Actor, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_without_fault_at_a_desk() {
    run_on(Stack::Embedded, async |app| walk(app, 1280, 900).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_without_fault_on_a_phone() {
    run_on(Stack::Embedded, async |app| walk(app, 360, 740).await).await;
}

async fn walk(app: &TestApp, width: u32, height: u32) {
    let (village, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let document = letter(&village, "biasa").await;
    let secret = letter(&village, "rahasia").await;
    let numbered = numbered(&village).await;
    link(&village, &numbered, &terms(app, anyone(), "download", json!({}))).await;
    // The name of a file as its title: no line of a phone is as long, and it offers no place to break it.
    let unbroken = "SURAT_PENGANTAR_PERMOHONAN_PERBAIKAN_TANGGUL_KALIMALANG_DESA_SUKAMAJU_2026_revisi2_FINAL";
    let broken = village.upload("rusak.pdf", b"%PDF-1.7 cut".to_vec(), json!({ "title": unbroken })).await;
    let listed = terms(app, offices(&[&agency]), "view", json!({ "label": "Untuk rapat" }));
    let made = link(&village, &document, &listed).await;
    link(&village, &document, &terms(app, anyone(), "download", json!({}))).await;
    let broken = broken["id"].as_str().expect("an id");
    link(&village, broken, &terms(app, offices(&[&agency]), "download", json!({}))).await;
    Plain::of_member(app, "clerk").await.post("/kiriman/baru", "label=Laporan&berlaku=7&berkas=3&ukuran=5").await;
    app.settled().await;

    let somebody = Clerk::sits_down(&app.base, width, height).await;
    look(&somebody, &["/masuk", "/aktivasi", "/s/aaaaaaaaaaaaaaaa", "/d/aaaaaaaaaaaaaaaa"]).await;
    somebody.logs_in("clerk").await;
    let pages = [
        "/".to_owned(),
        format!("/unggah?dok={document}&dok={broken}"),
        "/cari?q=undangan".to_owned(),
        "/cari?q=tidakadasamasekali&kind=laporan".to_owned(),
        "/dokumen".to_owned(),
        "/dokumen?keadaan=unreadable".to_owned(),
        "/dokumen?keadaan=trashed".to_owned(),
        format!("/dokumen/{document}?q=undangan"),
        format!("/dokumen/{broken}"),
        format!("/dokumen/{document}/bagikan"),
        format!("/dokumen/{secret}/bagikan"),
        format!("/dokumen/{broken}/bagikan"),
        format!("/dokumen/{numbered}"),
        "/cari?q=revisi2".to_owned(),
        "/tautan".to_owned(),
        "/tautan?keadaan=habis".to_owned(),
        format!("/tautan/{}", made.id),
        "/kiriman".to_owned(),
        "/kiriman/baru".to_owned(),
        "/dibagikan".to_owned(),
        "/akun".to_owned(),
        "/sistem".to_owned(),
    ];
    look(&somebody, &pages.each_ref().map(String::as_str)).await;
    is_asked(&somebody, &numbered).await;
    somebody.goes_to("/tidak/ada").await;
    somebody.reads("Tidak ditemukan").await;
    somebody.expects_a_refusal().await;
    somebody.finds_no_fault().await;
    somebody.logs_out().await;
    somebody.logs_in("agency.clerk").await;
    look(&somebody, &["/dibagikan", &format!("/dokumen/{document}")]).await;
    somebody.logs_out().await;
    somebody.logs_in("platform").await;
    look(&somebody, &["/", "/sistem", "/akun"]).await;
    somebody.goes_home().await;
}

/// A form that comes back with a question.
async fn is_asked(somebody: &Clerk, document: &str) {
    somebody.goes_to(&format!("/dokumen/{document}/bagikan")).await;
    somebody.presses("#untuk-anyone").await;
    somebody.finds_no_fault().await;
    somebody.presses("button.big").await;
    somebody.reads("Centang bahwa Anda sudah memeriksanya").await;
    somebody.expects_a_refusal().await;
    somebody.finds_no_fault().await;
    somebody.finds_no_fault_in_the_dark().await;
}

async fn look(somebody: &Clerk, pages: &[&str]) {
    for page in pages {
        somebody.goes_to(page).await;
        // What is folded away must be good too.
        somebody.asks("document.querySelectorAll('main details').forEach((fold) => { fold.open = true; })").await;
        somebody.finds_no_fault().await;
        somebody.finds_no_fault_in_the_dark().await;
    }
}
