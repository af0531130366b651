//! Sealing: whatever leaves for the object store or the disk leaves as an age file that only its key's holder can open.
//!
//! A file is sealed once, while it streams ([`Sealer`], [`seal_stream`]), under an identity of its own; the [`ObjectKey`]
//! that comes out opens the whole or any range of it ([`Opener`]) and is kept wrapped ([`wrap`]) under keys that the
//! [`MasterKey`] protects. Passwords and tokens are here too, so that all cryptography is read in one room.

mod body;
mod header;
mod key;
mod master;
mod open;
pub mod password;
mod payload;
mod recovery;
mod sealer;
mod secret;
mod share;
mod spool;
mod stanza;
mod stream;
pub mod token;

pub use body::{Place, SealedBody};
pub use header::copy_for;
pub use key::ObjectKey;
pub use master::MasterKey;
pub use open::{Opener, Plan};
pub use recovery::{InForce, RecoveryIdentity, RecoveryRecipient};
pub use sealer::{Digest, Sealed, Sealer, digest_of};
pub use secret::{Secret32, unwrap, unwrap_any, wrap};
pub use share::limit_memory;
pub use spool::{Spool, clear_spool};
pub use stream::{Limits, seal_bytes, seal_stream, seal_stream_by};

/// An age payload is cut into chunks of this many plaintext bytes, each sealed with a tag of its own.
const CHUNK: u64 = 64 * 1024;
const TAG: u64 = 16;
const SEALED_CHUNK: u64 = CHUNK + TAG;
/// The nonce between an age header and its payload.
const NONCE: usize = 16;
/// The header parser takes quadratic time; ours are below 1 KiB.
const HEADER_CAP: usize = 8 * 1024;
/// So many bytes of an object are enough to find its key in.
pub const HEAD: u64 = (HEADER_CAP + NONCE) as u64;

/// How many chunks a payload has: an empty file has one, empty.
fn chunks(plain_size: u64) -> u64 {
    plain_size.div_ceil(CHUNK).max(1)
}
