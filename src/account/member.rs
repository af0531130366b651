//! Who holds which post in an office. The first accounts come from a provisioner; from the first activated member on, new
//! members and roles are the office's own business. Nobody changes their own role.

use serde_json::json;

use super::{
    Accounts,
    activation::{self, create_person, reissue},
    consent::ConsentKind,
    independent, sql,
};
use crate::{
    access::{Act, Actor, Role},
    audit::{self, Entry, Origin},
    clock::Time,
    db::Tx,
    error::{Error, Result, say},
    id::{ConsentId, OfficeId, PersonId, PostId},
    office,
};

/// A post with its holder.
#[derive(Clone, Debug)]
pub struct Member {
    pub post: PostId,
    pub person: PersonId,
    pub login: String,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub since: Time,
    pub until: Option<Time>,
    pub activated_at: Option<Time>,
    /// The network from which the account was activated.
    pub activated_from: Option<String>,
    /// Until when an unused activation link works.
    pub link_until: Option<Time>,
}

#[derive(Clone, Debug)]
pub enum Admission<'a> {
    New {
        login: &'a str,
        name: &'a str,
        email: &'a str,
    },
    /// Somebody who has an account gets a further post.
    Known(PersonId),
}

#[derive(Clone, Debug)]
pub struct NewMember<'a> {
    pub who: Admission<'a>,
    pub role: Role,
}

/// A one-time link for a person: the secret is in this value and nowhere else.
#[derive(Debug)]
pub struct Link {
    pub person: PersonId,
    pub secret: String,
    pub expires_at: Time,
}

#[derive(Debug)]
pub enum Outcome {
    /// A link where somebody has to activate an account with it.
    Done { person: PersonId, post: Option<PostId>, link: Option<Link> },
    /// A second person has to agree.
    Waits(ConsentId),
}

/// In whose name somebody acts on an office's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Office,
    Provisioner,
    Platform,
}

impl Side {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Side::Office => "office",
            Side::Provisioner => "provisioner",
            Side::Platform => "platform_admin",
        }
    }

    /// Offices are known to everybody; what goes on inside one is not.
    pub(super) fn of(actor: &Actor, office: OfficeId) -> Result<Side> {
        match () {
            () if actor.office() == office && actor.may(Act::Members) => Ok(Side::Office),
            () if actor.may(Act::Provision) => Ok(Side::Provisioner),
            () if actor.may(Act::Platform) => Ok(Side::Platform),
            () if actor.office() == office => actor.must(Act::Members).map(|()| Side::Office),
            () => Err(Error::not_found()),
        }
    }
}

impl Accounts {
    /// Posts of an office in the order in which they were given; with `former` also those that ended.
    pub async fn members(
        &self,
        actor: &Actor,
        office: OfficeId,
        former: bool,
        after: Option<PostId>,
        limit: i64,
    ) -> Result<Vec<Member>> {
        may_look(actor, office)?;
        let mut tx = self.db.read().await?;
        office::find(&mut tx, office).await?.ok_or_else(Error::not_found)?;
        let rows = sql::members(&mut tx, office, self.clock.now(), former, after, limit).await?;
        rows.into_iter().map(member).collect()
    }

    pub async fn admit_member(
        &self,
        actor: &Actor,
        office: OfficeId,
        new: NewMember<'_>,
        origin: &Origin,
    ) -> Result<Outcome> {
        let mut tx = self.db.write().await?;
        let outcome = self.admit_member_in(&mut tx, actor, office, new, origin).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// The same in a transaction of the caller's.
    pub async fn admit_member_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        office: OfficeId,
        new: NewMember<'_>,
        origin: &Origin,
    ) -> Result<Outcome> {
        let target = office::find(tx, office).await?.ok_or_else(Error::not_found)?;
        let side = if new.role.is_regency() {
            regency_side(actor, target.parent.is_none())?
        } else {
            self.office_side(tx, actor, office, &new).await?
        };
        let person = match new.who {
            Admission::New { login, name, email } => {
                create_person(tx, &self.clock, login, name, email, &self.session).await?
            }
            Admission::Known(person) => self.known(tx, actor, office, person, new.role).await?,
        };
        let needs_second = new.role == Role::Head
            && (side == Side::Office || sql::activated_members(tx, office, self.clock.now()).await? > 0);
        if needs_second {
            return Ok(Outcome::Waits(self.ask(tx, actor, side, office, ConsentKind::Head, person, origin).await?));
        }
        self.give_post(tx, actor, office, person, new.role, origin).await
    }

