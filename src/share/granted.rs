//! An opening in use. [`Granted`] is made from a ticket, here only, and only while the link would still be open to it:
//! each use reads the grant's row with its link and document, by primary keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

use super::{
    AudienceKind, Rights, Sharing,
    log::{Line, Outcome},
    policy::{Shape, conforms, needs_release},
    refusal::{no_ticket, unusable},
    sql::{self, GrantRow, Opener},
    ticket::Ticket,
};
use crate::{
    access::Actor,
    audit::{self, Entry, Origin, Who},
    clock::Time,
    db::Tx,
    document::SecurityClass,
    error::{Error, Result},
    id::{DocumentId, GrantId, LinkId, OfficeId, PersonId, VersionId},
};

/// The right to read one version through one opening of a link, until the next look.
#[derive(Clone, Debug)]
pub struct Granted {
    id: GrantId,
    link: LinkId,
    document: DocumentId,
    version: VersionId,
    office: OfficeId,
    rights: Rights,
    watermark: Vec<String>,
    by: Opener,
    opened_at: Time,
    ends_at: Time,
}

/// Kinds of reading that the log tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Pages,
    Original,
}

impl Granted {
    pub fn id(&self) -> GrantId {
        self.id
    }

    pub fn link(&self) -> LinkId {
        self.link
    }

    pub fn document(&self) -> DocumentId {
        self.document
    }

    /// The version that the link pins.
    pub fn version(&self) -> VersionId {
        self.version
    }

    /// The document's owner.
    pub fn office(&self) -> OfficeId {
        self.office
    }

    pub fn rights(&self) -> Rights {
        self.rights
    }

    pub fn may_download(&self) -> bool {
        self.rights == Rights::Download
    }

    /// For whom, when, by which link: burned into each page picture of a link that only shows pages.
    pub fn watermark_lines(&self) -> Vec<String> {
        self.watermark.clone()
    }

    pub fn ends_at(&self) -> Time {
        self.ends_at
    }
}

impl Sharing {
    /// The right that a ticket gives now. 401 when there is no good ticket, the link's one refusal when the link ended.
    pub async fn use_ticket(&self, public: &str, ticket: &str) -> Result<Granted> {
        let now = self.clock.now();
        let ticket = Ticket::read(&self.signer, now, ticket).ok_or_else(no_ticket)?;
        let row = sql::grant(&self.db, ticket.grant, now).await?.ok_or_else(no_ticket)?;
        let is_bound = row.link == ticket.link
            && row.version == ticket.version
            && row.rights == ticket.rights
            && row.public == public;
        if !is_bound || row.renewed_to <= now.0 {
            return Err(no_ticket());
        }
        if !row.is_usable(now) {
            return Err(unusable());
        }
        self.granted(ticket.grant, row)
    }

    fn granted(&self, id: Uuid, row: GrantRow) -> Result<Granted> {
        let rights = Rights::parse(&row.rights).ok_or_else(|| Error::internal("unknown rights of a link"))?;
        Ok(Granted {
            id: GrantId(id),
            link: LinkId(row.link),
            document: DocumentId(row.document),
            version: VersionId(row.version),
            office: OfficeId(row.office),
            rights,
            watermark: self.watermark(&row),
            opened_at: Time(row.opened_at),
            ends_at: Time(row.renewed_to),
            by: Opener {
                office: row.by_office.map(OfficeId),
                person: row.by_person.map(PersonId),
                email: row.by_email,
            },
        })
    }

    fn watermark(&self, row: &GrantRow) -> Vec<String> {
        let who = match (&row.office_name, &row.person_name, &row.by_email) {
            (Some(office), Some(person), _) => format!("{office} / {person}"),
            (Some(office), None, _) => office.clone(),
            (_, _, Some(email)) => email.clone(),
            _ => "Pemegang tautan".to_owned(),
        };
        let opened = Time(row.opened_at).timestamp().to_zoned(self.settings.zone.clone());
        vec![who, opened.strftime("%d-%m-%Y %H:%M:%S UTC%:z").to_string(), LinkId(row.link).to_string()]
    }

