use std::{
    fs,
    path::{Path, PathBuf},
};

use lumbung::search::{Change, Index, Settings};

use super::{Archive, KEY, document, settings};

const CANARY: &str = "kanariswaradwipa";

#[test]
fn no_word_is_in_any_file_of_the_folder() {
    let archive = Archive::with(vec![document(1, &format!("judul {CANARY}"), &[CANARY])]);
    archive.index.apply(Vec::new(), 77_031).expect("applies");
    let mut looked_at = 0;
    for path in files(archive.dir.path()) {
        let bytes = fs::read(&path).expect("readable");
        for word in [CANARY, "kana", "judul", "77031", "schema"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} in {}", path.display());
        }
        looked_at += 1;
    }
    assert!(looked_at > 5);
    assert_eq!(archive.ids(CANARY), [1]);
}

#[test]
fn a_flipped_bit_anywhere_is_found_out_at_opening() {
    for path in files(Archive::with(sample()).dir.path()) {
        let name = path.file_name().expect("a name").to_owned();
        for place in [0, 3, 7] {
            let archive = Archive::with(sample());
            let Some(path) = twin(archive.dir.path(), &name) else { continue };
            damage(archive, &path, |bytes| {
                let at = bytes.len() * place / 8;
                bytes[at] ^= 1;
            });
        }
    }
}

#[test]
fn a_file_that_was_cut_or_changed_places_is_found_out() {
    for path in files(Archive::with(sample()).dir.path()) {
        let name = path.file_name().expect("a name").to_owned();
        for left in [0, 20, 41] {
            let archive = Archive::with(sample());
            let Some(path) = twin(archive.dir.path(), &name) else { continue };
            damage(archive, &path, |bytes| bytes.truncate(bytes.len() * left / 64));
        }
    }
    let archive = Archive::with(sample());
    let meta = fs::read(archive.dir.path().join("meta.json")).expect("readable");
    let managed = archive.dir.path().join(".managed.json");
    damage(archive, &managed, |bytes| *bytes = meta);
}

#[test]
fn another_key_or_a_lost_file_gives_an_empty_index() {
    let archive = Archive::with(sample());
    let path = archive.dir.path().to_owned();
    let kept = archive.dir;
    drop(archive.index);
    let index = Index::open(&path, [8; 32], settings()).expect("opens empty");
    assert!(index.is_fresh());
    drop((index, kept));
    let archive = Archive::with(sample());
    let segment = files(archive.dir.path()).into_iter().find(|path| path.extension().is_some_and(|ext| ext == "store"));
    let Archive { index, dir } = archive;
    drop(index);
    fs::remove_file(segment.expect("a segment has a store")).expect("removes");
    let index = Index::open(dir.path(), KEY, settings()).expect("opens empty");
    assert!(index.is_fresh());
}

#[test]
fn a_commit_that_was_cut_is_done_again_where_it_had_marked_what_it_takes_away() {
    let before = Archive::with(sample());
    // Opened as the one that dies in the commit was, so that both count on from the same number.
    let marked = Archive::with(sample()).reopened();
    let change = || vec![Change::Replace(document(1, "judul baru", &["kalimat pengganti"]))];
    let marks = |archive: &Archive| -> Vec<PathBuf> {
        files(archive.dir.path()).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "del")).collect()
    };
    marked.index.apply(change(), 2).expect("applies");
    let number = marks(&marked)[0].file_name().and_then(|name| name.to_str()).expect("a name")[32..].to_owned();
    let Archive { index, dir } = before;
    drop(index);
    let segment = files(dir.path()).into_iter().find(|path| path.extension().is_some_and(|ext| ext == "store"));
    let stem = segment.expect("a segment").file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
    // Half written, as whoever died in the midst of it leaves it.
    fs::write(dir.path().join(format!("{stem}{number}")), b"lumbidx1").expect("writes");
    let index = Index::open(dir.path(), KEY, settings()).expect("opens");
    assert!(!index.is_fresh(), "nothing is lost by it");
    index.apply(change(), 2).expect("the same commit is whole this time");
    let again = Archive { index, dir };
    assert_eq!(again.ids("pengganti"), [1]);
    assert_eq!(again.index.cursor(), 2);
}

#[test]
fn what_a_cut_commit_left_half_written_is_no_damage() {
    let archive = Archive::with(sample());
    for name in ["0123456789abcdef0123456789abcdef.store", "0123456789abcdef0123456789abcdef.idx", "meta.json.new"] {
        fs::write(archive.dir.path().join(name), "lumbidx1").expect("writes");
    }
    let archive = archive.reopened();
    assert_eq!((archive.index.is_fresh(), archive.ask("undangan").total), (false, 40));
}

#[test]
fn damage_under_a_running_index_empties_it_and_says_so() {
    let dir = tempfile::TempDir::new().expect("a folder");
    let small = Settings { cache_bytes: 0, ..settings() };
    let index = Index::open(dir.path(), KEY, small).expect("opens");
    let archive = Archive { index, dir };
    archive.put(sample());
    for path in files(archive.dir.path()) {
        let mut bytes = fs::read(&path).expect("readable");
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(&path, bytes).expect("writes in place");
    }
    let scope = super::village();
    let error = archive
        .index
        .search(&lumbung::search::Question::of("undangan"), &scope, &Default::default())
        .expect_err("the damage is noticed");
    assert_eq!(error.slug(), "index-rebuilding");
    assert!(archive.index.is_fresh());
    archive.put(sample());
    assert_eq!(archive.ask("undangan").total, 40);
}

#[test]
fn files_of_others_in_the_folder_are_left_alone() {
    let archive = Archive::with(sample());
    let note = archive.dir.path().join("catatan.txt");
    fs::write(&note, "milik operator").expect("writes");
    archive.index.reset().expect("resets");
    assert_eq!(fs::read_to_string(note).expect("still there"), "milik operator");
}

fn sample() -> Vec<lumbung::search::IndexedDocument> {
    let text = "undangan rapat ".repeat(40);
    (1..=40).map(|id| document(id, "Surat", &[&text])).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("the folder").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_none_or(|ext| ext != "lock")).collect()
}

/// Segments have random names: the file of the same kind in another folder.
fn twin(dir: &Path, name: &std::ffi::OsStr) -> Option<PathBuf> {
    let kind = Path::new(name).extension();
    files(dir).into_iter().find(|path| {
        path.extension() == kind && (kind.is_some_and(|kind| kind != "json") || path.file_name() == Some(name))
    })
}

/// Changes a file while the index is closed; it has to come up empty, say so, and work.
fn damage(archive: Archive, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let Archive { index, dir } = archive;
    drop(index);
    let mut bytes = fs::read(path).expect("readable");
    change(&mut bytes);
    fs::write(path, bytes).expect("writes");
    let index = Index::open(dir.path(), KEY, settings()).expect("opens all the same");
    assert!(index.is_fresh(), "{} passed unseen", path.display());
    let archive = Archive { index, dir };
    assert_eq!(archive.ask("undangan").total, 0);
    archive.put(sample());
    assert_eq!(archive.ask("undangan").total, 40);
}
