//! Upload-only links.

use super::*;
use crate::share::drops::{Admitted, DropAsked, DropBox, NewDrop};

async fn drop_box(world: &World, extra: &str) -> NewDrop {
    let end = world.clock.now().plus(DAY).rfc3339();
    let json = format!(r#"{{"label":"Laporan","expires_at":"{end}","max_files":2,"max_bytes":100{extra}}}"#);
    let asked: DropAsked = serde_json::from_str(&json).expect("json of a test");
    let terms = world.sharing.drop_terms(asked).await.expect("valid");
    let clerk = world.person(world.owner, Role::Clerk).await;
    let mut tx = world.db.write().await.expect("a transaction");
    let made = world.sharing.make_drop(&mut tx, &clerk, &origin("203.0.113.0/24"), &terms).await.expect("made");
    tx.commit().await.expect("commits");
    made
}

fn secret(made: &NewDrop) -> String {
    made.url("").split_once('#').expect("a fragment").1.to_owned()
}

async fn admit(world: &World, made: &NewDrop, secret: &str, password: Option<&str>) -> Result<Admitted> {
    let from = origin("198.51.100.0/24");
    world.sharing.admit(&made.drop_box.public, Some(secret), password, stranger(&from)).await
}

async fn settle(world: &World, admitted: &Admitted, bytes: u64, media_type: &str) -> Result<()> {
    let mut tx = world.db.write().await?;
    world.sharing.settle(&mut tx, admitted, bytes, media_type).await?;
    tx.commit().await
}

async fn seen(world: &World, made: &NewDrop) -> DropBox {
    let mut tx = world.db.read().await.expect("a transaction");
    world.sharing.drop_box(&mut tx, world.owner, made.drop_box.id).await.expect("the office's")
}

#[tokio::test]
async fn a_sender_with_the_secret_brings_files_within_the_limits() {
    let world = World::new().await;
    let made = drop_box(&world, r#","types":["pdf"]"#).await;
    let admitted = admit(&world, &made, &secret(&made), None).await.expect("admitted");
    assert_eq!((admitted.office(), admitted.room()), (world.owner, 100));
    let wrong = settle(&world, &admitted, 10, "application/zip").await.expect_err("another type");
    assert_eq!(wrong.slug(), "type-not-accepted");
    settle(&world, &admitted, 60, "application/pdf").await.expect("fits");
    assert_eq!(settle(&world, &admitted, 41, "application/pdf").await.expect_err("too much").status(), 413);
    settle(&world, &admitted, 40, "application/pdf").await.expect("fits exactly");
    let full = admit(&world, &made, &secret(&made), None).await.expect_err("full");
    assert_eq!(full.slug(), "link-unusable");
    let seen = seen(&world, &made).await;
    assert_eq!((seen.files, seen.bytes), (2, 100));
}

#[tokio::test]
async fn of_two_files_that_race_for_the_last_place_one_wins_and_a_cut_upload_costs_nothing() {
    let world = World::new().await;
    let made = drop_box(&world, "").await;
    let one = admit(&world, &made, &secret(&made), None).await.expect("admitted");
    let two = admit(&world, &made, &secret(&made), None).await.expect("admitted");
    let _cut_off = admit(&world, &made, &secret(&made), None).await.expect("admitted");
    settle(&world, &one, 1, "text/plain").await.expect("first");
    let (first, second) = tokio::join!(settle(&world, &one, 1, "text/plain"), settle(&world, &two, 1, "text/plain"));
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    assert_eq!(seen(&world, &made).await.files, 2);
}

#[tokio::test]
async fn wrong_ended_expired_and_unknown_answer_alike() {
    let world = World::new().await;
    let made = drop_box(&world, "").await;
    let from = origin("198.51.100.0/24");
    let unknown = world.sharing.admit("unknown", Some("x"), None, stranger(&from)).await;
    let mut answers = vec![told(&unknown.expect_err("unknown"))];
    answers.push(told(&admit(&world, &made, "x", None).await.expect_err("wrong secret")));
    let lost = drop_box(&world, r#","password":"kunci""#).await;
    world.run("UPDATE drop_box SET password = NULL WHERE id = $1", params![lost.drop_box.id]).await;
    answers.push(told(&admit(&world, &lost, &secret(&lost), None).await.expect_err("lost its password")));
    let ended = drop_box(&world, "").await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let mut tx = world.db.write().await.expect("a transaction");
    world.sharing.end_drop(&mut tx, &clerk, &origin("-"), &ended.drop_box).await.expect("ended");
    tx.commit().await.expect("commits");
    answers.push(told(&admit(&world, &ended, &secret(&ended), None).await.expect_err("ended")));
    world.clock.advance(DAY);
    answers.push(told(&admit(&world, &made, &secret(&made), None).await.expect_err("expired")));
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.1 == "link-unusable"), "{answers:?}");
}

#[tokio::test]
async fn a_password_is_asked_for_after_the_secret_and_guesses_wait() {
    let world = World::new().await;
    let made = drop_box(&world, r#","password":"kunci""#).await;
    assert_eq!(admit(&world, &made, &secret(&made), None).await.expect_err("missing").slug(), "link-password");
    for _ in 0..10 {
        let wrong = admit(&world, &made, &secret(&made), Some("salah")).await.expect_err("wrong");
        assert_eq!(wrong.slug(), "link-password");
    }
    assert_eq!(admit(&world, &made, &secret(&made), Some("kunci")).await.expect_err("waits").slug(), "too-many");
    world.clock.advance(Duration::from_secs(11));
    admit(&world, &made, &secret(&made), Some("kunci")).await.expect("right, after the wait");
}
