//! Without Lumbung: the bucket, a key and the stock `age` program are enough.

use std::fs;
use std::path::Path;
use std::process::Command;

use lumbung::blob::BlobStore;
use lumbung::seal::{ObjectKey, RecoveryIdentity, seal_bytes};

use super::bytes;
use crate::support::tools;

#[tokio::test]
async fn the_stock_age_program_opens_an_object_with_its_own_key_and_with_the_recovery_key() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let recovery = RecoveryIdentity::generate();
    let store = BlobStore::memory();
    for size in [1, 30_000, 65_536, 200_000] {
        let plain = bytes(size, 5);
        let (sealed, body) = seal_bytes(&plain, Some(&recovery.recipient())).expect("seals");
        store.put(&sealed.name, &body).await.expect("stored");
        let kept = ObjectKey::from_bytes(&sealed.key.to_bytes()).expect("own bytes");
        let object = store.get(&sealed.name, None).await.expect("there").collect().await.expect("whole");
        fs::write(folder.path().join("object.age"), object).expect("own folder");
        let own = kept.age_identity_line().expect("an identity of its own").to_owned();
        for key in [own, recovery.identity_file().to_string()] {
            assert_eq!(age_opens(folder.path(), &key).expect("opens"), plain);
        }
        let stranger = RecoveryIdentity::generate();
        assert!(age_opens(folder.path(), &stranger.identity_file()).is_none());
    }
}

#[test]
fn a_recipient_of_the_stock_age_keygen_is_taken_and_its_identity_recovers() {
    let made = Command::new(tools::program("age-keygen")).output().expect("age-keygen runs");
    let identity = RecoveryIdentity::parse(&String::from_utf8(made.stdout).expect("text")).expect("an identity file");
    let recipient = identity.recipient().to_string().parse().expect("a recipient");
    let (sealed, body) = seal_bytes(b"surat", Some(&recipient)).expect("seals");
    let lumbung::seal::Place::Memory(object) = body.place() else { panic!("small bytes stay in memory") };
    let key = identity.recover(object, sealed.sealed_size).expect("own object");
    assert_eq!(key.plain_size(), 5);
}

fn age_opens(folder: &Path, key: &str) -> Option<Vec<u8>> {
    fs::write(folder.join("key.txt"), format!("{key}\n")).expect("own folder");
    let mut age = Command::new(tools::program("age"));
    age.current_dir(folder).args(["--decrypt", "--identity", "key.txt", "object.age"]);
    let done = age.output().expect("age runs");
    done.status.success().then_some(done.stdout)
}
