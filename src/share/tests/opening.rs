//! The stranger's way in.

use super::*;
use crate::share::{Change, Need, Reading, reclassify, sql};

#[tokio::test]
async fn an_unknown_or_failed_protection_refuses_the_whole_link() {
    let damages: [&'static str; 5] = [
        "UPDATE link SET password = NULL",
        "UPDATE link SET audience = 'anyone'",
        "UPDATE link SET rights = 'download'",
        "UPDATE link SET protection = 'v1 secret,offices,device'",
        "DELETE FROM link_office",
    ];
    for damage in damages {
        let world = World::new().await;
        let clerk = world.person(world.owner, Role::Clerk).await;
        let member = world.person(world.receiver, Role::Clerk).await;
        let subject = world.document(SecurityClass::Biasa).await;
        let mut asked = world.asked(Audience::Offices { offices: vec![world.receiver] }, Rights::View);
        asked.password = Some("kunci rahasia".into());
        let link = world.make(&clerk, subject, asked).await.expect("allowed");
        world.run(damage, params![]).await;
        for actor in [None, Some(&member)] {
            let shown = Shown { secret: Some(link.secret()), password: Some("kunci rahasia"), ..Shown::default() };
            let origin = origin("198.51.100.0/24");
            let refusal = world.sharing.open(&link.link.public, shown, Visitor { actor, origin: &origin }).await;
            assert_eq!(refusal.expect_err(damage).slug(), "link-unusable", "{damage}");
        }
        assert_eq!(world.link(&link.link).await.opens, 0, "{damage}");
    }
}

#[tokio::test]
async fn of_two_openings_that_race_for_the_last_one_one_wins() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.max_opens = Some(1)).await;
    let (one, two) = tokio::join!(world.open(&link), world.open(&link));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    assert_eq!(world.link(&link.link).await.opens, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_openings_at_once_as_many_win_as_the_link_allows() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.max_opens = Some(7)).await;
    let openings = (0..50).map(|_| {
        let (sharing, public, secret) = (world.sharing.clone(), link.link.public.clone(), link.secret().to_owned());
        tokio::spawn(async move {
            let shown = Shown { secret: Some(&secret), ..Shown::default() };
            sharing.open(&public, shown, stranger(&origin("198.51.100.0/24"))).await.map(drop)
        })
    });
    let mut outcomes = Vec::new();
    for opening in openings.collect::<Vec<_>>() {
        outcomes.push(opening.await.expect("no panic"));
    }
    let lost: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(outcomes.len() - lost.len(), 7);
    assert!(lost.iter().all(|error| error.slug() == "link-unusable"), "{lost:?}");
    assert_eq!(world.link(&link.link).await.opens, 7);
    assert_eq!(world.log(&link.link).await.iter().filter(|line| *line == "opened").count(), 7);
}

#[tokio::test]
async fn looking_consumes_nothing() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.max_opens = Some(1)).await;
    let origin = origin("198.51.100.0/24");
    for _ in 0..20 {
        let peeked = world.sharing.peek(&link.link.public, Some(link.secret()), stranger(&origin)).await;
        assert_eq!(peeked.expect("open").needs, []);
    }
    assert_eq!(world.link(&link.link).await.opens, 0);
    assert!(world.log(&link.link).await.is_empty());
    world.open(&link).await.expect("still the first opening");
}

#[tokio::test]
async fn ranges_and_pages_after_a_reveal_are_not_further_openings() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.max_opens = Some(1)).await;
    let opened = world.open(&link).await.expect("opens");
    for _ in 0..30 {
        let granted = world.sharing.use_ticket(&link.link.public, &opened.ticket).await.expect("in use");
        world.sharing.note_reading(&granted, Reading::Original, &origin("198.51.100.0/24")).await.expect("noted");
        world.sharing.note_reading(&granted, Reading::Pages, &origin("198.51.100.0/24")).await.expect("noted");
    }
    assert_eq!(world.link(&link.link).await.opens, 1);
    assert_eq!(world.log(&link.link).await, ["opened", "downloaded", "viewed"]);
}

#[tokio::test]
async fn a_second_link_on_the_same_document_keeps_its_own_limits() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let subject = world.document(SecurityClass::Biasa).await;
    let mut once = world.asked(Audience::Anyone {}, Rights::View);
    once.max_opens = Some(1);
    let mut locked = world.asked(Audience::Anyone {}, Rights::Download);
    locked.password = Some("kunci".into());
    let once = world.make(&clerk, subject, once).await.expect("allowed");
    let locked = world.make(&clerk, subject, locked).await.expect("allowed");
    let opened = world.open(&once).await.expect("its one opening");
    assert_eq!(world.open(&once).await.expect_err("used up").slug(), "link-unusable");
    assert_eq!(world.open(&locked).await.expect_err("its own password").slug(), "link-password");
    // What the first gave is worth nothing at the second's address, and stays view-only.
    let crossed = world.sharing.use_ticket(&locked.link.public, &opened.ticket).await;
    assert_eq!(crossed.expect_err("bound to its link").slug(), "grant-ended");
    let granted = world.sharing.use_ticket(&once.link.public, &opened.ticket).await.expect("its own");
    assert!(!granted.may_download());
    world.open_with(&locked, |shown| shown.password = Some("kunci")).await.expect("unlimited by the first");
}

