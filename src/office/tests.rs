use super::*;
use crate::{config::Config, db::fresh, id::BlobId, seal::MasterKey};

async fn seeded(tx: &mut Tx, clock: &Clock, keys: &OfficeKeys) -> usize {
    seed(tx, clock, keys, KABUPATEN_BEKASI).await.unwrap()
}

#[tokio::test]
async fn the_regency_is_seeded_whole_and_once() {
    let (db, clock, _dir) = fresh().await;
    let keys = OfficeKeys::new(db.clone(), &MasterKey::generate());
    let mut tx = db.write().await.unwrap();
    assert_eq!(seeded(&mut tx, &clock, &keys).await, 248);
    assert_eq!(seeded(&mut tx, &clock, &keys).await, 0);
    let all = list(&mut tx, None, None, None, 1000).await.unwrap();
    let count = |kind| all.iter().filter(|office| office.kind == kind).count();
    let counted = OfficeKind::ALL.map(count);
    assert_eq!(counted, [1, 37, 23, 179, 8]);
    let root = root(&mut tx).await.unwrap().unwrap();
    assert_eq!((root.kind, root.code.as_str()), (OfficeKind::Kabupaten, "32.16"));
    let numbers: std::collections::HashSet<i64> = all.iter().map(|office| office.number).collect();
    assert_eq!(numbers.len(), all.len());
    assert!(list(&mut tx, None, Some("(dpmd)"), None, 5).await.unwrap()[0].name.contains("DPMD"));
}

#[tokio::test]
async fn an_office_is_found_by_a_code_that_it_once_bore() {
    let (db, clock, _dir) = fresh().await;
    let keys = OfficeKeys::new(db.clone(), &MasterKey::generate());
    let mut tx = db.write().await.unwrap();
    seeded(&mut tx, &clock, &keys).await;
    let now = by_code(&mut tx, "32.16.01.1007").await.unwrap().unwrap();
    assert_eq!(now.name, "Kelurahan Setia Asih");
    assert_eq!(by_code(&mut tx, "32.16.01.2007").await.unwrap().unwrap(), now);
    assert_eq!(list(&mut tx, None, Some("32.16.01.2007"), None, 5).await.unwrap(), std::slice::from_ref(&now));
    assert_eq!(
        list(&mut tx, None, Some("desa setia asih"), None, 5).await.unwrap(),
        std::slice::from_ref(&now),
        "an alias"
    );
    let codes = codes(&mut tx, now.id).await.unwrap();
    assert_eq!(codes.len(), 2);
    assert_eq!((codes[0].since.as_deref(), codes[0].until.as_deref()), (Some("2022"), None));
    assert_eq!((codes[1].code.as_str(), codes[1].until.as_deref()), ("32.16.01.2007", Some("2022")));
}

#[tokio::test]
async fn a_code_that_changes_in_the_data_file_keeps_its_office() {
    let (db, clock, _dir) = fresh().await;
    let keys = OfficeKeys::new(db.clone(), &MasterKey::generate());
    let mut tx = db.write().await.unwrap();
    let head = "kind,code,parent_code,name,aliases\nkabupaten,9,,K,\n";
    seed(&mut tx, &clock, &keys, &format!("{head}desa,9.1,9,Desa A,\n")).await.unwrap();
    let before = by_code(&mut tx, "9.1").await.unwrap().unwrap();
    let later =
        "kind,code,parent_code,name,aliases,former_codes\nkabupaten,9,,K,,\nkelurahan,9.2,9,Kelurahan A,,9.1:2030\n";
    assert_eq!(seed(&mut tx, &clock, &keys, later).await.unwrap(), 0);
    let after = by_code(&mut tx, "9.1").await.unwrap().unwrap();
    assert_eq!((after.id, after.code.as_str(), after.kind), (before.id, "9.2", OfficeKind::Kelurahan));
}

#[tokio::test]
async fn a_data_file_with_an_unknown_parent_is_refused() {
    let (db, clock, _dir) = fresh().await;
    let keys = OfficeKeys::new(db.clone(), &MasterKey::generate());
    let mut tx = db.write().await.unwrap();
    let csv = "kind,code,parent_code,name,aliases\ndesa,9.1,9,Desa A,\n";
    assert_eq!(seed(&mut tx, &clock, &keys, csv).await.unwrap_err().slug(), "offices-file");
}

