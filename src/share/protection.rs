//! What guards a link, enumerated and with a checksum over the very terms, in one column. A link is opened only when
//! every guard in that list is one that this program knows and the terms in the row are the ones that were written: a
//! password that was lost from its column, or a guard that a newer program added, refuses the whole link instead of
//! leaving it without that guard.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::terms::{AudienceKind, Rights};

/// The terms that never change after creation.
pub(super) struct Guarded<'a> {
    pub link: Uuid,
    pub secret_hash: &'a [u8],
    pub version: Uuid,
    pub audience: AudienceKind,
    pub rights: Rights,
    pub password: Option<&'a str>,
    pub opens_from: Option<i64>,
    /// Offices or addresses, as written.
    pub members: Vec<String>,
}

impl Guarded<'_> {
    /// `v1 secret,offices,password,watermark sha256hex`
    pub(super) fn written(&self) -> String {
        format!("v1 {} {}", self.guards().join(","), self.checksum())
    }

    /// Whether the list and the terms belong together. Anything else (unknown, damaged, empty) does not.
    pub(super) fn is_whole(&self, written: &str) -> bool {
        // An audience without members would guard nothing.
        let has_members = self.audience == AudienceKind::Anyone || !self.members.is_empty();
        has_members && written == self.written()
    }

    fn guards(&self) -> Vec<&'static str> {
        let mut guards = vec!["secret"];
        match self.audience {
            AudienceKind::Anyone => {}
            AudienceKind::Offices => guards.push("offices"),
            AudienceKind::Email => guards.push("email"),
        }
        if self.password.is_some() {
            guards.push("password");
        }
        if self.opens_from.is_some() {
            guards.push("opens-from");
        }
        if self.rights == Rights::View {
            guards.push("watermark");
        }
        guards
    }

    fn checksum(&self) -> String {
        let mut members = self.members.clone();
        members.sort();
        let mut hash = Sha256::new_with_prefix("lumbung link terms 1");
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(self.link.as_bytes());
        part(self.secret_hash);
        part(self.version.as_bytes());
        part(self.audience.as_str().as_bytes());
        part(self.rights.as_str().as_bytes());
        part(self.password.map_or(b"-".as_slice(), str::as_bytes));
        part(&self.opens_from.unwrap_or(i64::MIN).to_be_bytes());
        for member in members {
            part(member.as_bytes());
        }
        data_encoding::HEXLOWER.encode(&hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(password: Option<&str>) -> Guarded<'_> {
        Guarded {
            link: Uuid::from_u128(1),
            secret_hash: b"hash",
            version: Uuid::from_u128(2),
            audience: AudienceKind::Offices,
            rights: Rights::View,
            password,
            opens_from: None,
            members: vec!["a".into(), "b".into()],
        }
    }

    #[test]
    fn terms_as_written_are_whole_in_any_order_of_members() {
        let written = guarded(Some("p")).written();
        assert!(written.starts_with("v1 secret,offices,password,watermark "));
        let mut turned = guarded(Some("p"));
        turned.members.reverse();
        assert!(turned.is_whole(&written));
    }

    #[test]
    fn any_lost_or_changed_guard_breaks_the_whole() {
        let written = guarded(Some("p")).written();
        assert!(!guarded(None).is_whole(&written), "the password's column was emptied");
        assert!(!guarded(Some("q")).is_whole(&written), "the password was exchanged");
        assert!(!Guarded { rights: Rights::Download, ..guarded(Some("p")) }.is_whole(&written));
        assert!(!Guarded { audience: AudienceKind::Anyone, ..guarded(Some("p")) }.is_whole(&written));
        assert!(!Guarded { members: vec!["a".into()], ..guarded(Some("p")) }.is_whole(&written));
        assert!(!Guarded { version: Uuid::from_u128(3), ..guarded(Some("p")) }.is_whole(&written));
        assert!(!Guarded { opens_from: Some(1), ..guarded(Some("p")) }.is_whole(&written));
    }

    #[test]
    fn an_unknown_guard_or_version_is_not_whole() {
        let written = guarded(None).written();
        for damaged in ["", "v1", &written.replace("v1", "v2"), &written.replace("secret", "secret,device"), "{}"] {
            assert!(!guarded(None).is_whole(damaged), "{damaged}");
        }
    }
}
