//! Lists of documents, newest first. The rule of who may see is inside the statement.

use uuid::Uuid;

use super::{
    Document,
    sql::{Row, columns, live_grant, live_link, may_see, opened_link, standing},
};
use crate::{
    access::Sight,
    clock::Time,
    db::{Db, Sql, params},
    error::Result,
    id::{DocumentId, OfficeId},
    office::OfficeKeys,
};

/// What a list is asked for. All absent: the office's own documents.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub office: Option<OfficeId>,
    pub kind: Option<String>,
    pub security_class: Option<i64>,
    /// A classification code or the beginning of one.
    pub classification: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub state: Option<String>,
    pub label: Option<String>,
    /// Documents of others that are open to this office by grant, link or reach, instead of its own.
    pub with_us: bool,
    /// The trash of the own office instead of the archive.
    pub trashed: bool,
    /// Of the own office, only what came by an upload-only link and nobody here has had in hands since.
    pub unchecked: bool,
}

/// Day and id of the last row of the former page.
pub type After = (String, DocumentId);

macro_rules! filters {
    () => {
        " AND ($4 IS NULL OR d.office = $4) AND ($5 IS NULL OR d.kind = $5) AND ($6 IS NULL OR d.security_class = $6)
          AND ($7 IS NULL OR d.classification = $7 OR substr(d.classification, 1, length($7) + 1) = $7 || '.')
          AND ($8 IS NULL OR d.sort_day >= $8) AND ($9 IS NULL OR d.sort_day <= $9) AND ($10 IS NULL OR d.state = $10)
          AND ($11 IS NULL OR d.labels LIKE $11 ESCAPE '!')
          AND (d.sort_day < $12 OR (d.sort_day = $12 AND d.id < $13))
          ORDER BY d.sort_day DESC, d.id DESC LIMIT $14"
    };
}

const OWN: &str = concat!(
    "SELECT ", columns!(), ", CAST(0 AS BIGINT) AS standing
     FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office
     WHERE d.office = $1 AND ($2 OR d.security_class < 3) AND $3 > 0 AND d.trashed_at IS NULL AND d.destroyed_at IS NULL",
    filters!()
);

const TRASHED: &str = concat!(
    "SELECT ", columns!(), ", CAST(0 AS BIGINT) AS standing
     FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office
     WHERE d.office = $1 AND ($2 OR d.security_class < 3) AND $3 > 0 AND d.trashed_at IS NOT NULL AND d.destroyed_at IS NULL",
    filters!()
);

const UNCHECKED: &str = concat!(
    "SELECT ",
    columns!(),
    ", CAST(0 AS BIGINT) AS standing
     FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office
     WHERE d.office = $1 AND ($2 OR d.security_class < 3) AND $3 > 0 AND d.trashed_at IS NULL AND d.destroyed_at IS NULL
       AND d.origin = 'drop' AND d.revision = 1",
    filters!()
);

/// With another office named: whatever of it may be seen.
const SEEN: &str = concat!(
    "SELECT ",
    columns!(),
    ", ",
    standing!(),
    " FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office WHERE ",
    may_see!(),
    filters!()
);

/// Shared with us: by grant or link, not merely within reach.
const WITH_US: &str = concat!(
    "SELECT ",
    columns!(),
    ", ",
    standing!(),
    " FROM document d JOIN version v ON v.id = d.version JOIN office o ON o.id = d.office
      WHERE d.office <> $1 AND (",
    live_link!(),
    " OR EXISTS (SELECT 1 FROM document_grant g WHERE g.document = d.id AND g.office = $1
            AND (g.until IS NULL OR g.until > $3))) AND ",
    may_see!(),
    filters!()
);

/// One whose sealed details do not open is among them, without these.
pub async fn list(
    db: &Db,
    keys: &OfficeKeys,
    sight: Sight,
    filter: &Filter,
    after: Option<&After>,
    limit: i64,
    now: Time,
) -> Result<Vec<Document>> {
    let text: &'static str = match filter {
        Filter { trashed: true, .. } => TRASHED,
        Filter { unchecked: true, .. } => UNCHECKED,
        Filter { with_us: true, .. } => WITH_US,
        Filter { office: Some(office), .. } if *office != sight.office() => SEEN,
        _ => OWN,
    };
    let (day, id) = after.map_or(("9999-12-31", Uuid::max()), |(day, id)| (day.as_str(), id.0));
    let label = filter.label.as_ref().map(|label| format!("%\"{}\"%", label_pattern(label)));
    let rows: Vec<Row> = db
        .all(
            Sql::from(text),
            params![
                sight.office(),
                sight.is_head(),
                now,
                filter.office,
                filter.kind.clone(),
                filter.security_class,
                filter.classification.clone(),
                filter.from.clone(),
                filter.to.clone(),
                filter.state.clone(),
                label,
                day,
                id,
                limit
            ],
        )
        .await?;
    let mut documents = Vec::with_capacity(rows.len());
    for row in rows {
        documents.push(row.opened_among(keys).await?);
    }
    Ok(documents)
}

/// Labels are a JSON array of texts: the label as JSON writes it, with LIKE's own signs escaped.
fn label_pattern(label: &str) -> String {
    let json = serde_json::to_string(label).unwrap_or_default();
    let inner = json.trim_matches('"').to_owned();
    inner.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

impl Document {
    /// The place of this document in a list, for the next page's cursor.
    pub fn list_place(&self, zone: &jiff::tz::TimeZone) -> After {
        let day = self.details.date.clone().unwrap_or_else(|| self.received_at.day(zone).to_string());
        (day, self.id)
    }
}
