//! A link as its office holds it: made, listed, changed, released, ended. It belongs to the office: whoever made it may
//! leave, the link and its log stay.

use serde_json::json;

use super::{
    Asked, Audience, AudienceKind, Rights, Sharing, Subject, Terms,
    policy::{Shape, conforms, needs_release, policy},
    protection::Guarded,
    sql::{self, Row},
    terms::Mistakes,
};
use crate::{
    access::{Act, Actor},
    audit::{self, Entry, Origin},
    clock::{Clock, Time},
    db::Tx,
    document::SecurityClass,
    error::{Error, Kind, Result, say},
    id::{self, DocumentId, LinkId, OfficeId, PersonId, VersionId},
    seal::token,
};

/// What the office knows of its link.
#[derive(Clone, Debug)]
pub struct Link {
    pub id: LinkId,
    /// The part of the address before `#`.
    pub public: String,
    pub document: DocumentId,
    pub version: VersionId,
    pub office: OfficeId,
    pub made_by: Option<PersonId>,
    pub released_by: Option<PersonId>,
    pub audience: Audience,
    pub rights: Rights,
    /// A page of the pinned version holds a NIK or a KK number, as far as it has been read.
    pub personal_data: bool,
    pub has_password: bool,
    pub label: String,
    pub notify: bool,
    pub opens_from: Option<Time>,
    pub expires_at: Time,
    pub max_opens: Option<i64>,
    pub opens: i64,
    pub state: LinkState,
    pub paused: bool,
    pub revision: i64,
    pub created_at: Time,
    pub ended_at: Option<Time>,
}

/// Why a link opens or does not, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    Open,
    Revoked,
    /// Ended because its document's class was raised above what the link conforms to.
    ClassRaised,
    Trashed,
    /// Waits for the head's release.
    Pending,
    Paused,
    NotYetOpen,
    Expired,
    Exhausted,
    /// What guards it is not whole: it is refused rather than opened without one of its guards.
    Damaged,
}

impl LinkState {
    pub fn as_str(self) -> &'static str {
        match self {
            LinkState::Open => "open",
            LinkState::Revoked => "revoked",
            LinkState::ClassRaised => "class_raised",
            LinkState::Trashed => "trashed",
            LinkState::Pending => "pending",
            LinkState::Paused => "paused",
            LinkState::NotYetOpen => "not_yet_open",
            LinkState::Expired => "expired",
            LinkState::Exhausted => "exhausted",
            LinkState::Damaged => "damaged",
        }
    }
}

/// A link that was just made, with the secret that is told this once.
pub struct NewLink {
    pub link: Link,
    secret: String,
}

impl NewLink {
    /// The address to hand out; the secret lies in the fragment, which browsers do not send.
    pub fn url(&self, public_url: &str) -> String {
        format!("{public_url}/s/{}#{}", self.link.public, self.secret)
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }
}

/// What a PATCH may change; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub paused: Option<bool>,
    pub label: Option<String>,
    pub notify: Option<bool>,
    pub expires_at: Option<Time>,
    pub max_opens: Option<Option<i64>>,
}

/// A row with everything that its guards are made of.
pub(super) struct Whole {
    pub row: Row,
    pub audience: Audience,
    pub rights: Rights,
}

impl Sharing {
    /// Checks the terms of a request and hashes its password; before a transaction, because hashing takes long.
    pub async fn terms(&self, asked: Asked) -> Result<Terms> {
        let password = asked.password.clone();
        let mut terms = asked.checked(self.clock.now(), self.settings.bounds)?;
        if let Some(password) = password {
            terms.password = Some(self.passwords.hash(&password).await?);
        }
        Ok(terms)
    }

    /// Makes a link on a document that was loaded for the actor. The secret is in the answer and nowhere else.
    pub async fn grant(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        origin: &Origin,
        subject: Subject,
        terms: &Terms,
    ) -> Result<NewLink> {
        actor.must(Act::Share)?;
        if subject.trashed || subject.office != actor.office() {
            return Err(Error::not_found());
        }
        if terms.rights == Rights::View && !subject.has_pictures {
            return Err(no_pictures());
        }
        offices_exist(tx, &terms.audience).await?;
        // Held until the link is committed: whoever raises the class meanwhile sees the link, and ends it.
        if !sql::hold_document(tx, subject.document, subject.class.level()).await? {
            return Err(changed_meanwhile());
        }
        let now = self.clock.now();
        policy(subject.class, terms, now, now)?;
        let (link, secret) = self.insert(tx, actor, subject, terms, now).await?;
        self.plan_moments(tx, subject.document, terms).await?;
        let detail = json!({ "document": subject.document, "version": subject.version,
            "audience": terms.audience.kind().as_str(), "rights": terms.rights.as_str() });
        self.note(tx, actor, origin, "link.make", link, detail).await?;
        let link = self.link(tx, actor.office(), link).await?;
        Ok(NewLink { link, secret })
    }

