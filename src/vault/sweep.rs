//! The sweep. It looks through the whole store first, and only when what it sees fits the database does it let anything go:
//! uploads that never became documents, what was destroyed or replaced. What nothing names it sets aside and never deletes.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::{
    Vault,
    chore::Turn,
    sql::{self, Known},
};
use crate::{
    blob::{Listed, ObjectName, Prefix},
    clock::Time,
    crash::{Point, point},
    error::Result,
    id::UploadId,
};

pub(super) const SWEEP: &str = "sweep";
/// So many names of unknown objects are held at most; far beyond it the sweep has stopped anyway.
const HELD: usize = 200_000;

/// What one sweep saw and did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Swept {
    /// Objects and parts of uploads that were in the store.
    pub objects: u64,
    /// Those that nothing in the database names.
    pub orphans: u64,
    /// Set aside under `q/` this time.
    pub quarantined: u64,
    /// Deleted this time.
    pub deleted: u64,
    /// Deleted by name, while the server still retains the bytes.
    pub retained: u64,
    pub stopped: Option<Stopped>,
}

/// Why nothing may leave the store until an operator has looked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stopped {
    pub at: Time,
    pub orphans: u64,
    pub objects: u64,
}

/// What is remembered between sweeps.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    pub swept_at: Option<Time>,
    pub last: Swept,
    /// Since when sweeps break off: the store does not list, or does not answer.
    pub failing_since: Option<Time>,
    /// So many orphans an operator has accepted.
    pub accepted: u64,
}

/// The store as it was seen.
#[derive(Default)]
struct Survey {
    objects: u64,
    orphans: u64,
    unknown: BTreeSet<String>,
    /// Deleted before, and there again: a put that came late.
    returned: Vec<String>,
}

impl Vault {
    /// The regular sweep. `None`: it is not due, or another node is at it.
    pub async fn sweep_if_due(&self) -> Result<Option<Swept>> {
        self.sweep_with(false, false).await
    }

    /// A sweep now. `accept` is the operator's word that what looks orphaned is. `None`: another node is at it.
    pub async fn sweep(&self, accept: bool) -> Result<Option<Swept>> {
        self.sweep_with(true, accept).await
    }

    async fn sweep_with(&self, early: bool, accept: bool) -> Result<Option<Swept>> {
        let Some((turn, mut memory)) = self.take_turn::<Memory>(SWEEP, early).await? else { return Ok(None) };
        let now = self.clock.now();
        let outcome = self.while_kept(&turn, self.sweep_once(&turn, &mut memory, accept)).await;
        match &outcome {
            Ok(()) => (memory.swept_at, memory.failing_since) = (Some(now), None),
            Err(_) => memory.failing_since = memory.failing_since.or(Some(now)),
        }
        // A sweep that failed (a listing broke off, the store is away) is tried again soon.
        let wait = if outcome.is_ok() { self.settings.every } else { self.settings.every.min(RETRY) };
        self.end_turn(turn, &memory, now.plus(wait)).await?;
        outcome.map(|()| Some(memory.last))
    }

    async fn sweep_once(&self, turn: &Turn, memory: &mut Memory, accept: bool) -> Result<()> {
        let survey = self.survey(turn).await?;
        let mut swept = Swept { objects: survey.objects, orphans: survey.orphans, ..Swept::default() };
        if accept {
            memory.accepted = survey.orphans;
        }
        if self.is_too_much(&survey) {
            if survey.orphans > memory.accepted {
                swept.stopped = Some(self.stop(&survey, memory));
                memory.last = swept;
                return Ok(());
            }
        } else {
            memory.accepted = 0;
        }
        memory.last.stopped = None;
        swept.quarantined = self.set_aside(turn, &survey).await?;
        self.let_go(&survey).await?;
        let erased = self.erase_due(Some(turn)).await?;
        (swept.deleted, swept.retained) = (erased.deleted, erased.retained);
        memory.last = swept;
        Ok(())
    }

    fn is_too_much(&self, survey: &Survey) -> bool {
        let share = survey.objects.saturating_mul(self.settings.stop_percent) / 100;
        survey.orphans > share && survey.orphans > self.settings.stop_count
    }

    /// Told once in the log, and on the status page as long as it lasts.
    fn stop(&self, survey: &Survey, memory: &Memory) -> Stopped {
        if let Some(before) = &memory.last.stopped {
            return Stopped { orphans: survey.orphans, objects: survey.objects, ..before.clone() };
        }
        tracing::error!(
            orphans = survey.orphans,
            objects = survey.objects,
            "the sweep stopped: too many objects are named by nothing in the database. Nothing is deleted. Is the database an \
             old copy, or the store another installation's? If all is as it should be, run `lumbung sweep --confirm`"
        );
        Stopped { at: self.clock.now(), orphans: survey.orphans, objects: survey.objects }
    }

