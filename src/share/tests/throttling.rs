//! Waits grow for whoever guesses, and for nobody else.

use super::*;
use crate::share::LinkState;

const WRONG: &str = "00000000000000000000000000000000";

async fn guess(world: &World, public: &str, network: &str) -> Error {
    let from = origin(network);
    let shown = Shown { secret: Some(WRONG), ..Shown::default() };
    world.sharing.open(public, shown, stranger(&from)).await.expect_err("a wrong secret")
}

#[tokio::test]
async fn nobody_can_lock_a_link_by_its_public_id() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    for _ in 0..100 {
        guess(&world, &link.link.public, "192.0.2.0/24").await;
    }
    assert_eq!(guess(&world, &link.link.public, "192.0.2.0/24").await.slug(), "too-many");
    // The right secret opens from another network, and from the very network of the guesses.
    for network in ["198.51.100.0/24", "192.0.2.0/24"] {
        let (from, shown) = (origin(network), Shown { secret: Some(link.secret()), ..Shown::default() });
        world.sharing.open(&link.link.public, shown, stranger(&from)).await.expect("the right secret");
    }
    assert_eq!(world.link(&link.link).await.state, LinkState::Open);
}

#[tokio::test]
async fn wrong_secrets_wait_shortly_at_first_and_longer_later_by_network() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    let network = "2001:db8:1:2::/64";
    for n in 0..10 {
        assert_eq!(guess(&world, &link.link.public, network).await.slug(), "link-unusable", "guess {n} is free");
    }
    let mut waits = Vec::new();
    for _ in 0..4 {
        let wait = guess(&world, &link.link.public, network).await.retry_after_seconds().expect("a wait");
        waits.push(wait);
        world.clock.advance(Duration::from_secs(wait + 1));
        assert_eq!(guess(&world, &link.link.public, network).await.slug(), "link-unusable", "the wait is over");
    }
    assert!(waits[0] <= 10, "{waits:?}");
    assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
    // Unknown links are guesses of the same network; another network begins anew.
    assert_eq!(guess(&world, "unknown", network).await.slug(), "too-many");
    assert_eq!(guess(&world, "unknown", "192.0.2.0/24").await.slug(), "link-unusable");
}

#[tokio::test]
async fn wrong_passwords_make_the_link_wait_before_any_hash_is_computed() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.password = Some("kunci".into())).await;
    let try_with = |password: &'static str| world.open_with(&link, move |shown| shown.password = Some(password));
    for _ in 0..10 {
        assert_eq!(try_with("salah").await.expect_err("wrong").slug(), "link-password");
    }
    let wait = try_with("kunci").await.expect_err("even the right one waits: nothing is compared");
    assert_eq!(wait.slug(), "too-many");
    assert!(wait.retry_after_seconds().is_some_and(|seconds| seconds <= 10));
    // Who shows no password guesses nothing and hears what is missing.
    assert_eq!(world.open(&link).await.expect_err("missing").slug(), "link-password");
    world.clock.advance(Duration::from_secs(11));
    try_with("kunci").await.expect("after the wait");
}

#[tokio::test]
async fn honest_refusals_and_openings_never_wait() {
    let world = World::new().await;
    let locked = world.anyone(|asked| asked.password = Some("kunci".into())).await;
    let used = world.anyone(|asked| asked.max_opens = Some(1)).await;
    world.open(&used).await.expect("its one opening");
    for _ in 0..40 {
        assert_eq!(world.open(&locked).await.expect_err("missing").slug(), "link-password");
        assert_eq!(world.open(&used).await.expect_err("used up").slug(), "link-unusable");
    }
    for _ in 0..15 {
        world.open_with(&locked, |shown| shown.password = Some("kunci")).await.expect("right each time");
    }
}

#[tokio::test]
async fn a_right_password_buys_no_further_guesses() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.password = Some("kunci".into())).await;
    for n in 0..9 {
        let wrong = world.open_with(&link, |shown| shown.password = Some("salah")).await;
        assert_eq!(wrong.expect_err("wrong").slug(), "link-password", "{n}");
    }
    world.open_with(&link, |shown| shown.password = Some("kunci")).await.expect("right");
    let tenth = world.open_with(&link, |shown| shown.password = Some("salah")).await;
    assert_eq!(tenth.expect_err("wrong").slug(), "link-password");
    let eleventh = world.open_with(&link, |shown| shown.password = Some("salah")).await;
    assert_eq!(eleventh.expect_err("waits").slug(), "too-many");
}

#[tokio::test]
async fn a_program_that_copies_pages_is_slowed_down() {
    let world = World::with("[links]\npictures_per_minute = 3").await;
    let link = world.anyone(|_| {}).await;
    let opened = world.open(&link).await.expect("opens");
    let granted = world.sharing.use_ticket(&link.link.public, &opened.ticket).await.expect("in use");
    // A new minute may begin in the midst of this test: seven pages pass two minutes at most.
    let refused = (0..7).filter_map(|_| world.sharing.keep_pace(&granted).err()).next_back().expect("too many pages");
    assert!(refused.retry_after_seconds().is_some_and(|seconds| (1..=60).contains(&seconds)));
    world.clock.advance(Duration::from_secs(61));
    world.sharing.keep_pace(&granted).expect("the next minute");
}
