//! The regency's recovery key: an age identity kept off this machine, whose recipient stands in every object's header.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use age::secrecy::ExposeSecret;
use age_core::format::{FileKey, Stanza};
use age_core::primitives::bech32_encode;
use zeroize::Zeroizing;

use super::stanza::Recipient;
use super::{HEADER_CAP, NONCE, ObjectKey, Sealer, chunks};
use crate::error::{Error, Kind, Result, say};

/// The public half, `age1…`: objects are sealed to it too.
#[derive(Clone)]
pub struct RecoveryRecipient {
    pub(super) recipient: Recipient,
    text: String,
    generation: i64,
}

/// The recipient that new objects are sealed to. Every clone sees a change at once.
#[derive(Clone, Debug, Default)]
pub struct InForce(Arc<RwLock<Option<Arc<RecoveryRecipient>>>>);

impl InForce {
    pub fn new(recipient: Option<RecoveryRecipient>) -> InForce {
        InForce(Arc::new(RwLock::new(recipient.map(Arc::new))))
    }

    pub fn now(&self) -> Option<Arc<RecoveryRecipient>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn change(&self, recipient: Option<RecoveryRecipient>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = recipient.map(Arc::new);
    }
}

impl RecoveryRecipient {
    fn of(recipient: &age::x25519::Recipient) -> Result<RecoveryRecipient> {
        Ok(RecoveryRecipient { recipient: Recipient::of(recipient)?, text: recipient.to_string(), generation: 1 })
    }

    /// The how-manieth of the installation this is; rows of objects remember it.
    pub fn generation(&self) -> i64 {
        self.generation
    }

    pub fn of_generation(self, generation: i64) -> RecoveryRecipient {
        RecoveryRecipient { generation, ..self }
    }
}

/// The secret half, `AGE-SECRET-KEY-1…`: opens every object that names its recipient.
pub struct RecoveryIdentity(age::x25519::Identity);

impl RecoveryIdentity {
    pub fn generate() -> RecoveryIdentity {
        RecoveryIdentity(age::x25519::Identity::generate())
    }

    /// The identity of these secret bytes: for what opens with a key that is derived instead of kept.
    pub(super) fn from_secret(bytes: &[u8; 32]) -> Result<RecoveryIdentity> {
        let prefix = bech32::Hrp::parse("age-secret-key-").map_err(Error::internal)?;
        let line = Zeroizing::new(bech32_encode(prefix, bytes).to_uppercase());
        line.parse().map(RecoveryIdentity).map_err(Error::internal)
    }

    /// Seals under this identity instead of one of the file's own.
    pub fn sealer(&self, recovery: Option<&RecoveryRecipient>) -> Result<Sealer> {
        Sealer::under(&self.0, recovery)
    }

    pub fn recipient(&self) -> RecoveryRecipient {
        RecoveryRecipient::of(&self.0.to_public()).expect("age writes recipients that are recipients")
    }

    /// The line to write down; whoever has it reads the whole archive.
    pub fn secret_line(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string().expose_secret().to_owned())
    }

    /// The text of an age identity file: comments and one secret line.
    pub fn identity_file(&self) -> Zeroizing<String> {
        let secret = self.secret_line();
        Zeroizing::new(format!("# public key: {}\n{}\n", self.recipient(), *secret))
    }

    /// Takes an age identity file: the first line that is neither empty nor a comment.
    pub fn parse(text: &str) -> Result<RecoveryIdentity> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        line.and_then(|line| line.parse().ok()).map(RecoveryIdentity).ok_or_else(|| {
            let expected = say(
                "Kunci pemulihan tidak dikenali; diharapkan baris AGE-SECRET-KEY-1….",
                "The recovery key is not readable; expected a line AGE-SECRET-KEY-1….",
            );
            Error::new(Kind::Invalid, "recovery-identity", expected)
        })
    }

    /// Finds an object's key from its first bytes (8 KiB suffice; fewer where the object is smaller) and its size.
    pub fn recover(&self, head: &[u8], sealed_size: u64) -> Result<ObjectKey> {
        recover(&self.0, String::new(), head, sealed_size)
    }
}

impl ObjectKey {
    /// The key of an object from its own identity line, its first bytes and its size.
    pub fn from_identity(line: &str, head: &[u8], sealed_size: u64) -> Result<ObjectKey> {
        let identity = line.trim().parse().map_err(Error::internal)?;
        recover(&identity, line.trim().to_owned(), head, sealed_size)
    }
}

fn recover(identity: &age::x25519::Identity, line: String, head: &[u8], sealed_size: u64) -> Result<ObjectKey> {
    let capped = &head[..head.len().min(HEADER_CAP + NONCE)];
    let mut rest = capped;
    let decryptor = age::Decryptor::new_buffered(&mut rest).map_err(unopened)?;
    let capture = Capture { identity, file_key: RefCell::default() };
    decryptor.decrypt(std::iter::once(&capture as _)).map_err(unopened)?;
    let consumed = capped.len() - rest.len();
    let header_len = consumed - NONCE;
    let file_key = capture.file_key.into_inner().ok_or_else(|| Error::internal("age opened a header without a key"))?;
    let key = ObjectKey {
        identity: line,
        file_key: *file_key,
        nonce: capped[header_len..consumed].try_into().expect("a slice of its length"),
        header_len: u16::try_from(header_len).map_err(Error::internal)?,
        plain_size: plain_size(sealed_size, consumed as u64).ok_or_else(cut)?,
        sealed_size,
    };
    if key.is_consistent() { Ok(key) } else { Err(cut()) }
}

fn plain_size(sealed_size: u64, payload_start: u64) -> Option<u64> {
    let payload = sealed_size.checked_sub(payload_start)?;
    let chunks = payload.div_ceil(super::SEALED_CHUNK);
    let plain = payload.checked_sub(chunks * super::TAG)?;
    (self::chunks(plain) == chunks).then_some(plain)
}

fn cut() -> Error {
    Error::internal("a sealed object has a size that no age file has: it was cut")
}

fn unopened(cause: age::DecryptError) -> Error {
    let detail = say(
        "Objek ini tidak terbuka dengan kunci yang diberikan, atau kepala berkasnya rusak.",
        "The object does not open with the given key, or its header is damaged.",
    );
    Error::new(Kind::Invalid, "not-opened", detail).because(cause)
}

/// Lets age do the unwrapping and the check of the header's MAC, and keeps the file key that it found.
struct Capture<'a> {
    identity: &'a age::x25519::Identity,
    file_key: RefCell<Option<Zeroizing<[u8; 16]>>>,
}

impl age::Identity for Capture<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let found = self.identity.unwrap_stanza(stanza)?;
        if let Ok(key) = &found {
            self.file_key.replace(Some(Zeroizing::new(*key.expose_secret())));
        }
        Some(found)
    }
}

impl FromStr for RecoveryRecipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<RecoveryRecipient> {
        let recipient: age::x25519::Recipient = text.trim().parse().map_err(|_| {
            let expected = say(
                "Penerima pemulihan tidak dikenali; diharapkan age1… seperti dicetak oleh age-keygen.",
                "The recovery recipient is not readable; expected age1… as printed by age-keygen.",
            );
            Error::new(Kind::Invalid, "recovery-recipient", expected)
        })?;
        RecoveryRecipient::of(&recipient)
    }
}

impl fmt::Display for RecoveryRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RecoveryRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryRecipient({})", self.text)
    }
}

impl fmt::Debug for RecoveryIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryIdentity(…)")
    }
}
