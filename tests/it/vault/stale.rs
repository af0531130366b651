//! A store whose listings lag behind: what it does not list yet is not taken for lost, what it lists still is not brought back.

use std::time::Duration;

use futures_util::TryStreamExt;
use lumbung::blob::Prefix;
use lumbung::vault::Depth;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::fault::{Fault, Faults};
use crate::support::regency::Actor;

const DAYS: Duration = Duration::from_secs(3 * 86_400);

async fn listed(app: &TestApp, prefix: Prefix) -> Vec<String> {
    let listed: Vec<_> = app.app.store.list(prefix).try_collect().await.expect("lists");
    listed.into_iter().map(|one| one.path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_that_lag_behind_lose_nothing_and_bring_nothing_back() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, &[]).await;
    let clerk = app.actor(Actor::Clerk);
    let text = |number: usize| format!("Perihal: surat nomor {number} {}", "tanggul ".repeat(number));
    let mut documents = Vec::new();
    for number in 0..3 {
        let made = clerk.upload_and_read("surat.txt", text(number).into_bytes(), json!({})).await;
        documents.push(made["id"].as_str().expect("an id").to_owned());
    }
    app.settled().await;
    faults.store.now(Fault::StaleListing).await;
    app.app.vault.sweep(true).await.expect("swept").expect("nobody else sweeps");
    let before = listed(&app, Prefix::Objects).await;

    for number in 3..6 {
        let made = clerk.upload_and_read("surat.txt", text(number).into_bytes(), json!({})).await;
        documents.push(made["id"].as_str().expect("an id").to_owned());
    }
    clerk.delete(&format!("/api/v1/documents/{}", documents[0])).await.is(204);
    super::destroy::destroy(&app, &documents[0]).await.expect("destroyed");
    for _ in 0..3 {
        app.clock.advance(DAYS);
        app.app.vault.sweep(true).await.expect("swept").expect("nobody else sweeps");
        app.app.vault.clear().await.expect("cleared");
    }
    assert_eq!(listed(&app, Prefix::Objects).await, before, "the listing lagged behind all the while");
    for depth in [Depth::Names, Depth::Scrub] {
        let report = app.app.vault.verify(depth).await.expect("verified");
        assert!(report.is_sound(), "{report:?}");
    }

    faults.store.now(Fault::None).await;
    assert_eq!(listed(&app, Prefix::Quarantine).await, Vec::<String>::new(), "nothing was taken for an orphan");
    app.swept().await;
    let report = app.app.vault.verify(Depth::Deep).await.expect("verified");
    assert!(report.is_sound(), "{report:?}");
    for (number, document) in documents.iter().enumerate().skip(1) {
        let path = format!("/api/v1/documents/{document}/content");
        assert_eq!(clerk.get(&path).await.is(200).text(), text(number), "{number}");
    }
    app.finish().await;
}
