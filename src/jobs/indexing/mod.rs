//! This node's index follows the log of changes in the database. The log's numbers become visible out of order, so every
//! look goes back a window behind the newest number applied; applying twice changes nothing.

mod gather;

pub use gather::days;

use std::collections::HashSet;
use std::slice;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use crate::{
    app::{App, Happening},
    crash::{Point, point},
    db,
    document::{self, Applied, Document, State, WINDOW, number_at, numbers_of, time_of},
    error::{Error, Kind, Result},
    id::DocumentId,
    search::{Change, Index},
};
use gather::{Gathered, gather};

/// Documents that are applied together.
const BATCH: i64 = 200;
/// Changes that are read at once to be applied, and to be left out of an answer.
const LOOK: i64 = 1000;
const PENDING: i64 = 10_000;

pub async fn run(app: App) {
    let poll = Duration::from_millis(app.config.search.poll_milliseconds);
    let gathering = Duration::from_millis(app.config.search.gather_milliseconds);
    while !app.stopping.is_cancelled() {
        match follow(&app).await {
            Ok(Step { is_more: true, .. }) => continue,
            Ok(step) if step.changed.is_empty() => {}
            // A commit costs the same for one change as for a hundred: the next ones wait a moment for each other.
            Ok(_) => {
                tokio::select! {
                    () = tokio::time::sleep(gathering) => {}
                    () = app.stopping.cancelled() => {}
                }
                continue;
            }
            Err(cause) => tracing::warn!(cause = %cause.chain(), "indexing stopped early and will go on"),
        }
        tokio::select! {
            () = app.indexing.notified() => {}
            () = tokio::time::sleep(poll) => {}
            () = app.stopping.cancelled() => {}
        }
    }
}

/// What the index held when the program started counts as applied, before anybody can ask.
pub fn begin(app: &App) -> Result<()> {
    let now = number_at(app.clock.now());
    if app.index.cursor().abs() > now + numbers_of(WINDOW) {
        // What happened since it was put right has lower numbers, and nobody knows since when.
        tracing::warn!("the index was written by a clock that ran ahead; it is built anew");
        app.index.reset()?;
    }
    set_newest(app, built_since(app));
    Ok(())
}

/// What one look at the log of changes brought into the index.
#[derive(Default)]
struct Step {
    changed: Vec<DocumentId>,
    /// As much as is applied together was there.
    is_more: bool,
}

/// One step; an index that is new, or was lost while the server ran, is built first.
async fn follow(app: &App) -> Result<Step> {
    if app.index.is_fresh() {
        rebuild(app).await?;
    }
    step(app).await
}

/// The change from which on the log has to be applied to what the index holds.
fn built_since(app: &App) -> i64 {
    match app.index.cursor() {
        0 => number_at(app.clock.now()) - numbers_of(WINDOW),
        cursor => cursor.abs(),
    }
}

/// A fresh or lost index is filled from the vault while everything else works. What changes meanwhile is applied in
/// between. A negative cursor says that the index is being built and since when, so that one that was cut goes on.
async fn rebuild(app: &App) -> Result<()> {
    tracing::info!("the index is being rebuilt from the vault");
    let since = built_since(app);
    set_newest(app, since);
    let mut cursor = app.index.cursor();
    let mut coming = gather_after(app, DocumentId(uuid::Uuid::nil())).await?;
    while let Some((last, gathered)) = coming {
        // The next ones are gathered while these are indexed: the one waits for the store, the other for the processor.
        let (written, next) = tokio::join!(apply(app, gathered, cursor, -since), db::beside(gather_after(app, last)));
        announce(app, &written?).await?;
        cursor = -since;
        let changed = step(app).await?.changed;
        // What was gathered of these is older than what the index holds by now.
        coming = next?.map(|(last, gathered)| (last, gathered.without(&changed)));
        if app.stopping.is_cancelled() {
            return Ok(());
        }
    }
    write(app, Gathered::default(), cursor, since).await?;
    tracing::info!("the index is complete");
    Ok(())
}

