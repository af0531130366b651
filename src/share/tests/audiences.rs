//! Named offices and proven addresses.

use super::*;
use crate::id::LinkId;
use crate::share::{Need, way_in};

async fn for_offices(world: &World) -> NewLink {
    let clerk = world.person(world.owner, Role::Clerk).await;
    let subject = world.document(SecurityClass::Terbatas).await;
    let asked = world.asked(Audience::Offices { offices: vec![world.receiver] }, Rights::View);
    world.make(&clerk, subject, asked).await.expect("allowed")
}

async fn for_addresses(world: &World) -> NewLink {
    let clerk = world.person(world.owner, Role::Clerk).await;
    let subject = world.document(SecurityClass::Terbatas).await;
    let emails = vec!["satu@contoh.id".into(), "dua@contoh.id".into()];
    world.make(&clerk, subject, world.asked(Audience::Email { emails }, Rights::View)).await.expect("allowed")
}

/// As if the mail with this code had been sent.
async fn mailed(world: &World, link: &NewLink, email: &str, code: &str) {
    let id = LinkId(link.link.id.0);
    let until = world.clock.now().plus(Duration::from_secs(15 * 60));
    world
        .run(
            "INSERT INTO link_code (link, email, code_hash, tries, expires_at, sent_at) VALUES ($1, $2, $3, 0, $4, 0)
             ON CONFLICT (link, email) DO UPDATE SET code_hash = excluded.code_hash, tries = 0, expires_at = excluded.expires_at",
            params![id, email, world.sharing.code_hash(id, email, code), until],
        )
        .await;
}

#[tokio::test]
async fn a_signed_in_member_of_a_named_office_needs_no_secret() {
    let world = World::new().await;
    let link = for_offices(&world).await;
    let member = world.person(world.receiver, Role::Clerk).await;
    world.open_as(&link, &member, None).await.expect("a member");
    for (what, actor) in [
        ("another office", world.person(world.other, Role::Head).await),
        ("no reader", world.person(world.receiver, Role::PlatformAdmin).await),
        ("a token that may not read", world.token_of(&member, TokenScope::Upload)),
    ] {
        assert_eq!(world.open_as(&link, &actor, None).await.expect_err(what).slug(), "link-unusable", "{what}");
        let with_secret = world.open_as(&link, &actor, Some(link.secret())).await.expect_err(what);
        assert_eq!((with_secret.status(), with_secret.slug()), (401, "link-login"), "{what}");
    }
    assert_eq!(world.open(&link).await.expect_err("nobody signed in").slug(), "link-login");
    let turned_away = async || world.log(&link.link).await.iter().filter(|line| *line == "refused: audience").count();
    assert_eq!(turned_away().await, 3, "each who was signed in and not meant, and not who was yet to log in");
    let outsider = world.person(world.other, Role::Clerk).await;
    let from = origin("198.51.100.0/24");
    for (actor, lines) in [(Some(&member), 3), (None, 3), (Some(&outsider), 4)] {
        let visitor = Visitor { actor, origin: &from };
        world.sharing.peek(&link.link.public, Some(link.secret()), visitor).await.expect("open");
        assert_eq!(turned_away().await, lines);
    }
}

#[tokio::test]
async fn an_office_to_which_a_document_is_listed_learns_how_to_open_it() {
    let world = World::new().await;
    let link = for_offices(&world).await;
    let now = world.clock.now();
    let way = way_in(&mut world.db.read().await.unwrap(), link.link.document, world.receiver, now).await.expect("asks");
    assert_eq!(way.map(|way| (way.public, way.needs)), Some((link.link.public.clone(), Vec::new())));
    assert!(
        way_in(&mut world.db.read().await.unwrap(), link.link.document, world.other, now)
            .await
            .expect("asks")
            .is_none()
    );
}

#[tokio::test]
async fn the_watermark_names_recipient_time_and_link() {
    let world = World::new().await;
    let link = for_offices(&world).await;
    let member = world.person(world.receiver, Role::Clerk).await;
    let opened = world.open_as(&link, &member, None).await.expect("a member");
    let granted = world.sharing.use_ticket(&link.link.public, &opened.ticket).await.expect("in use");
    let lines = granted.watermark_lines();
    let day = world.clock.now().timestamp().to_zoned(TimeZone::get("Asia/Jakarta").expect("bundled"));
    assert_eq!(lines[0], "DPMD / Rina");
    assert!(
        lines[1].starts_with(&day.strftime("%d-%m-%Y").to_string()) && lines[1].ends_with("UTC+07:00"),
        "{lines:?}"
    );
    assert_eq!(lines[2], link.link.id.to_string());
    assert!(!granted.may_download());
}

