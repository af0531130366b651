//! What the office keeps of its links, whoever made them.

use super::opening::{change, revoke};
use super::*;
use crate::access::Standing;
use crate::document;
use crate::queue::Job;
use crate::share::{By, Change, NotifyJob, Outcome, Reading, Seen, TouchJob};

#[tokio::test]
async fn removing_the_creators_post_leaves_the_offices_link_alive_and_visible() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    world.run("UPDATE post SET until = 1", params![]).await;
    world.open(&link).await.expect("still opens");
    let mut tx = world.db.read().await.expect("a transaction");
    let listed = world.sharing.links(&mut tx, world.owner, None, None, 50).await.expect("the list");
    assert_eq!(listed.iter().map(|link| link.id).collect::<Vec<_>>(), [link.link.id]);
    drop(tx);
    let successor = world.person(world.owner, Role::Clerk).await;
    revoke(&world, &successor, &link).await;
    assert!(world.open(&link).await.is_err());
}

#[tokio::test]
async fn every_owner_sees_every_link_who_opened_it_and_when_and_nobody_else_does() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let member = world.person(world.receiver, Role::Clerk).await;
    let subject = world.document(SecurityClass::Biasa).await;
    let asked = world.asked(Audience::Offices { offices: vec![world.receiver] }, Rights::Download);
    let link = world.make(&clerk, subject, asked).await.expect("allowed");
    world.open_as(&link, &member, None).await.expect("a member");
    let mut tx = world.db.read().await.expect("a transaction");
    let seen = world.sharing.opens(&mut tx, link.link.id, None, 50).await.expect("the log");
    let [line] = &seen[..] else { panic!("one line: {seen:?}") };
    let By { office, person, .. } = line.by.clone().expect("named");
    assert_eq!(office.map(|office| office.name).as_deref(), Some("DPMD"));
    assert_eq!(
        (person.as_deref(), line.network.as_str(), line.agent.as_str()),
        (Some("Rina"), "198.51.100.0/24", "Firefox")
    );
    assert_eq!(line.sentence().en, "Opened by DPMD (Rina).");
    assert_eq!(line.sentence().id, "Dibuka oleh DPMD (Rina).");
    assert!(world.sharing.link(&mut tx, world.other, link.link.id).await.is_err());
    assert!(world.sharing.links(&mut tx, world.receiver, None, None, 50).await.expect("a list").is_empty());
}

#[tokio::test]
async fn refusals_are_told_with_their_reason() {
    let world = World::new().await;
    let link = world.anyone(|asked| asked.password = Some("kunci".into())).await;
    world.open_with(&link, |shown| shown.secret = Some("x")).await.expect_err("wrong secret");
    world.open_with(&link, |shown| shown.password = Some("salah")).await.expect_err("wrong password");
    let clerk = world.person(world.owner, Role::Clerk).await;
    revoke(&world, &clerk, &link).await;
    world.open(&link).await.expect_err("revoked");
    assert_eq!(world.log(&link.link).await, ["refused: secret", "refused: password", "refused: revoked"]);
    let audited = world.count("SELECT count(*) FROM audit WHERE action = 'link.open' AND result = 'refused'").await;
    assert_eq!(audited, 3);
}

#[tokio::test]
async fn the_cap_of_the_log_never_loses_an_opening() {
    let world = World::with("[links]\nmax_log_rows_per_hour = 2\n[throttle]\nlink_free = 100").await;
    let link = world.anyone(|_| {}).await;
    for _ in 0..6 {
        world.open_with(&link, |shown| shown.secret = Some("x")).await.expect_err("wrong secret");
        world.open(&link).await.expect("opens");
    }
    let log = world.log(&link.link).await;
    assert_eq!(log.iter().filter(|line| *line == "opened").count(), 6);
    assert_eq!(log.iter().filter(|line| *line == "refused: secret").count(), 2);
    world.clock.advance(HOUR);
    world.open_with(&link, |shown| shown.secret = Some("x")).await.expect_err("wrong secret");
    assert_eq!(world.log(&link.link).await.len(), 9, "the next hour has room");
}

