//! The commands that keep the archive (rotate, recovery-new, destroy, sweep, backup, restore) die at their n-th fsync, rename
//! or send, each of them, beside a server that lives; whoever ran one runs it again.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::calls::CALLS;
use super::keeping::{Chapter, Death, Years};
use crate::support::regency::Stack;
use crate::support::tools::is_full;

/// Of the many that are all tried with `--full`.
const SOME: [(&str, &[usize]); 3] = [("sync", &[1, 6]), ("rename", &[1]), ("send", &[20])];
/// So many chapters without a death, and no command makes as many calls.
const ENDED: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_dies_at_any_durable_call_is_run_again_embedded() {
    every_call(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_dies_at_any_durable_call_is_run_again_networked() {
    every_call(Stack::Networked).await;
}

async fn every_call(stack: Stack) {
    for (name, calls) in CALLS {
        let mut deaths = 0;
        let some = SOME.iter().find(|(known, _)| *known == name).map(|(_, some)| *some).unwrap_or_default();
        if !is_full() {
            for n in some {
                deaths += all_chapters(stack, calls, *n).await;
            }
        } else {
            let (mut n, mut quiet) = (1, 0);
            while quiet < ENDED {
                let died = all_chapters(stack, calls, n).await;
                deaths += died;
                quiet = if died == 0 { quiet + 1 } else { 0 };
                // Sends are many, and most of them are pages that a restore writes.
                n += if name == "send" { 1 + n / 8 } else { 1 };
            }
        }
        eprintln!("{stack:?}: commands died {deaths} times at some {name}, 0 lost");
        assert!(deaths > 0 || stack == Stack::Networked, "no {name} at all");
    }
}

async fn all_chapters(stack: Stack, calls: &'static str, n: usize) -> usize {
    let seats = Arc::new(Semaphore::new(3));
    let mut years = tokio::task::JoinSet::new();
    for chapter in Chapter::ALL {
        let (seats, here) = (seats.clone(), Handle::current());
        years.spawn_blocking(move || {
            here.block_on(async {
                let _seat = seats.acquire().await.expect("never closed");
                Years::begin(stack, Death::Call { calls, n }).await.play(chapter).await
            })
        });
    }
    let mut deaths = 0;
    while let Some(ended) = years.join_next().await {
        deaths += ended.expect("the years end well");
    }
    deaths
}