    async fn insert(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        subject: Subject,
        terms: &Terms,
        now: Time,
    ) -> Result<(LinkId, String)> {
        let password = terms.password.as_deref();
        let link = LinkId::fresh(&self.clock);
        let secret = id::secret();
        let secret_hash = token::hash(&secret);
        let guarded = Guarded {
            link: link.0,
            secret_hash: &secret_hash,
            version: subject.version.0,
            audience: terms.audience.kind(),
            rights: terms.rights,
            password,
            opens_from: terms.opens_from.map(|from| from.0),
            members: members(&terms.audience),
        };
        let new = sql::New {
            id: link,
            public: &id::to_letters(&id::random::<10>()),
            secret_hash,
            document: subject.document,
            version: subject.version.0,
            office: subject.office,
            made_by: actor.person(),
            password,
            pending: needs_release(subject.class) && !actor.is_head(),
            // A head's own link needs nobody else's release, also when the class is raised later.
            released_by: actor.is_head().then(|| actor.person()),
            protection: guarded.written(),
            now,
        };
        sql::insert(tx, &new, terms).await?;
        Ok((link, secret))
    }

    /// A link of the office, else 404.
    pub async fn link(&self, tx: &mut Tx, office: OfficeId, id: LinkId) -> Result<Link> {
        let row = sql::by_id(tx, office, id).await?.ok_or_else(Error::not_found)?;
        whole(tx, row).await?.into_link(self.clock.now())
    }

    /// The office's links, newest first.
    pub async fn links(
        &self,
        tx: &mut Tx,
        office: OfficeId,
        document: Option<DocumentId>,
        before: Option<LinkId>,
        limit: i64,
    ) -> Result<Vec<Link>> {
        let now = self.clock.now();
        let mut links = Vec::new();
        for row in sql::list(tx, office, document, before, limit).await? {
            links.push(whole(tx, row).await?.into_link(now)?);
        }
        Ok(links)
    }

    pub async fn change(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        origin: &Origin,
        link: &Link,
        change: Change,
    ) -> Result<Link> {
        actor.must(Act::Share)?;
        let class = self.class_of(tx, link).await?;
        if link.ended_at.is_some() {
            return Err(ended());
        }
        let now = self.clock.now();
        let changed = self.checked(link, change, class, now)?;
        if !sql::update(tx, link.id, link.revision, &changed).await? {
            return Err(stale());
        }
        self.plan_end(tx, link, changed.expires_at).await?;
        self.note(tx, actor, origin, "link.change", link.id, json!({ "paused": changed.paused })).await?;
        self.link(tx, link.office, link.id).await
    }

    /// Ends a link and every grant made by it, at once. Ending it twice is no error.
    pub async fn revoke(&self, tx: &mut Tx, actor: &Actor, origin: &Origin, link: &Link) -> Result<()> {
        actor.must(Act::Share)?;
        if sql::end(tx, link.id, self.clock.now(), "revoked").await? {
            self.touch(tx, link.document).await?;
            self.note(tx, actor, origin, "link.revoke", link.id, json!({})).await?;
        }
        Ok(())
    }

    /// The head lets a clerk's link on a document of class `rahasia` open.
    pub async fn release(&self, tx: &mut Tx, actor: &Actor, origin: &Origin, link: &Link) -> Result<Link> {
        actor.must(Act::Decide)?;
        if !actor.is_head() {
            return Err(head_releases());
        }
        if link.ended_at.is_some() {
            return Err(ended());
        }
        let class = self.class_of(tx, link).await?;
        conforms(class, link.shape())?;
        if sql::release(tx, link.id, actor.person()).await? {
            self.touch(tx, link.document).await?;
            self.note(tx, actor, origin, "link.release", link.id, json!({})).await?;
        }
        self.link(tx, link.office, link.id).await
    }

