//! What runs in the background: workers that claim durable jobs, this node's indexing, and housekeeping. Everything ends
//! with `app.stopping`; a job that is cut is handed back unharmed.

mod change_master;
mod hearing;
pub mod housekeeping;
pub mod indexing;
mod read_pages;
mod records;
mod reindex;
mod renew_recovery;
mod rotate_keys;
mod scan;
mod shares;
mod timekeeping;
pub mod vault;

pub use change_master::{ChangeMaster, rewrap};
pub use reindex::Reindex;
pub use renew_recovery::RenewRecovery;
pub use rotate_keys::RotateKeys;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;

use self::shares::Shares;
use crate::{
    app::App,
    db,
    error::{Error, Kind, Result},
    ingest::{ReadPages, ScanVersion},
    mail,
    queue::{Claimed, Failed, Job},
    share,
};

/// How often one of the idle workers looks for jobs that another node, or a timer, made runnable.
const LOOK: Duration = Duration::from_millis(500);

/// Starts every background task of a node. They end when `app.stopping` is cancelled.
pub fn start(app: &App) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if let Err(cause) = indexing::begin(app) {
        tracing::error!(cause = %cause.chain(), "the index cannot be begun anew");
    }
    let shares = Shares::of(app.config.queue.workers);
    for _ in 0..app.config.queue.workers {
        let shares = shares.clone();
        tasks.spawn(lasting(app.clone(), "work", move |app| work(app, shares.clone())));
    }
    tasks.spawn(lasting(app.clone(), "wake", wake));
    tasks.spawn(lasting(app.clone(), "indexing", indexing::run));
    tasks.spawn(lasting(app.clone(), "hearing", hearing::run));
    tasks.spawn(lasting(app.clone(), "housekeeping", housekeeping::run));
    tasks.spawn(lasting(app.clone(), "timekeeping", timekeeping::run));
    tasks.spawn(lasting(app.clone(), "records", records::run));
    tasks.spawn(lasting(app.clone(), "vault", vault::run));
    tasks.spawn(lasting(app.clone(), "mirror", vault::follow));
    tasks
}

/// A task that panics begins anew: it is a fault of ours, and without it this node would go on for weeks reading or finding
/// nothing new while everything else looks well.
async fn lasting<F: Future<Output = ()>>(app: App, name: &'static str, task: impl Fn(App) -> F) {
    while AssertUnwindSafe(task(app.clone())).catch_unwind().await.is_err() {
        tracing::error!(task = name, "a background task panicked, as said above; it begins anew");
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = app.stopping.cancelled() => return,
        }
    }
}

async fn work(app: App, shares: Shares) {
    while !app.stopping.is_cancelled() {
        match shares.next(&app.queue).await {
            Ok(Some(place)) => attempt(&app, &place.job).await,
            Ok(None) => pause(&app).await,
            Err(cause) => {
                tracing::warn!(cause = %cause.chain(), "the queue does not answer");
                pause(&app).await;
            }
        }
    }
}

async fn pause(app: &App) {
    tokio::select! {
        () = app.work.notified() => {}
        () = app.stopping.cancelled() => {}
    }
}

async fn wake(app: App) {
    while !app.stopping.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => app.work.notify_one(),
            () = app.stopping.cancelled() => {}
        }
    }
}

/// One attempt, under a lease that is renewed while it lasts.
async fn attempt(app: &App, job: &Claimed) {
    // One nudge wakes one worker; it wakes the next if more waits.
    app.work.notify_one();
    let outcome = tokio::select! {
        outcome = app.done.jobs.run(known(&job.kind), perform_whole(app, job)) => outcome,
        () = db::beside(keep_lease(app, job)) => return,
        () = app.stopping.cancelled() => {
            if let Err(cause) = app.queue.hand_back(job).await {
                tracing::warn!(job = %job.id, cause = %cause.chain(), "not handed back; its lease will end by itself");
            }
            return;
        }
    };
    let Err(cause) = outcome else { return };
    // Mail counts its attempts: another attempt repeats the letters that went out before the one that failed.
    if cause.kind() == Kind::Unavailable && !mail::is_away(&cause) {
        return postpone(app, job, &cause).await;
    }
    match app.queue.fail(job, &cause.chain()).await {
        Ok(Failed::RetryAt(at)) => {
            tracing::warn!(job = %job.id, kind = job.kind, again = %at.rfc3339(), cause = %cause.chain(), "a job failed");
        }
        Ok(Failed::Dead) => {
            tracing::error!(job = %job.id, kind = job.kind, cause = %cause.chain(), "a job failed for good; see /api/v1/jobs");
        }
        Err(cause) => tracing::warn!(job = %job.id, cause = %cause.chain(), "the failure of a job was not recorded"),
    }
}

