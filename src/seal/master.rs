//! The master key: the one secret of an installation that lies in a file and never in the database.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{RecoveryIdentity, Secret32};
use crate::crash::{Point, point};
use crate::error::{Error, Kind, Result, say};
use crate::id;

const PREFIX: &str = "lumbung-master-1-";

/// Wraps the installation's other keys; losing it loses them all, unless a recovery recipient was set. While it is being
/// changed the file holds two, the newest first: everything is opened with either and made with the one in force.
#[derive(Clone, Debug)]
pub struct MasterKey {
    in_force: Secret32,
    other: Option<Secret32>,
}

impl MasterKey {
    pub fn generate() -> MasterKey {
        MasterKey { in_force: Secret32::random(), other: None }
    }

    /// Writes the key to a file that did not exist, readable by its owner alone, durable when this returns.
    pub fn write_new(&self, path: &Path) -> Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|cause| {
            refused(path, "tidak dapat ditulis sebagai berkas baru", "cannot be written as a new file").because(cause)
        })?;
        file.write_all(self.lines().as_bytes())?;
        file.sync_all()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    /// Puts this key, or these two, in the place of the file's: whoever reads it meanwhile finds the former or the
    /// new content, whole.
    pub fn replace(&self, path: &Path) -> Result<()> {
        let beside = path.with_extension("new");
        if beside.exists() {
            fs::remove_file(&beside)?;
        }
        self.write_new(&beside)?;
        point(Point::MasterWritten);
        fs::rename(&beside, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        point(Point::MasterReplaced);
        Ok(())
    }

    /// A new key beside this one, which stays in force until the database is changed over.
    pub fn with_successor(&self) -> MasterKey {
        MasterKey { in_force: Secret32::random(), other: Some(self.in_force.clone()) }
    }

    /// The key that is not in force, if the file holds one.
    pub fn other(&self) -> Option<MasterKey> {
        self.other.as_ref().map(|other| MasterKey { in_force: other.clone(), other: Some(self.in_force.clone()) })
    }

    /// This key alone.
    pub fn alone(&self) -> MasterKey {
        MasterKey { in_force: self.in_force.clone(), other: None }
    }

    /// With the key in force that a database names; `None` where none of them fits.
    pub fn fitting(self, fingerprint: &str) -> Option<MasterKey> {
        if self.fingerprint() == fingerprint {
            return Some(self);
        }
        self.other().filter(|other| other.fingerprint() == fingerprint)
    }

    /// Refuses a file that group or others can read: then it is no secret any more.
    pub fn load(path: &Path) -> Result<MasterKey> {
        let mut file =
            File::open(path).map_err(|cause| refused(path, "tidak dapat dibaca", "cannot be read").because(cause))?;
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o077 != 0 && !is_systemd_credential(path) {
            return Err(refused(
                path,
                "dapat dibaca oleh pengguna lain; jalankan chmod 600, dan ganti kunci bila ada yang mungkin telah membacanya",
                "can be read by other users; run chmod 600, and change the key if somebody may have read it",
            ));
        }
        let mut text = Zeroizing::new(String::new());
        (&mut file).take(1024).read_to_string(&mut text).map_err(|cause| malformed(path).because(cause))?;
        MasterKey::parse(&text).ok_or_else(|| malformed(path))
    }

    /// A key for one purpose (HKDF-SHA256); what is derived for one purpose tells nothing of another.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        derived(&self.in_force, purpose)
    }

    /// The keys for one purpose that may have been made under any of these keys, the one in force first.
    pub fn derive_any(&self, purpose: &str) -> Vec<Secret32> {
        let keys = std::iter::once(&self.in_force).chain(&self.other);
        keys.map(|key| Secret32::from(derived(key, purpose))).collect()
    }

    /// Opens the records in the bucket and the backups that were made under this key.
    pub fn reader(&self) -> Result<RecoveryIdentity> {
        RecoveryIdentity::from_secret(&self.derive("records reader 1"))
    }

    /// Tells whether a key fits a database, and nothing else about the key.
    pub fn fingerprint(&self) -> String {
        id::to_letters(&self.derive("fingerprint")[..10])
    }

    fn lines(&self) -> Zeroizing<String> {
        let mut lines = Zeroizing::new(String::new());
        for key in std::iter::once(&self.in_force).chain(&self.other) {
            let text = Zeroizing::new(data_encoding::BASE64URL_NOPAD.encode(key.as_bytes()));
            lines.push_str(&Zeroizing::new(format!("{PREFIX}{}\n", *text)));
        }
        lines
    }

    fn parse(text: &str) -> Option<MasterKey> {
        let mut keys = text.trim().lines().map(|line| {
            let encoded = line.trim().strip_prefix(PREFIX)?;
            let bytes = Zeroizing::new(data_encoding::BASE64URL_NOPAD.decode(encoded.as_bytes()).ok()?);
            Secret32::from_slice(&bytes).ok()
        });
        let in_force = keys.next()??;
        let other = keys.next().map_or(Some(None), |key| key.map(Some))?;
        keys.next().is_none().then_some(MasterKey { in_force, other })
    }
}

