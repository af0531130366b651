//! The queue as the operator sees it: what waits, what failed for good, and another try.

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::Act,
    app::App,
    audit::{self, Entry, Who},
    clock::Time,
    desk::paging,
    error::{Error, Result},
    http::{Caller, Path, Problem, Query},
    id::{JobId, OfficeId},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct JobsQuery {
    /// `dead`: only those that failed for good.
    state: Option<JobState>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Waiting,
    Dead,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Jobs {
    pub items: Vec<Job>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub office: Option<OfficeId>,
    pub state: JobState,
    pub attempts: i64,
    #[schema(value_type = String, format = DateTime)]
    pub run_at: Time,
    /// Why the last attempt failed; no content of any document.
    pub last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
}

/// Jobs, newest first. For the platform's admin.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "operation", params(JobsQuery),
    responses((status = 200, body = Jobs), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn list(State(app): State<App>, caller: Caller, Query(query): Query<JobsQuery>) -> Result<axum::Json<Jobs>> {
    caller.actor.must(Act::Platform)?;
    let limit = paging::limit(&app, query.limit)?;
    let before: Option<JobId> = paging::place(query.cursor.as_deref())?;
    let mut seen = app.queue.list(query.state == Some(JobState::Dead), before, limit + 1).await?;
    let more = seen.len() as i64 > limit;
    seen.truncate(limit as usize);
    let next_cursor = seen.last().filter(|_| more).map(|last| paging::cursor(&JobId(last.id))).transpose()?;
    let items = seen
        .into_iter()
        .map(|row| Job {
            id: JobId(row.id),
            kind: row.kind,
            office: row.office.map(OfficeId),
            state: if row.state == "dead" { JobState::Dead } else { JobState::Waiting },
            attempts: row.attempts,
            run_at: Time(row.run_at),
            last_error: row.last_error,
            created_at: Time(row.created_at),
        })
        .collect();
    Ok(axum::Json(Jobs { items, next_cursor }))
}

/// Runs a job again that had failed for good.
#[utoipa::path(
    post, path = "/api/v1/jobs/{id}/retry", tag = "operation", params(("id" = JobId, Path)),
    responses((status = 204), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn retry(State(app): State<App>, caller: Caller, Path(id): Path<JobId>) -> Result<StatusCode> {
    caller.actor.must(Act::Platform)?;
    let mut tx = app.db.write().await?;
    if !app.queue.retry(&mut tx, id).await? {
        return Err(Error::not_found());
    }
    let entry = Entry {
        who: Who::from(&caller.actor),
        office: None,
        action: "job.retry",
        object: Some(id.to_string()),
        result: "ok",
        origin: &caller.origin,
        detail: serde_json::json!({}),
    };
    audit::record(&mut tx, &app.clock, entry).await?;
    tx.commit().await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}
