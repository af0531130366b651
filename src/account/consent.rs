//! What one person alone must not do: make a head, or reset the credentials of an activated account. One asks, another
//! agrees: two of the office's heads and admins of whom neither gave the other their account, or, where the office has not
//! two such, a provisioner and a platform admin. The list of these requests is open to every member for a year.

use std::time::Duration;

use serde_json::json;

use super::{
    Accounts,
    independent::{self, Links},
    member::{self, Link, Outcome, Side},
    sql,
};
use crate::{
    access::{Act, Actor, Role},
    audit::{self, Entry, Origin, Who},
    clock::Time,
    db::Tx,
    error::{Error, Result, say},
    id::{ConsentId, OfficeId, PersonId},
};

/// How long a request waits, and how long the list keeps it.
const WAITS: Duration = Duration::from_secs(14 * 24 * 3600);
const SHOWN: Duration = Duration::from_secs(366 * 24 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentKind {
    /// Make the person a head.
    Head,
    /// Void the person's password, codes, sessions and tokens, and issue an activation link.
    Reset,
}

impl ConsentKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentKind::Head => "head",
            ConsentKind::Reset => "reset",
        }
    }
}

/// A request and what became of it.
#[derive(Clone, Debug)]
pub struct Consent {
    pub id: ConsentId,
    /// `head` or `reset`.
    pub kind: String,
    pub person: PersonId,
    pub person_name: String,
    pub asked_by: PersonId,
    pub asked_by_name: String,
    /// `office`, `provisioner` or `platform_admin`.
    pub asked_as: String,
    pub asked_at: Time,
    pub expires_at: Time,
    /// `waiting`, `agreed`, `refused` or `expired`.
    pub state: String,
    pub decided_by: Option<PersonId>,
    pub decided_at: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Agree,
    Refuse,
}

/// What came of a decision: a link where the person has to activate the account with it.
#[derive(Debug)]
pub struct Decided {
    pub consent: Consent,
    pub link: Option<Link>,
}

impl Accounts {
    #[expect(clippy::too_many_arguments, reason = "who asks, as whom, for what, about whom, from where")]
    pub(super) async fn ask(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        side: Side,
        office: OfficeId,
        kind: ConsentKind,
        person: PersonId,
        origin: &Origin,
    ) -> Result<ConsentId> {
        let (now, id) = (self.clock.now(), ConsentId::fresh(&self.clock));
        sql::withdraw_consents(tx, office, person, kind.as_str(), actor.person(), now).await?;
        let new = sql::NewConsent {
            id,
            office,
            kind: kind.as_str(),
            person,
            asked_by: actor.person(),
            asked_as: side.as_str(),
            now,
            expires_at: now.plus(WAITS),
        };
        sql::insert_consent(tx, &new).await?;
        let detail = json!({ "person": person, "kind": kind.as_str() });
        self.note_member(tx, actor, office, "consent.ask", id.to_string(), origin, detail).await?;
        Ok(id)
    }

    /// Whether this side may ask for a reset at all. A person who also holds posts elsewhere is no single office's to
    /// reset: whoever holds the new link would act for the other office too.
    pub(super) async fn may_ask_reset(
        &self,
        tx: &mut Tx,
        side: Side,
        office: OfficeId,
        person: PersonId,
        role: Role,
    ) -> Result<()> {
        let now = self.clock.now();
        if side == Side::Office {
            let posts = sql::postings(tx, person, now).await?;
            if posts.iter().all(|post| post.office.id == office && !post.role.is_regency()) {
                return Ok(());
            }
            return Err(Error::conflict(
                "posts-elsewhere",
                say(
                    "Orang ini juga menjabat di kantor lain. Akhiri jabatan itu dahulu, atau minta provisioner bersama admin platform.",
                    "This person also holds a post elsewhere. End that post first, or ask a provisioner together with a platform admin.",
                ),
            ));
        }
        let may = role.is_regency() || !independent::has_two(tx, office, person, now).await?;
        if may { Ok(()) } else { Err(member::runs_itself_error()) }
    }

