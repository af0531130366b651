//! The stanza that wraps a file key for one recipient (age specification, "The X25519 recipient type"). The `age` crate writes the
//! same one, on a curve that takes twice as long as AWS-LC's; sealing a letter is mostly this.

use std::collections::HashSet;

use age::{EncryptError, secrecy::ExposeSecret};
use age_core::format::{FileKey, Stanza};
use age_core::primitives::{aead_encrypt, hkdf};
use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use bech32::primitives::decode::CheckedHrpstring;

use crate::error::{Error, Result};

const TAG: &str = "X25519";
const LABEL: &[u8] = b"age-encryption.org/v1/X25519";

/// Whom a file is sealed to.
#[derive(Clone)]
pub(super) struct Recipient([u8; 32]);

impl Recipient {
    /// From one that age has parsed or made.
    pub fn of(recipient: &age::x25519::Recipient) -> Result<Recipient> {
        let text = recipient.to_string();
        let decoded = CheckedHrpstring::new::<bech32::Bech32>(&text).map_err(Error::internal)?;
        let bytes: Vec<u8> = decoded.byte_iter().collect();
        bytes.try_into().map(Recipient).map_err(|_| Error::internal("an age recipient of another length"))
    }

    fn wrap(&self, file_key: &FileKey) -> Result<Stanza, Unspecified> {
        let ephemeral = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new())?;
        let share = ephemeral.compute_public_key()?;
        let mut salt = [0; 64];
        salt[..32].copy_from_slice(share.as_ref());
        salt[32..].copy_from_slice(&self.0);
        // A secret of zeros, as a recipient of low order would give, is refused in there.
        let wrapping_key =
            agree_ephemeral(ephemeral, UnparsedPublicKey::new(&X25519, self.0), Unspecified, |secret| {
                Ok(hkdf(&salt, LABEL, secret))
            })?;
        Ok(Stanza {
            tag: TAG.to_owned(),
            args: vec![data_encoding::BASE64_NOPAD.encode(share.as_ref())],
            body: aead_encrypt(&wrapping_key, file_key.expose_secret()),
        })
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let stanza = self.wrap(file_key).map_err(|cause| EncryptError::Io(std::io::Error::other(cause)))?;
        Ok((vec![stanza], HashSet::new()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn age_opens_what_is_wrapped_here() {
        let (identity, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
        let recipient = Recipient::of(&identity.to_public()).unwrap();
        let sealed = {
            let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as _)).unwrap();
            let mut sealed = Vec::new();
            let mut writer = encryptor.wrap_output(&mut sealed).unwrap();
            std::io::Write::write_all(&mut writer, b"surat").unwrap();
            writer.finish().unwrap();
            sealed
        };
        let opened = |identity: &age::x25519::Identity| {
            let mut plain = Vec::new();
            let decryptor = age::Decryptor::new_buffered(&sealed[..]).unwrap();
            decryptor.decrypt(std::iter::once(identity as _)).ok()?.read_to_end(&mut plain).ok()?;
            Some(plain)
        };
        assert_eq!(opened(&identity).as_deref(), Some(&b"surat"[..]));
        assert_eq!(opened(&other), None);
    }

    #[test]
    fn a_recipient_of_low_order_is_refused() {
        let file_key = FileKey::new(Box::new([7; 16]));
        for low in [[0; 32], std::array::from_fn(|at| u8::from(at == 0))] {
            assert!(Recipient(low).wrap(&file_key).is_err());
        }
    }
}
