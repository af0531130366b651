//! Who opened which link, when, from where, with what result. Rows for each link, kind and hour are capped, except those
//! of counted openings, which are never lost.

use std::time::Duration;

use uuid::Uuid;

use super::{Sharing, sql::Opener};
use crate::{
    audit::Origin,
    clock::Time,
    db::{Tx, params},
    error::{Result, Say, say},
    id::{self, LinkId, OfficeId},
    office,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = LinkResult)]
pub enum Outcome {
    Opened,
    Viewed,
    Downloaded,
    Refused,
}

impl Outcome {
    const ALL: [Outcome; 4] = [Outcome::Opened, Outcome::Viewed, Outcome::Downloaded, Outcome::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Outcome::Opened => "opened",
            Outcome::Viewed => "viewed",
            Outcome::Downloaded => "downloaded",
            Outcome::Refused => "refused",
        }
    }
}

/// A line to be written.
pub(super) struct Line {
    pub link: LinkId,
    pub outcome: Outcome,
    pub reason: Option<&'static str>,
    pub by: Opener,
}

/// A line as the link's office reads it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub id: Uuid,
    pub at: Time,
    pub result: Outcome,
    pub reason: Option<String>,
    pub by: Option<By>,
    pub network: String,
    pub agent: String,
}

/// Who it was, as far as the link's audience proves it. Nobody is named for a link that anyone may open.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = LinkOpener)]
pub struct By {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub office: Option<office::Brief>,
    /// The name of the person who was signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

const HOUR: Duration = Duration::from_secs(3600);

impl Sharing {
    /// Appends a line unless this kind has filled the link's hour. Gives the line's id, also when it was left out.
    pub(super) async fn log(&self, tx: &mut Tx, line: Line, origin: &Origin) -> Result<Uuid> {
        let now = self.clock.now();
        let id = id::fresh(&self.clock);
        if line.outcome != Outcome::Opened && self.is_full(tx, &line, now).await? {
            return Ok(id);
        }
        tx.execute(
            "INSERT INTO link_log (id, link, at, result, reason, by_office, by_person, by_email, network, agent)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                id,
                line.link,
                now,
                line.outcome.as_str(),
                line.reason,
                line.by.office,
                line.by.person,
                line.by.email,
                &origin.network,
                &origin.agent
            ],
        )
        .await?;
        Ok(id)
    }

    async fn is_full(&self, tx: &mut Tx, line: &Line, now: Time) -> Result<bool> {
        let most = self.settings.links.max_log_rows_per_hour;
        let row: Option<(i64,)> = tx
            .one(
                "SELECT count(*) FROM (SELECT 1 FROM link_log
                    WHERE link = $1 AND result = $2 AND at > $3 LIMIT $4) AS lines",
                params![line.link, line.outcome.as_str(), now.minus(HOUR), most],
            )
            .await?;
        Ok(row.is_some_and(|(count,)| count >= most))
    }

    /// The link's log, newest first. The link was loaded for its office.
    pub async fn opens(&self, tx: &mut Tx, link: LinkId, before: Option<Uuid>, limit: i64) -> Result<Vec<Seen>> {
        let rows: Vec<Row> = tx.all(LINES, params![link, before.unwrap_or(Uuid::max()), limit]).await?;
        Ok(rows.into_iter().map(Row::seen).collect())
    }

    /// One line, for the notice of it.
    pub(super) async fn line(&self, tx: &mut Tx, link: LinkId, id: Uuid) -> Result<Option<Seen>> {
        let row: Option<Row> = tx.one(ONE_LINE, params![link, id]).await?;
        Ok(row.map(Row::seen))
    }
}

macro_rules! lines {
    () => {
        "SELECT g.id, g.at, g.result, g.reason, g.by_office, g.by_email, g.network, g.agent, o.code AS office_code,
                o.name AS office_name, p.name AS person_name
         FROM link_log g LEFT JOIN office o ON o.id = g.by_office LEFT JOIN person p ON p.id = g.by_person
         WHERE g.link = $1 AND "
    };
}
const LINES: &str = concat!(lines!(), "g.id < $2 ORDER BY g.id DESC LIMIT $3");
const ONE_LINE: &str = concat!(lines!(), "g.id = $2");

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    at: i64,
    result: String,
    reason: Option<String>,
    by_office: Option<Uuid>,
    by_email: Option<String>,
    network: String,
    agent: String,
    office_code: Option<String>,
    office_name: Option<String>,
    person_name: Option<String>,
}

impl Row {
    fn seen(self) -> Seen {
        let office = self.by_office.map(|id| office::Brief {
            id: OfficeId(id),
            code: self.office_code.unwrap_or_default(),
            name: self.office_name.unwrap_or_default(),
        });
        let is_known = office.is_some() || self.by_email.is_some();
        Seen {
            id: self.id,
            at: Time(self.at),
            result: Outcome::ALL.into_iter().find(|one| one.as_str() == self.result).unwrap_or(Outcome::Refused),
            reason: self.reason,
            by: is_known.then_some(By { office, person: self.person_name, email: self.by_email }),
            network: self.network,
            agent: self.agent,
        }
    }
}

impl Seen {
    /// What happened, as one would tell it.
    pub fn sentence(&self) -> Say {
        let who = self.who();
        match self.result {
            Outcome::Opened => say(format!("Dibuka oleh {}.", who.id), format!("Opened by {}.", who.en)),
            Outcome::Viewed => {
                say(format!("Halamannya dilihat oleh {}.", who.id), format!("Its pages were viewed by {}.", who.en))
            }
            Outcome::Downloaded => say(format!("Diunduh oleh {}.", who.id), format!("Downloaded by {}.", who.en)),
            Outcome::Refused => {
                let why = why(self.reason.as_deref().unwrap_or(""));
                say(format!("Ditolak untuk {}: {}.", who.id, why.id), format!("Refused to {}: {}.", who.en, why.en))
            }
        }
    }

    fn who(&self) -> Say {
        match &self.by {
            Some(By { office: Some(office), person: Some(person), .. }) => {
                let text = format!("{} ({person})", office.name);
                say(text.clone(), text)
            }
            Some(By { office: Some(office), .. }) => say(office.name.clone(), office.name.clone()),
            Some(By { email: Some(email), .. }) => say(email.clone(), email.clone()),
            _ => say("pemegang tautan", "somebody with the link"),
        }
    }
}

fn why(reason: &str) -> Say {
    match reason {
        "secret" => say("bagian rahasia tautannya salah", "the secret part of the link was wrong"),
        "password" => say("kata sandi salah", "wrong password"),
        "code" => say("kode salah atau sudah terpakai", "wrong or used code"),
        "audience" => say(
            "masuk, tetapi bukan sebagai pembaca di kantor yang dituju tautan",
            "logged in, but not as a reader of an office that the link is for",
        ),
        "revoked" => say("tautan sudah dicabut", "the link was revoked"),
        "class_raised" => say("sifat dokumen dinaikkan", "the document's class was raised"),
        "trashed" => say("dokumen di tempat sampah", "the document is in the trash"),
        "pending" => say("belum dilepas pimpinan", "not yet released by the head"),
        "paused" => say("tautan sedang dijeda", "the link is paused"),
        "not_yet_open" => say("belum waktunya dibuka", "not open yet"),
        "expired" => say("masa berlaku habis", "expired"),
        "exhausted" => say("jumlah bukaan habis", "no openings left"),
        _ => say("pengaman tautan tidak utuh", "the link's protection is not whole"),
    }
}
