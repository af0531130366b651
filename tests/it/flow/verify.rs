//! `lumbung verify` finds every damage and names it; nothing is repaired behind anybody's back.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::id;
use crate::reading::support::letter_pdf;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

struct Archive {
    program: Program,
    documents: Vec<String>,
}

impl Archive {
    async fn small() -> Archive {
        let program = Program::start(Stack::Embedded, &[]).await;
        let clerk = program.actor(Actor::Clerk);
        let mut documents = Vec::new();
        for word in ["satu", "dua"] {
            let bytes = letter_pdf(&[word, "surat undangan"]);
            documents.push(id(&clerk.upload_and_read(&format!("{word}.pdf"), bytes, json!({})).await));
        }
        documents.push(id(&clerk.upload("acak.bin", vec![7; 200_000], json!({})).await));
        Archive { program, documents }
    }

    fn store(&self) -> PathBuf {
        self.program.home.dir.join("store")
    }

    /// Names of all objects, as the report calls them.
    fn objects(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in fs::read_dir(self.store().join("o")).expect("objects").flatten() {
            for object in fs::read_dir(folder.path()).expect("a folder of objects").flatten() {
                let folder = folder.file_name().into_string().expect("a name");
                found.push(format!("o/{folder}/{}", object.file_name().into_string().expect("a name")));
            }
        }
        found.sort();
        found
    }

    fn edit(&self, object: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let path = self.store().join(object);
        let mut bytes = fs::read(&path).expect("the object");
        edit(&mut bytes);
        // A store may keep its objects read-only: a thief or a failing disk does not ask.
        fs::remove_file(&path).expect("removed");
        fs::write(&path, bytes).expect("written");
    }

