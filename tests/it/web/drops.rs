//! Files from outside: an office asks for them by a link, a sender without an account brings them, and they wait to be
//! checked.

use super::clerk::Clerk;
use super::plain::{Plain, between, leads_to};
use crate::reading::support::letter_pdf;
use crate::support::app::run_on;
use crate::support::regency::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn an_office_asks_for_files_and_what_comes_waits_to_be_checked() {
    run_on(Stack::Embedded, async |app| {
        let path = app.dir().join("laporan.pdf");
        std::fs::write(&path, letter_pdf(&["Laporan kegiatan posyandu"])).expect("our folder is writable");
        let clerk = Clerk::sits_down(&app.base, 360, 740).await;
        clerk.logs_in("clerk").await;
        clerk.presses("nav a[href='/kiriman']").await;
        clerk.reads("Belum ada tautan kirim").await;
        clerk.finds_no_fault().await;
        clerk.presses("a[href='/kiriman/baru']").await;
        clerk.fills("#label", "Laporan posyandu November").await;
        clerk.presses("input[value=pdf]").await;
        clerk.finds_no_fault().await;
        clerk.presses("button.big").await;
        let url = clerk.sees("#tautan").await.prop("value").await.expect("asked").expect("a value");
        assert!(url.contains("/d/") && url.contains('#'), "{url}");
        clerk.finds_no_fault().await;
        clerk.logs_out().await;

        clerk.goes_to(&url).await;
        clerk.reads("Laporan posyandu November").await;
        clerk.reads("PDF").await;
        clerk.finds_no_fault().await;
        clerk.fills("#sender", "Kader Melati").await;
        clerk.chooses("#file", &path).await;
        clerk.presses("button.big").await;
        clerk.reads("Simpan tanda terima ini").await;
        assert!(clerk.says(".good").await.contains("sha256:"));
        clerk.finds_no_fault().await;

        clerk.logs_in("clerk").await;
        clerk.reads("Kiriman yang belum diperiksa").await;
        clerk.presses("nav a[href='/kiriman']").await;
        clerk.reads("mengaku dari Kader Melati").await;
        clerk.finds_no_fault().await;
        clerk.presses("main .list a.title").await;
        clerk.reads("siapa pengirimnya tidak dibuktikan").await;
        app.settled().await;
        clerk.finds_no_fault().await;
        clerk.presses("form[action$='/periksa'] button").await;
        clerk.arrives("ubah=1").await;
        clerk.reads("Tautan kirim, sudah diperiksa").await;
        clerk.reads("Kiriman diperiksa oleh clerk").await;
        clerk.presses("nav a[href='/kiriman']").await;
        clerk.reads("Yang dikirim orang luar menunggu di sini").await;
        clerk.reads("1 dari 20 berkas").await;
        clerk.presses("form[action$='/akhiri'] button").await;
        clerk.reads("Diakhiri").await;
        clerk.logs_out().await;
        clerk.goes_to(&url).await;
        clerk.reads("Tautan tidak dapat dibuka").await;
        clerk.goes_home().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_sent_without_a_script_and_what_is_not_asked_for_is_refused_with_the_reason() {
    run_on(Stack::Embedded, async |app| {
        let village = Plain::of_member(app, "clerk").await;
        let terms = "label=Laporan&berlaku=7&berkas=1&ukuran=1&jenis=pdf&kata_sandi=kunci+laporan";
        let made = village.post("/kiriman/baru", terms).await.text().await.expect("a page");
        let url = between(&made, "id=\"tautan\" value=\"", "\"");
        let (public, secret) = url.split_once("/d/").and_then(|(_, way)| way.split_once('#')).expect("a link");
        let (path, secret) = (format!("/d/{public}"), secret.to_owned());
        let sender = Plain::of(app);
        let asked = sender.post(&path, &format!("secret={secret}")).await.text().await.expect("a page");
        assert!(asked.contains("Laporan") && asked.contains("Kata sandi tautan"), "{asked}");
        let send = async |password: &str, name: &str, bytes: Vec<u8>| {
            let fields = [("secret", secret.as_str()), ("password", password), ("sender", "Pak RT")];
            sender.send(&format!("{path}/kirim"), &fields, name, bytes).await.text().await.expect("a page")
        };
        let pdf = letter_pdf(&["Laporan RT"]);
        assert!(send("salah benar", "a.pdf", pdf.clone()).await.contains("Ada yang perlu diperbaiki"));
        assert!(send("kunci laporan", "a.pdf", b"bukan pdf".to_vec()).await.contains("hanya menerima"));
        assert!(send("kunci laporan", "", Vec::new()).await.contains("Pilih berkas dahulu"));
        assert!(send("kunci laporan", "a.pdf", pdf.clone()).await.contains("Simpan tanda terima ini"));
        app.settled().await;
        let waiting = village.page("/dokumen?keadaan=unchecked").await;
        assert!(waiting.contains("Belum diperiksa") && waiting.contains("/dokumen/doc_"), "{waiting}");
        let document = between(&waiting, "href=\"/dokumen/doc_", "\"");
        let changed = "revision=1&title=Laporan+RT+3&security_class=biasa&reach=kantor";
        leads_to(&village.post(&format!("/dokumen/doc_{document}"), changed).await);
        assert!(!village.page("/dokumen?keadaan=unchecked").await.contains("/dokumen/doc_"), "an edit is a check");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_office_neither_sees_nor_ends_an_upload_only_link() {
    run_on(Stack::Embedded, async |app| {
        let village = Plain::of_member(app, "clerk").await;
        village.post("/kiriman/baru", "label=Laporan+rahasia+kami&berlaku=7&berkas=1&ukuran=1").await;
        let page = village.page("/kiriman").await;
        let end = format!("/kiriman/drp_{}", between(&page, "action=\"/kiriman/drp_", "\""));
        let other = Plain::of_member(app, "other.clerk").await;
        assert!(!other.page("/kiriman").await.contains("Laporan rahasia kami"));
        assert_eq!(other.post(&end, "").await.status(), 404);
        assert!(village.page("/kiriman").await.contains("Aktif"));
    })
    .await;
}
