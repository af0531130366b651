//! Documents as somebody at the desk gets at them: loaded for an act, recorded, told.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Act, Actor},
    app::App,
    audit::{Entry, Who},
    db::Tx,
    document::{self, Access, Document, Shown, ShownListed, show},
    error::{Error, Result},
    http::Caller,
    id::DocumentId,
    ingest::{self, Accepted, Received},
    share,
};

/// Loads for an act: 404 if the document is not to be seen, 403 if only the act is refused.
pub async fn load(app: &App, actor: &Actor, id: DocumentId, act: Act) -> Result<Document> {
    let sight = actor.sight().or_else(|| actor.sight_for(act));
    let mut tx = app.db.read().await?;
    let document = document::load(&mut tx, &app.keys, sight, id, app.clock.now()).await?;
    actor.must(act)?;
    Ok(document)
}

/// Records what was received, in a transaction that the caller commits.
pub async fn record(
    app: &App,
    caller: &Caller,
    received: Received,
    details: &document::Details,
) -> Result<(Shown, Tx)> {
    let accepted = accepted(caller);
    let mut tx = app.db.write().await?;
    let kept = ingest::record(&mut tx, app.recording(), received, details, &accepted).await?;
    let duplicate_of = match kept.is_twin {
        true => ingest::duplicate_of(&mut tx, kept.created.recorded, caller.actor.is_head()).await?,
        false => None,
    };
    let (owner, number) = (caller.actor.owner().clone(), caller.actor.office_number());
    let document = kept.created.into_document(owner, number, details.clone());
    Ok((Shown { duplicate_of, ..show(&document) }, tx))
}

pub fn accepted(caller: &Caller) -> Accepted {
    Accepted {
        who: Who::from(&caller.actor),
        person: Some(caller.actor.person()),
        origin: caller.origin.clone(),
        drop: None,
    }
}

/// The audit entry of an act on a document.
pub fn entry<'a>(caller: &'a Caller, document: &Document, action: &'static str) -> Entry<'a> {
    Entry {
        who: Who::from(&caller.actor),
        office: Some(document.office),
        action,
        object: Some(document.id.to_string()),
        result: "ok",
        origin: &caller.origin,
        detail: serde_json::json!({ "version": document.version.id, "by_office": caller.actor.office() }),
    }
}

/// An item of a list: a document, or the mention of one that a link shares.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Item {
    Whole(Box<Shown>),
    Listed(ShownListed),
}

pub async fn item(tx: &mut Tx, app: &App, actor: &Actor, document: Document) -> Result<Item> {
    if !document.is_listed_only() {
        return Ok(Item::Whole(Box::new(show(&document))));
    }
    let way = share::way_in(tx, document.id, actor.office(), app.clock.now()).await?.ok_or_else(Error::not_found)?;
    Ok(Item::Listed(ShownListed {
        id: document.id,
        title: document.details.title,
        office: document.owner,
        access: Access { link: way.public, needs: way.needs },
    }))
}
