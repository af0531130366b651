use super::*;
use crate::{access::TokenScope, id::ConsentId};

fn slug<T>(result: Result<T>) -> &'static str {
    result.err().map_or("ok", |error| error.slug())
}

async fn ask_reset(house: &House, by: &Actor, office: OfficeId, person: PersonId) -> ConsentId {
    let post = house.post_of(person, office).await;
    match house.accounts.reset(by, office, post, &at("-")).await.unwrap() {
        Outcome::Waits(id) => id,
        Outcome::Done { .. } => panic!("one person alone reset an activated account"),
    }
}

async fn agree(house: &House, by: &Actor, office: OfficeId, id: ConsentId) -> Result<Decided> {
    house.accounts.decide(by, office, id, Decision::Agree, &at("-")).await
}

/// A village with an admin, a head and a clerk.
async fn village(house: &House) -> (Actor, Actor, PersonId) {
    house.person("sekdes", house.one, Role::OfficeAdmin).await;
    house.person("kades", house.one, Role::Head).await;
    let clerk = house.person("sari", house.one, Role::Clerk).await;
    (house.actor("sekdes").await, house.actor("kades").await, clerk)
}

#[tokio::test]
async fn a_reset_takes_two_people_and_ends_all_that_the_old_credentials_opened() {
    let house = House::build().await;
    let (sekdes, kades, sari) = village(&house).await;
    let clerk = house.actor("sari").await;
    let opened = house.opened("sari").await;
    let expires_at = house.clock.now().plus(minutes(600));
    let new = NewToken { label: "x", scopes: vec![TokenScope::Read], expires_at };
    let (_, token) = house.accounts.create_token(&clerk, house.one, new, &at("-")).await.unwrap();

    let id = ask_reset(&house, &sekdes, house.one, sari).await;
    assert!(house.acting(&token, None).await.is_some(), "nothing happens before the second person agrees");
    assert_eq!(slug(agree(&house, &sekdes, house.one, id).await), "second-person");
    assert_eq!(slug(agree(&house, &clerk, house.one, id).await), "second-person");
    let decided = agree(&house, &kades, house.one, id).await.unwrap();
    assert_eq!(decided.consent.state, "agreed");
    let link = decided.link.unwrap();
    assert!(house.acting(&access(&opened), None).await.is_none());
    assert!(house.acting(&token, None).await.is_none());
    let login = Login { login: "sari", password: PASSWORD, code: None };
    assert!(house.accounts.login(login, &at("-")).await.is_err());
    house.accounts.activate(&link.secret, PASSWORD, &at("-")).await.unwrap();
    assert!(house.acting(&token, None).await.is_none(), "an ended token stays ended");
    assert_eq!(house.actor("sari").await.person(), sari);
    assert_eq!(slug(agree(&house, &kades, house.one, id).await), "consent-settled");

    let told = house.accounts.consents(&house.actor("sari").await, house.one, None, 10).await.unwrap();
    assert_eq!((told.len(), told[0].asked_by_name.as_str()), (1, "sekdes"));
    assert_eq!(house.audited("credentials.reset").await[0].office, Some(house.one));
}

#[tokio::test]
async fn a_head_is_made_by_two_people() {
    let house = House::build().await;
    let (sekdes, kades, sari) = village(&house).await;
    let new = NewMember { who: Admission::Known(sari), role: Role::Head };
    let Outcome::Waits(id) = house.accounts.admit_member(&sekdes, house.one, new, &at("-")).await.unwrap() else {
        panic!("made by one person")
    };
    assert!(!house.actor("sari").await.is_head());
    agree(&house, &kades, house.one, id).await.unwrap();
    assert!(house.actor("sari").await.is_head());

    let who = Admission::New { login: "penjabat", name: "Penjabat", email: "" };
    let new = NewMember { who, role: Role::Head };
    let Outcome::Waits(id) = house.accounts.admit_member(&kades, house.one, new, &at("-")).await.unwrap() else {
        panic!("made by one person")
    };
    let link = agree(&house, &sekdes, house.one, id).await.unwrap().link.unwrap();
    house.accounts.activate(&link.secret, PASSWORD, &at("-")).await.unwrap();
    assert!(house.actor("penjabat").await.is_head());
}