    /// Part by part: listed first, asked for afterwards, so that what is uploaded meanwhile is known.
    async fn survey(&self, turn: &Turn) -> Result<Survey> {
        let mut survey = Survey::default();
        for part in 0..=u8::MAX {
            let prefix = Prefix::ObjectsUnder(part);
            let listed: Vec<Listed> = self.store.list(prefix).try_collect().await?;
            if !listed.is_empty() {
                let known = sql::known(&self.db, &prefix.to_string()).await?;
                survey.compare(&listed, &known);
            }
            if part % 16 == 0 {
                self.keep_turn(turn).await?;
            }
        }
        self.survey_parts(&mut survey).await?;
        Ok(survey)
    }

    async fn survey_parts(&self, survey: &mut Survey) -> Result<()> {
        let mut uploads: HashMap<UploadId, Vec<u64>> = HashMap::new();
        let mut listing = self.store.list(Prefix::Parts);
        while let Some(listed) = listing.next().await {
            if let Some(ObjectName::Part { upload, number }) = listed?.name() {
                uploads.entry(upload).or_default().push(number);
            }
        }
        for (upload, numbers) in uploads {
            let known = sql::known_parts(&self.db, upload).await?;
            survey.objects += numbers.len() as u64;
            for number in numbers.into_iter().filter(|number| !known.contains(number)) {
                survey.note(ObjectName::part(upload, number).to_string());
            }
        }
        Ok(())
    }

    /// What has been unknown for long enough goes into quarantine; what was seen for the first time is only noted.
    async fn set_aside(&self, turn: &Turn, survey: &Survey) -> Result<u64> {
        let now = self.clock.now();
        let noted = sql::strays(&self.db).await?;
        let cleared: Vec<&String> = noted.keys().filter(|object| !survey.unknown.contains(*object)).collect();
        for batch in cleared.chunks(500) {
            let mut tx = self.db.write().await?;
            for object in batch {
                sql::forget_stray(&mut tx, object).await?;
            }
            tx.commit().await?;
        }
        let fresh: Vec<&String> = survey.unknown.iter().filter(|object| !noted.contains_key(*object)).collect();
        for batch in fresh.chunks(500) {
            let mut tx = self.db.write().await?;
            for object in batch {
                sql::note_stray(&mut tx, object, now).await?;
            }
            tx.commit().await?;
        }
        let ripe = |at: &Time| now.since(*at) >= self.settings.grace;
        let mut quarantined = 0;
        let due: Vec<&String> = survey.unknown.iter().filter(|object| noted.get(*object).is_some_and(ripe)).collect();
        for object in due {
            let Some(name) = ObjectName::parse(object) else { continue };
            // The survey is some minutes old.
            if !self.is_named(&name).await? && self.store.quarantine(&name).await? {
                tracing::warn!(object, "an object that nothing names was set aside");
                quarantined += 1;
                point(Point::SetAside);
            }
            let mut tx = self.db.write().await?;
            sql::forget_stray(&mut tx, object).await?;
            tx.commit().await?;
            if quarantined % 64 == 0 {
                self.keep_turn(turn).await?;
            }
        }
        Ok(quarantined)
    }

    async fn is_named(&self, name: &ObjectName) -> Result<bool> {
        match name {
            ObjectName::Part { upload, number } => Ok(sql::known_parts(&self.db, *upload).await?.contains(number)),
            name => sql::is_named(&self.db, &name.to_string()).await,
        }
    }

    /// Every blob that nothing needs takes its next step.
    async fn let_go(&self, survey: &Survey) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        sql::expire_pending(&mut tx, now).await?;
        for object in &survey.returned {
            sql::delete_again(&mut tx, object).await?;
        }
        sql::forget_gone(&mut tx, now).await?;
        tx.commit().await?;
        for blob in sql::unreferenced(&self.db).await? {
            let mut tx = self.db.write().await?;
            sql::condemn(&mut tx, blob).await?;
            tx.commit().await?;
            point(Point::Condemned);
        }
        Ok(())
    }
}

/// After a sweep that could not be finished.
const RETRY: std::time::Duration = std::time::Duration::from_secs(3600);

impl Survey {
    fn compare(&mut self, listed: &[Listed], known: &[Known]) {
        let states: HashMap<&str, bool> = known.iter().map(|row| (row.object.as_str(), row.gone)).collect();
        let mut seen = HashSet::new();
        for listed in listed {
            // A path that we would not write is nobody's business here; `verify` names it.
            if listed.name().is_none() || !seen.insert(listed.path.as_str()) {
                continue;
            }
            self.objects += 1;
            match states.get(listed.path.as_str()) {
                None => self.note(listed.path.clone()),
                Some(true) => self.returned.push(listed.path.clone()),
                Some(false) => {}
            }
        }
    }

    fn note(&mut self, object: String) {
        self.orphans += 1;
        if self.unknown.len() < HELD {
            self.unknown.insert(object);
        }
    }
}
