//! While the archive is kept (rotate, recovery-new, destroy, sweep, backup, restore) each command dies at its n-th fsync,
//! rename or send beside a server that lives, and the server at its own while commands live. Whoever ran a command runs it
//! again; the server is started again.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::calls::CALLS;
use super::keeping::{Chapter, Death, Years};
use crate::support::regency::Stack;
use crate::support::tools::is_full;

/// Whose calls are counted, and those that are tried of the many that are all tried with `--full`.
struct Whose {
    name: &'static str,
    death: fn(&'static str, usize) -> Death,
    some: [(&'static str, &'static [usize]); 3],
}

const COMMANDS: Whose = Whose {
    name: "commands",
    death: |calls, n| Death::Call { calls, n },
    some: [("sync", &[1, 6]), ("rename", &[1]), ("send", &[20])],
};
/// The first calls of a server are those of its start, of which `calls.rs` tells.
const SERVER: Whose = Whose {
    name: "the server",
    death: |calls, n| Death::ServerCall { calls, n },
    some: [("sync", &[8, 40]), ("rename", &[8]), ("send", &[400])],
};
/// So many chapters without a death, and nobody makes as many calls.
const ENDED: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_dies_at_any_durable_call_is_run_again_embedded() {
    every_call(Stack::Embedded, &COMMANDS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_dies_at_any_durable_call_is_run_again_networked() {
    every_call(Stack::Networked, &COMMANDS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_any_durable_call_while_the_archive_is_kept_loses_nothing_embedded() {
    every_call(Stack::Embedded, &SERVER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_any_durable_call_while_the_archive_is_kept_loses_nothing_networked() {
    every_call(Stack::Networked, &SERVER).await;
}

async fn every_call(stack: Stack, whose: &Whose) {
    for (name, calls) in CALLS {
        let mut deaths = 0;
        let some = whose.some.iter().find(|(known, _)| *known == name).map(|(_, some)| *some).unwrap_or_default();
        if !is_full() {
            for n in some {
                deaths += all_chapters(stack, (whose.death)(calls, *n)).await;
            }
        } else {
            let (mut n, mut quiet) = (1, 0);
            while quiet < ENDED {
                let died = all_chapters(stack, (whose.death)(calls, n)).await;
                deaths += died;
                quiet = if died == 0 { quiet + 1 } else { 0 };
                // Sends are many, and most of them are pages that a restore writes; a server calls without end.
                n += if name == "send" || n > 60 { 1 + n / 8 } else { 1 };
            }
        }
        eprintln!("{stack:?}: {} died {deaths} times at some {name}, 0 lost", whose.name);
        assert!(deaths > 0 || stack == Stack::Networked, "no {name} at all");
    }
}

async fn all_chapters(stack: Stack, death: Death) -> usize {
    let seats = Arc::new(Semaphore::new(3));
    let mut years = tokio::task::JoinSet::new();
    for chapter in Chapter::ALL {
        let (seats, here) = (seats.clone(), Handle::current());
        years.spawn_blocking(move || {
            here.block_on(async {
                let _seat = seats.acquire().await.expect("never closed");
                Years::begin(stack, death).await.play(chapter).await
            })
        });
    }
    let mut deaths = 0;
    while let Some(ended) = years.join_next().await {
        deaths += ended.expect("the years end well");
    }
    deaths
}