/// The next batch of a rebuild and where it ends; nothing after the last document.
async fn gather_after(app: &App, after: DocumentId) -> Result<Option<(DocumentId, Gathered)>> {
    let documents = document::every(&app.db, after, BATCH).await?;
    let Some(last) = documents.last() else { return Ok(None) };
    Ok(Some((*last, gather(app, &missing(app, &documents)?).await?)))
}

/// Those that the index does not hold: the others were built before a cut, or changed since and are there already.
fn missing(app: &App, documents: &[DocumentId]) -> Result<Vec<DocumentId>> {
    let mut missing = Vec::new();
    for id in documents {
        if !app.index.holds(id.0)? {
            missing.push(*id);
        }
    }
    Ok(missing)
}

fn set_newest(app: &App, newest: i64) {
    progress(app).start_at(newest);
}

/// Applies what is new and tells of which documents.
async fn step(app: &App) -> Result<Step> {
    let cursor = app.index.cursor();
    let mut fresh = Vec::new();
    let mut after = progress(app).look_from(app.clock.now());
    // The window may hold many numbers that are applied already: read on until a batch of new ones is found.
    loop {
        let seen = document::index_changes(&app.db, after, LOOK).await?;
        let is_last = (seen.len() as i64) < LOOK;
        after = seen.last().map_or(after, |(seq, _)| *seq);
        let applied = progress(app);
        fresh.extend(seen.into_iter().filter(|change| !applied.has(change)));
        drop(applied);
        if is_last || fresh.len() >= BATCH as usize {
            break;
        }
    }
    if fresh.is_empty() {
        return Ok(Step::default());
    }
    let is_more = fresh.len() >= BATCH as usize;
    fresh.truncate(BATCH as usize);
    let mut documents: Vec<DocumentId> = fresh.iter().map(|(_, id)| *id).collect();
    documents.sort_unstable();
    documents.dedup();
    let newest = fresh.iter().map(|(seq, _)| *seq).max().unwrap_or(0);
    // While the index is being built its cursor says so and stays.
    let next = if cursor > 0 { newest.max(cursor).min(number_at(app.clock.now())) } else { cursor };
    let findable = apply(app, gather(app, &documents).await?, cursor, next).await?;
    progress(app).note(&fresh, app.clock.now());
    if let Err(cause) = announce_shown(app, findable).await {
        // Nobody was told: the next step does all of it again.
        progress(app).forget(&fresh);
        return Err(cause);
    }
    app.index_moved.send_modify(|count| *count += 1);
    Ok(Step { changed: documents, is_more })
}

/// Documents whose latest change this node has not applied: whoever searches now must not be shown their former state.
pub async fn pending(app: &App) -> Result<HashSet<DocumentId>> {
    let mut after = progress(app).late_from(app.clock.now());
    let mut pending = HashSet::new();
    // To the end, however far this node is behind: one that is left out here would be found in its former state.
    loop {
        let seen = document::index_changes(&app.db, after, PENDING).await?;
        let is_last = (seen.len() as i64) < PENDING;
        after = seen.last().map_or(after, |(seq, _)| *seq);
        let applied = progress(app);
        pending.extend(seen.into_iter().filter(|change| !applied.has(change)).map(|(_, id)| id));
        drop(applied);
        if is_last {
            return Ok(pending);
        }
    }
}

/// For how long the oldest change has waited that this node's index does not hold.
pub async fn behind(app: &App) -> Result<Duration> {
    let after = progress(app).late_from(app.clock.now());
    let seen = document::index_changes(&app.db, after, PENDING).await?;
    let applied = progress(app);
    let oldest = seen.iter().filter(|change| !applied.has(change)).map(|(seq, _)| *seq).min();
    let now = Duration::from_millis(app.clock.now().0.unsigned_abs());
    Ok(oldest.map_or(Duration::ZERO, |seq| now.saturating_sub(time_of(seq))))
}

