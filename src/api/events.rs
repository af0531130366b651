//! Server-sent events: how the caller's office's documents come along.

use std::convert::Infallible;
use std::time::Duration;

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::StreamExt;
use serde::Serialize;
use tokio_stream::wrappers::BroadcastStream;
use utoipa::ToSchema;

use crate::{
    access::{Act, Actor},
    app::{App, Happening},
    document::{self, State as Stage},
    error::Result,
    http::{Caller, Problem},
    id::DocumentId,
};

/// A listener connects again by itself and is asked anew who it is.
const LONGEST: Duration = Duration::from_secs(600);

/// One step of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    pub document: DocumentId,
    pub state: Stage,
    pub pages_read: u32,
    pub pages: Option<u32>,
}

/// Steps of the office's documents as they happen, as events of the name `document`.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "documents",
    responses((status = 200, content_type = "text/event-stream", body = String), (status = "4XX", body = Problem))
)]
pub async fn get(State(app): State<App>, caller: Caller) -> Result<Response> {
    caller.actor.must(Act::Read)?;
    let office = caller.actor.office();
    let stopping = app.stopping.clone();
    let heard = BroadcastStream::new(app.events.subscribe())
        // A listener that lagged behind asks for the document's state by itself.
        .filter_map(|heard| std::future::ready(heard.ok()))
        .filter(move |happening| std::future::ready(happening.office == office))
        .filter_map(move |happening| told(app.clone(), caller.actor.clone(), happening))
        .take_until(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = tokio::time::sleep(LONGEST) => {}
            }
        });
    Ok(Sse::new(heard).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// An event is told by the same rule as the document itself: a clerk does not hear of what only the head may see.
/// Whoever logged out or lost the post meanwhile hears of nothing.
async fn told(app: App, actor: Actor, happening: Happening) -> Option<Result<Event, Infallible>> {
    if !app.accounts.still_holds(&actor).await.ok()? {
        return None;
    }
    let mut tx = app.db.read().await.ok()?;
    document::load(&mut tx, &app.keys, actor.sight(), happening.document, app.clock.now()).await.ok()?;
    let step = Step {
        document: happening.document,
        state: happening.state,
        pages_read: happening.pages_read,
        pages: happening.pages,
    };
    Event::default().event("document").json_data(step).ok().map(Ok)
}
