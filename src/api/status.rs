//! What anybody may ask: is it healthy, what are the limits, how is it spoken to.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    desk::status::{Check, JobsStatus, ReadingStatus, Status, VERSION, checks, is_healthy, status},
    error::Result,
    http::{Description, Problem, Who},
    record::Lag,
    vault::VaultStatus,
};

/// The first two fields are for everybody; the others for whoever is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusShown {
    version: &'static str,
    /// Whether an upload would be acknowledged now.
    healthy: bool,
    #[serde(flatten)]
    #[schema(inline)]
    inside: Inside,
}

/// How it is with each part.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Inside {
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
    /// How strangers' bytes are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<ReadingStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<JobsStatus>,
    /// How far the records in the bucket are behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Lag>,
    /// Objects that a former recovery key still opens, until they are copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    former_recovery: Option<i64>,
    /// Whether mail can be sent; without it links for an e-mail address are not offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<bool>,
    /// Whether the store is clean and sound; absent where the database does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    vault: Option<VaultStatus>,
}

impl From<Status> for Inside {
    fn from(status: Status) -> Inside {
        let Status { checks, reading, jobs, records, former_recovery, mail, vault } = status;
        Inside {
            checks: Some(checks),
            reading: Some(reading),
            jobs: Some(jobs),
            records: Some(records),
            former_recovery: Some(former_recovery),
            mail: Some(mail),
            vault,
        }
    }
}

/// Version and health, for everybody; for members also how it is with each part.
#[utoipa::path(
    get, path = "/api/v1/status", tag = "operation", security((), ("bearer" = [])),
    responses((status = 200, body = StatusShown), (status = "5XX", body = Problem))
)]
pub async fn get(State(app): State<App>, who: Result<Who>) -> Result<axum::Json<StatusShown>> {
    // Where the database is away nobody can be told apart, and health is told all the same.
    let is_member = who.is_ok_and(|who| who.actor.is_some());
    if !is_member {
        let healthy = is_healthy(&checks(&app).await);
        return Ok(axum::Json(StatusShown { version: VERSION, healthy, inside: Inside::default() }));
    }
    let status = status(&app).await?;
    let healthy = is_healthy(&status.checks);
    Ok(axum::Json(StatusShown { version: VERSION, healthy, inside: status.into() }))
}

/// The process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Database and store answer and take what is new: an upload would be acknowledged.
pub async fn readyz(State(app): State<App>) -> Response {
    let failing: Vec<&str> =
        checks(&app).await.into_iter().filter(|check| !check.healthy).map(|check| check.name).collect();
    if failing.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", failing.join(", "))).into_response()
}

/// How the API is spoken to: the OpenAPI document.
pub async fn openapi(Extension(description): Extension<Arc<Description>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], description.text().to_owned()).into_response()
}

