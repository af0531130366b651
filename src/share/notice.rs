//! Mail to the office when somebody opens its link. It names the link by its label and never the document's title: mail
//! lies around in more places than the archive does.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Sharing, log::Seen, sql};
use crate::{
    account,
    clock::Clock,
    db::{Tx, params},
    error::Result,
    id::{LinkId, OfficeId, PersonId},
    mail::{self, Letter, Mailer},
    queue::Job,
};

/// Tells the maker of a link, or the office's heads when the maker has left, of one opening.
#[derive(Debug, Serialize, Deserialize)]
pub struct NotifyJob {
    pub(super) link: LinkId,
    /// The line of the link's log.
    pub(super) line: Uuid,
}

impl Job for NotifyJob {
    const KIND: &'static str = "link_notify";
}

#[derive(sqlx::FromRow)]
struct Told {
    office: Uuid,
    made_by: Option<Uuid>,
    label: String,
}

impl Sharing {
    /// Without a mail server there is nobody to tell; the log tells it anyway.
    pub async fn notify(&self, mailer: Option<&Mailer>, public_url: &str, job: &NotifyJob) -> Result<()> {
        let Some(mailer) = mailer else { return Ok(()) };
        let mut tx = self.db.read().await?;
        let link: Option<Told> =
            tx.one("SELECT office, made_by, label FROM link WHERE id = $1", params![job.link]).await?;
        let line = self.line(&mut tx, job.link, job.line).await?;
        let (Some(link), Some(line)) = (link, line) else { return Ok(()) };
        let told = recipients(&mut tx, &self.clock, &link).await?;
        drop(tx);
        for to in told {
            mailer.send(&self.letter(to, &link.label, public_url, job, &line), self.clock.now()).await?;
        }
        Ok(())
    }

    fn letter(&self, to: String, label: &str, public_url: &str, job: &NotifyJob, line: &Seen) -> Letter {
        let at = line.at.timestamp().to_zoned(self.settings.zone.clone());
        let at = at.strftime("%d-%m-%Y %H:%M").to_string();
        let said = line.sentence();
        let label = if label.is_empty() { job.link.to_string() } else { format!("{label} ({})", job.link) };
        let Seen { network, agent, .. } = line;
        Letter {
            to,
            subject: "Tautan Anda dibuka / Your link was opened".into(),
            text: format!(
                "Tautan: {label}\nWaktu: {at}\n{}\nDari: {network}, {agent}\n\nLihat atau cabut tautan ini di {public_url}\n\n--\n\n\
                 Link: {label}\nTime: {at}\n{}\nFrom: {network}, {agent}\n\nSee or revoke this link at {public_url}\n",
                said.id, said.en
            ),
            name: format!("open-{}", job.line.simple()),
        }
    }
}

/// The maker while they serve in the office, else its heads.
async fn recipients(tx: &mut Tx, clock: &Clock, link: &Told) -> Result<Vec<String>> {
    let office = OfficeId(link.office);
    if let Some(maker) = link.made_by.map(PersonId)
        && account::is_member(tx, clock, maker, office).await?
    {
        let email = account::email_of(tx, maker).await?;
        return Ok(email.and_then(|email| mail::address(&email)).into_iter().collect());
    }
    let heads = sql::heads(tx, office, clock.now()).await?;
    Ok(heads.iter().filter_map(|email| mail::address(email)).collect())
}
