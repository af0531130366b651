//! The stranger's way in. The secret is compared first, in constant time; who has it not learns nothing and can lock
//! nothing but their own network's guesses. Then the link's state, then what else it needs, then one conditional UPDATE
//! that counts the opening. GET, HEAD, previews and repeats never come here.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{
    Audience, LinkState, Need, Rights, Sharing,
    index::TouchJob,
    link::{Whole, whole},
    log::{self, Outcome},
    notice::NotifyJob,
    refusal::unusable,
    sql::{self, Opener, Row},
    ticket::Ticket,
};
use crate::{
    access::{Act, Actor},
    account::throttle::{self, Counter},
    audit::{self, Entry, Origin, Who},
    clock::Time,
    crash::{Point, point},
    error::{Error, Result},
    id::{DocumentId, GrantId, LinkId, OfficeId, VersionId},
    seal::token,
};

/// Who stands before a link: perhaps somebody who is signed in, and where they come from.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    pub actor: Option<&'a Actor>,
    pub origin: &'a Origin,
}

/// What a visitor shows.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    pub secret: Option<&'a str>,
    pub password: Option<&'a str>,
    pub code: Option<&'a str>,
}

/// What a link says of itself to somebody with its secret; nothing of the document.
#[derive(Clone, Debug)]
pub struct Peeked {
    pub office: OfficeId,
    pub rights: Rights,
    pub expires_at: Time,
    pub needs: Vec<Need>,
}

/// One counted opening.
#[derive(Clone, Debug)]
pub struct Opened {
    pub grant: GrantId,
    /// Shown with each use.
    pub ticket: String,
    pub lives: Duration,
    pub document: DocumentId,
    pub version: VersionId,
    pub rights: Rights,
}

/// Refusals leave at full beats only, counted from when the request came.
const BEAT: Duration = Duration::from_millis(50);

async fn at_a_full_beat(begun: Instant) {
    let beats = begun.elapsed().as_nanos() / BEAT.as_nanos() + 1;
    tokio::time::sleep_until(begun + BEAT * u32::try_from(beats).unwrap_or(u32::MAX)).await;
}

/// A link before somebody who may know that it exists.
pub(super) struct Door {
    whole: Whole,
    /// A signed-in member of an office that the link names.
    member: bool,
}

impl Sharing {
    /// What the link would need. Counts nothing; only a wrong secret and an outsider leave a line in its log.
    pub async fn peek(&self, public: &str, secret: Option<&str>, visitor: Visitor<'_>) -> Result<Peeked> {
        let door = self.approach(public, secret, visitor).await?;
        if door.whole.state(self.clock.now()) != LinkState::Open {
            return Err(unusable());
        }
        self.note_outsider(&door, visitor).await?;
        let row = &door.whole.row;
        Ok(Peeked {
            office: OfficeId(row.office),
            rights: door.whole.rights,
            expires_at: Time(row.expires_at),
            needs: door.needs(),
        })
    }

    /// Counts one opening and gives a ticket for it.
    pub async fn open(&self, public: &str, shown: Shown<'_>, visitor: Visitor<'_>) -> Result<Opened> {
        let door = self.approach(public, shown.secret, visitor).await?;
        self.must_be_open(&door, visitor).await?;
        let missing = |need: Need| match need {
            Need::Login => !door.member,
            Need::Code => shown.code.is_none(),
            Need::Password => shown.password.is_none(),
        };
        if let Some(need) = door.needs().into_iter().find(|need| missing(*need)) {
            self.note_outsider(&door, visitor).await?;
            return need.refuse();
        }
        let proven = self.prove(&door, shown, visitor).await?;
        self.count(&door, proven, visitor).await
    }

    /// The link, for somebody who showed its secret or is a member of an office that it names. Everybody else hears at the
    /// same time that there is none: to look at a link that exists takes the database longer.
    pub(super) async fn approach(&self, public: &str, secret: Option<&str>, visitor: Visitor<'_>) -> Result<Door> {
        let begun = Instant::now();
        let door = self.find_door(public, secret, visitor).await;
        if door.is_err() {
            at_a_full_beat(begun).await;
        }
        door
    }

