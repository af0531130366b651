//! Reading is shared out by office: whoever brings a whole cabinet lets others pass.

use super::support::letter_pdf;
use crate::support::{
    app::{TestApp, both_stacks},
    client::Client,
    regency::Actor,
};
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::time::{Duration, Instant};

const CABINET: usize = 180;

/// One office's letters, many at a time as a scanner's program sends them.
async fn bring_in(clerk: &Client) {
    let sent = stream::iter(0..CABINET).map(|number| async move {
        let letter = letter_pdf(&[&format!("Arsip lama nomor {number}"), "tentang iuran warga"]);
        clerk.upload("arsip.pdf", letter, json!({})).await
    });
    sent.buffer_unordered(16).for_each(|_| async {}).await;
}

async fn waiting(app: &TestApp) -> i64 {
    app.app.queue.depth().await.expect("the queue answers").0
}

both_stacks!(a_single_letter_is_found_within_seconds_while_a_cabinet_of_another_office_waits, async |app| {
    let (clerk, neighbour) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    bring_in(&clerk).await;
    let before = waiting(app).await;
    assert!(before > CABINET as i64 / 3, "only {before} letters wait: the cabinet is too small to show anything");
    let sent = Instant::now();
    let letter = letter_pdf(&["Undangan mendesak", "tentang tanggul blencong"]);
    let document = neighbour.upload_and_read("surat.pdf", letter, json!({})).await;
    let (took, after) = (sent.elapsed(), waiting(app).await);
    assert_eq!(neighbour.finds("blencong").await, [document["id"].as_str().expect("an id")]);
    eprintln!("found after {took:.1?}; {before} letters waited before it and {after} still do");
    assert!(took < Duration::from_secs(15), "the letter waited {took:?}");
    // In the order of their coming it would have been the last; a busy machine reads some while it is being sent.
    assert!(after > before / 4, "{after} of {before} still wait: the letter did not pass them");
});

both_stacks!(small_letters_are_read_one_after_the_other_without_a_wait_between_them, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let begun = Instant::now();
    bring_in(&clerk).await;
    app.settled().await;
    let each = begun.elapsed() / CABINET as u32;
    eprintln!("{each:.0?} a letter, with its upload");
    // What a reading reports of its progress, it reports at most every 700 ms; no letter may wait for that.
    let slowest = Duration::from_millis(700) / app.app.queue.settings().workers;
    assert!(each < slowest, "{each:?} a letter: the workers wait for something");
});
