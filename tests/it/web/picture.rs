//! The picture in the README shows the product as it is: it is taken here, from a demonstration letter.
//!
//! To make it anew: `./test the_picture_of_the_readme` and copy `lumbung.png` from the folder that the test names.

use std::path::Path;

use lumbung::cli::letters::{DemoLetter, demo_letters};
use serde_json::json;

use super::clerk::Clerk;
use crate::support::app::run_on;
use crate::support::regency::{Actor, Stack};

const PICTURE: &str = "tests/data/lumbung.png";
/// A README is read on weak links too.
const MOST_BYTES: usize = 250_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_of_the_readme_is_of_this_product_and_light() {
    run_on(Stack::Embedded, async |app| {
        let village = app.actor(Actor::Clerk);
        for letter in demo_letters().into_iter().filter(|letter| letter.owner_office == lumbung::cli::letters::VILLAGE)
        {
            let DemoLetter { title, number, date, kind, sender, .. } = letter;
            let details = json!({ "title": title, "number": number, "date": date, "kind": kind, "sender": sender });
            village.upload(letter.file_name, letter.bytes, details).await;
        }
        app.settled().await;
        let clerk = Clerk::sits_down(&app.base, 1280, 900).await;
        clerk.logs_in("clerk").await;
        clerk.searches("musyawarah").await;
        clerk.presses(".hits h2 a").await;
        clerk.sees(".sheet svg rect").await;
        clerk.asks("return document.querySelector('.sheet img').decode()").await;
        let picture = clerk.picture().await;
        clerk.goes_home().await;
        let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lumbung.png");
        std::fs::write(&fresh, &picture).expect("the folder of builds is writable");
        assert!(picture.len() <= MOST_BYTES, "{}: {} bytes", fresh.display(), picture.len());
    })
    .await;
    let readme = std::fs::read_to_string("README.md").expect("there is a README");
    assert!(readme.contains(&format!("({PICTURE})")), "README.md does not show {PICTURE}");
    let kept = std::fs::read(PICTURE).expect("the README's picture is there");
    let kept_size = image::load_from_memory(&kept).expect("a picture").into_rgb8().width();
    assert_eq!((kept_size, kept.len() <= MOST_BYTES), (1280, true), "{} bytes", kept.len());
}
