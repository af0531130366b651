//! Bringing files in with the script: photographs that become one PDF, a link that goes down, a file that is there already.

use super::clerk::Clerk;
use crate::reading::support::{LETTER, letter_pdf, letter_scan, png};
use crate::support::app::run_on;
use crate::support::regency::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn photographs_of_several_pages_become_one_document() {
    run_on(Stack::Embedded, async |app| {
        let (first, second) = (app.dir().join("foto-1.png"), app.dir().join("foto-2.png"));
        std::fs::write(&first, png(&letter_scan(LETTER).await)).expect("our folder is writable");
        std::fs::write(&second, png(&letter_scan(&["Lampiran daftar hadir musyawarah"]).await)).expect("writable");
        let clerk = Clerk::sits_down(&app.base, 360, 740).await;
        clerk.logs_in("clerk").await;
        clerk.goes_to("/unggah").await;
        clerk.sees("[data-shoot]:not([hidden])").await;
        for path in [&first, &second] {
            clerk.chooses("[data-camera]", path).await;
        }
        clerk.sees("[data-shots] li:nth-child(2) canvas").await;
        clerk.finds_no_fault().await;
        clerk.presses("form[data-upload] button.big").await;
        clerk.sees("[data-progress] .steps li:nth-child(3).now").await;
        clerk.presses("[data-progress] a.title").await;
        clerk.reads("Halaman 1 dari 2").await;
        clerk.searches("lampiran hadir").await;
        clerk.reads("halaman 2").await;
        clerk.hears_nothing().await;
        clerk.goes_home().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_by_itself_when_the_link_is_back_and_names_its_twin() {
    run_on(Stack::Embedded, async |app| {
        let path = app.dir().join("surat.pdf");
        std::fs::write(&path, letter_pdf(&["Surat tentang pasar desa"])).expect("our folder is writable");
        let clerk = Clerk::sits_down(&app.base, 1280, 900).await;
        clerk.logs_in("clerk").await;
        clerk.goes_to("/unggah").await;
        clerk.chooses("#file", &path).await;
        clerk.reads("surat.pdf").await;
        clerk.loses_the_link(true).await;
        clerk.presses("form[data-upload] button.big").await;
        clerk.reads("Sambungan terputus").await;
        clerk.loses_the_link(false).await;
        clerk.sees("[data-progress] .steps li:nth-child(3).now").await;
        clerk.chooses("#file", &path).await;
        clerk.presses("form[data-upload] button.big").await;
        clerk.reads("Berkas yang sama sudah ada").await;
        clerk.goes_home().await;
    })
    .await;
}