/// Every limit by its config key.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitsShown {
    #[serde(rename = "upload.max_bytes")]
    upload_max_bytes: u64,
    #[serde(rename = "upload.part_bytes")]
    upload_part_bytes: usize,
    #[serde(rename = "upload.expire_hours")]
    upload_expire_hours: u64,
    #[serde(rename = "upload.max_open")]
    upload_max_open: i64,
    #[serde(rename = "upload.max_pictures")]
    upload_max_pictures: usize,
    #[serde(rename = "upload.max_title")]
    upload_max_title: usize,
    #[serde(rename = "upload.max_file_name")]
    upload_max_file_name: usize,
    #[serde(rename = "server.json_bytes")]
    server_json_bytes: usize,
    #[serde(rename = "scan.max_bytes")]
    scan_max_bytes: u64,
    #[serde(rename = "reading.max_text_bytes")]
    reading_max_text_bytes: usize,
    #[serde(rename = "reading.memory_mib")]
    reading_memory_mib: u64,
    #[serde(rename = "reading.cpu_seconds")]
    reading_cpu_seconds: u64,
    #[serde(rename = "server.header_seconds")]
    server_header_seconds: u64,
    #[serde(rename = "server.body_idle_seconds")]
    server_body_idle_seconds: u64,
    #[serde(rename = "server.body_least_bytes")]
    server_body_least_bytes: usize,
    #[serde(rename = "links.code_minutes")]
    links_code_minutes: u64,
    #[serde(rename = "links.code_tries")]
    links_code_tries: i64,
    #[serde(rename = "links.max_log_rows_per_hour")]
    links_max_log_rows_per_hour: i64,
    #[serde(rename = "links.pictures_per_minute")]
    links_pictures_per_minute: u32,
    #[serde(rename = "session.activation_days")]
    session_activation_days: u64,
    #[serde(rename = "reading.max_input_bytes")]
    reading_max_input_bytes: u64,
    #[serde(rename = "reading.max_pages")]
    reading_max_pages: u32,
    #[serde(rename = "reading.max_pixels")]
    reading_max_pixels: u64,
    #[serde(rename = "reading.wall_seconds")]
    reading_wall_seconds: u64,
    #[serde(rename = "reading.turn_seconds")]
    reading_turn_seconds: u64,
    #[serde(rename = "search.max_question_chars")]
    search_max_question_chars: usize,
    #[serde(rename = "session.min_password")]
    session_min_password: usize,
    #[serde(rename = "limits.list_max")]
    limits_list_max: i64,
    #[serde(rename = "limits.api_requests_per_minute")]
    limits_api_requests_per_minute: u32,
    #[serde(rename = "limits.office_bytes")]
    limits_office_bytes: u64,
    #[serde(rename = "limits.offices_per_link")]
    limits_offices_per_link: usize,
    #[serde(rename = "limits.emails_per_link")]
    limits_emails_per_link: usize,
    #[serde(rename = "limits.labels")]
    limits_labels: usize,
    #[serde(rename = "links.grant_minutes")]
    links_grant_minutes: u64,
    #[serde(rename = "links.grant_hours")]
    links_grant_hours: u64,
    #[serde(rename = "trash.days")]
    trash_days: u64,
    #[serde(rename = "records.destroyed_hours")]
    records_destroyed_hours: u64,
    #[serde(rename = "sweep.grace_hours")]
    sweep_grace_hours: u64,
    #[serde(rename = "verify.bytes_per_hour")]
    verify_bytes_per_hour: u64,
    #[serde(rename = "verify.within_days")]
    verify_within_days: u64,
    #[serde(rename = "session.max_password")]
    session_max_password: usize,
    #[serde(rename = "session.min_login")]
    session_min_login: usize,
    #[serde(rename = "session.max_login")]
    session_max_login: usize,
    #[serde(rename = "session.max_name")]
    session_max_name: usize,
    #[serde(rename = "session.max_token_label")]
    session_max_token_label: usize,
    #[serde(rename = "links.max_label")]
    links_max_label: usize,
    #[serde(rename = "links.min_password")]
    links_min_password: usize,
    #[serde(rename = "links.max_password")]
    links_max_password: usize,
    #[serde(rename = "links.max_opens")]
    links_max_opens: i64,
    #[serde(rename = "links.drop_days")]
    links_drop_days: u64,
    #[serde(rename = "links.drop_files")]
    links_drop_files: i64,
    #[serde(rename = "links.drop_bytes")]
    links_drop_bytes: i64,
    #[serde(rename = "links.drop_types")]
    links_drop_types: usize,
    #[serde(rename = "limits.field_chars")]
    limits_field_chars: usize,
    #[serde(rename = "limits.summary_chars")]
    limits_summary_chars: usize,
    #[serde(rename = "limits.word_chars")]
    limits_word_chars: usize,
    #[serde(rename = "limits.note_chars")]
    limits_note_chars: usize,
    #[serde(rename = "limits.reason_chars")]
    limits_reason_chars: usize,
    #[serde(rename = "limits.office_name_chars")]
    limits_office_name_chars: usize,
    #[serde(rename = "limits.office_address_chars")]
    limits_office_address_chars: usize,
    #[serde(rename = "limits.idempotency_key_bytes")]
    limits_idempotency_key_bytes: usize,
}