    async fn find_door(&self, public: &str, secret: Option<&str>, visitor: Visitor<'_>) -> Result<Door> {
        let row = sql::by_public(&self.db, public).await?;
        // The same comparison is made when there is nothing to compare with.
        let kept = row.as_ref().map_or([0; 32].as_slice(), |row| row.secret_hash.as_slice());
        let is_right = token::matches(secret.unwrap_or(""), kept) && row.is_some();
        let Some(row) = row else { return Err(self.wrong_secret(None, visitor).await) };
        let mut tx = self.db.read().await?;
        let whole = whole(&mut tx, row).await?;
        drop(tx);
        let member = match (&whole.audience, visitor.actor) {
            (Audience::Offices { offices }, Some(actor)) => actor.may(Act::Read) && offices.contains(&actor.office()),
            _ => false,
        };
        if is_right || member {
            return Ok(Door { whole, member });
        }
        Err(self.wrong_secret(Some(&whole.row), visitor).await)
    }

    /// Wrong secrets are counted for the network they come from, never for the link: nobody can lock a link by its
    /// public id, and a right secret is never made to wait by somebody else's wrong ones.
    pub(super) async fn wrong_secret(&self, row: Option<&Row>, visitor: Visitor<'_>) -> Error {
        let settings = &self.settings.throttle;
        let counter = Counter::new("link-secret", &[&visitor.origin.network], settings.link_free);
        if let Err(wait) = throttle::admit(&self.db, &self.clock, settings, vec![counter]).await {
            return wait;
        }
        match self.note_refusal(row, "secret", visitor).await {
            Ok(()) => unusable(),
            Err(fault) => fault,
        }
    }

    pub(super) async fn must_be_open(&self, door: &Door, visitor: Visitor<'_>) -> Result<()> {
        let state = door.whole.state(self.clock.now());
        if state == LinkState::Open {
            return Ok(());
        }
        self.note_refusal(Some(&door.whole.row), state.as_str(), visitor).await?;
        Err(unusable())
    }

    /// Somebody who is signed in and has the secret, but is no reader of an office that the link names: another login is all
    /// that would help, and the link's office should know to whom its secret went.
    async fn note_outsider(&self, door: &Door, visitor: Visitor<'_>) -> Result<()> {
        if visitor.actor.is_none() || !door.needs().contains(&Need::Login) {
            return Ok(());
        }
        self.note_refusal(Some(&door.whole.row), "audience", visitor).await
    }

    /// Checks code and password. The cheap one first; both are guesses of the same link, and waits are the link's own.
    async fn prove(&self, door: &Door, shown: Shown<'_>, visitor: Visitor<'_>) -> Result<Option<String>> {
        let row = &door.whole.row;
        let is_email = matches!(door.whole.audience, Audience::Email { .. });
        if !is_email && row.password.is_none() {
            return Ok(None);
        }
        let _turn = self.turn(row.id).lock().await;
        let settings = &self.settings.throttle;
        let counter = Counter::new("link-guess", &[&LinkId(row.id).to_string()], settings.link_free);
        let admitted = throttle::admit(&self.db, &self.clock, settings, vec![counter]).await?;
        let mut email = None;
        if is_email {
            email = self.code_fits(LinkId(row.id), shown.code.unwrap_or("")).await?;
            if email.is_none() {
                self.note_refusal(Some(row), "code", visitor).await?;
                return Need::Code.refuse();
            }
        }
        if let Some(hash) = &row.password
            && !self.passwords.verify(shown.password.unwrap_or(""), hash).await?
        {
            self.note_refusal(Some(row), "password", visitor).await?;
            return Need::Password.refuse();
        }
        let mut tx = self.db.write().await?;
        // Only this attempt is taken back: an honest opening buys nobody fresh guesses.
        admitted.uncount(&mut tx).await?;
        tx.commit().await?;
        Ok(email)
    }

    /// One transaction: the opening is counted, or nothing happened.
    pub(super) async fn count(&self, door: &Door, email: Option<String>, visitor: Visitor<'_>) -> Result<Opened> {
        let now = self.clock.now();
        let row = &door.whole.row;
        let mut tx = self.db.write().await?;
        let is_code_ours = match &email {
            Some(email) => self.take_code(&mut tx, LinkId(row.id), email).await?,
            None => true,
        };
        if !is_code_ours {
            drop(tx);
            self.note_refusal(Some(row), "code", visitor).await?;
            return Need::Code.refuse();
        }
        if !sql::count_open(&mut tx, row.id, now).await? {
            drop(tx);
            return Err(self.lost_the_race(row, visitor).await);
        }
        let opener = door.opener(email, visitor);
        let grant = GrantId::fresh(&self.clock);
        let until = now.plus(self.grant_life()).min(Time(row.expires_at));
        sql::insert_grant(&mut tx, grant, row.id, &opener, now, until).await?;
        let entry = log::Line { link: LinkId(row.id), outcome: Outcome::Opened, reason: None, by: opener };
        let line = self.log(&mut tx, entry, visitor.origin).await?;
        if row.notify {
            let job = NotifyJob { link: LinkId(row.id), line };
            self.queue.enqueue(&mut tx, &job, Some(OfficeId(row.office))).await?;
        }
        if matches!(door.whole.audience, Audience::Offices { .. }) {
            // From here until the grant ends, the office finds the document by its text too; a last open ends the listing.
            let document = DocumentId(row.document);
            self.touch(&mut tx, document).await?;
            self.queue.enqueue_at(&mut tx, &TouchJob { document }, None, until).await?;
        }
        self.audit_open(&mut tx, row, "ok", json!({ "grant": grant }), visitor).await?;
        point(Point::OpenWritten);
        tx.commit().await?;
        point(Point::OpenCommitted);
        self.opened(door, grant, now, until)
    }

