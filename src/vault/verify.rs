//! Verifying everything at once, and mending from the mirror. Repair deletes nothing: a damaged object is set aside first.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::{
    Place, Vault,
    check::{Depth, Expected, Fault},
    sql,
};
use crate::{
    blob::{Listed, ObjectName, Prefix},
    document,
    error::{Error, Result},
    id::DocumentId,
};

/// Objects that are looked at side by side, so that a store on the network is not waited for one by one.
const ABREAST: usize = 4;

#[derive(Debug, Serialize)]
pub struct Report {
    pub depth: Depth,
    pub checked: u64,
    pub bytes: u64,
    /// Objects that the mirror has not got yet; they are no problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror_waiting: Option<u64>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Problem {
    pub object: String,
    pub kind: Fault,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentId>,
    /// A text or a picture made of an original: it can be made again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
    /// Only where it is not the store itself.
    #[serde(rename = "where", skip_serializing_if = "Place::is_store")]
    pub place: Place,
    /// Only after a repair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mended: Option<bool>,
}

impl Report {
    /// Nothing is wrong, or nothing any more.
    pub fn is_sound(&self) -> bool {
        self.problems.iter().all(|problem| problem.mended == Some(true))
    }
}

impl Vault {
    /// Every object that the database names, in the store and in the mirror, and what neither should hold.
    pub async fn verify(&self, depth: Depth) -> Result<Report> {
        let waiting = self.mirror.is_some().then_some(0);
        let mut report = Report { depth, checked: 0, bytes: 0, mirror_waiting: waiting, problems: Vec::new() };
        for part in 0..=u8::MAX {
            self.verify_part(Prefix::ObjectsUnder(part), &mut report).await?;
        }
        self.verify_records(&mut report).await?;
        for place in [Place::Store, Place::Mirror] {
            self.foreign(place, &mut report).await?;
        }
        report.problems.sort_by(|a, b| (!a.place.is_store(), &a.object).cmp(&(!b.place.is_store(), &b.object)));
        Ok(report)
    }

    async fn verify_part(&self, part: Prefix, report: &mut Report) -> Result<()> {
        // Listed first, asked for afterwards: what is uploaded meanwhile is neither missing nor unknown.
        let stored = self.listed(Place::Store, part).await?;
        let copied = self.listed(Place::Mirror, part).await?;
        let expected = sql::expected(&self.db, &part.to_string()).await?;
        report.checked += expected.len() as u64;
        self.compare_both(&expected, &stored, &copied, report).await?;
        if stored.is_empty() && copied.is_empty() {
            return Ok(());
        }
        let known = sql::known(&self.db, &part.to_string()).await?;
        let known: HashSet<String> = known.into_iter().filter(|row| !row.gone).map(|row| row.object).collect();
        for (place, listed) in [(Place::Store, &stored), (Place::Mirror, &copied)] {
            for object in listed.keys().filter(|object| !known.contains(*object)) {
                if self.is_there(place, object).await? {
                    report.problems.push(problem(place, object, Fault::Unknown, None));
                }
            }
        }
        Ok(())
    }

    /// The chain that gives the archive back. What else lies under `r/` goes with the next full record.
    async fn verify_records(&self, report: &mut Report) -> Result<()> {
        let stored = self.listed(Place::Store, Prefix::Records).await?;
        let copied = self.listed(Place::Mirror, Prefix::Records).await?;
        let expected = sql::expected_records(&self.db).await?;
        report.checked += expected.len() as u64;
        self.compare_both(&expected, &stored, &copied, report).await
    }

    async fn compare_both(
        &self,
        expected: &[Expected],
        stored: &HashMap<String, u64>,
        copied: &HashMap<String, u64>,
        report: &mut Report,
    ) -> Result<()> {
        self.compare(Place::Store, expected, stored, report).await?;
        if let Some(waiting) = &mut report.mirror_waiting {
            *waiting += expected.iter().filter(|object| !object.mirrored).count() as u64;
            let due: Vec<Expected> = expected.iter().filter(|object| object.mirrored).cloned().collect();
            self.compare(Place::Mirror, &due, copied, report).await?;
        }
        Ok(())
    }