    /// Requests of the last year, newest first, for every member.
    pub async fn consents(
        &self,
        actor: &Actor,
        office: OfficeId,
        before: Option<ConsentId>,
        limit: i64,
    ) -> Result<Vec<Consent>> {
        if !actor.may(Act::Platform) {
            member::may_look(actor, office)?;
        }
        let now = self.clock.now();
        let rows = sql::consents(&mut self.db.read().await?, office, now.minus(SHOWN), before, limit).await?;
        Ok(rows.into_iter().map(|row| shown(row, now)).collect())
    }

    /// Agrees to what another person asked for, or refuses it; who asked may withdraw it.
    pub async fn decide(
        &self,
        actor: &Actor,
        office: OfficeId,
        id: ConsentId,
        decision: Decision,
        origin: &Origin,
    ) -> Result<Decided> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let row = sql::consent(&mut tx, office, id).await?.ok_or_else(Error::not_found)?;
        may_decide(actor, office, &row, decision)?;
        let is_inside = row.asked_as == Side::Office.as_str();
        if decision == Decision::Agree
            && is_inside
            && !Links::of(&mut tx, office).await?.are_two(PersonId(row.asked_by), actor.person())
        {
            return Err(not_two());
        }
        let state = if decision == Decision::Agree { "agreed" } else { "refused" };
        if !sql::decide_consent(&mut tx, id, state, actor.person(), now).await? {
            return Err(settled());
        }
        let detail = json!({ "person": PersonId(row.person), "kind": row.kind, "decision": state });
        self.note_member(&mut tx, actor, office, "consent.decide", id.to_string(), origin, detail).await?;
        let link = match decision {
            Decision::Agree => self.carry_out(&mut tx, actor, office, &row, origin).await?,
            Decision::Refuse => None,
        };
        let row = sql::consent(&mut tx, office, id).await?.ok_or_else(Error::not_found)?;
        tx.commit().await?;
        Ok(Decided { consent: shown(row, now), link })
    }

    async fn carry_out(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        office: OfficeId,
        row: &sql::ConsentRow,
        origin: &Origin,
    ) -> Result<Option<Link>> {
        let person = PersonId(row.person);
        if row.kind == ConsentKind::Head.as_str() {
            let posts = sql::postings(tx, person, self.clock.now()).await?;
            if posts.iter().any(|post| post.office.id == office && post.role == Role::Head) {
                return Err(settled());
            }
            return match self.give_post(tx, actor, office, person, Role::Head, origin).await? {
                Outcome::Done { link, .. } => Ok(link),
                Outcome::Waits(_) => Ok(None),
            };
        }
        // The posts may have changed while the request waited.
        let side = if row.asked_as == Side::Office.as_str() { Side::Office } else { Side::Provisioner };
        let regency = sql::postings(tx, person, self.clock.now())
            .await?
            .iter()
            .find(|post| post.role.is_regency())
            .map(|post| post.role);
        self.may_ask_reset(tx, side, office, person, regency.unwrap_or(Role::Clerk)).await?;
        self.void_credentials(tx, person).await?;
        let detail = json!({ "consent": ConsentId(row.id) });
        self.note_member(tx, actor, office, "credentials.reset", person.to_string(), origin, detail).await?;
        self.link(tx, actor, person).await.map(Some)
    }

    /// Nothing that the old credentials opened stays open.
    async fn void_credentials(&self, tx: &mut Tx, person: PersonId) -> Result<()> {
        let now = self.clock.now();
        sql::clear_credentials(tx, person).await?;
        sql::end_sessions(tx, person, None, now).await?;
        sql::end_tokens(tx, person, None, now).await?;
        Ok(())
    }

    /// Recovery on the machine itself, recorded: voids a person's credentials and gives a fresh link.
    pub async fn recover(&self, login: &str, origin: &Origin) -> Result<Link> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let row = sql::person_by_login(&mut tx, &super::password::normal_login(login)).await?;
        let person = PersonId(row.ok_or_else(Error::not_found)?.id);
        let posts = sql::postings(&mut tx, person, now).await?;
        let office = posts.first().map(|post| post.office.id).ok_or_else(Error::not_found)?;
        self.void_credentials(&mut tx, person).await?;
        let days = self.session.activation_days;
        let (secret, expires_at) = super::reissue(&mut tx, &self.clock, person, None, days).await?;
        for office in posts.iter().map(|post| post.office.id).collect::<std::collections::HashSet<_>>() {
            self.note_machine(&mut tx, office, "credentials.reset", person, origin, json!({})).await?;
        }
        tracing::warn!(%office, "credentials were reset on the machine");
        tx.commit().await?;
        Ok(Link { person, secret, expires_at })
    }

    pub(super) async fn note_machine(
        &self,
        tx: &mut Tx,
        office: OfficeId,
        action: &'static str,
        person: PersonId,
        origin: &Origin,
        detail: serde_json::Value,
    ) -> Result<()> {
        let (office, object) = (Some(office), Some(person.to_string()));
        let entry = Entry { who: Who::Machine, office, action, object, result: "ok", origin, detail };
        audit::record(tx, &self.clock, entry).await
    }
}

