//! Search as somebody searches all day: facets, filters in the address, suggestions, order, pages, and what to try when
//! nothing is found.

use serde_json::json;

use super::clerk::Clerk;
use super::plain::{Plain, between};
use crate::support::app::{TestApp, run_on};
use crate::support::regency::{Actor, Stack};

/// Three letters about one thing, of different years, kinds and classes.
async fn three_letters(app: &TestApp) {
    let village = app.actor(Actor::Clerk);
    for (name, kind, date, class) in [
        ("Undangan jembatan", "undangan", "2021-12-15", "biasa"),
        ("Laporan jembatan", "laporan", "2024-03-02", "biasa"),
        ("Keputusan jembatan", "laporan", "2025-07-09", "terbatas"),
    ] {
        let text = format!("{name} gantung di dusun dua, perbaikan lantai kayu.");
        let details = json!({ "title": name, "kind": kind, "date": date, "security_class": class });
        village.upload_and_read("surat.txt", text.into_bytes(), details).await;
    }
    app.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_live_in_the_address_and_facets_carry_counts() {
    run_on(Stack::Embedded, async |app| {
        three_letters(app).await;
        let clerk = Clerk::sits_down(&app.base, 1280, 900).await;
        clerk.logs_in("clerk").await;
        clerk.searches("jembatan").await;
        clerk.reads("3 dokumen").await;
        let facets = clerk.says(".facets").await.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(facets.contains("Laporan 2"), "{facets}");
        clerk.finds_no_fault().await;
        clerk.presses(".facets a[href*='kind=laporan']").await;
        clerk.arrives("kind=laporan").await;
        clerk.reads("2 dokumen").await;
        clerk.presses(".facets a[href*='year=2024']").await;
        clerk.arrives("year=2024").await;
        clerk.reads("1 dokumen").await;
        let address = clerk.at().await;
        clerk.presses(".chips a[href*='year=2024']:not([href*='kind'])").await;
        clerk.arrives("year=2024").await;
        clerk.reads("1 dokumen").await;
        // An address that was kept or sent around shows the same.
        clerk.goes_to(&address).await;
        clerk.reads("1 dokumen").await;
        assert!(clerk.says(".chips").await.contains("Laporan"));
        clerk.finds_no_fault().await;
        clerk.goes_to("/cari?q=jembatan&security_class=terbatas").await;
        clerk.reads("1 dokumen").await;
        clerk.reads("Keputusan jembatan").await;
        clerk.goes_to("/cari?q=jembatan&sort=newest").await;
        assert_eq!(clerk.says(".hits h2").await, "Keputusan jembatan");
        clerk.goes_to("/cari?q=jembatan&from=2021-01-01&to=2021-12-31").await;
        assert_eq!(clerk.says(".hits h2").await, "Undangan jembatan");
        clerk.reads("15 Desember 2021").await;
        clerk.hears_nothing().await;
        clerk.goes_home().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suggestions_come_while_one_types_and_only_from_what_one_may_find() {
    run_on(Stack::Embedded, async |app| {
        three_letters(app).await;
        let clerk = Clerk::sits_down(&app.base, 360, 740).await;
        clerk.logs_in("clerk").await;
        clerk.fills("#q", "jemb").await;
        clerk.sees("#saran option[value='jembatan']").await;
        clerk.finds_no_fault().await;
        clerk.logs_out().await;
        clerk.logs_in("other.clerk").await;
        clerk.fills("#q", "jemb").await;
        let asked = "return fetch('/api/v1/search/suggest?q=jemb').then((answer) => answer.json())";
        assert_eq!(clerk.asks(asked).await["items"], json!([]));
        clerk.misses("#saran option").await;
        clerk.hears_nothing().await;
        clerk.goes_home().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_found_the_page_says_what_to_try() {
    run_on(Stack::Embedded, async |app| {
        three_letters(app).await;
        let clerk = Plain::of_member(app, "clerk").await;
        let nothing = clerk.page("/cari?q=zzqqxx&kind=laporan").await;
        assert!(nothing.contains("Tidak ada hasil") && nothing.contains("Cari tanpa saringan"), "{nothing}");
        assert!(nothing.contains("Minta kantor itu membagikannya"), "{nothing}");
        let near = clerk.page("/cari?q=jembatn").await;
        assert!(near.contains("Mungkin maksud Anda:") && near.contains("<strong>jembatan</strong>"), "{near}");
        // Addresses are cut short and mistyped: that is no error.
        clerk.page("/cari?q=%22%28%5B%F0%9F%98%80&year=abc&from=tidak&office=x&security_class=y").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_go_on_on_further_pages_without_losing_or_repeating_one() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        for at in 0..23 {
            let text = format!("Surat keterangan domisili nomor {at}");
            village
                .upload(&format!("{at}.txt"), text.into_bytes(), json!({ "title": format!("Domisili {at:02}") }))
                .await;
        }
        app.settled().await;
        let clerk = Plain::of_member(app, "clerk").await;
        let first = clerk.page("/cari?q=domisili").await;
        let next = between(&first, "class=\"button second\" href=\"", "\"").replace("&#38;", "&").replace("&amp;", "&");
        let second = clerk.page(&next).await;
        let both = first + &second;
        for at in 0..23 {
            assert_eq!(both.matches(&format!(">Domisili {at:02}</a>")).count(), 1, "Domisili {at:02}");
        }
        assert!(!second.contains("Hasil berikutnya"), "{second}");
    })
    .await;
}