#[tokio::test]
async fn an_office_that_does_not_exist_is_told_by_its_place() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let subject = world.document(SecurityClass::Biasa).await;
    let offices = vec![world.receiver, OfficeId::fresh(&world.clock)];
    let made = world.make(&clerk, subject, world.asked(Audience::Offices { offices }, Rights::View)).await;
    assert_eq!(made.err().expect("refused").fields()[0].pointer, "/audience/offices/1");
}

#[tokio::test]
async fn a_code_opens_once_for_the_address_to_which_it_went() {
    let world = World::new().await;
    let link = for_addresses(&world).await;
    assert_eq!(world.open(&link).await.expect_err("no code yet").slug(), "link-code");
    mailed(&world, &link, "dua@contoh.id", "12345678").await;
    let opened = world.open_with(&link, |shown| shown.code = Some("1234 5678")).await.expect("the right code");
    let granted = world.sharing.use_ticket(&link.link.public, &opened.ticket).await.expect("in use");
    assert_eq!(granted.watermark_lines()[0], "dua@contoh.id");
    let again = world.open_with(&link, |shown| shown.code = Some("12345678")).await;
    assert_eq!(again.expect_err("used").slug(), "link-code");
    assert_eq!(world.log(&link.link).await, ["opened", "refused: code"]);
}

#[tokio::test]
async fn of_two_openings_with_one_code_one_wins() {
    let world = World::new().await;
    let link = for_addresses(&world).await;
    mailed(&world, &link, "satu@contoh.id", "12345678").await;
    let open = || world.open_with(&link, |shown| shown.code = Some("12345678"));
    let (one, two) = tokio::join!(open(), open());
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
}

#[tokio::test]
async fn a_code_dies_of_wrong_tries_and_of_time() {
    let world = World::new().await;
    let link = for_addresses(&world).await;
    mailed(&world, &link, "satu@contoh.id", "12345678").await;
    for _ in 0..5 {
        let wrong = world.open_with(&link, |shown| shown.code = Some("00000000")).await;
        assert_eq!(wrong.expect_err("wrong").slug(), "link-code");
    }
    let late = world.open_with(&link, |shown| shown.code = Some("12345678")).await;
    assert_eq!(late.expect_err("tried too often").slug(), "link-code");
    mailed(&world, &link, "satu@contoh.id", "12345678").await;
    world.clock.advance(Duration::from_secs(15 * 60));
    let late = world.open_with(&link, |shown| shown.code = Some("12345678")).await;
    assert_eq!(late.expect_err("too old").slug(), "link-code");
}

#[tokio::test]
async fn any_address_gets_the_same_answer_and_only_a_listed_one_a_mail() {
    let world = World::new().await;
    let link = for_addresses(&world).await;
    let from = origin("198.51.100.0/24");
    let ask = |secret: Option<&'static str>, email: &'static str| {
        let secret = secret.or(Some(link.secret())).filter(|secret| !secret.is_empty()).map(str::to_owned);
        let (sharing, public, from) = (world.sharing.clone(), link.link.public.clone(), from.clone());
        async move { sharing.ask_code(&public, secret.as_deref(), email, stranger(&from)).await }
    };
    let mails = "SELECT count(*) FROM job WHERE kind = 'link_code'";
    for email in ["tiga@contoh.id", "bukan alamat", "satu@contoh.id\r\nBcc: x@y.id", ""] {
        ask(None, email).await.expect("the same answer");
    }
    assert_eq!(world.count(mails).await, 0);
    ask(None, " SATU@contoh.id").await.expect("listed");
    assert_eq!(world.count(mails).await, 1);
    ask(None, "satu@contoh.id").await.expect("asked again at once");
    assert_eq!(world.count(mails).await, 1, "one mail a minute for one address");
    world.clock.advance(Duration::from_secs(61));
    ask(None, "satu@contoh.id").await.expect("a minute later");
    assert_eq!(world.count(mails).await, 2);
    for wrong in ["x", ""] {
        assert_eq!(ask(Some(wrong), "satu@contoh.id").await.expect_err("no secret").slug(), "link-unusable");
    }
}

#[tokio::test]
async fn a_password_comes_on_top_of_the_audience() {
    let world = World::new().await;
    let clerk = world.person(world.owner, Role::Clerk).await;
    let member = world.person(world.receiver, Role::Clerk).await;
    let subject = world.document(SecurityClass::Terbatas).await;
    let mut asked = world.asked(Audience::Offices { offices: vec![world.receiver] }, Rights::View);
    asked.password = Some("kunci".into());
    let link = world.make(&clerk, subject, asked).await.expect("allowed");
    assert_eq!(world.open_as(&link, &member, None).await.expect_err("password").slug(), "link-password");
    let from = origin("198.51.100.0/24");
    let visitor = Visitor { actor: None, origin: &from };
    let needs = world.sharing.peek(&link.link.public, Some(link.secret()), visitor).await.expect("open").needs;
    assert_eq!(needs, [Need::Login, Need::Password]);
}