#[tokio::test]
async fn a_link_that_is_revoked_between_the_look_and_the_count_opens_nothing() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let link = world.anyone(|_| {}).await;
    let from = origin("198.51.100.0/24");
    let door = world.sharing.approach(&link.link.public, Some(link.secret()), stranger(&from)).await.expect("there");
    world.sharing.must_be_open(&door, stranger(&from)).await.expect("open when it was looked at");
    revoke(&world, &clerk, &link).await;
    let refusal = world.sharing.count(&door, None, stranger(&from)).await.expect_err("revoked since");
    assert_eq!(refusal.slug(), "link-unusable");
    assert_eq!(world.link(&link.link).await.opens, 0);
    assert_eq!(world.log(&link.link).await, ["refused: revoked"]);
    assert_eq!(world.count("SELECT count(*) FROM link_grant").await, 0);
}

/// Each way in which a link can be unusable, brought about on a fresh link.
#[tokio::test]
async fn wrong_expired_revoked_and_unknown_answer_alike() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let link = || world.anyone(|asked| asked.max_opens = Some(1));
    let mut answers = Vec::new();
    let mut tell = |what: &'static str, outcome: Result<Opened>| answers.push((what, told(&outcome.expect_err(what))));

    let fresh = link().await;
    let unknown = Shown { secret: Some(fresh.secret()), ..Shown::default() };
    let from = origin("198.51.100.0/24");
    tell("unknown", world.sharing.open("0123456789abcdef", unknown, stranger(&from)).await);
    tell(
        "wrong secret",
        world.open_with(&fresh, |shown| shown.secret = Some("00000000000000000000000000000000")).await,
    );
    tell("no secret", world.open_with(&fresh, |shown| shown.secret = None).await);
    world.open(&fresh).await.expect("opens");
    tell("exhausted", world.open(&fresh).await);

    let paused = link().await;
    change(&world, &clerk, &paused, Change { paused: Some(true), ..Change::default() }).await.expect("paused");
    tell("paused", world.open(&paused).await);
    let revoked = link().await;
    revoke(&world, &clerk, &revoked).await;
    tell("revoked", world.open(&revoked).await);
    let later = world.anyone(|asked| asked.opens_from = Some(asked.expires_at.minus(HOUR))).await;
    tell("not yet open", world.open(&later).await);
    let trashed = link().await;
    world.run("UPDATE document SET trashed_at = 1 WHERE id = $1", params![trashed.link.document]).await;
    tell("trashed", world.open(&trashed).await);
    let raised = link().await;
    raise(&world, &raised, SecurityClass::Rahasia).await;
    tell("class raised", world.open(&raised).await);
    let expired = link().await;
    world.clock.advance(DAY);
    tell("expired", world.open(&expired).await);

    let (_, first) = &answers[0];
    assert_eq!((first.0, first.1, first.3), (404, "link-unusable", None));
    for (what, answer) in &answers {
        assert_eq!(answer, first, "{what}");
    }
}

#[tokio::test]
async fn what_is_missing_is_told_only_with_the_right_secret() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.password = Some("kunci".into())).await;
    let wrong = world.open_with(&link, |shown| {
        shown.secret = Some("x");
        shown.password = Some("kunci");
    });
    assert_eq!(wrong.await.expect_err("no secret").slug(), "link-unusable");
    let missing = world.open(&link).await.expect_err("no password");
    assert_eq!((missing.status(), missing.slug()), (401, "link-password"));
    let from = origin("198.51.100.0/24");
    let peeked = world.sharing.peek(&link.link.public, Some(link.secret()), stranger(&from)).await.expect("open");
    assert_eq!(peeked.needs, [Need::Password]);
    assert_eq!(world.link(&link.link).await.opens, 0);
}

#[tokio::test]
async fn the_secret_has_160_bits_lies_in_the_fragment_and_is_kept_as_a_hash() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    let url = link.url("https://lumbung.example");
    let (address, secret) = url.split_once('#').expect("a fragment");
    assert_eq!(address, format!("https://lumbung.example/s/{}", link.link.public));
    assert_eq!(crate::id::from_letters(secret).map(|bytes| bytes.len() * 8), Some(160));
    let row: Option<(Vec<u8>, String)> =
        world.db.one("SELECT secret_hash, protection FROM link", params![]).await.expect("the row");
    let (hash, protection) = row.expect("the link");
    assert_eq!(hash, crate::seal::token::hash(secret));
    assert!(!protection.contains(secret));
}