#[tokio::test]
async fn a_request_is_refused_withdrawn_replaced_or_expires() {
    let house = House::build().await;
    let (sekdes, kades, sari) = village(&house).await;
    let refuse =
        async |by: &Actor, id| slug(house.accounts.decide(by, house.one, id, Decision::Refuse, &at("-")).await);
    let id = ask_reset(&house, &sekdes, house.one, sari).await;
    assert_eq!(refuse(&kades, id).await, "ok");
    assert_eq!(slug(agree(&house, &kades, house.one, id).await), "consent-settled");
    let id = ask_reset(&house, &sekdes, house.one, sari).await;
    assert_eq!(refuse(&sekdes, id).await, "ok", "withdrawn");
    let replaced = ask_reset(&house, &sekdes, house.one, sari).await;
    let last = ask_reset(&house, &kades, house.one, sari).await;
    assert_eq!(slug(agree(&house, &kades, house.one, replaced).await), "consent-settled");
    house.clock.advance(minutes(14 * 24 * 60 + 1));
    assert_eq!(slug(agree(&house, &house.actor("sekdes").await, house.one, last).await), "consent-settled");
    let shown = house.accounts.consents(&sekdes, house.one, None, 10).await.unwrap();
    assert_eq!(shown[0].state, "expired");
    house.person("lain", house.two, Role::OfficeAdmin).await;
    let lain = house.actor("lain").await;
    assert_eq!(slug(agree(&house, &lain, house.one, last).await), "not-found");
    assert_eq!(slug(house.accounts.consents(&lain, house.one, None, 10).await), "not-found");
    assert_eq!(slug(agree(&house, &lain, house.two, last).await), "not-found");
}

#[tokio::test]
async fn an_office_with_two_deciders_needs_nobody_from_outside() {
    let house = House::build().await;
    let (_, _, sari) = village(&house).await;
    house.person("prov", house.root, Role::Provisioner).await;
    house.person("admin", house.root, Role::PlatformAdmin).await;
    let post = house.post_of(sari, house.one).await;
    for outsider in ["prov", "admin"] {
        let outsider = house.actor(outsider).await;
        assert_eq!(slug(house.accounts.reset(&outsider, house.one, post, &at("-")).await), "office-runs-itself");
    }
}

/// Makes a member with an account and activates it, as whoever keeps the link for themselves could.
async fn puppet(house: &House, by: &Actor, login: &str, role: Role) -> Actor {
    let new = NewMember { who: Admission::New { login, name: login, email: "" }, role };
    let Outcome::Done { link: Some(link), .. } =
        house.accounts.admit_member(by, house.one, new, &at("-")).await.unwrap()
    else {
        panic!("no link for {login}")
    };
    house.accounts.activate(&link.secret, PASSWORD, &at("-")).await.unwrap();
    house.actor(login).await
}

#[tokio::test]
async fn an_admin_who_makes_a_second_admin_is_still_one_person() {
    let house = House::build().await;
    let (sekdes, kades, sari) = village(&house).await;
    let second = puppet(&house, &sekdes, "kembaran", Role::OfficeAdmin).await;
    let third = puppet(&house, &second, "cermin", Role::OfficeAdmin).await;
    for (asks, agrees) in [(&sekdes, &second), (&second, &sekdes), (&sekdes, &third), (&third, &second)] {
        let id = ask_reset(&house, asks, house.one, sari).await;
        assert_eq!(slug(agree(&house, agrees, house.one, id).await), "not-two");
        let refused = house.accounts.decide(agrees, house.one, id, Decision::Refuse, &at("-")).await;
        assert_eq!(slug(refused), "ok", "refusing takes one");
    }
    let who = Admission::New { login: "penjabat", name: "Penjabat", email: "" };
    let new = NewMember { who, role: Role::Head };
    let Outcome::Waits(id) = house.accounts.admit_member(&sekdes, house.one, new, &at("-")).await.unwrap() else {
        panic!("made by one person")
    };
    assert_eq!(slug(agree(&house, &second, house.one, id).await), "not-two");
    let id = ask_reset(&house, &third, house.one, sari).await;
    assert_eq!(slug(agree(&house, &kades, house.one, id).await), "ok", "the head's account came from outside");
}