fn derived(key: &Secret32, purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(b"lumbung master key 1"), key.as_bytes())
        .expand(purpose.as_bytes(), derived.as_mut())
        .expect("32 bytes are within HKDF's limit");
    derived
}

/// systemd hands credentials to a service as files of mode 0440 or 0400 inside a folder that only the service can enter.
fn is_systemd_credential(path: &Path) -> bool {
    let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") else { return false };
    let within = path.parent().is_some_and(|parent| parent == Path::new(&folder));
    within && fs::metadata(&folder).is_ok_and(|meta| meta.permissions().mode() & 0o077 == 0)
}

fn malformed(path: &Path) -> Error {
    refused(path, "bukan kunci induk Lumbung", "is not a master key of Lumbung")
}

fn refused(path: &Path, id: &str, en: &str) -> Error {
    let path = path.display();
    Error::new(
        Kind::Invalid,
        "master-key",
        say(format!("Berkas kunci induk {path} {id}."), format!("The master key file {path} {en}.")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_key_loads_again_and_is_never_overwritten() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("master.key");
        let key = MasterKey::generate();
        key.write_new(&path).expect("new file");
        assert_eq!(MasterKey::load(&path).expect("own file").fingerprint(), key.fingerprint());
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o600);
        assert!(MasterKey::generate().write_new(&path).is_err());
        assert_eq!(MasterKey::load(&path).expect("unchanged").fingerprint(), key.fingerprint());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("master.key");
        MasterKey::generate().write_new(&path).expect("new file");
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("own file");
            let refusal = MasterKey::load(&path).expect_err("readable by others");
            assert!(refusal.detail().en.contains("chmod 600"), "{refusal}");
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("master.key");
        for text in ["", "AAAA", "lumbung-master-1-AAAA", "lumbung-master-1-?"] {
            fs::write(&path, text).expect("own folder");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("own file");
            assert!(MasterKey::load(&path).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_of_two_keys_is_taken_and_the_database_says_which_is_in_force() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("master.key");
        let former = MasterKey::generate();
        former.write_new(&path).expect("new file");
        let both = former.with_successor();
        both.replace(&path).expect("replaced");
        let loaded = MasterKey::load(&path).expect("two keys");
        assert_eq!(loaded.fingerprint(), both.fingerprint());
        let before = loaded.clone().fitting(&former.fingerprint()).expect("the second line");
        assert_eq!(before.derive("jwt"), former.derive("jwt"));
        assert_eq!(before.derive_any("jwt")[1].as_bytes(), &*both.derive("jwt"));
        assert!(loaded.clone().fitting(&MasterKey::generate().fingerprint()).is_none());
        loaded.alone().replace(&path).expect("replaced");
        assert!(MasterKey::load(&path).expect("one key").fitting(&former.fingerprint()).is_none());
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_reader_of_records_follows_from_the_key() {
        let key = MasterKey::generate();
        let reader = key.reader().expect("an identity");
        assert_eq!(reader.recipient().to_string(), key.reader().expect("an identity").recipient().to_string());
        let other = MasterKey::generate().reader().expect("an identity");
        assert_ne!(reader.recipient().to_string(), other.recipient().to_string());
    }

    #[test]
    fn keys_derived_for_two_purposes_or_from_two_masters_differ() {
        let (one, two) = (MasterKey::generate(), MasterKey::generate());
        assert_eq!(one.derive("jwt"), one.derive("jwt"));
        assert_ne!(one.derive("jwt"), one.derive("index"));
        assert_ne!(one.derive("jwt"), two.derive("jwt"));
        assert_ne!(one.fingerprint(), two.fingerprint());
    }
}