async fn postpone(app: &App, job: &Claimed, cause: &Error) {
    match app.queue.postpone(job, &cause.chain()).await {
        Ok(at) => {
            tracing::warn!(job = %job.id, kind = job.kind, again = %at.rfc3339(), cause = %cause.chain(), "a job waits for something that is away");
        }
        Err(cause) => {
            tracing::warn!(job = %job.id, cause = %cause.chain(), "not postponed; its lease will end by itself")
        }
    }
}

/// Returns only when the lease is lost: then another node has the job and this attempt must stop.
async fn keep_lease(app: &App, job: &Claimed) {
    let beat = Duration::from_secs(app.queue.settings().lease_seconds / 3).max(Duration::from_secs(1));
    loop {
        tokio::time::sleep(beat).await;
        match app.queue.renew(job).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(job = %job.id, "the lease was lost; another node goes on");
                return;
            }
            Err(cause) => tracing::warn!(job = %job.id, cause = %cause.chain(), "a lease was not renewed"),
        }
    }
}

/// A name of this program for the kind of a job: only these are counted.
fn known(kind: &str) -> &'static str {
    let kinds = [
        ReadPages::KIND,
        ScanVersion::KIND,
        Reindex::KIND,
        RotateKeys::KIND,
        RenewRecovery::KIND,
        ChangeMaster::KIND,
        share::NotifyJob::KIND,
        share::CodeJob::KIND,
        share::TouchJob::KIND,
    ];
    kinds.into_iter().find(|known| *known == kind).unwrap_or("other")
}

/// A job that panics failed, like any other that fails: after its attempts an operator sees it among the dead letters. So does
/// one that never came as far as failing because the program ended each time: else it would end every life of every node.
async fn perform_whole(app: &App, job: &Claimed) -> Result<()> {
    if job.attempts > app.config.queue.max_interruptions {
        return Err(Error::internal("the program ended each time while it did this; it may be what ends it"));
    }
    let ended = AssertUnwindSafe(perform(app, job)).catch_unwind().await;
    ended.unwrap_or_else(|_| Err(Error::internal("the job panicked; what it said is in the log")))
}

/// The one list of jobs.
async fn perform(app: &App, job: &Claimed) -> Result<()> {
    match job.kind.as_str() {
        ReadPages::KIND => read_pages::run(app, job, job.payload()?).await,
        ScanVersion::KIND => scan::run(app, job, job.payload()?).await,
        Reindex::KIND => reindex::run(app, job, job.payload()?).await,
        RotateKeys::KIND => rotate_keys::run(app, job, job.payload()?).await,
        RenewRecovery::KIND => renew_recovery::run(app, job, job.payload()?).await,
        ChangeMaster::KIND => change_master::run(app, job, job.payload()?).await,
        share::NotifyJob::KIND => {
            let payload: share::NotifyJob = job.payload()?;
            app.sharing.notify(app.mailer.as_ref(), app.public_url(), &payload).await?;
            finish(app, job).await
        }
        share::CodeJob::KIND => {
            let payload: share::CodeJob = job.payload()?;
            app.sharing.send_code(app.mailer.as_ref(), &payload).await?;
            finish(app, job).await
        }
        share::TouchJob::KIND => {
            let payload: share::TouchJob = job.payload()?;
            let mut tx = app.db.write().await?;
            crate::document::touch_index(&mut tx, &app.clock, payload.document).await?;
            end(app, tx, job).await
        }
        other => Err(Error::internal(format!("no job is called {other}: another version of the program enqueued it"))),
    }
}

async fn finish(app: &App, job: &Claimed) -> Result<()> {
    let tx = app.db.write().await?;
    end(app, tx, job).await
}

/// Commits the effect and the end of the job together; a lost lease undoes both.
async fn end(app: &App, mut tx: crate::db::Tx, job: &Claimed) -> Result<()> {
    if !app.queue.finish(&mut tx, job).await? {
        return Err(Error::new(
            Kind::Conflict,
            "lease-lost",
            crate::error::say("Pekerjaan diambil alih.", "Another worker took the job over."),
        ));
    }
    tx.commit().await?;
    app.indexing.notify_one();
    Ok(())
}
