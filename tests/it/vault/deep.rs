//! Looking inside of what is derived: a text whose key is damaged or lost is named although its sealed bytes are right, and
//! nothing that a mirror holds mends it.

use lumbung::blob::{BlobStore, Memory, Prefix};
use lumbung::db::Value;
use lumbung::id::DocumentId;
use lumbung::vault::{Depth, Fault, Place, Problem};

use super::rig::Rig;
use crate::support::regency::Stack;

/// Two documents, each with a text, and a mirror that has everything.
async fn mirrored(stack: Stack, folder: &str) -> (Rig, Memory, [DocumentId; 2]) {
    let memory = Memory::default();
    let mirror = [("storage.mirror.kind", "folder"), ("storage.mirror.folder", folder)];
    let rig = Rig::on(stack, BlobStore::from(memory.clone()), &mirror).await;
    let mut documents = Vec::new();
    for n in 0..2_u8 {
        let document = rig.upload(rig.offices[0], vec![n; 3000]).await.expect("uploaded");
        rig.derive(document).await.expect("derived");
        documents.push(document);
    }
    assert_eq!(rig.vault.follow_mirror().await.expect("copied"), 4);
    (rig, memory, documents.try_into().expect("two"))
}

/// Object and wrapped key of a document's text.
async fn text_of(rig: &Rig, document: DocumentId) -> (String, Vec<u8>) {
    let sql = "SELECT x.object, x.wrapped FROM derivation x JOIN version v ON v.id = x.version WHERE v.document = $1";
    rig.db.one(sql, vec![document.into()]).await.expect("asked").expect("its text")
}

async fn wrap_otherwise(rig: &Rig, object: &str, wrapped: Vec<u8>) {
    let values: Vec<Value> = vec![object.into(), wrapped.into()];
    let changed = rig.db.execute("UPDATE derivation SET wrapped = $2 WHERE object = $1", values).await;
    assert_eq!(changed.expect("changed"), 1);
}

async fn problems(rig: &Rig, depth: Depth) -> Vec<Problem> {
    rig.vault.verify(depth).await.expect("verified").problems
}

async fn keys_of_texts(stack: Stack) {
    let folder = tempfile::tempdir().expect("a folder");
    let (rig, memory, [harmed, other]) = mirrored(stack, &folder.path().join("second").display().to_string()).await;
    let before = memory.fetched().0;
    assert!(problems(&rig, Depth::Deep).await.is_empty());
    assert_eq!(memory.fetched().0 - before, 4, "each object is read once");
    let (objects, aside) = (rig.paths(Prefix::Objects).await, rig.paths(Prefix::Quarantine).await);

    let (object, right) = text_of(&rig, harmed).await;
    let mut flipped = right.clone();
    flipped[20] ^= 1;
    for wrong in [flipped, text_of(&rig, other).await.1, Vec::new()] {
        wrap_otherwise(&rig, &object, wrong).await;
        assert!(problems(&rig, Depth::Scrub).await.is_empty(), "the sealed bytes are as they were");
        let mut report = rig.vault.verify(Depth::Deep).await.expect("verified");
        let places: Vec<Place> = report.problems.iter().map(|problem| problem.place).collect();
        assert_eq!(places, [Place::Store, Place::Mirror], "{report:?}");
        for problem in &report.problems {
            assert_eq!((&problem.object, problem.kind, problem.document), (&object, Fault::Content, Some(harmed)));
            assert!(problem.derived, "{problem:?}");
        }
        rig.vault.repair(&mut report).await.expect("tried");
        assert!(
            !report.is_sound() && report.problems.iter().all(|problem| problem.mended == Some(false)),
            "{report:?}"
        );
    }
    assert_eq!((rig.paths(Prefix::Objects).await, rig.paths(Prefix::Quarantine).await), (objects, aside));
    wrap_otherwise(&rig, &object, right).await;
    assert!(problems(&rig, Depth::Deep).await.is_empty(), "a key that is back opens it");
}

async fn key_of_a_version(stack: Stack) {
    let folder = tempfile::tempdir().expect("a folder");
    let (rig, _, [harmed, _]) = mirrored(stack, &folder.path().join("second").display().to_string()).await;
    let lost = "DELETE FROM blob_key WHERE blob IN (SELECT v.blob FROM version v WHERE v.document = $1)";
    assert_eq!(rig.db.execute(lost, vec![harmed.into()]).await.expect("deleted"), 1);
    let text = text_of(&rig, harmed).await.0;
    let found = problems(&rig, Depth::Deep).await;
    let of_store: Vec<&Problem> = found.iter().filter(|problem| problem.place == Place::Store).collect();
    assert_eq!(of_store.len(), 2, "the original and its text: {found:?}");
    for problem in of_store {
        assert_eq!((problem.kind, problem.document), (Fault::Content, Some(harmed)));
        assert_eq!(problem.derived, problem.object == text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_whose_key_is_damaged_is_named_and_no_mirror_mends_it_embedded() {
    keys_of_texts(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_whose_key_is_damaged_is_named_and_no_mirror_mends_it_networked() {
    keys_of_texts(Stack::Networked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_key_of_a_version_is_lost_it_is_named_with_what_was_made_of_it_embedded() {
    key_of_a_version(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_key_of_a_version_is_lost_it_is_named_with_what_was_made_of_it_networked() {
    key_of_a_version(Stack::Networked).await;
}
