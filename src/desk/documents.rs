//! Documents as somebody at the desk gets at them: loaded for an act, recorded, told.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Act, Actor, Standing},
    app::App,
    audit::{Entry, Who},
    crash::{Point, point},
    db::{self, Tx},
    document::{self, Access, Created, Document, Recorded, Shown, ShownListed, show},
    error::{Error, Result},
    http::{Caller, Lang},
    id::DocumentId,
    ingest::{self, Accepted, Received, Source},
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

/// A file that a member brings for the office in which they act.
pub fn source(app: &App, caller: &Caller, file_name: String) -> Source {
    let quota = Some(caller.actor.office_quota());
    Source { quota, ..Source::new(caller.actor.office(), file_name, app.config.upload.max_bytes) }
}

/// Records what was received, with nothing beside it in the transaction.
pub async fn keep(app: &App, caller: &Caller, received: Received, details: &document::Details) -> Result<Shown> {
    match keep_alone(app, caller, received.clone(), details).await {
        Err(cause) if db::is_unmet(&cause) => {}
        done => return done,
    }
    let (shown, tx) = record(app, caller, received, details).await?;
    commit(tx).await?;
    Ok(shown)
}

async fn keep_alone(app: &App, caller: &Caller, received: Received, details: &document::Details) -> Result<Shown> {
    let mut tx = app.db.write().await?;
    let created = ingest::record_alone(&mut tx, app.recording(), received, details, &accepted(caller)).await?;
    commit(tx).await?;
    Ok(shown(caller, created, details))
}

/// Ends the transaction that makes a document.
pub async fn commit(tx: Tx) -> Result<()> {
    point(Point::Recorded);
    tx.commit().await?;
    point(Point::RecordCommitted);
    Ok(())
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
    Ok((Shown { duplicate_of, ..shown(caller, kept.created, details) }, tx))
}

fn shown(caller: &Caller, created: Created, details: &document::Details) -> Shown {
    let (owner, number) = (caller.actor.owner().clone(), caller.actor.office_number());
    show(&created.into_document(owner, number, details.clone()))
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

pub async fn item(tx: &mut Tx, app: &App, actor: &Actor, lang: Lang, document: Document) -> Result<Item> {
    let placeholder = document.placeholder().map(|said| lang.of(&said).to_owned());
    if !document.is_listed_only() {
        let shown = show(&document);
        return Ok(Item::Whole(Box::new(Shown { title: placeholder.unwrap_or(shown.title), ..shown })));
    }
    let way = share::way_in(tx, document.id, actor.office(), app.clock.now()).await?.ok_or_else(Error::not_found)?;
    Ok(Item::Listed(ShownListed {
        id: document.id,
        details_damaged: document.is_unopened(),
        title: placeholder.unwrap_or(document.details.title),
        office: document.owner,
        access: Access { link: way.public, needs: way.needs },
    }))
}

/// The same for a document that is asked for by itself: it tells what an upload is answered with, for those whose upload
/// could not tell it.
pub async fn item_alone(tx: &mut Tx, app: &App, actor: &Actor, lang: Lang, document: Document) -> Result<Item> {
    let duplicate_of = match document.standing() {
        Standing::Own => earlier_twin(tx, actor, &document).await?,
        _ => None,
    };
    Ok(match item(tx, app, actor, lang, document).await? {
        Item::Whole(shown) => Item::Whole(Box::new(Shown { duplicate_of, ..*shown })),
        listed => listed,
    })
}

/// Of equal documents only the later ones name another one, so that nobody who clears up throws all of them away.
async fn earlier_twin(tx: &mut Tx, actor: &Actor, document: &Document) -> Result<Option<DocumentId>> {
    let recorded = Recorded { document: document.id, version: document.version.id };
    let oldest = ingest::duplicate_of(tx, recorded, actor.is_head()).await?;
    Ok(oldest.filter(|twin| *twin < document.id))
}