    /// A fresh ticket for an opening that is still in use, up to its longest life; not a further opening.
    pub async fn renew(&self, granted: &Granted) -> Result<(String, Duration)> {
        let now = self.clock.now();
        let last = granted.opened_at.plus(self.longest_grant());
        let row = sql::grant(&self.db, granted.id.0, now).await?.ok_or_else(no_ticket)?;
        let until = now.plus(self.grant_life()).min(last).min(Time(row.expires_at));
        let lives = until.since(now);
        if lives.is_zero() {
            return Err(no_ticket());
        }
        sql::renew(&self.db, granted.id.0, until).await?;
        let ticket =
            Ticket { grant: granted.id.0, link: granted.link.0, version: granted.version.0, rights: row.rights };
        Ok((ticket.sign(&self.signer, now, lives)?, lives))
    }

    /// Leaves a line in the link's log and in the audit before the first byte leaves; once in 15 minutes for each
    /// opening and kind, so that ranges and page after page cost one row.
    pub async fn note_reading(&self, granted: &Granted, reading: Reading, origin: &Origin) -> Result<()> {
        let kind = match reading {
            Reading::Pages => "picture",
            Reading::Original => "content",
        };
        let mut tx = self.db.write().await?;
        let reader = granted.id.to_string();
        let entry = Entry {
            who: granted.by.person.map_or(Who::Link(granted.link), Who::Person),
            office: Some(granted.office),
            action: "document.read",
            object: Some(granted.document.to_string()),
            result: "ok",
            origin,
            detail: serde_json::json!({ "link": granted.link, "version": granted.version, "kind": kind }),
        };
        if audit::read_once(&mut tx, &self.clock, &reader, granted.version, kind, entry).await? {
            self.log_reading(&mut tx, granted.link, reading, granted.by.clone(), origin).await?;
        }
        tx.commit().await
    }

    /// The line of a member whose office opened the link and who reads where the office reads all its documents. The
    /// caller's transaction holds the entry in the audit.
    pub async fn note_member(
        &self,
        tx: &mut Tx,
        link: LinkId,
        reading: Reading,
        member: &Actor,
        origin: &Origin,
    ) -> Result<()> {
        let by = Opener { office: Some(member.office()), person: Some(member.person()), email: None };
        self.log_reading(tx, link, reading, by, origin).await
    }

    async fn log_reading(
        &self,
        tx: &mut Tx,
        link: LinkId,
        reading: Reading,
        by: Opener,
        origin: &Origin,
    ) -> Result<()> {
        let outcome = match reading {
            Reading::Pages => Outcome::Viewed,
            Reading::Original => Outcome::Downloaded,
        };
        self.log(tx, Line { link, outcome, reason: None, by }, origin).await.map(drop)
    }
}

/// Pictures that each opening was shown in the present minute, on this node.
pub(super) type Pace = Arc<Mutex<HashMap<GrantId, (i64, u32)>>>;

impl Sharing {
    /// A reader turns pages; whoever asks for more in a minute copies them out by program.
    pub fn keep_pace(&self, granted: &Granted) -> Result<()> {
        let (minute, seconds) = (self.clock.now().0 / 60_000, self.clock.now().0 / 1000 % 60);
        let Ok(mut shown) = self.pace.lock() else { return Ok(()) };
        if shown.len() > 10_000 {
            shown.retain(|_, (at, _)| *at == minute);
        }
        let (at, count) = shown.entry(granted.id).or_insert((minute, 0));
        if *at != minute {
            (*at, *count) = (minute, 0);
        }
        *count += 1;
        if *count > self.settings.links.pictures_per_minute {
            return Err(Error::too_many(u64::try_from(60 - seconds).unwrap_or(1)));
        }
        Ok(())
    }
}

impl GrantRow {
    fn is_usable(&self, now: Time) -> bool {
        let class = SecurityClass::of_level(self.security_class);
        let shape = AudienceKind::parse(&self.audience).zip(Rights::parse(&self.rights)).map(|(audience, rights)| {
            Shape { audience, rights, created_at: Time(self.created_at), expires_at: Time(self.expires_at) }
        });
        let is_released = !needs_release(class) || self.released_by.is_some();
        let fits = shape.is_some_and(|shape| conforms(class, shape).is_ok());
        self.is_open && self.expires_at > now.0 && is_released && fits
    }
}
