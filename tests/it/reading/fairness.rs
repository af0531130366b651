//! Reading is shared out by office: whoever brings a whole cabinet lets others pass.

use super::support::{LETTER, letter_pdf, letter_scan, plaintext, png, reader, share_of_words};
use crate::flow::id;
use crate::support::{
    app::{TestApp, both_stacks},
    client::Client,
    regency::{Actor, Stack},
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
    let slowest = Duration::from_millis(700) / 3;
    assert!(each < slowest, "{each:?} a letter: the workers wait for something");
});

const PAGES: u32 = 6;
const BOOKS: usize = 4;

/// A book of scanned pages, each with a number of its own.
async fn book() -> Vec<u8> {
    let mut pages = Vec::new();
    for number in 1..=PAGES {
        let first = format!("Halaman {}", 1000 + number);
        let lines: Vec<&str> = std::iter::once(first.as_str()).chain(LETTER.iter().copied()).collect();
        pages.push((plaintext(&png(&letter_scan(&lines).await)), 0));
    }
    reader().pictures_to_pdf(pages).await.expect("a PDF")
}

/// Two files are read at once: a letter must not wait until a whole book is.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_found_within_seconds_while_another_office_has_its_books_read() {
    let app = TestApp::with(Stack::Embedded, &[("reading.turn_seconds", "1")]).await;
    let (clerk, neighbour) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let book = book().await;
    let mut books = Vec::new();
    for number in 0..BOOKS {
        let bytes = [book.as_slice(), format!("\n% {number}\n").as_bytes()].concat();
        books.push(id(&clerk.upload("buku.pdf", bytes, json!({})).await));
    }
    let state = async |document: &str| clerk.get(&format!("/api/v1/documents/{document}")).await.is(200).json();
    while state(&books[0]).await["pages_read"] == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Other tests have the processors too, so that pages are counted and not seconds.
    let pages_read = async || {
        let mut pages = 0;
        for book in &books {
            pages += state(book).await["pages_read"].as_u64().expect("a count");
        }
        pages
    };
    let scan = png(&letter_scan(LETTER).await);
    let (sent, before) = (Instant::now(), pages_read().await);
    let letter = letter_pdf(&["Undangan mendesak", "tentang tanggul blencong"]);
    neighbour.upload_and_read("surat.pdf", letter, json!({})).await;
    let (typeset, between) = (sent.elapsed(), pages_read().await);
    neighbour.upload_and_read("pindaian.png", scan, json!({})).await;
    let (took, after) = (sent.elapsed(), pages_read().await);
    eprintln!(
        "a letter after {typeset:.1?}, a scanned one after {took:.1?}; pages of books: {before}, {between}, {after}"
    );
    assert!(between - before <= 8 && after - between <= 8, "{before}, {between}, {after} pages came before them");
    assert!(after < BOOKS as u64 * u64::from(PAGES), "the books were done: nobody had to wait");
    app.settled().await;
    for document in &books {
        let told = state(document).await;
        assert_eq!((&told["state"], &told["pages"], &told["reason"]), (&json!("ready"), &json!(PAGES), &json!(null)));
        for number in 1..=PAGES {
            let text = clerk.get(&format!("/api/v1/documents/{document}/pages/{number}/text")).await.is(200).text();
            assert!(
                share_of_words(&text, LETTER) > 0.8 && text.contains(&(1000 + number).to_string()),
                "{number}: {text}"
            );
        }
    }
    app.finish().await;
}
