//! What a folder can get wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use futures_util::TryStreamExt;
use lumbung::blob::{BlobStore, Fault, Listed, Memory, Prefix, Settings};
use lumbung::error::Kind;
use lumbung::seal::digest_of;

use super::{body, name_of};

#[tokio::test]
async fn anybody_can_check_a_file_by_its_name_and_only_its_owner_can_open_it() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = BlobStore::open(&Settings::folder(folder.path())).await.expect("opens");
    let body = body(5000, 1);
    store.put(&name_of(&body), &body).await.expect("stored");
    let path = folder.path().join(name_of(&body).to_string());
    let written = fs::read(&path).expect("a file under its name");
    let digest = data_encoding::HEXLOWER.encode(&digest_of(&written));
    assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(digest.as_str()));
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o077, 0);
    assert_eq!(fs::metadata(path.parent().expect("a folder")).expect("there").permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn a_write_that_a_crash_cut_off_is_no_object_and_goes_after_a_day() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = BlobStore::open(&Settings::folder(folder.path())).await.expect("opens");
    let unfinished = folder.path().join(".unfinished");
    for (name, hours) in [("old", 25), ("recent", 1)] {
        let file = fs::File::create(unfinished.join(name)).expect("own folder");
        let now = file.metadata().and_then(|meta| meta.modified()).expect("a time");
        file.set_modified(now - std::time::Duration::from_secs(hours * 3600)).expect("own file");
    }
    let listed: Vec<Listed> = store.list(Prefix::All).try_collect().await.expect("lists");
    assert_eq!(listed, []);
    BlobStore::open(&Settings::folder(folder.path())).await.expect("opens again");
    assert!(!unfinished.join("old").exists());
    assert!(unfinished.join("recent").exists());
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_listed_without_a_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = BlobStore::open(&Settings::folder(folder.path())).await.expect("opens");
    fs::write(folder.path().join("lost+found.txt"), "x").expect("own folder");
    let listed: Vec<Listed> = store.list(Prefix::All).try_collect().await.expect("lists");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name(), None);
}

#[tokio::test]
async fn a_folder_that_vanished_is_unavailable_and_not_empty() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let root = folder.path().join("mounted");
    let store = BlobStore::open(&Settings::folder(&root)).await.expect("opens");
    fs::remove_dir_all(&root).expect("own folder");
    let body = body(10, 1);
    assert_eq!(store.probe().await.expect_err("away").kind(), Kind::Unavailable);
    assert_eq!(store.put(&name_of(&body), &body).await.expect_err("away").kind(), Kind::Unavailable);
    let listed: Result<Vec<Listed>, _> = store.list(Prefix::All).try_collect().await;
    assert_eq!(listed.expect_err("away").kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_file_that_was_cut_behind_our_back_ends_in_an_error() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = BlobStore::open(&Settings::folder(folder.path())).await.expect("opens");
    let body = body(3 << 20, 1);
    store.put(&name_of(&body), &body).await.expect("stored");
    let got = store.get(&name_of(&body), None).await.expect("there");
    let path = folder.path().join(name_of(&body).to_string());
    fs::File::options().write(true).open(path).and_then(|file| file.set_len(1 << 20)).expect("own file");
    assert!(got.collect().await.is_err());
}

#[tokio::test]
async fn a_put_whose_answer_got_lost_may_be_repeated() {
    let memory = Memory::default();
    let store = BlobStore::from(memory.clone());
    let body = body(1000, 1);
    memory.misbehave(Some(Fault::LosesAnswers));
    assert_eq!(store.put(&name_of(&body), &body).await.expect_err("lost").kind(), Kind::Unavailable);
    memory.misbehave(None);
    store.put(&name_of(&body), &body).await.expect("the same bytes");
}