    fn checked(&self, link: &Link, change: Change, class: SecurityClass, now: Time) -> Result<sql::Changed> {
        let (mut mistakes, bounds) = (Mistakes::default(), self.settings.bounds);
        let label = change.label.map_or_else(|| link.label.clone(), |label| mistakes.label(Some(label), bounds));
        mistakes.max_opens(change.max_opens.flatten(), bounds);
        let expires_at = change.expires_at.unwrap_or(link.expires_at);
        if change.expires_at.is_some() {
            mistakes.expiry(expires_at, now);
            if link.opens_from.is_some_and(|from| from >= expires_at) {
                mistakes.add("/expires_at", "Waktu berakhir harus sesudah waktu buka.", "It must end after it opens.");
            }
        }
        mistakes.done()?;
        if expires_at > link.expires_at {
            conforms(class, Shape { expires_at, ..link.shape() })?;
        }
        Ok(sql::Changed {
            paused: change.paused.unwrap_or(link.paused),
            label,
            notify: change.notify.unwrap_or(link.notify),
            expires_at,
            max_opens: change.max_opens.unwrap_or(link.max_opens),
        })
    }

    async fn class_of(&self, tx: &mut Tx, link: &Link) -> Result<SecurityClass> {
        let row = sql::by_id(tx, link.office, link.id).await?.ok_or_else(Error::not_found)?;
        Ok(SecurityClass::of_level(row.security_class))
    }

    async fn note(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        origin: &Origin,
        action: &'static str,
        link: LinkId,
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = Entry {
            who: actor.into(),
            office: Some(actor.office()),
            action,
            object: Some(link.to_string()),
            result: "ok",
            origin,
            detail,
        };
        audit::record(tx, &self.clock, entry).await
    }
}

/// Ends the document's links that the new class does not allow; part of the transaction that changes the class. They stay
/// ended when it is lowered again.
pub async fn reclassify(tx: &mut Tx, clock: &Clock, document: DocumentId, class: SecurityClass) -> Result<u64> {
    let mut ended = 0;
    for row in sql::living_of(tx, document).await? {
        let id = LinkId(row.id);
        let fits = row.shape().is_some_and(|shape| conforms(class, shape).is_ok());
        let is_released = !needs_release(class) || row.released_by.is_some();
        if !(fits && is_released) && sql::end(tx, id, clock.now(), "class_raised").await? {
            ended += 1;
        }
    }
    Ok(ended)
}

/// Ends every link of a document; part of the transaction that destroys it.
pub async fn end_all(tx: &mut Tx, clock: &Clock, document: DocumentId, reason: &str) -> Result<u64> {
    let mut ended = 0;
    for row in sql::living_of(tx, document).await? {
        ended += u64::from(sql::end(tx, LinkId(row.id), clock.now(), reason).await?);
    }
    Ok(ended)
}

pub(super) async fn whole(tx: &mut Tx, row: Row) -> Result<Whole> {
    let audience = match AudienceKind::parse(&row.audience) {
        Some(AudienceKind::Offices) => Audience::Offices { offices: sql::offices(tx, row.id).await? },
        Some(AudienceKind::Email) => Audience::Email { emails: sql::emails(tx, row.id).await? },
        Some(AudienceKind::Anyone) => Audience::Anyone {},
        None => return Err(Error::internal("a link with an audience that this program does not know")),
    };
    let rights = row.rights().ok_or_else(|| Error::internal("a link with rights that this program does not know"))?;
    Ok(Whole { row, audience, rights })
}

impl Row {
    fn shape(&self) -> Option<Shape> {
        Some(Shape {
            audience: AudienceKind::parse(&self.audience)?,
            rights: self.rights()?,
            created_at: Time(self.created_at),
            expires_at: Time(self.expires_at),
        })
    }
}