    #[track_caller]
    fn verify(&self, depth: &[&str], code: i32) -> Value {
        let done = self.program.command(&[&["verify", "--json"], depth].concat());
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(done.status.code(), Some(code), "{told}{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_str(&told).expect("one JSON object on standard output")
    }
}

/// Kind and object of every problem.
fn problems(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let all = report["problems"].as_array().expect("problems").iter();
    let mut all: Vec<_> = all.map(|problem| (text(&problem["object"]), text(&problem["kind"]))).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_archive_is_told_to_be_sound_at_every_depth() {
    let archive = Archive::small().await;
    let objects = archive.objects().len();
    assert!(objects >= 3, "originals and derivations");
    for (depth, name) in [(&[][..], "names"), (&["--scrub"], "scrub"), (&["--deep"], "deep")] {
        let report = archive.verify(depth, 0);
        assert_eq!((&report["depth"], &report["problems"]), (&json!(name), &json!([])));
        assert_eq!(report["checked"], objects, "{report}");
        assert_eq!(report["bytes"].as_u64().is_some_and(|bytes| bytes > 200_000), name != "names", "{report}");
    }
    let plain = archive.program.command(&["verify", "--scrub"]);
    assert_eq!(plain.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&plain.stdout).contains("0 masalah / objects, bytes, problems"));
    assert_eq!(archive.program.command(&["verify", "--scrub", "--deep"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_bit_of_each_object_is_named() {
    let archive = Archive::small().await;
    let objects = archive.objects();
    for (n, object) in objects.iter().enumerate() {
        archive.edit(object, |bytes| {
            let at = (n * 7919 + 100) % bytes.len();
            bytes[at] ^= 1 << (n % 8);
        });
    }
    assert_eq!(archive.verify(&[], 0)["problems"], json!([]), "names and sizes are as they were");
    let expected: Vec<_> = objects.iter().map(|object| (object.clone(), "digest".to_owned())).collect();
    for depth in ["--scrub", "--deep"] {
        let report = archive.verify(&[depth], 1);
        assert_eq!(problems(&report), expected, "{depth}");
        for problem in report["problems"].as_array().expect("problems") {
            let document = problem["document"].as_str().unwrap_or_default();
            assert!(archive.documents.iter().any(|known| known == document), "{problem}");
        }
    }
    let plain = archive.program.command(&["verify", "--scrub"]);
    let told = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(objects.iter().all(|object| told.contains(&format!("{object}: digest"))), "{told}");
    assert_eq!(archive.objects(), objects, "nothing is deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_short_and_unknown_objects_are_named_without_looking_inside() {
    let archive = Archive::small().await;
    let objects = archive.objects();
    let (gone, short) = (&objects[0], &objects[1]);
    fs::remove_file(archive.store().join(gone)).expect("removed");
    archive.edit(short, |bytes| bytes.truncate(bytes.len() - 1));
    let stray = format!("o/ab/ab{}", "0".repeat(62));
    fs::create_dir_all(archive.store().join("o/ab")).expect("made");
    fs::write(archive.store().join(&stray), b"nobody's").expect("written");
    let mut expected = vec![
        (gone.clone(), "missing".to_owned()),
        (short.clone(), "size".to_owned()),
        (stray.clone(), "unknown".to_owned()),
    ];
    expected.sort();
    for depth in [&[][..], &["--scrub"], &["--deep"]] {
        assert_eq!(problems(&archive.verify(depth, 1)), expected, "{depth:?}");
    }
    assert!(archive.store().join(&stray).exists(), "what is unknown stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_opens_to_other_bytes_is_found_by_looking_inside() {
    let archive = Archive::small().await;
    let database = archive.program.home.dir.join("lumbung.db");
    let url = format!("sqlite:{}", database.display());
    let ten = std::time::Duration::from_secs(10);
    let settings = lumbung::db::Settings { url, max_connections: 1, acquire: ten, answer: ten };
    let db =
        lumbung::db::Db::connect(&settings, &lumbung::clock::Clock::default()).await.expect("the database answers");
    let sql = "UPDATE blob SET fingerprint = dedupe WHERE plain_size = 200000";
    assert_eq!(db.execute(sql, vec![]).await.expect("changed"), 1);
    db.close().await;
    assert_eq!(archive.verify(&["--scrub"], 0)["problems"], json!([]), "the sealed bytes are as they were");
    let report = archive.verify(&["--deep"], 1);
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&report["problems"][0]["kind"], &report["problems"][0]["document"]),
        (&json!("content"), &json!(archive.documents[2]))
    );
}

/// Its bytes are right, so that no copy of them helps; whoever runs the command is told what does.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_whose_key_is_damaged_is_found_by_looking_inside_and_told_to_be_made_again() {
    let archive = Archive::small().await;
    let db = archive.program.home.open_database().await;
    let sql = "UPDATE derivation SET wrapped = $2 WHERE kind = 'text' AND version IN \
               (SELECT version FROM document WHERE id = $1)";
    let harmed: lumbung::id::DocumentId = archive.documents[0].parse().expect("an id");
    assert_eq!(db.execute(sql, vec![harmed.into(), vec![7_u8; 60].into()]).await.expect("changed"), 1);
    db.close().await;
    assert_eq!(archive.verify(&["--scrub"], 0)["problems"], json!([]), "the sealed bytes are as they were");
    let report = archive.verify(&["--deep"], 1);
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(1), "{report}");
    let problem = &report["problems"][0];
    assert_eq!((&problem["kind"], &problem["document"]), (&json!("content"), &json!(archive.documents[0])));
    assert_eq!(problem["derived"], true);
    let plain = archive.program.command(&["verify", "--deep"]);
    let said = String::from_utf8_lossy(&plain.stderr).into_owned();
    assert!(said.contains("bring the same file in as a new version"), "{said}");
}

/// A bad place of a disk: one file does not give its bytes back, whoever asks.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_the_disk_does_not_give_back_is_named_and_keeps_no_other_from_being_looked_at() {
    let archive = Archive::small().await;
    let objects = archive.objects();
    let (bad, damaged) = (&objects[0], &objects[1]);
    archive.edit(damaged, |bytes| bytes[100] ^= 1);
    for depth in ["--scrub", "--deep"] {
        let path = archive.store().join(bad).display().to_string();
        let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", &path, "-e", "inject=read,pread64:error=EIO"];
        let done = archive.program.home.command_under(&strace.map(str::to_owned), &[], &["verify", "--json", depth]);
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(done.status.code(), Some(1), "{told}{}", String::from_utf8_lossy(&done.stderr));
        let report: Value = serde_json::from_str(&told).expect("one JSON object");
        let mut expected = vec![(bad.clone(), "digest".to_owned()), (damaged.clone(), "digest".to_owned())];
        expected.sort();
        assert_eq!(problems(&report), expected, "{depth}");
    }
}