/// The other person must stand on the right side, and be neither the one who asked nor the one it is about.
fn may_decide(actor: &Actor, office: OfficeId, row: &sql::ConsentRow, decision: Decision) -> Result<()> {
    let is_asker = row.asked_by == actor.person().0;
    if is_asker && decision == Decision::Refuse {
        return Ok(());
    }
    let inside = actor.office() == office && actor.may(Act::Members);
    let on_right_side = match row.asked_as.as_str() {
        "office" => inside,
        "provisioner" => actor.may(Act::Platform),
        _ => actor.may(Act::Provision),
    };
    if !on_right_side {
        let sees = inside || actor.may(Act::Platform) || member::may_look(actor, office).is_ok();
        return Err(if sees { second_person() } else { Error::not_found() });
    }
    if is_asker || row.person == actor.person().0 { Err(second_person()) } else { Ok(()) }
}

fn second_person() -> Error {
    Error::forbidden(
        "second-person",
        say(
            "Ini perlu persetujuan orang kedua: admin atau pimpinan lain di kantor itu, bukan yang meminta dan bukan yang bersangkutan.",
            "This needs a second person: another admin or head of that office, neither who asked nor who it is about.",
        ),
    )
}

fn not_two() -> Error {
    Error::forbidden(
        "not-two",
        say(
            "Akun Anda dan akun yang meminta dibuka dengan tautan dari satu orang, sehingga keduanya dihitung sebagai satu. Mintalah persetujuan admin atau pimpinan lain, atau provisioner bersama admin platform.",
            "Your account and that of whoever asked were opened by one person's links, so that both count as one. Ask another admin or head to agree, or a provisioner together with a platform admin.",
        ),
    )
}

fn settled() -> Error {
    Error::conflict(
        "consent-settled",
        say("Permintaan ini sudah diputuskan atau kedaluwarsa.", "This request was decided already or has expired."),
    )
}

fn shown(row: sql::ConsentRow, now: Time) -> Consent {
    let is_late = row.state == "waiting" && row.expires_at <= now.0;
    Consent {
        id: ConsentId(row.id),
        kind: row.kind,
        person: PersonId(row.person),
        person_name: row.person_name,
        asked_by: PersonId(row.asked_by),
        asked_by_name: row.asked_by_name,
        asked_as: row.asked_as,
        asked_at: Time(row.asked_at),
        expires_at: Time(row.expires_at),
        state: if is_late { "expired".into() } else { row.state },
        decided_by: row.decided_by.map(PersonId),
        decided_at: row.decided_at.map(Time),
    }
}