/// A panic while it was held leaves it whole: each change of it is one step.
fn progress(app: &App) -> MutexGuard<'_, Applied> {
    app.applied.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings the index up to what was gathered, one by one where it does not take them together.
async fn apply(app: &App, gathered: Gathered, former: i64, cursor: i64) -> Result<Vec<Document>> {
    let documents: Vec<DocumentId> = gathered.changes.iter().map(|change| DocumentId(change.document())).collect();
    match write(app, gathered, former, cursor).await {
        Err(cause) if cause.kind() == Kind::Internal => {
            tracing::warn!(cause = %cause.chain(), "changes of the index fail together and are tried one by one");
            apply_each(app, &documents, former, cursor).await
        }
        done => done,
    }
}

/// One document at which the program stumbles must not blind the search for all others.
async fn apply_each(app: &App, documents: &[DocumentId], former: i64, cursor: i64) -> Result<Vec<Document>> {
    let mut findable = Vec::new();
    for document in documents {
        let alone = gather(app, slice::from_ref(document)).await?;
        let is_destroyed = alone.is_destroyed;
        match write(app, alone, former, former).await {
            Ok(shown) => findable.extend(shown),
            // Its text may not stay on the disk: this is tried until it succeeds.
            Err(cause) if is_destroyed => return Err(cause),
            Err(cause) => {
                // An index that does not take this either is at fault itself.
                let left_out = Gathered { changes: vec![Change::Remove(document.0)], ..Gathered::default() };
                write(app, left_out, former, former).await?;
                tracing::error!(%document, cause = %cause.chain(),
                    "the index takes this document in no way; nobody finds it until the program is mended and `lumbung reindex` ran");
            }
        }
    }
    write(app, Gathered::default(), former, cursor).await?;
    Ok(findable)
}

/// Brings the index that stood at `former` up to what was gathered. Gives the documents whose text came in with it.
async fn write(app: &App, gathered: Gathered, former: i64, cursor: i64) -> Result<Vec<Document>> {
    let Gathered { changes, findable, is_destroyed } = gathered;
    let index = app.index.clone();
    let work = move || {
        // The cursor moves only when the text of what was destroyed has left the disk: a cut repeats both.
        if is_destroyed {
            index.go_on(former, changes, former)?;
            purge(&index)?;
            return index.go_on(former, Vec::new(), cursor);
        }
        index.go_on(former, changes, cursor)
    };
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)??;
    Ok(findable)
}

/// A document that changed once more meanwhile is left out of searches until that change is applied too; then it is told.
async fn announce_shown(app: &App, mut findable: Vec<Document>) -> Result<()> {
    if findable.is_empty() {
        return Ok(());
    }
    let left_out = pending(app).await?;
    findable.retain(|document| !left_out.contains(&document.id));
    announce(app, &findable).await
}

/// A merge that is under way ends soon and takes away what it saw deleted; then the rest can be rewritten.
fn purge(index: &Index) -> Result<()> {
    for _ in 0..100 {
        if index.purge()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Error::internal("segments of the index are being merged for too long"))
}

/// `ready` is told only now: the text is in the index of the node that says so.
async fn announce(app: &App, findable: &[Document]) -> Result<()> {
    if findable.is_empty() {
        return Ok(());
    }
    point(Point::IndexApplied);
    let mut tx = app.db.write().await?;
    for document in findable {
        document::mark_findable(&mut tx, document.id, document.version.id).await?;
    }
    tx.commit().await?;
    for document in findable {
        let pages = document.version.pages.unwrap_or(0) as u32;
        let _ = app.events.send(Happening {
            elsewhere: false,
            office: document.office,
            document: document.id,
            version: document.version.id,
            state: State::Ready,
            pages_read: pages,
            pages: Some(pages),
        });
    }
    Ok(())
}
