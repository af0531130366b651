//! Whether time tells of a login what its answers do not.

use super::timing::slower_of_pairs;
use crate::support::app::TestApp;
use crate::support::regency::{Actor, Stack};

/// Each attempt costs a hash: so many pairs take some ten seconds.
const PAIRS: usize = 100;
const WRONG: &str = "bukan kata sandinya";

async fn even_times(stack: Stack) {
    // Nobody waits: the time of a refused guess would tell of the waiting and not of the login.
    let free = "1000000";
    let settings = [("throttle.login_free", free), ("throttle.network_free", free), ("throttle.account_free", free)];
    let app = TestApp::with(stack, &settings).await;
    let known = app.account(Actor::Clerk).login;
    // As long as the other, so that nothing but being known is different.
    let missing = known.replace('c', "k");
    assert!(known != missing && known.len() == missing.len());
    let stranger = app.nobody();
    let share = slower_of_pairs(PAIRS, async |which| {
        let answer = stranger.log_in([&known, &missing][which], WRONG).await;
        answer.refusal(401, "login-refused");
    })
    .await;
    eprintln!("a known login is slower in {share} of {PAIRS} pairs");
    // Half, if time tells nothing: then chance alone leads outside of these bounds once in 213,000 runs. A hash that only one of
    // the two costs would make it all or none.
    assert!((0.28..=0.72).contains(&share), "a known login is slower in {share} of the pairs");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_wrong_login_takes_does_not_tell_whether_it_exists_embedded() {
    even_times(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_wrong_login_takes_does_not_tell_whether_it_exists_networked() {
    even_times(Stack::Networked).await;
}