    fn opened(&self, door: &Door, grant: GrantId, now: Time, until: Time) -> Result<Opened> {
        let row = &door.whole.row;
        let ticket = Ticket { grant: grant.0, link: row.id, version: row.version, rights: row.rights.clone() };
        let lives = until.since(now);
        Ok(Opened {
            grant,
            ticket: ticket.sign(&self.signer, now, lives)?,
            lives,
            document: DocumentId(row.document),
            version: VersionId(row.version),
            rights: door.whole.rights,
        })
    }

    /// Another opening took the last place, or the link was ended, between the look and the count.
    async fn lost_the_race(&self, row: &Row, visitor: Visitor<'_>) -> Error {
        let state = match sql::by_public(&self.db, &row.public).await {
            Ok(Some(now)) if now.max_opens.is_some_and(|most| now.opens >= most) => LinkState::Exhausted,
            Ok(_) => LinkState::Revoked,
            Err(fault) => return fault,
        };
        match self.note_refusal(Some(row), state.as_str(), visitor).await {
            Ok(()) => unusable(),
            Err(fault) => fault,
        }
    }

    /// One transaction for known and unknown links alike, so that neither answers sooner than the other.
    pub(super) async fn note_refusal(
        &self,
        row: Option<&Row>,
        reason: &'static str,
        visitor: Visitor<'_>,
    ) -> Result<()> {
        let mut tx = self.db.write().await?;
        match row {
            Some(row) => {
                let by = Opener { office: visitor.actor.map(Actor::office), ..Opener::default() };
                let line = log::Line { link: LinkId(row.id), outcome: Outcome::Refused, reason: Some(reason), by };
                self.log(&mut tx, line, visitor.origin).await?;
                self.audit_open(&mut tx, row, "refused", json!({ "reason": reason }), visitor).await?;
            }
            None => {
                let entry = Entry {
                    who: visitor.actor.map_or(Who::Nobody, Who::from),
                    office: None,
                    action: "link.open",
                    object: None,
                    result: "refused",
                    origin: visitor.origin,
                    detail: json!({ "reason": "unknown" }),
                };
                audit::record(&mut tx, &self.clock, entry).await?;
            }
        }
        tx.commit().await
    }

    async fn audit_open(
        &self,
        tx: &mut crate::db::Tx,
        row: &Row,
        result: &'static str,
        detail: serde_json::Value,
        visitor: Visitor<'_>,
    ) -> Result<()> {
        let entry = Entry {
            who: visitor.actor.map_or(Who::Link(LinkId(row.id)), Who::from),
            office: Some(OfficeId(row.office)),
            action: "link.open",
            object: Some(LinkId(row.id).to_string()),
            result,
            origin: visitor.origin,
            detail,
        };
        audit::record(tx, &self.clock, entry).await
    }
}

impl Door {
    /// In the order in which they are asked for.
    fn needs(&self) -> Vec<Need> {
        let audience = match self.whole.audience {
            Audience::Offices { .. } if !self.member => Some(Need::Login),
            Audience::Email { .. } => Some(Need::Code),
            _ => None,
        };
        let password = self.whole.row.password.as_ref().map(|_| Need::Password);
        audience.into_iter().chain(password).collect()
    }

    pub(super) fn audience(&self) -> &Audience {
        &self.whole.audience
    }

    pub(super) fn link(&self) -> LinkId {
        LinkId(self.whole.row.id)
    }

    pub(super) fn row(&self) -> &Row {
        &self.whole.row
    }

    /// Who opens, as far as the link's audience proves it.
    fn opener(&self, email: Option<String>, visitor: Visitor<'_>) -> Opener {
        match (self.member, visitor.actor) {
            (true, Some(actor)) => Opener { office: Some(actor.office()), person: Some(actor.person()), email: None },
            _ => Opener { email, ..Opener::default() },
        }
    }
}
