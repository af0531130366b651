//! Links for named offices list their document to those offices, so the index has to know. Whatever changes that list
//! writes to the index's log: what people do at once, what time does by a job at that moment.

use serde::{Deserialize, Serialize};

use super::{AudienceKind, Link, Need, Sharing, Terms, sql};
use crate::{
    clock::Time,
    db::Tx,
    document,
    error::Result,
    id::{DocumentId, LinkId, OfficeId},
    queue::Job,
};

/// Tells the index that time has opened or ended a link.
#[derive(Debug, Serialize, Deserialize)]
pub struct TouchJob {
    pub document: DocumentId,
}

impl Job for TouchJob {
    const KIND: &'static str = "link_moment";
}

/// How a listed document is opened by the office to which it is listed.
#[derive(Clone, Debug)]
pub struct WayIn {
    /// The public id of the link.
    pub public: String,
    pub needs: Vec<String>,
}

/// The link by which the office can open a document that is listed to it; the one that needs least.
pub async fn way_in(tx: &mut Tx, document: DocumentId, office: OfficeId, now: Time) -> Result<Option<WayIn>> {
    let rows = sql::listing(tx, document, office, now).await?;
    Ok(rows.into_iter().next().map(|row| WayIn {
        public: row.public,
        needs: row.password.iter().map(|_| Need::Password.as_str().to_owned()).collect(),
    }))
}

/// Every link that the document ever had.
pub async fn links_of(tx: &mut Tx, document: DocumentId) -> Result<Vec<LinkId>> {
    sql::of_document(tx, document).await
}

impl Sharing {
    pub(super) async fn touch(&self, tx: &mut Tx, document: DocumentId) -> Result<()> {
        document::touch_index(tx, &self.clock, document).await
    }

    /// The present and the two moments at which a new link begins and ceases to list its document.
    pub(super) async fn plan_moments(&self, tx: &mut Tx, document: DocumentId, terms: &Terms) -> Result<()> {
        if terms.audience.kind() != AudienceKind::Offices {
            return Ok(());
        }
        self.touch(tx, document).await?;
        for at in terms.opens_from.into_iter().chain([terms.expires_at]) {
            self.queue.enqueue_at(tx, &TouchJob { document }, None, at).await?;
        }
        Ok(())
    }

    pub(super) async fn plan_end(&self, tx: &mut Tx, link: &Link, expires_at: Time) -> Result<()> {
        if link.audience.kind() != AudienceKind::Offices {
            return Ok(());
        }
        self.touch(tx, link.document).await?;
        if expires_at != link.expires_at {
            self.queue.enqueue_at(tx, &TouchJob { document: link.document }, None, expires_at).await?;
        }
        Ok(())
    }

    /// Documents that are listed to the office: a link for it would open now.
    pub async fn listed_for(&self, tx: &mut Tx, office: OfficeId) -> Result<Vec<DocumentId>> {
        sql::listed_for(tx, office, self.clock.now()).await
    }

    /// Offices to which a link lists the document now.
    pub async fn linked_offices(&self, tx: &mut Tx, document: DocumentId) -> Result<Vec<OfficeId>> {
        sql::linked_offices(tx, document, self.clock.now()).await
    }
}