#[tokio::test]
async fn an_opening_lives_an_hour_and_is_renewed_up_to_twelve_uncounted() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    let opened = world.open(&link).await.expect("opens");
    assert_eq!(opened.lives, HOUR);
    let public = &link.link.public;
    let mut ticket = opened.ticket.clone();
    for _ in 0..13 {
        world.clock.advance(Duration::from_secs(55 * 60));
        let granted = world.sharing.use_ticket(public, &ticket).await.expect("renewed in time");
        (ticket, _) = world.sharing.renew(&granted).await.expect("within twelve hours");
    }
    // 11 h 55 min have passed; the last renewal reaches to 12 h and not further.
    world.clock.advance(Duration::from_secs(4 * 60));
    world.sharing.use_ticket(public, &ticket).await.expect("the last minute");
    world.clock.advance(Duration::from_secs(2 * 60));
    assert_eq!(world.sharing.use_ticket(public, &ticket).await.expect_err("over").slug(), "grant-ended");
    assert_eq!(world.link(&link.link).await.opens, 1);
}

#[tokio::test]
async fn an_opening_never_outlives_its_link() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.expires_at = asked.expires_at.minus(DAY).plus(HOUR / 2)).await;
    let opened = world.open(&link).await.expect("opens");
    assert!(opened.lives <= HOUR / 2);
    world.clock.advance(HOUR / 2);
    assert!(world.sharing.use_ticket(&link.link.public, &opened.ticket).await.is_err());
}

#[tokio::test]
async fn a_ticket_that_is_damaged_or_of_another_key_is_refused() {
    let world = World::new().await;
    let (link, other) = (world.anyone(|_| {}).await, World::new().await);
    let opened = world.open(&link).await.expect("opens");
    let foreign = other.open(&other.anyone(|_| {}).await).await.expect("opens elsewhere");
    for ticket in ["", "a.b.c", &opened.ticket[1..], &foreign.ticket] {
        let refusal = world.sharing.use_ticket(&link.link.public, ticket).await.expect_err("no ticket of ours");
        assert_eq!((refusal.status(), refusal.slug()), (401, "grant-ended"));
    }
}

pub async fn change(world: &World, actor: &Actor, link: &NewLink, change: Change) -> Result<Link> {
    let before = world.link(&link.link).await;
    let mut tx = world.db.write().await?;
    let after = world.sharing.change(&mut tx, actor, &origin("203.0.113.0/24"), &before, change).await?;
    tx.commit().await?;
    Ok(after)
}

pub async fn revoke(world: &World, actor: &Actor, link: &NewLink) {
    let mut tx = world.db.write().await.expect("a transaction");
    world.sharing.revoke(&mut tx, actor, &origin("203.0.113.0/24"), &link.link).await.expect("revoked");
    tx.commit().await.expect("commits");
}

pub async fn raise(world: &World, link: &NewLink, class: SecurityClass) {
    let mut tx = world.db.write().await.expect("a transaction");
    let document = link.link.document;
    tx.execute("UPDATE document SET security_class = $2 WHERE id = $1", params![document, class.level()])
        .await
        .expect("raised");
    reclassify(&mut tx, &world.clock, document, class).await.expect("reclassified");
    tx.commit().await.expect("commits");
}

/// A page with forty pictures asks forty times: whatever is looked at is found by a key, however large the archive.
#[tokio::test]
async fn each_use_of_an_opening_reads_its_rows_by_their_keys() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    world.open(&link).await.expect("opens");
    let mut tx = world.db.write().await.expect("a transaction");
    let plan: Vec<String> = if world.db.is_postgres() {
        // On a few rows reading all of them is cheaper, and that is what it would choose.
        tx.execute("SET LOCAL enable_seqscan = off", params![]).await.expect("set");
        let text: &'static str = format!("EXPLAIN {}", sql::GRANT).leak();
        let rows: Vec<(String,)> = tx.all(text, params![uuid::Uuid::nil(), 0]).await.expect("explained");
        rows.into_iter().map(|(line,)| line).collect()
    } else {
        let text: &'static str = format!("EXPLAIN QUERY PLAN {}", sql::GRANT).leak();
        let rows: Vec<(i64, i64, i64, String)> = tx.all(text, params![uuid::Uuid::nil(), 0]).await.expect("explained");
        rows.into_iter().map(|(_, _, _, line)| line).collect()
    };
    let whole = plan.iter().filter(|line| line.contains("Seq Scan") || line.starts_with("SCAN"));
    assert_eq!(whole.collect::<Vec<_>>(), Vec::<&String>::new(), "{plan:#?}");
    let by_key = plan.iter().filter(|line| line.contains("Index") || line.contains("SEARCH")).count();
    assert!(by_key >= 5, "{plan:#?}");
}