#[tokio::test]
async fn a_reading_that_an_opening_allows_is_told_by_its_link_within_the_cap() {
    let world = World::with("[links]\nmax_log_rows_per_hour = 2").await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let subject = world.document(SecurityClass::Biasa).await;
    let asked = || world.asked(Audience::Offices { offices: vec![world.receiver] }, Rights::Download);
    let (one, two) = (world.make(&clerk, subject, asked()).await, world.make(&clerk, subject, asked()).await);
    let (one, two) = (one.expect("allowed"), two.expect("allowed"));
    let of_receiver = async || world.person(world.receiver, Role::Clerk).await;
    let (member, colleague, successor) = (of_receiver().await, of_receiver().await, of_receiver().await);
    world.open_as(&one, &member, None).await.expect("a member");
    world.clock.advance(Duration::from_secs(1));
    world.open_as(&two, &colleague, None).await.expect("a member");
    world.clock.advance(Duration::from_secs(1));

    let keys = OfficeKeys::new(world.db.clone(), &MasterKey::generate());
    let now = world.clock.now();
    let mut tx = world.db.write().await.expect("a transaction");
    let read = document::load(&mut tx, &keys, member.sight(), subject.document, now).await.expect("open to its office");
    assert_eq!(read.standing(), Standing::Opened);
    for (reader, link) in [(&member, &one), (&colleague, &two), (&successor, &two)] {
        let opening = document::opening(&mut tx, &read, reader, now).await.expect("asked").expect("an opening");
        assert_eq!(opening.link, link.link.id, "one's own opening, else the office's newest");
    }
    for _ in 0..4 {
        let from = origin("198.51.100.0/24");
        world.sharing.note_member(&mut tx, one.link.id, Reading::Original, &member, &from).await.expect("noted");
    }
    tx.commit().await.expect("commits");
    assert_eq!(world.log(&one.link).await, ["opened", "downloaded", "downloaded"]);
    assert_eq!(world.log(&two.link).await, ["opened"]);

    revoke(&world, &clerk, &one).await;
    revoke(&world, &clerk, &two).await;
    let mut tx = world.db.read().await.expect("a transaction");
    let late = document::opening(&mut tx, &read, &member, now).await;
    assert_eq!(late.expect_err("ended since it was loaded").status(), 404);
}

#[tokio::test]
async fn the_log_is_read_in_pages_newest_first() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    for _ in 0..5 {
        world.open(&link).await.expect("opens");
        world.clock.advance(Duration::from_secs(1));
    }
    let mut tx = world.db.read().await.expect("a transaction");
    let mut all: Vec<Seen> = Vec::new();
    loop {
        let before = all.last().map(|line| line.id);
        let page = world.sharing.opens(&mut tx, link.link.id, before, 2).await.expect("a page");
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert_eq!(all.len(), 5);
    assert!(all.windows(2).all(|pair| pair[0].at > pair[1].at));
    assert!(all.iter().all(|line| line.result == Outcome::Opened));
}

#[tokio::test]
async fn the_maker_is_told_of_an_opening_only_when_asked_for() {
    let world = World::new().await;
    let jobs = "SELECT count(*) FROM job WHERE kind = 'link_notify'";
    assert_eq!(NotifyJob::KIND, "link_notify");
    world.open(&world.anyone(|_| {}).await).await.expect("opens");
    assert_eq!(world.count(jobs).await, 0);
    world.open(&world.anyone(|asked| asked.notify = Some(true)).await).await.expect("opens");
    assert_eq!(world.count(jobs).await, 1);
}

#[tokio::test]
async fn two_clerks_cannot_overwrite_each_other_unseen() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let link = world.anyone(|_| {}).await;
    let label = |text: &str| Change { label: Some(text.into()), ..Change::default() };
    change(&world, &clerk, &link, label("satu")).await.expect("first");
    let mut tx = world.db.write().await.expect("a transaction");
    let stale = world.sharing.change(&mut tx, &clerk, &origin("-"), &link.link, label("dua")).await;
    assert_eq!(stale.expect_err("stale").status(), 412);
}

#[tokio::test]
async fn the_index_learns_of_each_moment_at_which_a_listing_begins_or_ends() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let member = world.person(world.receiver, Role::Clerk).await;
    let subject = world.document(SecurityClass::Biasa).await;
    let mut asked = world.asked(Audience::Offices { offices: vec![world.receiver] }, Rights::Download);
    asked.max_opens = Some(1);
    let changes = "SELECT count(*) FROM index_change";
    let listed = async || {
        let mut tx = world.db.read().await.expect("a transaction");
        let offices = world.sharing.linked_offices(&mut tx, subject.document).await.expect("offices");
        let documents = world.sharing.listed_for(&mut tx, world.receiver).await.expect("documents");
        assert_eq!(offices.is_empty(), documents.is_empty());
        !offices.is_empty()
    };
    let link = world.make(&clerk, subject, asked).await.expect("allowed");
    assert!(listed().await);
    assert_eq!(world.count(changes).await, 1, "made");
    assert_eq!(TouchJob::KIND, "link_moment");
    assert_eq!(world.count("SELECT count(*) FROM job WHERE kind = 'link_moment'").await, 1, "its end is planned");
    change(&world, &clerk, &link, Change { paused: Some(true), ..Change::default() }).await.expect("paused");
    assert!(!listed().await);
    assert_eq!(world.count(changes).await, 2, "paused");
    change(&world, &clerk, &link, Change { paused: Some(false), ..Change::default() }).await.expect("goes on");
    world.open_as(&link, &member, None).await.expect("the last opening");
    assert!(!listed().await);
    assert_eq!(world.count(changes).await, 4, "used up");
    revoke(&world, &clerk, &link).await;
    assert_eq!(world.count(changes).await, 5, "revoked");
}