/// The limits in force, by config key, for everybody.
#[utoipa::path(
    get, path = "/api/v1/limits", tag = "operation", security(()), responses((status = 200, body = LimitsShown))
)]
pub async fn limits(State(app): State<App>) -> axum::Json<LimitsShown> {
    let config = &app.config;
    axum::Json(LimitsShown {
        upload_max_bytes: config.upload.max_bytes,
        upload_part_bytes: config.upload.part_bytes,
        upload_expire_hours: config.upload.expire_hours,
        upload_max_open: config.upload.max_open,
        upload_max_pictures: config.upload.max_pictures,
        upload_max_title: config.upload.max_title,
        upload_max_file_name: config.upload.max_file_name,
        server_json_bytes: config.server.json_bytes,
        scan_max_bytes: config.scan.max_bytes,
        reading_max_text_bytes: config.reading.max_text_bytes,
        reading_memory_mib: config.reading.memory_mib,
        reading_cpu_seconds: config.reading.cpu_seconds,
        server_header_seconds: config.server.header_seconds,
        server_body_idle_seconds: config.server.body_idle_seconds,
        server_body_least_bytes: config.server.body_least_bytes,
        links_code_minutes: config.links.code_minutes,
        links_code_tries: config.links.code_tries,
        links_max_log_rows_per_hour: config.links.max_log_rows_per_hour,
        links_pictures_per_minute: config.links.pictures_per_minute,
        session_activation_days: config.session.activation_days,
        reading_max_input_bytes: config.reading.max_input_bytes,
        reading_max_pages: config.reading.max_pages,
        reading_max_pixels: config.reading.max_pixels,
        reading_wall_seconds: config.reading.wall_seconds,
        reading_turn_seconds: config.reading.turn_seconds,
        search_max_question_chars: config.search.max_question_chars,
        session_min_password: config.session.min_password,
        limits_list_max: config.limits.list_max,
        limits_api_requests_per_minute: config.limits.api_requests_per_minute,
        limits_office_bytes: config.limits.office_bytes,
        limits_offices_per_link: config.limits.offices_per_link,
        limits_emails_per_link: config.limits.emails_per_link,
        limits_labels: config.limits.labels,
        links_grant_minutes: config.links.grant_minutes,
        links_grant_hours: config.links.grant_hours,
        trash_days: config.trash.days,
        records_destroyed_hours: config.records.destroyed_hours,
        sweep_grace_hours: config.sweep.grace_hours,
        verify_bytes_per_hour: config.verify.bytes_per_hour,
        verify_within_days: config.verify.within_days,
        session_max_password: config.session.max_password,
        session_min_login: config.session.min_login,
        session_max_login: config.session.max_login,
        session_max_name: config.session.max_name,
        session_max_token_label: config.session.max_token_label,
        links_max_label: config.links.max_label,
        links_min_password: config.links.min_password,
        links_max_password: config.links.max_password,
        links_max_opens: config.links.max_opens,
        links_drop_days: config.links.drop_days,
        links_drop_files: config.links.drop_files,
        links_drop_bytes: config.links.drop_bytes,
        links_drop_types: config.links.drop_types,
        limits_field_chars: config.limits.field_chars,
        limits_summary_chars: config.limits.summary_chars,
        limits_word_chars: config.limits.word_chars,
        limits_note_chars: config.limits.note_chars,
        limits_reason_chars: config.limits.reason_chars,
        limits_office_name_chars: config.limits.office_name_chars,
        limits_office_address_chars: config.limits.office_address_chars,
        limits_idempotency_key_bytes: config.limits.idempotency_key_bytes,
    })
}
