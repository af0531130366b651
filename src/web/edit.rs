//! What a document's page changes: details, the trash, another reading, and that somebody has checked it.

use axum::{extract::State, response::Response};

use super::{
    details,
    document::{Place, show},
    form::{Fields, Mistakes},
    frame::Signed,
    page::go,
};
use crate::{
    access::Act,
    app::App,
    desk::{changes, documents::load},
    document::{self, Document, Limits},
    error::{Error, Kind, Result, say},
    http::{Caller, Path},
    id::DocumentId,
};

pub async fn save(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<DocumentId>,
    fields: Fields,
) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    match write(&app, &signed.caller, &document, &fields).await {
        Ok(()) => Ok(go(&format!("/dokumen/{id}?ubah=1"))),
        Err(error) => {
            let mistakes = Mistakes::of(error, &signed.frame, details::NAMES)?;
            show(&app, signed, id, &Place::default(), Some((fields, mistakes))).await
        }
    }
}

async fn write(app: &App, caller: &Caller, document: &Document, fields: &Fields) -> Result<()> {
    if fields.text("revision").parse() != Ok(document.revision) {
        return Err(stale());
    }
    let wanted = details::changes(fields).apply(document.details.clone(), Limits::from(&app.config))?;
    details::must_be_confirmed(document, &wanted, fields)?;
    changes::edit(app, caller, document, &wanted).await.map(drop)
}

fn stale() -> Error {
    Error::new(
        Kind::PreconditionFailed,
        "stale",
        say(
            "Sudah diubah orang lain sejak halaman ini dibuka. Periksa isian di bawah, lalu simpan lagi.",
            "Somebody else changed it since this page was opened. Check the fields below and save again.",
        ),
    )
}

/// What came from outside has been looked at.
pub async fn check(State(app): State<App>, signed: Signed, Path(id): Path<DocumentId>) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    changes::check(&app, &signed.caller, &document).await?;
    Ok(go(&format!("/dokumen/{id}?ubah=1")))
}

pub async fn trash(State(app): State<App>, signed: Signed, Path(id): Path<DocumentId>) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    changes::trash(&app, &signed.caller, &document).await?;
    Ok(go("/dokumen?keadaan=trashed"))
}

pub async fn restore(State(app): State<App>, signed: Signed, Path(id): Path<DocumentId>) -> Result<Response> {
    let actor = &signed.caller.actor;
    let sight = actor.sight().or_else(|| actor.sight_for(Act::Edit));
    let mut tx = app.db.read().await?;
    let document = document::load_trashed(&mut tx, &app.keys, sight, id).await?;
    drop(tx);
    actor.must(Act::Edit)?;
    changes::restore(&app, &signed.caller, &document).await?;
    Ok(go(&format!("/dokumen/{id}")))
}

pub async fn read_again(State(app): State<App>, signed: Signed, Path(id): Path<DocumentId>) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Edit).await?;
    document.must_be_own()?;
    changes::read_again(&app, &signed.caller, &document).await?;
    Ok(go(&format!("/dokumen/{id}")))
}