#[tokio::test]
async fn offices_are_listed_by_parent_and_page_by_page() {
    let (db, clock, _dir) = fresh().await;
    let keys = OfficeKeys::new(db.clone(), &MasterKey::generate());
    let mut tx = db.write().await.unwrap();
    seeded(&mut tx, &clock, &keys).await;
    let parent = by_code(&mut tx, "32.16.01").await.unwrap().unwrap();
    let whole = list(&mut tx, Some(parent.id), None, None, 100).await.unwrap();
    assert!(whole.len() > 4 && whole.iter().all(|office| office.parent == Some(parent.id)));
    let mut pages = Vec::new();
    loop {
        let after = pages.last().map(|office: &Office| office.id);
        let page = list(&mut tx, Some(parent.id), None, after, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages, whole);
    for q in ["%", "_", "\\", "' OR 1=1 --"] {
        assert!(list(&mut tx, None, Some(q), None, 5).await.unwrap().is_empty(), "{q}");
    }
}

#[tokio::test]
async fn a_correction_wins_once_and_survives_the_next_seed() {
    let (db, clock, _dir) = fresh().await;
    let keys = OfficeKeys::new(db.clone(), &MasterKey::generate());
    let mut tx = db.write().await.unwrap();
    seeded(&mut tx, &clock, &keys).await;
    let office = by_code(&mut tx, "DPMD").await.unwrap().unwrap();
    let name = |name: &str| Correction { name: Some(name.into()), ..Correction::default() };
    let limits = Config::from_layers("", []).unwrap().limits;
    assert!(correct(&mut tx, &office, name("Dinas PMD"), &limits).await.unwrap());
    assert!(!correct(&mut tx, &office, name("Another"), &limits).await.unwrap(), "stale");
    assert!(correct(&mut tx, &office, name(" "), &limits).await.is_err());
    seeded(&mut tx, &clock, &keys).await;
    assert_eq!(find(&mut tx, office.id).await.unwrap().unwrap().name, "Dinas PMD");
    assert_eq!(briefs(&mut tx, &[office.id, OfficeId::fresh(&clock)]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrapped_for_one_office_opens_for_it_alone() {
    let (db, clock, _dir) = fresh().await;
    let master = MasterKey::generate();
    let keys = OfficeKeys::new(db.clone(), &master);
    let mut tx = db.write().await.unwrap();
    seed(&mut tx, &clock, &keys, "kind,code,parent_code,name,aliases\nkabupaten,9,,K,\ndesa,9.1,9,A,\n").await.unwrap();
    let one = by_code(&mut tx, "9").await.unwrap().unwrap().id;
    let two = by_code(&mut tx, "9.1").await.unwrap().unwrap().id;
    tx.commit().await.unwrap();
    let (blob, other) = (BlobId::fresh(&clock), BlobId::fresh(&clock));
    let (version, wrapped) = keys.wrap_for(one, blob, b"object key").await.unwrap();
    let after_restart = OfficeKeys::new(db.clone(), &master);
    assert_eq!(**after_restart.unwrap_for(one, blob, version, &wrapped).await.unwrap(), *b"object key");
    assert!(keys.unwrap_for(two, blob, version, &wrapped).await.is_err());
    assert!(keys.unwrap_for(one, other, version, &wrapped).await.is_err());
    let sealed = keys.seal(one, b"title", b"rahasia").await.unwrap();
    assert_eq!(**after_restart.open(one, b"title", &sealed).await.unwrap(), *b"rahasia");
    assert!(keys.open(one, b"sender", &sealed).await.is_err());
    assert!(keys.open(two, b"title", &sealed).await.is_err());
    assert!(keys.open(one, b"title", b"short").await.is_err());
    assert_ne!(keys.dedupe_key(one).await.unwrap().as_bytes(), keys.dedupe_key(two).await.unwrap().as_bytes());
    assert_eq!(
        keys.kek(one, version).await.unwrap().as_bytes(),
        after_restart.kek(one, version).await.unwrap().as_bytes()
    );
    assert!(OfficeKeys::new(db, &MasterKey::generate()).kek(one, version).await.is_err(), "another master key");
}
