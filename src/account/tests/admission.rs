use super::*;

fn newcomer(login: &str, role: Role) -> NewMember<'_> {
    NewMember { who: Admission::New { login, name: "Nama Baru", email: "" }, role }
}

async fn admitted(house: &House, by: &Actor, office: OfficeId, login: &str, role: Role) -> Result<Outcome> {
    house.accounts.admit_member(by, office, newcomer(login, role), &at("-")).await
}

fn slug<T>(result: Result<T>) -> &'static str {
    result.err().map_or("ok", |error| error.slug())
}

#[tokio::test]
async fn an_activation_link_sets_a_password_once() {
    let house = House::build().await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let budi = house.actor("budi").await;
    let Outcome::Done { link: Some(link), .. } = admitted(&house, &budi, house.one, "sari", Role::Clerk).await.unwrap()
    else {
        panic!("a link")
    };
    assert_eq!(house.accounts.activation_for(&link.secret).await.unwrap().unwrap().0, "sari");
    let here = at("10.9.0.0/24");
    let activate = async |secret: &str, password: &str| slug(house.accounts.activate(secret, password, &here).await);
    assert_eq!(activate("unknown", PASSWORD).await, "activation-unusable");
    assert_eq!(activate(&link.secret, "pendek").await, "invalid");
    assert_eq!(activate(&link.secret, "aaaaaaaaaaaaaa").await, "invalid");
    assert_eq!(activate(&link.secret, PASSWORD).await, "ok");
    assert_eq!(activate(&link.secret, PASSWORD).await, "activation-unusable");
    assert!(house.accounts.activation_for(&link.secret).await.unwrap().is_none());
    let members = house.accounts.members(&budi, house.one, false, None, 10).await.unwrap();
    let sari = members.iter().find(|member| member.login == "sari").unwrap();
    assert_eq!(sari.activated_from.as_deref(), Some("10.9.0.0/24"));
    assert!(sari.activated_at.is_some() && sari.link_until.is_none());
}

#[tokio::test]
async fn of_two_parallel_activations_one_wins() {
    let house = House::build().await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let Outcome::Done { link: Some(link), .. } =
        admitted(&house, &house.actor("budi").await, house.one, "sari", Role::Clerk).await.unwrap()
    else {
        panic!("a link")
    };
    let origin = at("-");
    let both = tokio::join!(
        house.accounts.activate(&link.secret, PASSWORD, &origin),
        house.accounts.activate(&link.secret, "sandi orang lain", &origin)
    );
    assert_ne!(both.0.is_ok(), both.1.is_ok());
}

#[tokio::test]
async fn a_link_ends_after_fourteen_days_and_when_a_newer_one_is_issued() {
    let house = House::build().await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let budi = house.actor("budi").await;
    let Outcome::Done { link: Some(first), post: Some(post), .. } =
        admitted(&house, &budi, house.one, "sari", Role::Clerk).await.unwrap()
    else {
        panic!("a link")
    };
    let Outcome::Done { link: Some(second), .. } =
        house.accounts.reset(&budi, house.one, post, &at("-")).await.unwrap()
    else {
        panic!("a link, because the account was never activated")
    };
    assert_eq!(slug(house.accounts.activate(&first.secret, PASSWORD, &at("-")).await), "activation-unusable");
    house.clock.advance(minutes(14 * 24 * 60 + 1));
    assert_eq!(slug(house.accounts.activate(&second.secret, PASSWORD, &at("-")).await), "activation-unusable");
}

