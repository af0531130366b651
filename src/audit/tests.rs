use std::time::Duration;

use serde_json::json;

use super::*;
use crate::db::{Value, fresh, params};

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
async fn what_is_about_many_things_is_told_in_order_and_in_pages() {
    let (db, clock, _dir) = fresh().await;
    let (own, other) = (OfficeId::fresh(&clock), OfficeId::fresh(&clock));
    let origin = Origin::machine();
    let things: Vec<String> = (0..40).map(|n| format!("lnk_{n}")).collect();
    let mut tx = db.write().await.unwrap();
    // Each twice, in another order than that in which they are asked for.
    for n in (0..80).map(|n| n * 7 % 40) {
        record(&mut tx, &clock, Entry { object: Some(things[n].clone()), ..entry(&origin, own) }).await.unwrap();
        record(&mut tx, &clock, Entry { object: Some(things[n].clone()), ..entry(&origin, other) }).await.unwrap();
        record(&mut tx, &clock, entry(&origin, own)).await.unwrap();
        clock.advance(Duration::from_millis(5));
    }
    let mut told: Vec<Line> = Vec::new();
    loop {
        let page = about(&mut tx, own, &things, told.last().map(|line| line.id), 7).await.unwrap();
        assert!(page.len() <= 7);
        if page.is_empty() {
            break;
        }
        told.extend(page);
    }
    let expected: Vec<&String> = (0..80).rev().map(|n| &things[n * 7 % 40]).collect();
    assert_eq!(told.iter().filter_map(|line| line.object.as_ref()).collect::<Vec<_>>(), expected);
    assert!(told.iter().all(|line| line.office == Some(own)));
    assert!(about(&mut tx, own, &[], None, 7).await.unwrap().is_empty());
}

/// SQLite would rather read all that the office ever did, as that lies in the order that is wanted.
#[tokio::test]
async fn what_is_about_a_few_things_is_found_by_their_names() {
    let (db, _, _dir) = fresh().await;
    if db.is_postgres() {
        return;
    }
    let explained: &'static str = format!("EXPLAIN QUERY PLAN {}", sql::ABOUT).leak();
    let mut values: Vec<Value> = (0..16).map(|n| format!("lnk_{n}").into()).collect();
    values.extend(params![uuid::Uuid::max(), uuid::Uuid::nil(), 7_i64]);
    let rows: Vec<(i64, i64, i64, String)> = db.all(explained, values).await.unwrap();
    assert!(rows.iter().any(|(_, _, _, line)| line.contains("audit_by_object (object=? AND id<?)")), "{rows:?}");
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
