//! The rolling verification looks at everything in time, within its budget, goes on where it was, and tells damage once.

use std::collections::BTreeSet;
use std::time::Duration;

use lumbung::blob::{BlobStore, Memory, ObjectName, Prefix};
use lumbung::vault::{Depth, Fault};

use super::rig::Rig;
use crate::support::regency::Stack;

const DAY: Duration = Duration::from_secs(86_400);

async fn rig(settings: &[(&str, &str)], documents: u8) -> (Rig, Memory) {
    let memory = Memory::default();
    let rig = Rig::on(Stack::Embedded, BlobStore::from(memory.clone()), settings).await;
    for n in 0..documents {
        let id = rig.upload(rig.offices[usize::from(n % 2)], vec![n; 3000]).await.expect("uploaded");
        rig.derive(id).await.expect("derived");
    }
    (rig, memory)
}

async fn names(rig: &Rig) -> Vec<ObjectName> {
    rig.paths(Prefix::Objects).await.iter().map(|path| path.parse().expect("a name")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_is_looked_at_within_its_days_and_no_sooner_than_needed() {
    let (rig, memory) = rig(&[("verify.within_days", "10")], 10).await;
    assert_eq!(rig.vault.verify_step().await.expect("begun"), 0);
    let mut looked = 0;
    for day in 1..=11 {
        rig.clock.advance(DAY);
        looked += rig.vault.verify_step().await.expect("looked");
        let ended = rig.vault.status().await.expect("asked").verify.round_ended_at.is_some();
        assert!(day > 7 || !ended, "a round of ten days ended on day {day}");
    }
    let status = rig.vault.status().await.expect("asked").verify;
    assert!(status.round_ended_at.is_some() && status.findings == 0, "{status:?}");
    assert!(looked >= 20, "{looked}");
    let (requests, bytes) = memory.fetched();
    assert!(requests >= 20 && bytes >= 10 * 3000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ceiling_holds_and_the_status_says_when_a_round_takes_too_long() {
    let (rig, memory) = rig(&[("verify.within_days", "1"), ("verify.bytes_per_hour", "100")], 6).await;
    rig.vault.verify_step().await.expect("begun");
    let before = memory.fetched().1;
    rig.clock.advance(DAY);
    rig.vault.verify_step().await.expect("looked");
    // 2,400 bytes are due; the last object may go beyond.
    assert!(memory.fetched().1 - before <= 2400 + 4000, "{:?}", memory.fetched());
    assert!(rig.vault.status().await.expect("asked").verify.too_slow_days.is_some_and(|days| days > 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_told_and_forgotten_when_it_is_mended() {
    let (rig, memory) = rig(&[("verify.within_days", "1")], 3).await;
    let names = names(&rig).await;
    let flip = |bytes: &mut Vec<u8>| bytes[20] ^= 1;
    assert!(memory.tamper(&names[0], flip));
    let whole = async || {
        for _ in 0..3 {
            rig.clock.advance(DAY);
            rig.vault.verify_step().await.expect("looked");
        }
        rig.vault.status().await.expect("asked").verify.findings
    };
    assert_eq!(whole().await, 1);
    assert_eq!(rig.texts("SELECT object FROM finding").await, [names[0].to_string()]);
    assert_eq!(rig.texts("SELECT kind FROM finding").await, ["digest"]);
    rig.store.delete(&names[1]).await.expect("lost");
    assert_eq!(whole().await, 2);
    assert!(memory.tamper(&names[0], flip));
    assert_eq!(whole().await, 1, "what is sound again is no finding");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_flipped_bit_anywhere_in_any_object_is_found() {
    let (rig, memory) = rig(&[], 1).await;
    rig.upload(rig.offices[0], (0..150_000_u32).map(|at| (at % 253) as u8).collect()).await.expect("uploaded");
    let mut flipped = 0;
    for name in names(&rig).await {
        let size = rig.store.head(&name).await.expect("asked").expect("there") as usize;
        // Header, nonce, first and last bytes, and places in between.
        let offsets: BTreeSet<usize> =
            (0..12).map(|n| n * (size - 1) / 11).chain([1, 30, 99, 200, size - 17].map(|at| at % size)).collect();
        for at in offsets {
            let flip = |bytes: &mut Vec<u8>| bytes[at] ^= 1 << (at % 8);
            assert!(memory.tamper(&name, flip));
            flipped += 1;
            for depth in [Depth::Scrub, Depth::Deep].into_iter().take(1 + usize::from(at % 3 == 0)) {
                let report = rig.vault.verify(depth).await.expect("verified");
                let found: Vec<_> =
                    report.problems.iter().map(|problem| (problem.object.clone(), problem.kind)).collect();
                assert_eq!(found, [(name.to_string(), Fault::Digest)], "bit {at} of {size}");
            }
            assert!(memory.tamper(&name, flip));
        }
    }
    eprintln!("{flipped} single-bit flips, all of them found");
    assert!(rig.vault.verify(Depth::Deep).await.expect("verified").is_sound());
}