#[tokio::test]
async fn a_provisioner_makes_the_first_accounts_and_no_more() {
    let house = House::build().await;
    house.person("prov", house.root, Role::Provisioner).await;
    let prov = house.actor("prov").await;
    assert_eq!(slug(admitted(&house, &prov, house.one, "kades", Role::Head).await), "ok");
    let Outcome::Done { link: Some(link), .. } =
        admitted(&house, &prov, house.one, "sekdes", Role::OfficeAdmin).await.unwrap()
    else {
        panic!("a link")
    };
    assert_eq!(slug(admitted(&house, &prov, house.one, "operator", Role::Clerk).await), "ok");
    house.accounts.activate(&link.secret, PASSWORD, &at("-")).await.unwrap();
    assert_eq!(slug(admitted(&house, &prov, house.one, "susupan", Role::Clerk).await), "office-runs-itself");
    let kades = house.db.one::<(uuid::Uuid,)>("SELECT id FROM person WHERE login = 'kades'", vec![]).await.unwrap();
    let post = house.post_of(PersonId(kades.unwrap().0), house.one).await;
    assert_eq!(slug(house.accounts.reset(&prov, house.one, post, &at("-")).await), "office-runs-itself");
    assert_eq!(slug(house.accounts.end_post(&prov, house.one, post, &at("-")).await), "office-runs-itself");
    assert_eq!(house.accounts.members(&prov, house.one, false, None, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_platform_admin_gives_regency_roles_only() {
    let house = House::build().await;
    house.person("admin", house.root, Role::PlatformAdmin).await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let (admin, budi) = (house.actor("admin").await, house.actor("budi").await);
    let refused = admitted(&house, &admin, house.one, "susupan", Role::Clerk).await;
    assert_eq!(slug(refused), "no-accounts-inside-offices");
    let at_root = admitted(&house, &admin, house.root, "susupan", Role::Clerk).await;
    assert_eq!(slug(at_root), "no-accounts-inside-offices");
    assert_eq!(slug(admitted(&house, &admin, house.one, "aud", Role::Auditor).await), "invalid");
    assert_eq!(slug(admitted(&house, &admin, house.root, "prov", Role::Provisioner).await), "ok");
    assert_eq!(slug(admitted(&house, &budi, house.one, "prov2", Role::Provisioner).await), "not-your-role");
    assert_eq!(slug(house.accounts.members(&admin, house.one, false, None, 10).await), "not-found");
}

#[tokio::test]
async fn clerks_and_strangers_admit_nobody() {
    let house = House::build().await;
    house.person("sari", house.one, Role::Clerk).await;
    house.person("lain", house.two, Role::OfficeAdmin).await;
    let (sari, lain) = (house.actor("sari").await, house.actor("lain").await);
    assert_eq!(slug(admitted(&house, &sari, house.one, "teman", Role::Clerk).await), "not-your-role");
    assert_eq!(slug(admitted(&house, &lain, house.one, "teman", Role::Clerk).await), "not-found");
    assert_eq!(slug(house.accounts.members(&lain, house.one, false, None, 10).await), "not-found");
    assert_eq!(house.accounts.members(&sari, house.one, false, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_login_is_unique_and_well_formed() {
    let house = House::build().await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let budi = house.actor("budi").await;
    assert_eq!(slug(admitted(&house, &budi, house.one, "BUDI ", Role::Clerk).await), "login-taken");
    for login in ["", "ab", "dua kata", "<b>", &"x".repeat(65)] {
        assert_eq!(slug(admitted(&house, &budi, house.one, login, Role::Clerk).await), "invalid", "{login}");
    }
    let who = Admission::New { login: "sari", name: "Sari", email: "bukan surel" };
    let refusal = house.accounts.admit_member(&budi, house.one, NewMember { who, role: Role::Clerk }, &at("-")).await;
    assert_eq!(slug(refusal), "invalid");
}

#[tokio::test]
async fn nobody_changes_their_own_role() {
    let house = House::build().await;
    let budi_id = house.person("budi", house.one, Role::OfficeAdmin).await;
    let budi = house.actor("budi").await;
    for role in [Role::Clerk, Role::Head] {
        let new = NewMember { who: Admission::Known(budi_id), role };
        assert_eq!(slug(house.accounts.admit_member(&budi, house.one, new, &at("-")).await), "own-role");
    }
    let own = house.post_of(budi_id, house.one).await;
    assert_eq!(slug(house.accounts.end_post(&budi, house.one, own, &at("-")).await), "own-role");
    assert_eq!(slug(house.accounts.reset(&budi, house.one, own, &at("-")).await), "own-role");
}

#[tokio::test]
async fn a_known_person_gets_a_further_post_once() {
    let house = House::build().await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let sari = house.person("sari", house.one, Role::Clerk).await;
    let budi = house.actor("budi").await;
    let add = async |person, role| {
        let new = NewMember { who: Admission::Known(person), role };
        house.accounts.admit_member(&budi, house.one, new, &at("-")).await
    };
    assert!(matches!(add(sari, Role::Archivist).await.unwrap(), Outcome::Done { link: None, .. }));
    assert_eq!(slug(add(sari, Role::Archivist).await), "has-role");
    assert_eq!(slug(add(PersonId::fresh(&house.clock), Role::Clerk).await), "invalid");
    assert_eq!(house.actor("sari").await.roles().len(), 2);
}

#[tokio::test]
async fn ending_the_last_post_ends_sessions_and_unused_links() {
    let house = House::build().await;
    house.person("budi", house.one, Role::OfficeAdmin).await;
    let sari = house.person("sari", house.one, Role::Clerk).await;
    let budi = house.actor("budi").await;
    let opened = house.opened("sari").await;
    let post = house.post_of(sari, house.one).await;
    assert_eq!(slug(house.accounts.end_post(&budi, house.two, post, &at("-")).await), "not-found");
    house.accounts.end_post(&budi, house.one, post, &at("-")).await.unwrap();
    assert!(house.acting(&access(&opened), None).await.is_none());
    assert!(house.accounts.refresh(&refresh(&opened), &at("-")).await.is_err());
    assert_eq!(slug(house.accounts.end_post(&budi, house.one, post, &at("-")).await), "not-found");
    let listed = async |former| house.accounts.members(&budi, house.one, former, None, 10).await.unwrap().len();
    assert_eq!((listed(false).await, listed(true).await), (1, 2));

    let Outcome::Done { link: Some(link), post: Some(post), .. } =
        admitted(&house, &budi, house.one, "baru", Role::Clerk).await.unwrap()
    else {
        panic!("a link")
    };
    house.accounts.end_post(&budi, house.one, post, &at("-")).await.unwrap();
    assert_eq!(slug(house.accounts.activate(&link.secret, PASSWORD, &at("-")).await), "activation-unusable");
}

#[tokio::test]
async fn the_first_platform_admin_is_invited_on_the_machine() {
    let house = House::build().await;
    let machine = Origin::machine();
    let invited = house.accounts.invite_regency("admin", "Admin", "", Role::PlatformAdmin, &machine).await.unwrap();
    house.accounts.activate(&invited.secret, PASSWORD, &at("-")).await.unwrap();
    assert_eq!(house.actor("admin").await.office(), house.root);
    assert_eq!(house.audited("member.add").await[0].who, "machine");
    let mut tx = house.db.read().await.unwrap();
    assert_eq!(person_by_login(&mut tx, "ADMIN").await.unwrap().unwrap().id, invited.person);
    assert_eq!(person(&mut tx, invited.person).await.unwrap().unwrap().name, "Admin");
    assert!(is_member(&mut tx, &house.clock, invited.person, house.root).await.unwrap());
    assert_eq!(email_of(&mut tx, invited.person).await.unwrap(), None);
}