    /// Who may give office roles: the office itself, or for its first accounts a provisioner.
    async fn office_side(&self, tx: &mut Tx, actor: &Actor, office: OfficeId, new: &NewMember<'_>) -> Result<Side> {
        let side = Side::of(actor, office)?;
        match side {
            Side::Office => Ok(side),
            Side::Platform => Err(makes_no_accounts()),
            Side::Provisioner => {
                let now = self.clock.now();
                let is_known = matches!(new.who, Admission::Known(_));
                let runs_itself = sql::activated_members(tx, office, now).await? > 0;
                let lacks_second =
                    new.role == Role::Head && !independent::has_two(tx, office, actor.person(), now).await?;
                if is_known || runs_itself && !lacks_second { Err(runs_itself_error()) } else { Ok(side) }
            }
        }
    }

    async fn known(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        office: OfficeId,
        person: PersonId,
        role: Role,
    ) -> Result<PersonId> {
        if person == actor.person() {
            return Err(own_role());
        }
        let unknown = || Error::invalid("/person", say("Orang ini tidak ditemukan.", "There is no such person."));
        sql::person(tx, person).await?.filter(|row| row.disabled_at.is_none()).ok_or_else(unknown)?;
        let posts = sql::postings(tx, person, self.clock.now()).await?;
        if posts.iter().any(|post| post.office.id == office && post.role == role) {
            return Err(Error::conflict(
                "has-role",
                say("Orang ini sudah memegang jabatan tersebut.", "This person holds that role already."),
            ));
        }
        Ok(person)
    }

    pub(super) async fn give_post(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        office: OfficeId,
        person: PersonId,
        role: Role,
        origin: &Origin,
    ) -> Result<Outcome> {
        let post = PostId::fresh(&self.clock);
        sql::insert_post(tx, post, person, office, role, self.clock.now()).await?;
        let detail = json!({ "person": person, "role": role });
        self.note_member(tx, actor, office, "member.add", post.to_string(), origin, detail).await?;
        let row = sql::person(tx, person).await?.ok_or_else(Error::not_found)?;
        let link = match row.activated_at {
            Some(_) => None,
            None => Some(self.link(tx, actor, person).await?),
        };
        Ok(Outcome::Done { person, post: Some(post), link })
    }

    pub(super) async fn link(&self, tx: &mut Tx, actor: &Actor, person: PersonId) -> Result<Link> {
        let days = self.session.activation_days;
        let (secret, expires_at) = reissue(tx, &self.clock, person, Some(actor.person()), days).await?;
        Ok(Link { person, secret, expires_at })
    }

    /// Ends a post. The archive stays; tokens that the person made for this office end, and with the last post everything.
    pub async fn end_post(&self, actor: &Actor, office: OfficeId, post: PostId, origin: &Origin) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let (person, role) = self.target(&mut tx, office, post).await?;
        match (Side::of(actor, office)?, role.is_regency()) {
            (Side::Platform, true) | (Side::Office, false) => {}
            (Side::Office, true) => actor.must(Act::Platform)?,
            _ => return Err(runs_itself_error()),
        }
        if person == actor.person() {
            return Err(own_role());
        }
        sql::end_post(&mut tx, post, now).await?;
        let left = sql::postings(&mut tx, person, now).await?;
        if !left.iter().any(|post| post.office.id == office) {
            sql::end_tokens(&mut tx, person, Some(office), now).await?;
        }
        if left.is_empty() {
            sql::end_sessions(&mut tx, person, None, now).await?;
            sql::void_activations(&mut tx, person, now).await?;
        }
        let detail = json!({ "person": person, "role": role });
        self.note_member(&mut tx, actor, office, "member.end", post.to_string(), origin, detail).await?;
        tx.commit().await
    }

    /// A fresh activation link for somebody who never activated; for an activated account, a request that a second person
    /// has to agree to.
    pub async fn reset(&self, actor: &Actor, office: OfficeId, post: PostId, origin: &Origin) -> Result<Outcome> {
        let mut tx = self.db.write().await?;
        let side = Side::of(actor, office)?;
        let (person, role) = self.target(&mut tx, office, post).await?;
        if person == actor.person() {
            return Err(own_role());
        }
        let row = sql::person(&mut tx, person).await?.ok_or_else(Error::not_found)?;
        let outcome = if row.activated_at.is_some() {
            self.may_ask_reset(&mut tx, side, office, person, role).await?;
            Outcome::Waits(self.ask(&mut tx, actor, side, office, ConsentKind::Reset, person, origin).await?)
        } else {
            self.may_reissue(&mut tx, side, office, role).await?;
            let link = self.link(&mut tx, actor, person).await?;
            let detail = json!({ "person": person });
            self.note_member(&mut tx, actor, office, "activation.reissue", person.to_string(), origin, detail).await?;
            Outcome::Done { person, post: Some(post), link: Some(link) }
        };
        tx.commit().await?;
        Ok(outcome)
    }

    async fn may_reissue(&self, tx: &mut Tx, side: Side, office: OfficeId, role: Role) -> Result<()> {
        match (side, role.is_regency()) {
            (Side::Platform, true) | (Side::Office, false) => Ok(()),
            (Side::Provisioner, false) if sql::activated_members(tx, office, self.clock.now()).await? == 0 => Ok(()),
            (Side::Platform, false) => Err(makes_no_accounts()),
            _ => Err(runs_itself_error()),
        }
    }

    /// An active post of the office, else 404.
    async fn target(&self, tx: &mut Tx, office: OfficeId, post: PostId) -> Result<(PersonId, Role)> {
        let row = sql::post(tx, post).await?.ok_or_else(Error::not_found)?;
        let is_active = row.until.is_none_or(|until| until > self.clock.now().0);
        if row.office != office.0 || !is_active {
            return Err(Error::not_found());
        }
        Ok((PersonId(row.person), sql::role(&row.role)?))
    }

    #[expect(clippy::too_many_arguments, reason = "one for each part of the entry")]
    pub(super) async fn note_member(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        office: OfficeId,
        action: &'static str,
        object: String,
        origin: &Origin,
        detail: serde_json::Value,
    ) -> Result<()> {
        let (office, object) = (Some(office), Some(object));
        let entry = Entry { who: actor.into(), office, action, object, result: "ok", origin, detail };
        audit::record(tx, &self.clock, entry).await
    }

    /// Done on the machine itself, for the first account and for recovery: an account with a regency role.
    pub async fn invite_regency(
        &self,
        login: &str,
        name: &str,
        email: &str,
        role: Role,
        origin: &Origin,
    ) -> Result<activation::Invited> {
        let mut tx = self.db.write().await?;
        let root = office::root(&mut tx).await?.ok_or_else(|| Error::internal("offices are not seeded"))?;
        let post = Some((root.id, role));
        let invitation = activation::Invitation { login, name, email, post, made_by: None, session: &self.session };
        let invited = activation::invite(&mut tx, &self.clock, &invitation).await?;
        self.note_machine(&mut tx, root.id, "member.add", invited.person, origin, json!({ "role": role })).await?;
        tx.commit().await?;
        Ok(invited)
    }
}

