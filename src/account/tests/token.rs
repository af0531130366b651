use super::*;
use crate::{
    access::{Act, TokenScope},
    clock::Time,
};

fn new(house: &House, scopes: &[TokenScope]) -> NewToken<'static> {
    NewToken { label: "mesin pindai", scopes: scopes.to_vec(), expires_at: house.clock.now().plus(minutes(600)) }
}

async fn made(house: &House, actor: &Actor, scopes: &[TokenScope]) -> (Token, String) {
    house.accounts.create_token(actor, actor.office(), new(house, scopes), &at("-")).await.unwrap()
}

#[tokio::test]
async fn a_token_never_exceeds_its_scopes_nor_its_makers_present_rights() {
    let house = House::build().await;
    let sari = house.person("sari", house.one, Role::Clerk).await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let actor = house.actor("sari").await;
    let (_, narrow) = made(&house, &actor, &[TokenScope::Upload]).await;
    let (_, wide) = made(&house, &actor, &TokenScope::ALL).await;
    let narrow = house.acting(&narrow, None).await.unwrap();
    assert!(narrow.may(Act::Upload) && !narrow.may(Act::Read) && !narrow.may(Act::Edit));
    let acting = house.acting(&wide, None).await.unwrap();
    assert!(acting.may(Act::Read) && acting.may(Act::Edit) && acting.may(Act::Share));
    assert!(!acting.may(Act::Members) && !acting.may(Act::Audit) && !acting.may(Act::Decide));

    let mut tx = house.db.write().await.unwrap();
    sql::insert_post(&mut tx, PostId::fresh(&house.clock), sari, house.one, Role::Archivist, house.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let clerk = house.post_of(sari, house.one).await;
    house.accounts.end_post(&house.actor("budi").await, house.one, clerk, &at("-")).await.unwrap();
    let later = house.acting(&wide, None).await.unwrap();
    assert!(later.may(Act::Upload) && !later.may(Act::Share), "only what an archivist may");
}

#[tokio::test]
async fn a_token_ends_with_its_makers_post_unless_it_was_adopted() {
    let house = House::build().await;
    let sari = house.person("sari", house.one, Role::Clerk).await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let (actor, admin) = (house.actor("sari").await, house.actor("budi").await);
    let (_, left) = made(&house, &actor, &[TokenScope::Read]).await;
    let (adopted_id, adopted) = made(&house, &actor, &[TokenScope::Read, TokenScope::Upload]).await;
    let refusal = house.accounts.adopt_token(&actor, house.one, adopted_id.id, &at("-")).await.unwrap_err();
    assert_eq!(refusal.slug(), "not-your-role");
    house.accounts.adopt_token(&admin, house.one, adopted_id.id, &at("-")).await.unwrap();
    let post = house.post_of(sari, house.one).await;
    house.accounts.end_post(&admin, house.one, post, &at("-")).await.unwrap();
    assert!(house.acting(&left, None).await.is_none());
    let acting = house.acting(&adopted, None).await.unwrap();
    assert!(acting.may(Act::Read) && !acting.may(Act::Upload), "an office admin's rights now");

    let mut tx = house.db.write().await.unwrap();
    sql::insert_post(&mut tx, PostId::fresh(&house.clock), sari, house.one, Role::Clerk, house.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(house.acting(&left, None).await.is_none(), "a new post does not wake an ended token");
}

#[tokio::test]
async fn a_token_is_ended_expires_and_names_one_office() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let actor = house.actor("sari").await;
    let (token, secret) = made(&house, &actor, &[TokenScope::Read]).await;
    assert!(secret.starts_with("lmb_") && secret.len() == 36);
    assert!(house.acting(&secret, Some(house.one)).await.is_some());
    assert!(house.accounts.authenticate(Credentials::Bearer(&secret), Some(house.two)).await.is_err());
    house.accounts.end_token(&actor, house.one, token.id, &at("-")).await.unwrap();
    assert!(house.acting(&secret, None).await.is_none());
    let (_, secret) = made(&house, &actor, &[TokenScope::Read]).await;
    house.clock.advance(minutes(601));
    assert!(house.acting(&secret, None).await.is_none());
    let stored: Option<(i64,)> = house
        .db
        .one("SELECT count(*) FROM token WHERE secret_hash = $1", vec![secret.as_bytes().into()])
        .await
        .unwrap();
    assert_eq!(stored.unwrap().0, 0, "only a hash is kept");
}

#[tokio::test]
async fn members_see_their_own_tokens_and_admins_all_of_the_office() {
    let house = House::build().await;
    for (login, office, role) in [
        ("sari", house.one, Role::Clerk),
        ("tono", house.one, Role::Clerk),
        ("budi", house.one, Role::OfficeAdmin),
        ("lain", house.two, Role::OfficeAdmin),
    ] {
        house.person(login, office, role).await;
    }
    let (sari, tono) = (house.actor("sari").await, house.actor("tono").await);
    let (budi, lain) = (house.actor("budi").await, house.actor("lain").await);
    let (token, _) = made(&house, &sari, &[TokenScope::Read]).await;
    let seen = async |actor: &Actor| house.accounts.tokens(actor, house.one, None, 10).await.map(|list| list.len());
    assert_eq!(seen(&sari).await.unwrap(), 1);
    assert_eq!(seen(&tono).await.unwrap(), 0);
    assert_eq!(seen(&budi).await.unwrap(), 1);
    assert_eq!(seen(&lain).await.unwrap_err().slug(), "not-found");
    assert_eq!(house.accounts.end_token(&tono, house.one, token.id, &at("-")).await.unwrap_err().slug(), "not-found");
    house.accounts.end_token(&budi, house.one, token.id, &at("-")).await.unwrap();
}

#[tokio::test]
async fn a_token_makes_no_token_that_may_more_or_lives_longer() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let actor = house.actor("sari").await;
    let (_, without) = made(&house, &actor, &[TokenScope::Read]).await;
    let (_, managing) = made(&house, &actor, &[TokenScope::Read, TokenScope::Manage]).await;
    let create = async |by: &str, new: NewToken<'static>| {
        let actor = house.acting(by, None).await.unwrap();
        house.accounts.create_token(&actor, house.one, new, &at("-")).await.map(drop).map_err(|error| error.slug())
    };
    assert_eq!(create(&without, new(&house, &[TokenScope::Read])).await, Err("not-your-role"));
    assert_eq!(create(&managing, new(&house, &[TokenScope::Upload])).await, Err("token-exceeds-maker"));
    let longer = NewToken { expires_at: house.clock.now().plus(minutes(900)), ..new(&house, &[TokenScope::Read]) };
    assert_eq!(create(&managing, longer).await, Err("token-exceeds-maker"));
    let within = NewToken { expires_at: house.clock.now().plus(minutes(60)), ..new(&house, &[TokenScope::Read]) };
    assert_eq!(create(&managing, within).await, Ok(()));
    let acting = house.acting(&managing, None).await.unwrap();
    assert_eq!(house.accounts.sessions(&acting, None, 10).await.unwrap_err().slug(), "session-needed");
}

#[tokio::test]
async fn a_token_without_label_scope_or_future_is_refused() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    let actor = house.actor("sari").await;
    let good = new(&house, &[TokenScope::Read]);
    for (bad, pointer) in [
        (NewToken { label: " ", ..good.clone() }, "/label"),
        (NewToken { scopes: vec![], ..good.clone() }, "/scopes"),
        (NewToken { expires_at: Time(5), ..good.clone() }, "/expires_at"),
    ] {
        let refusal = house.accounts.create_token(&actor, house.one, bad, &at("-")).await.unwrap_err();
        assert_eq!(refusal.fields()[0].pointer, pointer);
    }
    let refusal = house.accounts.create_token(&actor, house.two, good, &at("-")).await.unwrap_err();
    assert_eq!(refusal.slug(), "not-found");
}
