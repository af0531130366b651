//! So that no point is forgotten: the process dies at its n-th fsync, rename or send, whatever it was for, for every n
//! until it lives to the story's end. `strace` brings the death, in the kernel's own order of things.

use super::story::Story;
use crate::support::program::Launch;
use crate::support::regency::Stack;
use crate::support::tools::is_full;

/// What makes something durable, and what tells somebody else.
pub const CALLS: [(&str, &str); 3] =
    [("sync", "fsync,fdatasync"), ("rename", "rename,renameat,renameat2"), ("send", "sendto,sendmsg,write,writev")];

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_durable_call_loses_nothing_embedded() {
    every_call(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_durable_call_loses_nothing_networked() {
    every_call(Stack::Networked).await;
}

async fn every_call(stack: Stack) {
    for (name, calls) in CALLS {
        let mut kills = 0;
        let mut n = 1;
        while dies_at(stack, calls, n).await {
            kills += 1;
            n = next(n, name);
        }
        assert!(kills > 0 || stack == Stack::Networked, "no {name} at all");
        eprintln!("{stack:?}: killed at {kills} of the first {n} calls of {name}, 0 lost");
    }
}

/// Every one with `--full`; otherwise ever fewer, so that the first ones and some of the rest are tried.
fn next(n: usize, name: &str) -> usize {
    match (is_full(), name) {
        // Sends are many, and most of them answer a question of the test.
        (true, "send") => n + 1 + n / 8,
        (true, _) => n + 1,
        (false, "send") => n * 8,
        (false, _) => n * 3,
    }
}

/// False when the story ended without a death.
async fn dies_at(stack: Stack, calls: &str, n: usize) -> bool {
    let inject = format!("inject={calls}:signal=KILL:when={n}");
    let under = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
    let mut story = Story::begin(stack, &Launch { under: &under, ..Launch::default() }).await;
    story.play().await;
    story.deaths > 0
}
