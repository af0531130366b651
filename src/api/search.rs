//! Search: questions and suggestions.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::Act,
    app::App,
    desk::search::{Found, SearchQuery, find, scope, unapplied},
    error::{Error, Result},
    http::{Caller, Lang, Problem, Query},
    search,
};

/// Finds pages by their words, within what the caller's office may find.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "search", params(SearchQuery),
    responses((status = 200, body = Found), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    lang: Lang,
    Query(query): Query<SearchQuery>,
) -> Result<axum::Json<Found>> {
    caller.actor.must(Act::Read)?;
    find(&app, &caller.actor, lang, query).await.map(axum::Json)
}

/// Suggestions while a question is typed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SuggestQuery {
    #[serde(default)]
    pub q: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Suggestions {
    pub items: Vec<Suggestion>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Suggestion {
    pub text: String,
    /// `word`, `title` or `number`.
    pub kind: &'static str,
    /// Documents that hold it, of those that the caller may find.
    pub count: usize,
}

/// Words, titles and letter numbers that go on from what was typed.
#[utoipa::path(
    get, path = "/api/v1/search/suggest", tag = "search", params(SuggestQuery),
    responses((status = 200, body = Suggestions), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn suggest(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<SuggestQuery>,
) -> Result<axum::Json<Suggestions>> {
    caller.actor.must(Act::Read)?;
    let sight = caller.actor.sight().ok_or_else(Error::not_found)?;
    let exclude = unapplied(&app).await?;
    let index = app.index.clone();
    let found = tokio::task::spawn_blocking(move || index.suggest(&query.q, &scope(sight), &exclude))
        .await
        .map_err(Error::internal)??;
    let items = found
        .into_iter()
        .map(|suggestion| Suggestion {
            text: suggestion.text,
            kind: match suggestion.kind {
                search::SuggestionKind::Word => "word",
                search::SuggestionKind::Title => "title",
                search::SuggestionKind::Number => "number",
            },
            count: suggestion.count,
        })
        .collect();
    Ok(axum::Json(Suggestions { items }))
}