impl Whole {
    /// Also asks the policy again: a class that was raised in a race with the making of a link ends it here.
    pub(super) fn state(&self, now: Time) -> LinkState {
        let row = &self.row;
        let class = SecurityClass::of_level(row.security_class);
        let fits = row.shape().is_some_and(|shape| conforms(class, shape).is_ok());
        match () {
            () if row.revoked_at.is_some() && row.ended_reason.as_deref() == Some("class_raised") => {
                LinkState::ClassRaised
            }
            () if row.revoked_at.is_some() => LinkState::Revoked,
            () if row.trashed => LinkState::Trashed,
            () if !self.is_guarded() => LinkState::Damaged,
            () if !fits => LinkState::ClassRaised,
            () if row.pending || needs_release(class) && row.released_by.is_none() => LinkState::Pending,
            () if row.paused => LinkState::Paused,
            () if row.opens_from.is_some_and(|from| from > now.0) => LinkState::NotYetOpen,
            () if row.expires_at <= now.0 => LinkState::Expired,
            () if row.max_opens.is_some_and(|most| row.opens >= most) => LinkState::Exhausted,
            () => LinkState::Open,
        }
    }

    fn is_guarded(&self) -> bool {
        let row = &self.row;
        let guarded = Guarded {
            link: row.id,
            secret_hash: &row.secret_hash,
            version: row.version,
            audience: self.audience.kind(),
            rights: self.rights,
            password: row.password.as_deref(),
            opens_from: row.opens_from,
            members: members(&self.audience),
        };
        guarded.is_whole(&row.protection)
    }

    fn into_link(self, now: Time) -> Result<Link> {
        let state = self.state(now);
        let row = self.row;
        Ok(Link {
            id: LinkId(row.id),
            public: row.public,
            document: DocumentId(row.document),
            version: VersionId(row.version),
            office: OfficeId(row.office),
            made_by: row.made_by.map(PersonId),
            released_by: row.released_by.map(PersonId),
            audience: self.audience,
            rights: self.rights,
            personal_data: row.personal_data,
            has_password: row.password.is_some(),
            label: row.label,
            notify: row.notify,
            opens_from: row.opens_from.map(Time),
            expires_at: Time(row.expires_at),
            max_opens: row.max_opens,
            opens: row.opens,
            state,
            paused: row.paused,
            revision: row.revision,
            created_at: Time(row.created_at),
            ended_at: row.revoked_at.map(Time),
        })
    }
}

impl Link {
    fn shape(&self) -> Shape {
        Shape {
            audience: self.audience.kind(),
            rights: self.rights,
            created_at: self.created_at,
            expires_at: self.expires_at,
        }
    }
}

fn members(audience: &Audience) -> Vec<String> {
    match audience {
        Audience::Anyone {} => Vec::new(),
        Audience::Offices { offices } => offices.iter().map(ToString::to_string).collect(),
        Audience::Email { emails } => emails.clone(),
    }
}

async fn offices_exist(tx: &mut Tx, audience: &Audience) -> Result<()> {
    let Audience::Offices { offices } = audience else { return Ok(()) };
    let mut mistakes = Mistakes::default();
    for (n, office) in offices.iter().enumerate() {
        if crate::office::find(tx, *office).await?.is_none() {
            mistakes.add(format!("/audience/offices/{n}"), "Kantor ini tidak dikenal.", "This office is not known.");
        }
    }
    mistakes.done()
}

fn changed_meanwhile() -> Error {
    Error::conflict(
        "document-changed",
        say(
            "Dokumen ini baru saja diubah. Muat ulang, lalu coba lagi.",
            "The document was changed a moment ago. Load it again and retry.",
        ),
    )
}

fn no_pictures() -> Error {
    Error::invalid(
        "/rights",
        say(
            "Dokumen ini tidak punya gambar halaman, jadi tidak dapat dibagikan hanya untuk dilihat. Bagikan untuk diunduh, atau unggah sebagai PDF.",
            "This document has no page pictures, so it cannot be shared for viewing only. Share it for download, or upload it as PDF.",
        ),
    )
}

fn ended() -> Error {
    Error::conflict(
        "link-ended",
        say("Tautan ini sudah diakhiri. Buat tautan baru.", "This link was ended. Make a new one."),
    )
}

fn stale() -> Error {
    Error::new(
        Kind::PreconditionFailed,
        "stale",
        say(
            "Sudah diubah orang lain. Muat ulang, lalu ulangi perubahan Anda.",
            "Changed by somebody else meanwhile. Load it again and repeat your change.",
        ),
    )
}

fn head_releases() -> Error {
    Error::forbidden(
        "release-needs-head",
        say(
            "Hanya pimpinan yang dapat melepas tautan dokumen rahasia.",
            "Only the head may release a link on a document of class rahasia.",
        ),
    )
}
