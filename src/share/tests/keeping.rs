//! What ends a link ends what was opened by it, and classes keep links within their limits.

use super::opening::{change, raise, revoke};
use super::*;
use crate::share::{Change, LinkState};

#[tokio::test]
async fn ending_pausing_trashing_and_raising_end_an_opening_at_once() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let used = async |link: &NewLink, opened: &Opened| {
        world.sharing.use_ticket(&link.link.public, &opened.ticket).await.map(drop).map_err(|error| error.slug())
    };
    let revoked = world.anyone(|_| {}).await;
    let opened = world.open(&revoked).await.expect("opens");
    used(&revoked, &opened).await.expect("in use");
    revoke(&world, &clerk, &revoked).await;
    assert_eq!(used(&revoked, &opened).await, Err("link-unusable"));

    let paused = world.anyone(|_| {}).await;
    let opened = world.open(&paused).await.expect("opens");
    change(&world, &clerk, &paused, Change { paused: Some(true), ..Change::default() }).await.expect("paused");
    assert_eq!(used(&paused, &opened).await, Err("link-unusable"));
    change(&world, &clerk, &paused, Change { paused: Some(false), ..Change::default() }).await.expect("goes on");
    used(&paused, &opened).await.expect("in use again");

    let trashed = world.anyone(|_| {}).await;
    let opened = world.open(&trashed).await.expect("opens");
    world.run("UPDATE document SET trashed_at = 1 WHERE id = $1", params![trashed.link.document]).await;
    assert_eq!(used(&trashed, &opened).await, Err("link-unusable"));
    world.run("UPDATE document SET trashed_at = NULL WHERE id = $1", params![trashed.link.document]).await;
    used(&trashed, &opened).await.expect("restored");

    let raised = world.anyone(|_| {}).await;
    let opened = world.open(&raised).await.expect("opens");
    raise(&world, &raised, SecurityClass::Terbatas).await;
    assert_eq!(used(&raised, &opened).await, Err("link-unusable"));
}

#[tokio::test]
async fn an_opening_for_an_office_ends_with_the_post_of_whoever_opened_it() {
    let world = World::new().await;
    let reader = world.person(world.receiver, Role::Clerk).await;
    let made = world.anyone(|asked| asked.audience = Audience::Offices { offices: vec![world.receiver] }).await;
    let opened = world.open_as(&made, &reader, Some(made.secret())).await.expect("opens");
    let used = async || world.sharing.use_ticket(&made.link.public, &opened.ticket).await.map_err(|error| error.slug());
    used().await.expect("in use");
    world.run("UPDATE person SET disabled_at = 1 WHERE id = $1", params![reader.person()]).await;
    assert_eq!(used().await.err(), Some("link-unusable"));
    world.run("UPDATE person SET disabled_at = NULL WHERE id = $1", params![reader.person()]).await;
    used().await.expect("in use again");
    world.run("UPDATE post SET until = 1 WHERE person = $1", params![reader.person()]).await;
    assert_eq!(used().await.err(), Some("link-unusable"));
}

#[tokio::test]
async fn links_ended_by_a_raised_class_stay_ended_when_it_is_lowered() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    raise(&world, &link, SecurityClass::Terbatas).await;
    raise(&world, &link, SecurityClass::Biasa).await;
    assert_eq!(world.link(&link.link).await.state, LinkState::ClassRaised);
    assert!(world.open(&link).await.is_err());
    let clerk = world.person(world.owner, Role::Clerk).await;
    let revived = change(&world, &clerk, &link, Change { paused: Some(false), ..Change::default() }).await;
    assert_eq!(revived.expect_err("ended for good").slug(), "link-ended");
}

#[tokio::test]
async fn raising_a_class_keeps_the_links_that_conform() {
    let world = World::new().await;
    let (clerk, head) = (world.person(world.owner, Role::Clerk).await, world.person(world.owner, Role::Head).await);
    let subject = world.document(SecurityClass::Biasa).await;
    let offices = || Audience::Offices { offices: vec![world.receiver] };
    let week = |asked: Asked| Asked { expires_at: world.clock.now().plus(7 * DAY), ..asked };
    let by_clerk = world.make(&clerk, subject, week(world.asked(offices(), Rights::View))).await.expect("allowed");
    let by_head = world.make(&head, subject, week(world.asked(offices(), Rights::View))).await.expect("allowed");
    let month = Asked { expires_at: world.clock.now().plus(30 * DAY), ..world.asked(offices(), Rights::View) };
    let month = world.make(&head, subject, month).await.expect("allowed");
    let whole = world.make(&head, subject, week(world.asked(offices(), Rights::Download))).await.expect("allowed");
    raise(&world, &by_clerk, SecurityClass::Terbatas).await;
    let mut states = Vec::new();
    for link in [&by_clerk, &by_head, &whole, &month] {
        states.push(world.link(&link.link).await.state);
    }
    assert_eq!(states, [LinkState::Open, LinkState::Open, LinkState::Open, LinkState::ClassRaised]);
    raise(&world, &by_clerk, SecurityClass::Rahasia).await;
    let mut states = Vec::new();
    // What no head released does not conform to rahasia, nor does a download.
    for link in [&by_clerk, &by_head, &whole] {
        states.push(world.link(&link.link).await.state);
    }
    assert_eq!(states, [LinkState::ClassRaised, LinkState::Open, LinkState::ClassRaised]);
    raise(&world, &by_head, SecurityClass::SangatRahasia).await;
    assert_eq!(world.link(&by_head.link).await.state, LinkState::ClassRaised);
}

