//! What the index has to know of documents, asked for many at once: one by one, the questions would take longer than indexing.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    Document,
    sql::{Row, columns},
};
use crate::{
    clock::Time,
    db::{Db, Value, batch, batches},
    error::{Kind, Result},
    id::DocumentId,
    office::OfficeKeys,
};

/// A document with the numbers of the offices that hold a grant on it, and of those to which a live link lists it.
#[derive(Clone, Debug)]
pub struct Told {
    pub document: Document,
    pub granted: Vec<i64>,
    pub linked: Vec<i64>,
}

/// $17 is the present time.
const GRANTED: &str = concat!(
    "SELECT g.document, o.number FROM document_grant g JOIN office o ON o.id = g.office WHERE g.document IN ",
    batch!(),
    " AND (g.until IS NULL OR g.until > $17)
     UNION
     SELECT l.document, o.number FROM link_grant og JOIN link l ON l.id = og.link JOIN office o ON o.id = og.by_office
       JOIN document d ON d.id = l.document AND d.version = l.version
     WHERE l.document IN ",
    batch!(),
    " AND l.rights = 'download' AND l.audience = 'offices' AND og.renewed_to > $17
       AND l.revoked_at IS NULL AND NOT l.paused AND NOT l.pending AND l.expires_at > $17"
);

const LINKED: &str = concat!(
    "SELECT DISTINCT l.document, o.number FROM link l JOIN link_office lo ON lo.link = l.id JOIN office o ON o.id = lo.office
     WHERE l.document IN ",
    batch!(),
    " AND l.revoked_at IS NULL AND NOT l.paused AND NOT l.pending AND l.expires_at > $17
       AND (l.opens_from IS NULL OR l.opens_from <= $17) AND (l.max_opens IS NULL OR l.opens < l.max_opens)"
);

const DOCUMENTS: &str = concat!(
    "SELECT ",
    columns!(),
    ", CAST(0 AS BIGINT) AS standing FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office
     WHERE d.destroyed_at IS NULL AND d.id IN ",
    batch!()
);

/// Those of these documents that are there, for the program's own work, which serves nobody in particular. One whose
/// details do not open is there too, and says so: it must neither be taken for destroyed nor hold up the others.
pub async fn told(
    db: &Db,
    keys: &OfficeKeys,
    ids: &[DocumentId],
    now: Time,
) -> Result<HashMap<DocumentId, Result<Told>>> {
    let mut all = HashMap::with_capacity(ids.len());
    for ids in batches(ids) {
        for row in db.all::<Row>(DOCUMENTS, ids.clone()).await? {
            let id = row.id();
            let told = match row.opened(keys).await {
                Ok(document) => Ok(Told { document, granted: Vec::new(), linked: Vec::new() }),
                Err(cause) if cause.kind() == Kind::Unavailable => return Err(cause),
                Err(cause) => Err(cause),
            };
            all.insert(id, told);
        }
        let with_time: Vec<Value> = ids.into_iter().chain([now.into()]).collect();
        for (id, number) in db.all::<(Uuid, i64)>(GRANTED, with_time.clone()).await? {
            if let Some(Ok(told)) = all.get_mut(&DocumentId(id)) {
                told.granted.push(number);
            }
        }
        for (id, number) in db.all::<(Uuid, i64)>(LINKED, with_time).await? {
            if let Some(Ok(told)) = all.get_mut(&DocumentId(id)) {
                told.linked.push(number);
            }
        }
    }
    Ok(all)
}
