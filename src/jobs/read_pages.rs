//! Reads a version in the jail and keeps what was read: sealed page texts, the outcome, and a change for every index.
//! Running it twice replaces the same rows by the same content.

use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{end, finish};
use crate::{
    app::{App, Happening},
    crash::{Point, point},
    db,
    document::{self, Settled, State, Version},
    error::Result,
    id::{DocumentId, OfficeId},
    ingest::ReadPages,
    queue::Claimed,
    read::{Outcome, Page, Plaintext, Reading, Reason},
    search,
};

/// Between two notes of progress in the database.
const NOTE_EVERY: Duration = Duration::from_millis(700);

/// The version that is being read, and whose it is.
struct Subject {
    document: DocumentId,
    office: OfficeId,
    version: Version,
}

pub async fn run(app: &App, job: &Claimed, payload: ReadPages) -> Result<()> {
    let Some((document, office, version)) = document::version_for_work(&app.db, payload.version).await? else {
        return finish(app, job).await;
    };
    let subject = Subject { document, office, version };
    let outcome = read(app, &subject).await?;
    let (settled, pages) = settle(outcome);
    let blocks = app.shelf.put_pages(&subject.version, office, pages).await?;
    point(Point::TextsStored);
    let mut tx = app.db.write().await?;
    app.shelf.keep(&mut tx, &subject.version, &blocks).await?;
    document::settle_reading(&mut tx, &app.clock, subject.version.id, &settled).await?;
    point(Point::TextsRecorded);
    end(app, tx, job).await?;
    point(Point::TextsCommitted);
    // A reading that is done is told when its text is findable; the other outcomes are final now.
    if settled.state != State::Ready {
        tell(app, &subject, settled.state, 0, None);
    }
    Ok(())
}

async fn read(app: &App, subject: &Subject) -> Result<Outcome> {
    let version = &subject.version;
    let media_type = version.media_type.clone();
    if version.size as u64 > app.config.reading.max_input_bytes {
        return Ok(Outcome::Unreadable { media_type, reason: Reason::TooLarge });
    }
    let plaintext = app.shelf.plaintext(version, subject.office).await?;
    note(app, subject, 0, 0).await?;
    let outcome = with_progress(app, subject, &plaintext).await;
    match &outcome {
        // A cause on our side (no Tesseract, no jail) is worth another try only after the operator mended it: the
        // document says so, and "try again" enqueues a new job.
        Outcome::Unreadable { reason, .. } if reason.is_ours() => {
            tracing::warn!(version = %version.id, reason = reason.slug(), "reading needs the operator");
        }
        _ => {}
    }
    Ok(outcome)
}

/// Reads, and meanwhile notes how many pages are done.
async fn with_progress(app: &App, subject: &Subject, plaintext: &Plaintext) -> Outcome {
    let (told, mut heard) = watch::channel((0_u32, 0_u32));
    let is_read = Notify::new();
    let reading = async {
        let read = app.reader.read(plaintext, &subject.version.file_name, move |done, of| {
            let _ = told.send((done, of));
        });
        let outcome = read.await;
        is_read.notify_one();
        outcome
    };
    let noting = async {
        while heard.changed().await.is_ok() {
            let (done, of) = *heard.borrow_and_update();
            if let Err(cause) = note(app, subject, done, of).await {
                tracing::debug!(cause = %cause.chain(), "progress was not noted");
            }
            // What has been read is kept at once: only a note that is being written is waited for.
            tokio::select! {
                () = tokio::time::sleep(NOTE_EVERY) => {}
                () = is_read.notified() => return,
            }
        }
    };
    tokio::join!(reading, db::beside(noting)).0
}

async fn note(app: &App, subject: &Subject, done: u32, of: u32) -> Result<()> {
    let mut tx = app.db.write().await?;
    document::note_progress(&mut tx, subject.version.id, i64::from(done), (of > 0).then_some(i64::from(of))).await?;
    tx.commit().await?;
    tell(app, subject, State::Reading, done, (of > 0).then_some(of));
    Ok(())
}

fn tell(app: &App, subject: &Subject, state: State, pages_read: u32, pages: Option<u32>) {
    // Nobody may be listening; then there is nobody to tell.
    let _ = app.events.send(Happening {
        elsewhere: false,
        office: subject.office,
        document: subject.document,
        version: subject.version.id,
        state,
        pages_read,
        pages,
    });
}

fn settle(outcome: Outcome) -> (Settled, Vec<Page>) {
    let blank = |state, reason: Option<Reason>, media_type| Settled {
        state,
        reason: reason.map(|reason| reason.slug().to_owned()),
        media_type,
        pages: None,
        pictures: false,
        signed: false,
        personal_data: None,
    };
    match outcome {
        Outcome::Stored { media_type } => (blank(State::Stored, None, media_type), Vec::new()),
        Outcome::Unreadable { media_type, reason } => (blank(State::Unreadable, Some(reason), media_type), Vec::new()),
        Outcome::Read(Reading { media_type, signed, pages, pictures, incomplete }) => {
            let count = pages.last().map_or(0, |page| i64::from(page.number));
            let personal_data = personal_data(&pages, incomplete.is_none());
            let blank = blank(State::Ready, incomplete, media_type);
            (Settled { pages: Some(count), pictures, signed, personal_data, ..blank }, pages)
        }
    }
}

/// Whether any page holds a NIK or a KK number. What a part that was left out holds nobody knows: then only a find is told.
fn personal_data(pages: &[Page], is_whole: bool) -> Option<bool> {
    let is_found = pages.iter().any(|page| search::holds_personal_number(&page.text));
    (is_found || is_whole).then_some(is_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Source;

    fn page(text: &str) -> Page {
        let text = text.to_owned();
        Page { number: 1, text, words: Vec::new(), source: Source::Layer, confidence: None, turned: 0 }
    }

    #[test]
    fn of_a_reading_that_left_out_pages_only_a_find_is_told() {
        let (none, one) = (page("Undangan rapat"), page("NIK 3216014712850003"));
        assert_eq!(personal_data(&[none.clone(), one.clone()], true), Some(true));
        assert_eq!(personal_data(&[none.clone(), one], false), Some(true));
        assert_eq!(personal_data(std::slice::from_ref(&none), true), Some(false));
        assert_eq!(personal_data(&[none], false), None);
    }
}
