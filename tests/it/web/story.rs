//! A letter's way, played whole: in by a clerk's hands, found, shared, opened by the right office only, and stopped.

use lumbung::access::Role;
use lumbung::account::{Invitation, invite};
use lumbung::cli::letters::demo_letters;
use lumbung::office;

use super::clerk::Clerk;
use crate::support::app::TestApp;
use crate::support::regency::{Actor, PASSWORD, Stack, VILLAGE};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_at_a_desk() {
    play(Stack::Networked, 1280, 900).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_on_a_phone() {
    play(Stack::Embedded, 360, 740).await;
}

async fn play(stack: Stack, width: u32, height: u32) {
    let app = TestApp::start(stack).await;
    let clerk = Clerk::sits_down(&app.base, width, height).await;
    activates(&app, &clerk).await;
    uploads_a_scan(&app, &clerk).await;
    let document = finds_the_word_on_the_page(&clerk).await;
    let url = shares_with_the_agency(&clerk).await;
    clerk.logs_out().await;
    other_village_finds_nothing(&clerk, &document).await;
    agency_opens_and_finds(&app, &clerk, &url).await;
    village_sees_who_opened_and_revokes(&clerk).await;
    agency_is_refused(&clerk, &url).await;
    clerk.goes_home().await;
    app.finish().await;
}

const LOGIN: &str = "operator.baru";

/// The clerk is new: a one-time link makes the account.
async fn activates(app: &TestApp, clerk: &Clerk) {
    let (db, clock) = (&app.app.db, &app.clock);
    let mut tx = db.write().await.expect("a transaction");
    let office = office::by_code(&mut tx, VILLAGE).await.expect("asked").expect("the village is there");
    let post = Some((office.id, Role::Clerk));
    let session = app.app.accounts.settings();
    let invitation = Invitation { login: LOGIN, name: "Siti Aminah", email: "", post, made_by: None, session };
    let invited = invite(&mut tx, clock, &invitation).await.expect("invited");
    tx.commit().await.expect("committed");
    clerk.goes_to(&format!("/aktivasi#{}", invited.secret)).await;
    clerk.fills("#password", PASSWORD).await;
    clerk.fills("#again", PASSWORD).await;
    assert!(!clerk.at().await.contains(&invited.secret), "the secret stays in the address");
    clerk.finds_no_fault().await;
    clerk.presses("main form button").await;
    clerk.arrives("/masuk").await;
    clerk.finds_no_fault().await;
    clerk.logs_in(LOGIN).await;
    clerk.finds_no_fault().await;
}

async fn uploads_a_scan(app: &TestApp, clerk: &Clerk) {
    let scan = demo_letters().into_iter().find(|letter| letter.file_name.starts_with("pindaian")).expect("a scan");
    let path = app.dir().join(scan.file_name);
    std::fs::write(&path, &scan.bytes).expect("our folder is writable");
    clerk.presses("nav a[href='/unggah']").await;
    clerk.sees("#file").await.send_keys(&path.display().to_string()).await.expect("a file is chosen");
    clerk.reads(scan.file_name).await;
    clerk.finds_no_fault().await;
    clerk.presses("form[data-upload] button.big").await;
    clerk.sees("[data-progress] [data-document]").await;
    // Live, without a reload: received, read, findable.
    clerk.sees("[data-progress] .steps li:nth-child(3).now").await;
    assert!(clerk.says("[data-progress]").await.contains("Dapat dicari"));
    clerk.finds_no_fault().await;
}

async fn finds_the_word_on_the_page(clerk: &Clerk) -> String {
    clerk.searches("tanggul").await;
    clerk.sees(".hits mark").await;
    clerk.finds_no_fault().await;
    clerk.presses(".hits h2 a").await;
    clerk.sees(".sheet svg rect").await;
    let drawn = "const sheet = document.querySelector('.sheet'); const box = sheet.querySelector('rect').getBoundingClientRect(); \
        const page = sheet.getBoundingClientRect(); \
        return sheet.querySelector('img').decode().then(() => sheet.querySelector('img').naturalWidth > 300 \
        && box.width > 5 && box.left >= page.left && box.right <= page.right && box.top >= page.top && box.bottom <= page.bottom)";
    assert_eq!(clerk.asks(drawn).await, true, "the hit is not drawn on the page's picture");
    clerk.finds_no_fault().await;
    clerk.at().await
}

async fn shares_with_the_agency(clerk: &Clerk) -> String {
    clerk.presses("a[href$='/bagikan']").await;
    clerk.fills("#kantor", "DPMD").await;
    clerk.finds_no_fault().await;
    clerk.presses("button.big").await;
    let url = clerk.sees("#tautan").await.prop("value").await.expect("asked").expect("a value");
    assert!(url.contains("/s/") && url.contains('#'), "{url}");
    clerk.finds_no_fault().await;
    url
}

async fn other_village_finds_nothing(clerk: &Clerk, document: &str) {
    clerk.logs_in("other.clerk").await;
    clerk.searches("tanggul").await;
    clerk.reads("Tidak ada hasil").await;
    clerk.finds_no_fault().await;
    clerk.goes_to(document).await;
    clerk.reads("Tidak ditemukan").await;
    clerk.expects_a_refusal().await;
    clerk.finds_no_fault().await;
    clerk.logs_out().await;
}

async fn agency_opens_and_finds(app: &TestApp, clerk: &Clerk, url: &str) {
    let village = app.account(Actor::Clerk).office_name;
    clerk.goes_to(url).await;
    // Nobody is signed in: the page says for whom the link is, and where to log in.
    clerk.reads("Tautan ini untuk kantor tertentu").await;
    clerk.finds_no_fault().await;
    clerk.logs_in("agency.clerk").await;
    clerk.goes_to(url).await;
    clerk.reads(&format!("{village} mengirim dokumen kepada Anda")).await;
    clerk.finds_no_fault().await;
    clerk.presses("button[value=buka]").await;
    clerk.arrives("/lihat").await;
    let seen = "return document.querySelector('.sheet img').decode().then(() => document.querySelector('.sheet img').naturalWidth > 300)";
    clerk.sees(".sheet img").await;
    assert_eq!(clerk.asks(seen).await, true, "the page is not shown");
    clerk.finds_no_fault().await;
    app.settled().await;
    clerk.searches("tanggul").await;
    clerk.sees(".hits mark").await;
    clerk.logs_out().await;
}

async fn village_sees_who_opened_and_revokes(clerk: &Clerk) {
    clerk.logs_in(LOGIN).await;
    clerk.presses("nav a[href='/tautan']").await;
    clerk.sees("main table a").await;
    clerk.finds_no_fault().await;
    clerk.presses("main table a").await;
    clerk.reads("Dibuka oleh").await;
    assert!(clerk.says(".card .list").await.contains("DPMD"), "{}", clerk.says("main").await);
    clerk.finds_no_fault().await;
    clerk.presses("button[value=cabut]").await;
    clerk.sees(".tag.no").await;
    assert!(clerk.says("main").await.contains("Dicabut"));
    clerk.logs_out().await;
}

async fn agency_is_refused(clerk: &Clerk, url: &str) {
    clerk.logs_in("agency.clerk").await;
    let opened = format!("{}/lihat", url.split('#').next().expect("an address"));
    clerk.goes_to(&opened).await;
    clerk.reads("Tautan tidak dapat dibuka").await;
    clerk.expects_a_refusal().await;
    clerk.goes_to(url).await;
    clerk.reads("Tautan tidak dapat dibuka").await;
    clerk.expects_a_refusal().await;
    clerk.finds_no_fault().await;
    clerk.searches("tanggul").await;
    clerk.reads("Tidak ada hasil").await;
}