#[tokio::test]
async fn an_office_of_one_person_and_their_puppets_has_no_two_and_is_helped_from_outside() {
    let house = House::build().await;
    house.person("sekdes", house.one, Role::OfficeAdmin).await;
    let sari = house.person("sari", house.one, Role::Clerk).await;
    let sekdes = house.actor("sekdes").await;
    puppet(&house, &sekdes, "kembaran", Role::OfficeAdmin).await;
    house.person("prov", house.root, Role::Provisioner).await;
    house.person("admin", house.root, Role::PlatformAdmin).await;
    let (prov, admin) = (house.actor("prov").await, house.actor("admin").await);
    let id = ask_reset(&house, &prov, house.one, sari).await;
    assert!(agree(&house, &admin, house.one, id).await.unwrap().link.is_some());
}

#[tokio::test]
async fn where_no_two_are_left_provisioner_and_platform_admin_must_both_agree() {
    let house = House::build().await;
    let kades = house.person("kades", house.one, Role::Head).await;
    house.person("prov", house.root, Role::Provisioner).await;
    house.person("prov2", house.root, Role::Provisioner).await;
    house.person("admin", house.root, Role::PlatformAdmin).await;
    let (prov, admin) = (house.actor("prov").await, house.actor("admin").await);
    let id = ask_reset(&house, &prov, house.one, kades).await;
    assert_eq!(slug(agree(&house, &prov, house.one, id).await), "second-person");
    let second = house.actor("prov2").await;
    assert_eq!(slug(agree(&house, &second, house.one, id).await), "second-person", "two of one kind are not the pair");
    assert!(agree(&house, &admin, house.one, id).await.unwrap().link.is_some());
    let listed = house.accounts.consents(&admin, house.one, None, 10).await.unwrap();
    assert_eq!((listed[0].asked_as.as_str(), listed[0].state.as_str()), ("provisioner", "agreed"));
}

#[tokio::test]
async fn one_office_does_not_reset_a_person_who_also_serves_another() {
    let house = House::build().await;
    let (sekdes, _, _) = village(&house).await;
    let lain = house.person("lain", house.two, Role::Head).await;
    let new = NewMember { who: Admission::Known(lain), role: Role::Clerk };
    house.accounts.admit_member(&sekdes, house.one, new, &at("-")).await.unwrap();
    let post = house.post_of(lain, house.one).await;
    assert_eq!(slug(house.accounts.reset(&sekdes, house.one, post, &at("-")).await), "posts-elsewhere");
}

#[tokio::test]
async fn recovery_on_the_machine_is_recorded_for_each_office_of_the_person() {
    let house = House::build().await;
    let kades = house.person("kades", house.one, Role::Head).await;
    let opened = house.opened("kades").await;
    let link = house.accounts.recover("kades", &Origin::machine()).await.unwrap();
    assert_eq!(link.person, kades);
    assert!(house.acting(&access(&opened), None).await.is_none());
    house.accounts.activate(&link.secret, PASSWORD, &at("-")).await.unwrap();
    let lines = house.audited("credentials.reset").await;
    assert_eq!((lines.len(), lines[0].who.as_str(), lines[0].office), (1, "machine", Some(house.one)));
    assert!(house.accounts.recover("tiada", &Origin::machine()).await.is_err());
}