    /// What was listed may have been deleted since; a listing may also lag behind.
    async fn is_there(&self, place: Place, object: &str) -> Result<bool> {
        match (self.at(place), ObjectName::parse(object)) {
            (Some(store), Some(name)) => Ok(store.head(&name).await?.is_some()),
            _ => Ok(true),
        }
    }

    async fn compare(
        &self,
        place: Place,
        expected: &[Expected],
        listed: &HashMap<String, u64>,
        report: &mut Report,
    ) -> Result<()> {
        let depth = report.depth;
        let mut looks = stream::iter(expected)
            .map(|object| async move {
                let looked = self.fault(place, depth, object, listed.get(&object.object).copied()).await?;
                Ok::<_, Error>((object, looked))
            })
            .buffered(ABREAST);
        while let Some(looked) = looks.next().await {
            match looked? {
                (_, Ok(bytes)) => report.bytes += bytes,
                (object, Err(fault)) => {
                    let found = problem(place, &object.object, fault, object.document);
                    report.problems.push(Problem { derived: object.is_derived(), ..found });
                }
            }
        }
        Ok(())
    }

    async fn listed(&self, place: Place, part: Prefix) -> Result<HashMap<String, u64>> {
        let Some(store) = self.at(place) else { return Ok(HashMap::new()) };
        let listed: Vec<Listed> = store.list(part).try_collect().await?;
        Ok(listed.into_iter().map(|listed| (listed.path, listed.size)).collect())
    }

    /// Paths among the objects that Lumbung would never write.
    async fn foreign(&self, place: Place, report: &mut Report) -> Result<()> {
        let Some(store) = self.at(place) else { return Ok(()) };
        let mut listing = store.list(Prefix::Objects);
        while let Some(listed) = listing.next().await {
            let listed = listed?;
            if !is_in_a_part(&listed.path) {
                report.problems.push(problem(place, &listed.path, Fault::Unknown, None));
            }
        }
        Ok(())
    }

    /// Mends every problem that a sound copy in the other place can mend, the store before the mirror. What does not open although
    /// its bytes are right is not among them: the copy has the same bytes, and what is wrong is in the database.
    pub async fn repair(&self, report: &mut Report) -> Result<()> {
        for place in [Place::Store, Place::Mirror] {
            for problem in report.problems.iter_mut().filter(|problem| problem.place == place) {
                let mendable = matches!(problem.kind, Fault::Missing | Fault::Size | Fault::Digest);
                let is_mended = mendable && self.mend(place, &problem.object).await?;
                problem.mended = Some(is_mended);
                if let Some(document) = problem.document.filter(|_| is_mended && place.is_store()) {
                    self.index_again(document).await?;
                }
            }
        }
        Ok(())
    }

    /// What was mended may be a text that the index had to do without.
    async fn index_again(&self, document: DocumentId) -> Result<()> {
        let mut tx = self.db.write().await?;
        document::touch_index(&mut tx, &self.clock, document).await?;
        tx.commit().await
    }

    /// True when the object is sound there now.
    async fn mend(&self, place: Place, object: &str) -> Result<bool> {
        let (from, Some(store), true) = (place.other(), self.at(place), self.mirror.is_some()) else {
            return Ok(false);
        };
        let name: ObjectName = object.parse()?;
        let Some(body) = self.sound_copy(from, &name).await? else { return Ok(false) };
        // What is damaged is not deleted either: somebody may want to know how it came about.
        store.quarantine(&name).await?;
        store.put(&name, &body).await?;
        sql::drop_finding(&self.db, object, place).await?;
        // Both places have it now, whichever was mended.
        sql::set_mirrored(&self.db, object, self.clock.now()).await?;
        Ok(true)
    }
}

/// Whether [`Prefix::ObjectsUnder`] some byte lists it.
fn is_in_a_part(path: &str) -> bool {
    let byte = path.get(2..4).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    byte.is_some_and(|byte| path.starts_with(&Prefix::ObjectsUnder(byte).to_string()))
}

impl Place {
    fn other(self) -> Place {
        match self {
            Place::Store => Place::Mirror,
            Place::Mirror => Place::Store,
        }
    }
}

fn problem(place: Place, object: &str, kind: Fault, document: Option<DocumentId>) -> Problem {
    Problem { object: object.to_owned(), kind, document, derived: false, place, mended: None }
}
