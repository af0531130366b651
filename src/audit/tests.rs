use std::time::Duration;

use serde_json::json;

use super::*;
use crate::db::fresh;

fn entry(origin: &Origin, office: OfficeId) -> Entry<'_> {
    Entry {
        who: Who::Nobody,
        office: Some(office),
        action: "document.read",
        object: Some("doc_x".into()),
        result: "ok",
        origin,
        detail: json!({ "pages": 3 }),
    }
}

#[tokio::test]
async fn an_office_sees_what_is_about_itself_and_an_auditor_all() {
    let (db, clock, _dir) = fresh().await;
    let (one, other) = (OfficeId::fresh(&clock), OfficeId::fresh(&clock));
    let origin = Origin::machine();
    let mut tx = db.write().await.unwrap();
    record(&mut tx, &clock, entry(&origin, one)).await.unwrap();
    clock.advance(Duration::from_millis(5));
    record(&mut tx, &clock, entry(&origin, other)).await.unwrap();
    let all = list(&mut tx, Scope::All, &Filter::default(), None, 10).await.unwrap();
    assert_eq!(all.iter().map(|line| line.office).collect::<Vec<_>>(), [Some(other), Some(one)]);
    assert_eq!(all[0].detail["pages"], 3);
    let own = list(&mut tx, Scope::Office(one), &Filter::default(), None, 10).await.unwrap();
    assert_eq!(own.len(), 1);
    let foreign = Filter { office: Some(other), ..Filter::default() };
    assert!(list(&mut tx, Scope::Office(one), &foreign, None, 10).await.unwrap().is_empty());
    let next = list(&mut tx, Scope::All, &Filter::default(), Some(all[0].id), 10).await.unwrap();
    assert_eq!(next.len(), 1);
    let by_action = Filter { action: Some("session.begin".into()), ..Filter::default() };
    assert!(list(&mut tx, Scope::All, &by_action, None, 10).await.unwrap().is_empty());
    let later = Filter { from: Some(all[0].at), ..Filter::default() };
    assert_eq!(list(&mut tx, Scope::All, &later, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reader_leaves_one_row_in_fifteen_minutes_for_each_version_and_kind() {
    let (db, clock, _dir) = fresh().await;
    let (office, version) = (OfficeId::fresh(&clock), VersionId::fresh(&clock));
    let origin = Origin::machine();
    let mut tx = db.write().await.unwrap();
    let mut read =
        async |kind| read_once(&mut tx, &clock, "usr_a", version, kind, entry(&origin, office)).await.unwrap();
    assert!(read("content").await);
    assert!(!read("content").await);
    assert!(read("page").await);
    clock.advance(Duration::from_secs(14 * 60));
    assert!(!read("content").await);
    clock.advance(Duration::from_secs(61));
    assert!(read("content").await);
    assert!(!read("content").await);
    assert_eq!(list(&mut tx, Scope::All, &Filter::default(), None, 10).await.unwrap().len(), 3);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(forget_marks(&mut tx, &clock).await.unwrap(), 2);
}