/// The class was raised in a race with the making of the link, so that nothing ended it.
#[tokio::test]
async fn a_link_that_does_not_fit_its_documents_class_never_opens() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    let opened = world.open(&link).await.expect("opens");
    world.run("UPDATE document SET security_class = 1", params![]).await;
    assert_eq!(world.open(&link).await.expect_err("does not fit").slug(), "link-unusable");
    assert!(world.sharing.use_ticket(&link.link.public, &opened.ticket).await.is_err());
}

#[tokio::test]
async fn a_clerks_link_on_rahasia_waits_for_the_head() {
    let world = World::new().await;
    let (clerk, head) = (world.person(world.owner, Role::Clerk).await, world.person(world.owner, Role::Head).await);
    let member = world.person(world.receiver, Role::Clerk).await;
    let subject = world.document(SecurityClass::Rahasia).await;
    let asked = || world.asked(Audience::Offices { offices: vec![world.receiver] }, Rights::View);
    let link = world.make(&clerk, subject, asked()).await.expect("allowed, pending");
    assert_eq!(link.link.state, LinkState::Pending);
    assert_eq!(world.open_as(&link, &member, None).await.expect_err("pending").slug(), "link-unusable");
    let release = async |actor: &Actor| {
        let mut tx = world.db.write().await?;
        let released = world.sharing.release(&mut tx, actor, &origin("203.0.113.0/24"), &link.link).await?;
        tx.commit().await.map(|()| released)
    };
    assert_eq!(release(&clerk).await.expect_err("no head").status(), 403);
    assert_eq!(release(&head).await.expect("released").state, LinkState::Open);
    world.open_as(&link, &member, None).await.expect("released");
    let own = world.make(&head, subject, asked()).await.expect("allowed");
    assert_eq!(own.link.state, LinkState::Open, "a head's own link needs nobody else");
}

#[tokio::test]
async fn the_longest_life_counts_from_creation_however_often_it_is_extended() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let subject = world.document(SecurityClass::Terbatas).await;
    let made_at = world.clock.now();
    let asked = world.asked(Audience::Offices { offices: vec![world.receiver] }, Rights::View);
    let link = world.make(&clerk, subject, asked).await.expect("one day");
    let until = |at| Change { expires_at: Some(at), ..Change::default() };
    for days in [3, 5, 7] {
        world.clock.advance(HOUR);
        change(&world, &clerk, &link, until(made_at.plus(days * DAY))).await.expect("within seven days");
    }
    let refusal = change(&world, &clerk, &link, until(made_at.plus(7 * DAY + HOUR))).await.expect_err("too long");
    assert_eq!((refusal.status(), refusal.slug()), (403, "life-too-long"));
    let past = change(&world, &clerk, &link, until(made_at)).await.expect_err("in the past");
    assert_eq!(past.status(), 422);
}

#[tokio::test]
async fn a_new_version_does_not_change_what_a_link_shows() {
    let world = World::new().await;
    let link = world.anyone(|_| {}).await;
    let newer = VersionId::fresh(&world.clock);
    world.run("UPDATE document SET version = $2 WHERE id = $1", params![link.link.document, newer]).await;
    let opened = world.open(&link).await.expect("opens");
    let granted = world.sharing.use_ticket(&link.link.public, &opened.ticket).await.expect("in use");
    assert_eq!((opened.version, granted.version()), (link.link.version, link.link.version));
    assert_ne!(link.link.version, newer);
}

#[tokio::test]
async fn a_link_for_viewing_needs_page_pictures() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let subject = Subject { has_pictures: false, ..world.document(SecurityClass::Biasa).await };
    let view = world.make(&clerk, subject, world.asked(Audience::Anyone {}, Rights::View)).await;
    let refusal = view.err().expect("nothing to view");
    assert_eq!((refusal.status(), refusal.fields()[0].pointer.as_str()), (422, "/rights"));
    assert!(world.make(&clerk, subject, world.asked(Audience::Anyone {}, Rights::Download)).await.is_ok());
}

#[tokio::test]
async fn nobody_makes_a_link_without_the_role_or_on_others_documents() {
    let world = World::new().await;
    let subject = world.document(SecurityClass::Biasa).await;
    let asked = || world.asked(Audience::Anyone {}, Rights::View);
    for role in [Role::Archivist, Role::OfficeAdmin, Role::PlatformAdmin, Role::Provisioner, Role::Auditor] {
        let actor = world.person(world.owner, role).await;
        assert_eq!(world.make(&actor, subject, asked()).await.err().expect("refused").status(), 403, "{role:?}");
    }
    let stranger = world.person(world.other, Role::Head).await;
    assert_eq!(world.make(&stranger, subject, asked()).await.err().expect("not theirs").status(), 404);
    let clerk = world.person(world.owner, Role::Clerk).await;
    let reader = world.token_of(&clerk, TokenScope::Read);
    assert_eq!(world.make(&reader, subject, asked()).await.err().expect("no scope").status(), 403);
    let trashed = Subject { trashed: true, ..subject };
    assert_eq!(world.make(&clerk, trashed, asked()).await.err().expect("in the trash").status(), 404);
}
