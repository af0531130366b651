use super::*;
use crate::access::Via;

#[tokio::test]
async fn an_ended_session_is_refused_at_once_whatever_its_token_says() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let (first, second) = (house.opened("sari").await, house.opened("sari").await);
    let actor = house.acting(&access(&first), None).await.unwrap();
    let listed = house.accounts.sessions(&actor, None, 10).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed.iter().filter(|session| session.current).count(), 1);
    house.accounts.end_session(&actor, second.session(), &at("-")).await.unwrap();
    assert!(house.acting(&access(&second), None).await.is_none());
    assert!(house.accounts.refresh(&refresh(&second), &at("-")).await.is_err());
    assert!(house.acting(&access(&first), None).await.is_some());
    house.accounts.end_current(&actor, &at("-")).await.unwrap();
    assert!(house.acting(&access(&first), None).await.is_none());
}

#[tokio::test]
async fn nobody_ends_or_sees_the_session_of_another() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let theirs = house.opened("sari").await;
    let budi = house.actor("budi").await;
    let refusal = house.accounts.end_session(&budi, theirs.session(), &at("-")).await.unwrap_err();
    assert_eq!(refusal.slug(), "not-found");
    assert!(house.acting(&access(&theirs), None).await.is_some());
    assert_eq!(house.accounts.sessions(&budi, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_access_token_lives_fifteen_minutes_and_is_refreshed() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let opened = house.opened("sari").await;
    house.clock.advance(minutes(16));
    assert!(house.acting(&access(&opened), None).await.is_none());
    let next = house.accounts.refresh(&refresh(&opened), &at("-")).await.unwrap();
    assert_eq!(next.session(), opened.session());
    assert!(house.acting(&access(&next), None).await.is_some());
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_the_family() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let first = house.opened("sari").await;
    let second = house.accounts.refresh(&refresh(&first), &at("-")).await.unwrap();
    assert!(house.accounts.refresh(&refresh(&first), &at("-")).await.is_err());
    assert!(house.acting(&access(&second), None).await.is_none());
    assert!(house.accounts.refresh(&refresh(&second), &at("-")).await.is_err());
    assert_eq!(house.audited("session.reuse").await.len(), 1);
    assert!(house.accounts.refresh("nothing", &at("-")).await.is_err());
}

#[tokio::test]
async fn of_two_parallel_refreshes_one_wins_and_the_family_ends() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let token = refresh(&house.opened("sari").await);
    let origin = at("-");
    let both = tokio::join!(house.accounts.refresh(&token, &origin), house.accounts.refresh(&token, &origin));
    assert_eq!([both.0.is_ok(), both.1.is_ok()].iter().filter(|fine| **fine).count(), 1);
}

#[tokio::test]
async fn a_refresh_token_expires_and_is_swept() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let opened = house.opened("sari").await;
    house.clock.advance(minutes(31 * 24 * 60));
    assert!(house.accounts.refresh(&refresh(&opened), &at("-")).await.is_err());
    house.accounts.sweep().await.unwrap();
    let left: Option<(i64,)> = house.db.one("SELECT count(*) FROM refresh", vec![]).await.unwrap();
    assert_eq!(left.unwrap().0, 0);
}

#[tokio::test]
async fn a_web_session_is_a_cookie_and_its_secret_is_no_bearer() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let login = Login { login: "sari", password: PASSWORD, code: None };
    let Opened::Web { cookie, .. } = house.accounts.login_web(login, &at("-")).await.unwrap().opened else {
        panic!("a web session")
    };
    let by_cookie = async || house.accounts.authenticate(Credentials::Cookie(&cookie), None).await.unwrap();
    let actor = by_cookie().await.unwrap();
    assert!(matches!(actor.via(), Via::Web(_)));
    assert!(house.acting(&cookie, None).await.is_none());
    house.clock.advance(minutes(6));
    by_cookie().await.unwrap();
    let seen = house.accounts.sessions(&actor, None, 10).await.unwrap()[0].clone();
    assert!(seen.seen_at > seen.created_at);
    house.accounts.end_current(&actor, &at("-")).await.unwrap();
    assert!(by_cookie().await.is_none());
}

#[tokio::test]
async fn a_person_with_two_offices_acts_in_one_at_a_time() {
    let house = House::build().await;
    let sari = house.person("sari", house.one, Role::Clerk).await;
    let mut tx = house.db.write().await.unwrap();
    house.clock.advance(Duration::from_millis(5));
    for role in [Role::Head, Role::Archivist] {
        sql::insert_post(&mut tx, PostId::fresh(&house.clock), sari, house.two, role, house.clock.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let token = access(&house.opened("sari").await);
    let first = house.acting(&token, None).await.unwrap();
    assert_eq!((first.office(), first.is_head()), (house.one, false));
    let second = house.acting(&token, Some(house.two)).await.unwrap();
    assert_eq!((second.office(), second.roles().len(), second.is_head()), (house.two, 2, true));
    let foreign = house.accounts.authenticate(Credentials::Bearer(&token), Some(house.root)).await;
    assert_eq!(foreign.unwrap_err().slug(), "not-your-office");

    let login = Login { login: "sari", password: PASSWORD, code: None };
    let Opened::Web { cookie, .. } = house.accounts.login_web(login, &at("-")).await.unwrap().opened else {
        panic!("a web session")
    };
    let on_page = async || house.accounts.authenticate(Credentials::Cookie(&cookie), None).await.unwrap().unwrap();
    house.accounts.act_in(&on_page().await, house.two).await.unwrap();
    assert_eq!(on_page().await.office(), house.two);
    assert!(house.accounts.act_in(&on_page().await, house.root).await.is_err());
}

#[tokio::test]
async fn a_disabled_person_and_one_without_a_post_are_out_at_once() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let budi = house.person("budi", house.one, Role::Clerk).await;
    let (sari_token, budi_token) = (access(&house.opened("sari").await), access(&house.opened("budi").await));
    house.db.execute("UPDATE person SET disabled_at = 1 WHERE login = 'sari'", vec![]).await.unwrap();
    assert!(house.acting(&sari_token, None).await.is_none());
    assert!(house.accounts.login(Login { login: "sari", password: PASSWORD, code: None }, &at("-")).await.is_err());
    let post = house.post_of(budi, house.one).await;
    let mut tx = house.db.write().await.unwrap();
    assert!(sql::end_post(&mut tx, post, house.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    assert!(house.acting(&budi_token, None).await.is_none());
    let refusal = house.accounts.login(Login { login: "budi", password: PASSWORD, code: None }, &at("-")).await;
    assert_eq!(refusal.unwrap_err().slug(), "no-post");
}

#[tokio::test]
async fn garbage_is_nobody() {
    let house = House::build().await;
    for text in ["", "lmb_", "lmb_x", "a.b.c", "Bearer", "\u{0}"] {
        assert!(house.acting(text, None).await.is_none(), "{text:?}");
        assert!(house.accounts.authenticate(Credentials::Cookie(text), None).await.unwrap().is_none());
    }
}
