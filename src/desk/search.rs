//! Finding: pages that match, one item for each document, counting only what the reader may find.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{documents, paging};
use crate::{
    access::{Actor, Sight},
    app::App,
    db::Tx,
    document::{self, SecurityClass},
    error::{Error, Result, say},
    http::Lang,
    id::{DocumentId, OfficeId},
    jobs::indexing,
    office,
    search::{self, Answer, Scope, Sort},
};

/// A question and its filters.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// Words, letter numbers, dates: anything that a person types.
    #[serde(default)]
    pub q: String,
    pub office: Option<OfficeId>,
    pub kind: Option<String>,
    pub security_class: Option<SecurityClass>,
    /// A classification code or the beginning of one.
    pub classification: Option<String>,
    /// From this day on, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// Up to and including this day.
    pub to: Option<String>,
    #[param(inline)]
    pub sort: Option<Order>,
    pub limit: Option<i64>,
    pub cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    Relevance,
    Newest,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    /// Documents that match, or that are near where none matches.
    pub total: usize,
    pub took_ms: u64,
    pub items: Vec<FoundItem>,
    pub facets: Facets,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did_you_mean: Option<String>,
    /// This node's index is being built anew: more may be found in a while.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FoundItem {
    pub document: documents::Item,
    /// The best page; `null` where only the details match.
    pub page: Option<u32>,
    /// From 0 to 1, relative to the best hit.
    pub score: f32,
    /// Not a match: only parts of the words are found.
    pub near: bool,
    pub snippet: Option<FoundSnippet>,
    /// How many further pages match.
    pub more_pages: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FoundSnippet {
    pub text: String,
    /// Start and end of each hit, in Unicode code points of `text`.
    pub highlights: Vec<(usize, usize)>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Facets {
    pub office: Vec<Facet>,
    pub kind: Vec<Facet>,
    pub year: Vec<Facet>,
    pub classification: Vec<Facet>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Facet {
    pub value: String,
    pub label: String,
    pub count: usize,
}

/// How long a search waits for the latest changes to be in this node's index.
const WAIT: Duration = Duration::from_secs(1);
/// A bulk upload is not waited for: its documents are new, and nobody expects them this instant.
const BULK: usize = 50;

/// Finds pages by their words, within what the actor's office may find.
pub async fn find(app: &App, actor: &Actor, lang: Lang, query: SearchQuery) -> Result<Found> {
    let started = tokio::time::Instant::now();
    let sight = actor.sight().ok_or_else(Error::not_found)?;
    let limit = paging::limit(app, query.limit.or(Some(20)))?;
    let offset = paging::place::<usize>(query.cursor.as_deref())?.unwrap_or(0);
    let question = question(app, &query, offset, limit as usize).await?;
    let exclude = unapplied(app).await?;
    let index = app.index.clone();
    let scope = scope(sight);
    let answer = tokio::task::spawn_blocking(move || index.search(&question, &scope, &exclude))
        .await
        .map_err(Error::internal)?
        // An index that was found damaged begins anew at once.
        .inspect_err(|_| app.indexing.notify_one())?;
    let next_cursor = if answer.more { Some(paging::cursor(&(offset + answer.items.len()))?) } else { None };
    shown(app, actor, lang, answer, next_cursor, started).await
}

/// The only scope that is ever asked with: that of a sight, which only `access` makes.
pub fn scope(sight: Sight) -> Scope {
    Scope::office(sight.office_number() as u64, sight.is_head(), true)
}

/// Documents whose latest change this node has not applied. Those that wait now are waited for, a little; what comes in
/// meanwhile is not, or a busy hour would make every search slow.
pub async fn unapplied(app: &App) -> Result<HashSet<uuid::Uuid>> {
    let deadline = tokio::time::Instant::now() + WAIT;
    let mut moved = app.index_moved.subscribe();
    let first = indexing::pending(app).await?;
    let mut pending = first.clone();
    while (1..=BULK).contains(&pending.len()) && tokio::time::Instant::now() < deadline {
        app.indexing.notify_one();
        let _ = tokio::time::timeout_at(deadline, moved.changed()).await;
        pending = indexing::pending(app).await?;
        if pending.is_disjoint(&first) {
            break;
        }
    }
    Ok(pending.into_iter().map(|id| id.0).collect())
}

async fn question(app: &App, query: &SearchQuery, offset: usize, limit: usize) -> Result<search::Question> {
    let office = match query.office {
        Some(id) => Some(number_of(app, id).await?),
        None => None,
    };
    Ok(search::Question {
        text: query.q.clone(),
        office,
        kind: query.kind.clone(),
        class: query.security_class.map(|class| class.level() as u8),
        classification: query.classification.clone(),
        from: day(query.from.as_deref(), "/query/from")?,
        to: day(query.to.as_deref(), "/query/to")?,
        sort: match query.sort.unwrap_or_default() {
            Order::Relevance => Sort::Relevance,
            Order::Newest => Sort::Newest,
        },
        offset,
        limit,
    })
}

/// An office that does not exist has the number of none: nothing is found, nothing is told.
async fn number_of(app: &App, id: OfficeId) -> Result<u64> {
    let mut tx = app.db.read().await?;
    Ok(office::find(&mut tx, id).await?.map_or(u64::MAX, |office| office.number as u64))
}

fn day(text: Option<&str>, pointer: &str) -> Result<Option<i64>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    match text.parse::<jiff::civil::Date>() {
        Ok(day) if text.len() == 10 => Ok(Some(indexing::days(day))),
        _ => Err(Error::invalid(pointer, say("Tulis tanggal sebagai TTTT-BB-HH.", "Write the day as YYYY-MM-DD."))),
    }
}

/// Every hit is loaded by the same rule as anywhere else: what the database would not show is not an item either.
async fn shown(
    app: &App,
    actor: &Actor,
    lang: Lang,
    answer: Answer,
    next_cursor: Option<String>,
    started: tokio::time::Instant,
) -> Result<Found> {
    let mut items = Vec::with_capacity(answer.items.len());
    let mut tx = app.db.read().await?;
    for hit in answer.items {
        let id = DocumentId(hit.document);
        let document = match document::load_among(&mut tx, &app.keys, actor.sight(), id, app.clock.now()).await {
            Ok(document) => document,
            Err(error) if error.kind() == crate::error::Kind::NotFound => continue,
            Err(error) => return Err(error),
        };
        // Of what does not open in the database the index tells nothing either.
        let restricted = hit.restricted || document.is_listed_only() || document.is_unopened();
        items.push(FoundItem {
            document: documents::item(&mut tx, app, actor, lang, document).await?,
            page: hit.page.filter(|_| !restricted),
            score: hit.score,
            near: hit.near,
            snippet: (!restricted)
                .then_some(FoundSnippet { text: hit.snippet.text, highlights: hit.snippet.highlights }),
            more_pages: if restricted { 0 } else { hit.more_pages },
        });
    }
    Ok(Found {
        total: answer.total,
        took_ms: started.elapsed().as_millis() as u64,
        items,
        facets: facets(&mut tx, answer.facets).await?,
        did_you_mean: answer.did_you_mean,
        incomplete: app.index.is_fresh(),
        next_cursor,
    })
}

async fn facets(tx: &mut Tx, found: search::Facets) -> Result<Facets> {
    let names = office_names(tx).await?;
    let plain = |(value, count): (String, usize)| Facet { label: value.clone(), value, count };
    Ok(Facets {
        office: found
            .office
            .into_iter()
            .filter_map(|(number, count)| {
                let (id, name) = names.get(&(number as i64))?;
                Some(Facet { value: id.to_string(), label: name.clone(), count })
            })
            .collect(),
        kind: found.kind.into_iter().map(plain).collect(),
        year: found
            .year
            .into_iter()
            .map(|(year, count)| Facet { value: year.to_string(), label: year.to_string(), count })
            .collect(),
        classification: found.classification.into_iter().map(plain).collect(),
    })
}

async fn office_names(tx: &mut Tx) -> Result<HashMap<i64, (OfficeId, String)>> {
    Ok(office::numbers(tx).await?.into_iter().map(|(number, id, name)| (number, (id, name))).collect())
}
