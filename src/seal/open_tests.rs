use std::io::Read;

use futures_util::{StreamExt, stream};
use proptest::prelude::*;

use super::*;
use crate::blob::ObjectName;
use crate::seal::{RecoveryIdentity, Sealed, Sealer, digest_of};

/// Bytes that differ from place to place, so that a chunk in the wrong place is seen.
fn letter(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i / 251 + i % 253) as u8).collect()
}

fn seal(plain: &[u8], recovery: Option<&RecoveryIdentity>) -> (Vec<u8>, Sealed) {
    let recipient = recovery.map(RecoveryIdentity::recipient);
    let mut sealer = Sealer::new(recipient.as_ref()).expect("fresh key");
    let mut out = Vec::new();
    for piece in plain.chunks(10_007) {
        out.extend_from_slice(&sealer.push(piece).expect("seals"));
    }
    let (tail, sealed) = sealer.finish().expect("seals");
    out.extend_from_slice(&tail);
    (out, sealed)
}

fn age_opens(sealed: &[u8], secret_line: &str) -> Option<Vec<u8>> {
    let identity: age::x25519::Identity = secret_line.parse().expect("an identity");
    let mut plain = Vec::new();
    let decryptor = age::Decryptor::new_buffered(sealed).ok()?;
    decryptor.decrypt(std::iter::once(&identity as _)).ok()?.read_to_end(&mut plain).ok()?;
    Some(plain)
}

fn range_of(sealed: &[u8], key: &ObjectKey, range: Range<u64>) -> Result<Bytes> {
    let opener = Opener::new(key);
    let plan = opener.plan(range)?;
    let fetched = plan.sealed();
    opener.open_range(&plan, &sealed[fetched.start as usize..fetched.end as usize])
}

