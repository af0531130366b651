//! `GET /metrics`, at an address of its own (`metrics.listen`) and not among the routes that strangers reach.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{app::App, desk::metrics::text, error::Result};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub async fn get(State(app): State<App>) -> Result<Response> {
    let text = text(&app).await?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
