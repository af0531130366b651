//! One-time codes for the audience "e-mail". A code is made when its mail is sent, so that it lies nowhere in the clear;
//! the database keeps a keyed hash. It dies when used, when its time is over, or after a few wrong tries.

use std::time::Duration;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{Audience, Sharing, open::Visitor};
use crate::{
    account::throttle::{self, Counter},
    db::{Tx, params},
    error::Result,
    id::{self, LinkId, OfficeId},
    mail::{self, Letter, Mailer},
    queue::Job,
};

/// Sends a fresh code to one listed address.
#[derive(Debug, Serialize, Deserialize)]
pub struct CodeJob {
    link: LinkId,
    email: String,
}

impl Job for CodeJob {
    const KIND: &'static str = "link_code";
}

/// Between two mails to one address of one link.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(sqlx::FromRow)]
struct CodeRow {
    email: String,
    code_hash: Vec<u8>,
}

impl Sharing {
    /// Whoever has the secret may ask for a code for any address and always gets the same answer; mail goes out only to
    /// an address that the link lists.
    pub async fn ask_code(&self, public: &str, secret: Option<&str>, email: &str, visitor: Visitor<'_>) -> Result<()> {
        let door = self.approach(public, secret, visitor).await?;
        self.must_be_open(&door, visitor).await?;
        // Asking is counted for the link, so that nobody fills a mailbox or the queue by it.
        let settings = &self.settings.throttle;
        let counter = Counter::new("link-mail", &[&door.link().to_string()], settings.link_free * 3);
        let _counted = throttle::admit(&self.db, &self.clock, settings, vec![counter]).await?;
        let Audience::Email { emails } = door.audience() else { return Ok(()) };
        let listed = mail::address(email).filter(|email| emails.contains(email));
        let mut tx = self.db.write().await?;
        if let Some(email) = listed
            && self.reserve_mail(&mut tx, door.link(), &email).await?
        {
            let job = CodeJob { link: door.link(), email };
            self.queue.enqueue(&mut tx, &job, Some(OfficeId(door.row().office))).await?;
        }
        tx.commit().await
    }

    /// False when a mail went to this address a moment ago.
    async fn reserve_mail(&self, tx: &mut Tx, link: LinkId, email: &str) -> Result<bool> {
        let now = self.clock.now();
        let rows = tx
            .execute(
                "INSERT INTO link_code (link, email, code_hash, tries, expires_at, sent_at) VALUES ($1, $2, $3, 0, 0, $4)
                 ON CONFLICT (link, email) DO UPDATE SET sent_at = excluded.sent_at WHERE link_code.sent_at <= $5",
                params![link, email, Vec::new(), now, now.minus(PATIENCE)],
            )
            .await?;
        Ok(rows == 1)
    }

    /// Makes a code, keeps its hash, mails it. A repeated attempt makes another code: the last mail counts.
    pub async fn send_code(&self, mailer: Option<&Mailer>, job: &CodeJob) -> Result<()> {
        let Some(mailer) = mailer else { return Ok(()) };
        let now = self.clock.now();
        let minutes = self.settings.links.code_minutes;
        let code = fresh_code();
        let rows = self
            .db
            .execute(
                "UPDATE link_code SET code_hash = $3, tries = 0, expires_at = $4 WHERE link = $1 AND email = $2",
                params![
                    job.link,
                    &job.email,
                    self.code_hash(job.link, &job.email, &code),
                    now.plus(Duration::from_secs(minutes * 60))
                ],
            )
            .await?;
        if rows == 0 {
            return Ok(());
        }
        mailer.send(&letter(&job.email, &code, minutes), now).await
    }

    /// The address to which the code was sent, if it is right. A wrong one is a try against every code that waits.
    pub(super) async fn code_fits(&self, link: LinkId, code: &str) -> Result<Option<String>> {
        let code: String = code.chars().filter(char::is_ascii_digit).collect();
        let now = self.clock.now();
        let tries = self.settings.links.code_tries;
        let waiting: Vec<CodeRow> = self
            .db
            .all(
                "SELECT email, code_hash FROM link_code WHERE link = $1 AND expires_at > $2 AND tries < $3",
                params![link, now, tries],
            )
            .await?;
        let mut fits = None;
        for row in waiting {
            let is_right: bool = self.code_hash(link, &row.email, &code).ct_eq(&row.code_hash).into();
            if is_right {
                fits = Some(row.email);
            }
        }
        if fits.is_none() {
            self.db
                .execute(
                    "UPDATE link_code SET tries = tries + 1 WHERE link = $1 AND expires_at > $2",
                    params![link, now],
                )
                .await?;
        }
        Ok(fits)
    }

    /// A code opens once: of two openings with one code, one takes it.
    pub(super) async fn take_code(&self, tx: &mut Tx, link: LinkId, email: &str) -> Result<bool> {
        let rows = tx
            .execute(
                "UPDATE link_code SET expires_at = 0 WHERE link = $1 AND email = $2 AND expires_at > $3",
                params![link, email, self.clock.now()],
            )
            .await?;
        Ok(rows == 1)
    }

    pub(super) fn code_hash(&self, link: LinkId, email: &str, code: &str) -> Vec<u8> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.settings.code_key) else { return Vec::new() };
        for part in [link.to_string().as_str(), email, code] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().to_vec()
    }
}

/// Eight digits, each code as likely as any other.
fn fresh_code() -> String {
    let number = u64::from_be_bytes(id::random()) % 100_000_000;
    format!("{number:08}")
}

fn letter(to: &str, code: &str, minutes: u64) -> Letter {
    let shown = format!("{} {}", &code[..4], &code[4..]);
    Letter {
        to: to.to_owned(),
        subject: "Kode untuk membuka dokumen / Code to open a document".into(),
        text: format!(
            "Kode Anda: {shown}\n\nBerlaku {minutes} menit dan satu kali. Masukkan di halaman tautan yang Anda buka. Jika Anda \
             tidak memintanya, abaikan surat ini; jangan berikan kode ini kepada siapa pun.\n\n--\n\nYour code: {shown}\n\n\
             It is valid for {minutes} minutes and one use. Enter it on the page of the link that you opened. If you did \
             not ask for it, ignore this letter; give the code to nobody.\n"
        ),
        name: format!("code-{}", id::to_letters(&id::random::<10>())),
    }
}