async fn whole(sealed: &[u8], key: &ObjectKey, piece: usize) -> Result<Vec<u8>> {
    let opener = Opener::new(key);
    let plan = opener.plan_whole();
    let from = (plan.sealed().start as usize).min(sealed.len());
    let to = (plan.sealed().end as usize).min(sealed.len());
    let pieces: Vec<_> = sealed[from..to].chunks(piece).map(Bytes::copy_from_slice).map(Ok).collect();
    let mut plain = Vec::new();
    let mut opened = std::pin::pin!(opener.open_stream(plan, stream::iter(pieces)));
    while let Some(piece) = opened.next().await {
        plain.extend_from_slice(&piece?);
    }
    Ok(plain)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

/// Sizes near the borders of chunks, where formats break.
fn size() -> impl Strategy<Value = usize> {
    let chunk = CHUNK as usize;
    prop_oneof![
        0..40usize,
        chunk - 20..chunk + 20,
        2 * chunk - 20..2 * chunk + 20,
        3 * chunk - 2..3 * chunk + 2,
        0..4 * chunk
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_sealed_opens_with_age_and_with_ours(size in size(), piece in 1usize..200_000) {
        let recovery = RecoveryIdentity::generate();
        let plain = letter(size);
        let (bytes, sealed) = seal(&plain, Some(&recovery));
        prop_assert_eq!(sealed.name, ObjectName::Object(digest_of(&bytes)));
        prop_assert_eq!(sealed.fingerprint, digest_of(&plain));
        prop_assert_eq!(sealed.sealed_size, bytes.len() as u64);
        let own = sealed.key.age_identity_line().expect("a sealed object has its own identity");
        let opened = age_opens(&bytes, own);
        prop_assert_eq!(opened.as_ref(), Some(&plain));
        let opened = age_opens(&bytes, &recovery.secret_line());
        prop_assert_eq!(opened.as_ref(), Some(&plain));
        prop_assert_eq!(&block_on(whole(&bytes, &sealed.key, piece)).expect("opens"), &plain);
    }

    #[test]
    fn any_range_gives_exactly_its_bytes_and_touches_only_its_chunks(size in size(), a: u64, b: u64) {
        let plain = letter(size);
        let (bytes, sealed) = seal(&plain, None);
        let (a, b) = (a % (size as u64 + 1), b % (size as u64 + 1));
        let (start, end) = (a.min(b), a.max(b));
        let opened = range_of(&bytes, &sealed.key, start..end).expect("within the file");
        prop_assert_eq!(&opened[..], &plain[start as usize..end as usize]);
        let fetched = Opener::new(&sealed.key).plan(start..end).expect("within").sealed();
        let touched = if start == end { 0 } else { (end - 1) / CHUNK - start / CHUNK + 1 };
        prop_assert!(fetched.end - fetched.start <= touched * SEALED_CHUNK);
    }

    #[test]
    fn one_flipped_bit_of_the_payload_is_refused(size in size(), at: prop::sample::Index, bit in 0u8..8) {
        let (mut bytes, sealed) = seal(&letter(size), None);
        let start = sealed.key.payload_start() as usize;
        let at = start + at.index(bytes.len() - start);
        bytes[at] ^= 1 << bit;
        prop_assert!(block_on(whole(&bytes, &sealed.key, 9_000)).is_err());
        let chunk = (at - start) as u64 / SEALED_CHUNK;
        let touched = chunk * CHUNK..((chunk + 1) * CHUNK).min(size as u64);
        prop_assert!(touched.is_empty() || range_of(&bytes, &sealed.key, touched).is_err());
    }

    #[test]
    fn a_flipped_bit_of_the_header_is_refused_by_recovery(at: prop::sample::Index, bit in 0u8..8) {
        let recovery = RecoveryIdentity::generate();
        let plain = letter(3000);
        let (mut bytes, sealed) = seal(&plain, Some(&recovery));
        let at = at.index(usize::from(sealed.key.header_len));
        bytes[at] ^= 1 << bit;
        prop_assert!(recovery.recover(&bytes, sealed.sealed_size).is_err());
    }

    #[test]
    fn a_cut_object_is_refused(size in size(), at: prop::sample::Index) {
        let (bytes, sealed) = seal(&letter(size), None);
        let start = sealed.key.payload_start() as usize;
        let cut = start + at.index(bytes.len() - start);
        prop_assert!(block_on(whole(&bytes[..cut], &sealed.key, 9_000)).is_err());
    }

    #[test]
    fn recovery_finds_the_same_key_from_the_first_bytes(size in size()) {
        let recovery = RecoveryIdentity::generate();
        let plain = letter(size);
        let (bytes, sealed) = seal(&plain, Some(&recovery));
        let head = &bytes[..bytes.len().min(9000)];
        let found = recovery.recover(head, sealed.sealed_size).expect("own object");
        prop_assert_eq!(found.age_identity_line(), None);
        prop_assert_eq!(&block_on(whole(&bytes, &found, 50_000)).expect("opens"), &plain);
        let own = sealed.key.age_identity_line().expect("own identity");
        prop_assert_eq!(&ObjectKey::from_identity(own, head, sealed.sealed_size).expect("own line"), &sealed.key);
    }
}

#[test]
fn chunks_that_change_places_are_refused() {
    let chunk = SEALED_CHUNK as usize;
    let (mut bytes, sealed) = seal(&letter(3 * CHUNK as usize), None);
    let start = sealed.key.payload_start() as usize;
    let first = bytes[start..start + chunk].to_vec();
    bytes.copy_within(start + chunk..start + 2 * chunk, start);
    bytes[start + chunk..start + 2 * chunk].copy_from_slice(&first);
    assert!(block_on(whole(&bytes, &sealed.key, chunk)).is_err());
    assert!(range_of(&bytes, &sealed.key, 0..10).is_err());
}

#[test]
fn another_objects_bytes_are_refused() {
    let (_, mine) = seal(&letter(1000), None);
    let (theirs, _) = seal(&letter(1000), None);
    assert!(block_on(whole(&theirs, &mine.key, 1000)).is_err());
}

#[test]
fn bytes_after_the_end_are_refused() {
    let (bytes, sealed) = seal(&letter(1000), None);
    let opener = Opener::new(&sealed.key);
    let plan = opener.plan_whole();
    let mut payload = bytes[plan.sealed().start as usize..].to_vec();
    payload.push(0);
    assert!(opener.open_range(&plan, &payload).is_err());
}

#[test]
fn a_range_outside_the_file_is_refused_before_anything_is_read() {
    let (_, sealed) = seal(&letter(1000), None);
    let opener = Opener::new(&sealed.key);
    for range in [0..1001, 1000..1001, 1001..1001, 5..u64::MAX] {
        assert_eq!(opener.plan(range.clone()).expect_err("outside").kind(), Kind::RangeNotSatisfiable, "{range:?}");
    }
    #[expect(clippy::reversed_empty_ranges, reason = "the range that a careless caller makes")]
    let reversed = 10..5;
    assert!(opener.plan(reversed).is_err());
    assert_eq!(opener.plan(1000..1000).expect("the end is within").length(), 0);
}

#[test]
fn a_small_range_across_a_border_fetches_two_chunks() {
    let size = 64 << 20;
    let (_, sealed) = seal(&vec![0; size], None);
    let border = 32 * CHUNK;
    let plan = Opener::new(&sealed.key).plan(border - 2048..border + 2048).expect("within");
    assert_eq!(plan.sealed().end - plan.sealed().start, 131_104);
}

#[test]
fn a_header_of_a_megabyte_is_refused_at_once() {
    let mut head = b"age-encryption.org/v1\n-> X25519 abc\n".to_vec();
    head.extend_from_slice(&b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n".repeat(16_000));
    let begin = std::time::Instant::now();
    assert!(RecoveryIdentity::generate().recover(&head, 1 << 30).is_err());
    assert!(begin.elapsed().as_secs() < 2);
}

#[test]
fn the_recovery_identity_of_another_regency_opens_nothing() {
    let (bytes, sealed) = seal(&letter(100), Some(&RecoveryIdentity::generate()));
    assert!(RecoveryIdentity::generate().recover(&bytes, sealed.sealed_size).is_err());
}

#[test]
fn a_recovery_identity_reads_back_from_its_file() {
    let identity = RecoveryIdentity::generate();
    let again = RecoveryIdentity::parse(&identity.identity_file()).expect("own file");
    assert_eq!(again.recipient().to_string(), identity.recipient().to_string());
    assert!(identity.recipient().to_string().parse::<crate::seal::RecoveryRecipient>().is_ok());
    for text in ["", "# only a comment", "AGE-SECRET-KEY-1", "age1xyz"] {
        assert!(RecoveryIdentity::parse(text).is_err(), "{text:?}");
        assert!(text.parse::<crate::seal::RecoveryRecipient>().is_err(), "{text:?}");
    }
}

#[test]
fn sealing_a_stream_gives_what_sealing_at_once_gives_and_refuses_what_is_too_large() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut limits = crate::seal::Limits::new(folder.path());
    limits.spool_memory = 100_000;
    let plain = letter(1_000_000);
    let pieces =
        || stream::iter(plain.chunks(30_000).map(|piece| -> Result<Bytes> { Ok(Bytes::copy_from_slice(piece)) }));
    block_on(async {
        let (sealed, body) = crate::seal::seal_stream(pieces(), &limits, None).await.expect("within the limit");
        let crate::seal::Place::File(file) = body.place() else { panic!("expected a spool file") };
        let bytes = std::fs::read(file.path()).expect("spooled");
        assert_eq!(sealed.fingerprint, digest_of(&plain));
        assert_eq!(whole(&bytes, &sealed.key, 70_000).await.expect("opens"), plain);
        drop(body);
        limits.max_plain = 999_999;
        let refusal = crate::seal::seal_stream(pieces(), &limits, None).await.expect_err("too large");
        assert_eq!(refusal.kind(), Kind::TooLarge);
    });
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0);
}
