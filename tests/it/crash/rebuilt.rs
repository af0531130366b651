//! Deaths while an index is built anew, because a clock that ran ahead has written it: each start builds on.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::finding::{counted, letter, path, until, untitled};
use crate::support::client::{Client, try_send};
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};

const YEAR_AHEAD: (&str, &str) = ("LUMBUNG_CLOCK_AHEAD", "31536000");
const REBUILT: Duration = Duration::from_secs(60);
const LETTERS: u64 = 3;

/// The clock of the server is put right while it stands, and its next starts die at an ever later sync.
async fn dies_while_it_is_built(stack: Stack) {
    let ahead = Launch { environment: &[YEAR_AHEAD], ..Launch::default() };
    let mut program = Program::launch(stack, &[], &ahead).await;
    assert!(program.becomes_ready().await, "{}", program.output());
    let clerk = program.actor(Actor::Clerk);
    for number in 0..LETTERS {
        letter(&clerk, &format!("tanggul blencong nomor {number}"), untitled()).await;
    }
    program.stop().await;
    let mut deaths = 0;
    while dies_at_sync(&mut program, &clerk, deaths + 1).await {
        deaths += 1;
    }
    assert!(deaths > 4, "an index was built with {deaths} syncs");
    program.cut_and_restart().await;
    until(REBUILT, "all are found", async || is_built(&clerk).await).await;
    assert_eq!(counted(&clerk, "blencong").await, LETTERS);
    let document = letter(&clerk, "jembatan blencong", untitled()).await;
    until(REBUILT, "the index follows", async || counted(&clerk, "blencong").await == LETTERS + 1).await;
    clerk.delete(&path(&document)).await.is(204);
    assert_eq!(counted(&clerk, "blencong").await, LETTERS, "what goes into the trash is not found");
    clerk.post(&format!("{}/restore", path(&document)), json!({})).await.is(200);
    until(REBUILT, "it is found again", async || counted(&clerk, "blencong").await == LETTERS + 1).await;
    program.stop().await;
    eprintln!("{stack:?}: killed at each of {deaths} syncs of a start that builds its index, 0 lost");
}

/// False when the index was built without a death.
async fn dies_at_sync(program: &mut Program, clerk: &Client, n: usize) -> bool {
    let inject = format!("inject=fsync,fdatasync:signal=KILL:when={n}");
    let under = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
    program.launch_again(&Launch { under: &under, ..Launch::default() });
    for _ in 0..600 {
        if program.dies_within(Duration::from_millis(50)).await {
            return true;
        }
        if is_built(clerk).await {
            return false;
        }
    }
    panic!("neither a death nor an index:\n{}", program.output());
}

async fn is_built(clerk: &Client) -> bool {
    let asked = try_send(clerk.request(Method::GET, "/api/v1/search?q=blencong")).await;
    asked.is_ok_and(|answer| answer.status == 200 && answer.json()["total"] == LETTERS)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_time_that_was_not_is_built_over_deaths_embedded() {
    dies_while_it_is_built(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_time_that_was_not_is_built_over_deaths_networked() {
    dies_while_it_is_built(Stack::Networked).await;
}
