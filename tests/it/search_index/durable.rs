use std::collections::HashSet;

use lumbung::search::{Change, Index, Settings};
use uuid::Uuid;

use super::{Archive, KEY, document, settings, village};

#[test]
fn a_search_sees_what_was_applied_before_it() {
    let archive = Archive::with(vec![document(1, "a", &["undangan"])]);
    assert_eq!(archive.ids("undangan"), [1]);
    archive.put(vec![document(1, "a", &["laporan"])]);
    assert_eq!((archive.ask("undangan").total, archive.ask("laporan").total), (0, 1));
    archive.index.apply(vec![Change::Remove(Uuid::from_u128(1))], 9).expect("applies");
    assert_eq!(archive.ask("").total, 0);
    assert!(!archive.index.holds(Uuid::from_u128(1)).expect("answers"));
}

#[test]
fn what_was_removed_is_found_again_when_it_comes_back() {
    let archive = Archive::with(vec![document(1, "a", &["undangan"]), document(2, "b", &["undangan"])]);
    for cursor in 10..14 {
        archive.index.apply(vec![Change::Remove(Uuid::from_u128(1))], cursor).expect("applies");
        assert_eq!(archive.ids("undangan"), [2]);
        archive.put(vec![document(1, "a", &["undangan"])]);
        assert_eq!(archive.ask("undangan").total, 2);
    }
}

#[test]
fn the_last_of_several_changes_to_a_document_counts() {
    let archive = Archive::new();
    let id = Uuid::from_u128(1);
    let put = |text: &str| Change::Replace(document(1, "a", &[text]));
    archive.index.apply(vec![put("satu"), Change::Remove(id), put("dua"), put("tiga")], 4).expect("applies");
    assert_eq!((archive.ask("satu").total, archive.ask("dua").total, archive.ask("tiga").total), (0, 0, 1));
}

#[test]
fn the_cursor_is_committed_with_the_documents() {
    let archive = Archive::new();
    assert!(archive.index.is_fresh());
    assert_eq!(archive.index.cursor(), 0);
    archive.index.apply(vec![Change::Replace(document(1, "a", &["undangan"]))], -41).expect("applies");
    let archive = archive.reopened();
    assert_eq!(archive.index.cursor(), -41);
    assert!(archive.index.is_fresh(), "still being built");
    assert!(archive.index.holds(Uuid::from_u128(1)).expect("answers"));
    archive.index.apply(Vec::new(), 41).expect("applies");
    let archive = archive.reopened();
    assert_eq!((archive.index.cursor(), archive.index.is_fresh()), (41, false));
    assert_eq!(archive.ids("undangan"), [1]);
    archive.index.reset().expect("resets");
    assert_eq!((archive.index.cursor(), archive.ask("").total), (0, 0));
    archive.put(vec![document(2, "b", &["undangan"])]);
    assert_eq!(archive.ids("undangan"), [2]);
}

#[test]
fn a_large_batch_is_committed_in_parts_and_whole() {
    let dir = tempfile::TempDir::new().expect("a folder");
    let index = Index::open(dir.path(), KEY, Settings { commit_bytes: 20_000, ..settings() }).expect("opens");
    let text = "undangan rapat desa ".repeat(100);
    let batch = (1..=100).map(|id| Change::Replace(document(id, "a", &[&text]))).collect();
    index.apply(batch, 100).expect("applies");
    let answer =
        index.search(&lumbung::search::Question::of("undangan"), &village(), &HashSet::new()).expect("answers");
    assert_eq!((answer.total, index.cursor()), (100, 100));
}

#[test]
fn an_index_that_was_lost_meanwhile_is_not_gone_on_with() {
    let archive = Archive::with(vec![document(1, "a", &["undangan"])]);
    let stood = archive.index.cursor();
    archive.index.reset().expect("resets");
    let change = || vec![Change::Replace(document(2, "b", &["undangan"]))];
    let error = archive.index.go_on(stood, change(), stood + 1).expect_err("it would pass for complete");
    assert_eq!(error.slug(), "index-rebuilding");
    assert!(archive.index.is_fresh() && archive.ask("").total == 0);
    archive.index.go_on(0, change(), 5).expect("from where it stands");
    assert_eq!((archive.index.cursor(), archive.ids("undangan")), (5, vec![2]));
}

#[test]
fn an_index_in_use_is_refused_and_left_unharmed() {
    let archive = Archive::with(vec![document(1, "a", &["undangan"])]);
    let error = Index::open(archive.dir.path(), KEY, settings()).map(drop).expect_err("another has it open");
    assert_eq!(error.slug(), "index-in-use");
    archive.put(vec![document(2, "b", &["undangan"])]);
    assert_eq!(archive.ask("undangan").total, 2);
    archive.index.close();
    let index = Index::open(archive.dir.path(), KEY, settings()).expect("it was let go");
    assert!(!index.is_fresh());
}

#[test]
fn leaving_out_many_documents_is_leaving_out_each() {
    let archive = Archive::with((1..=300).map(|id| document(id, "a", &["undangan"])).collect());
    for many in [10_u128, 200] {
        let exclude: HashSet<Uuid> = (1..=many).map(Uuid::from_u128).collect();
        let question = lumbung::search::Question::of("undangan");
        let answer = archive.index.search(&question, &village(), &exclude).expect("answers");
        assert_eq!((answer.total as u128, answer.facets.office[0].1 as u128), (300 - many, 300 - many));
        assert!(answer.items.iter().all(|hit| hit.document.as_u128() > many));
    }
}