fn member(row: sql::MemberRow) -> Result<Member> {
    Ok(Member {
        post: PostId(row.post),
        person: PersonId(row.person),
        login: row.login,
        name: row.name,
        email: row.email,
        role: sql::role(&row.role)?,
        since: Time(row.since),
        until: row.until.map(Time),
        activated_at: row.activated_at.map(Time),
        activated_from: row.activated_from,
        link_until: row.link_until.map(Time),
    })
}

/// Whether somebody may act on an office's members at all; what exactly is judged when they do.
pub fn may_change_members(actor: &Actor, office: OfficeId) -> Result<()> {
    Side::of(actor, office).map(drop)
}

/// Members of the office see each other; a provisioner sees who has activated.
pub(super) fn may_look(actor: &Actor, office: OfficeId) -> Result<()> {
    if actor.may(Act::Provision) {
        return Ok(());
    }
    if actor.office() != office {
        return Err(Error::not_found());
    }
    if actor.may(Act::Members) || actor.may(Act::Platform) { Ok(()) } else { actor.must(Act::Read) }
}

/// Regency roles are given by a platform admin, at the root of the tree.
fn regency_side(actor: &Actor, is_root: bool) -> Result<Side> {
    actor.must(Act::Platform)?;
    if is_root {
        return Ok(Side::Platform);
    }
    Err(Error::invalid(
        "/role",
        say(
            "Peran kabupaten hanya diberikan di kantor kabupaten.",
            "Regency roles are given at the regency's own office only.",
        ),
    ))
}

pub(super) fn own_role() -> Error {
    Error::forbidden(
        "own-role",
        say(
            "Jabatan dan kredensial sendiri diubah oleh orang lain di kantor Anda.",
            "Your own role and credentials are changed by somebody else of your office.",
        ),
    )
}

pub(super) fn makes_no_accounts() -> Error {
    Error::forbidden(
        "no-accounts-inside-offices",
        say(
            "Admin platform tidak membuat akun di dalam kantor. Minta provisioner atau admin kantor itu.",
            "A platform admin makes no accounts inside offices. Ask a provisioner or that office's admin.",
        ),
    )
}

pub(super) fn runs_itself_error() -> Error {
    Error::forbidden(
        "office-runs-itself",
        say(
            "Kantor ini sudah memiliki anggota aktif; anggota dan jabatan diatur oleh admin atau pimpinannya sendiri.",
            "This office has active members; its own admin or head decides about members and roles.",
        ),
    )
}
