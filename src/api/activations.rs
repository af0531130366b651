//! Setting a password by a one-time link.

use axum::{Extension, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sessions::PersonShown;
use crate::{
    account,
    app::App,
    audit::Origin,
    error::{Error, Result},
    http::{Json, Problem},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivationBody {
    /// What stands after `#` in the link.
    secret: String,
    /// At least `session.min_password` characters.
    password: String,
}

#[derive(Serialize, ToSchema)]
pub struct Activated {
    pub person: PersonShown,
}

/// Sets the password by a link's secret, once. Unknown, used, replaced and expired links answer alike.
#[utoipa::path(
    post, path = "/api/v1/activations", tag = "people", request_body = ActivationBody, security(()),
    responses((status = 200, body = Activated), (status = "4XX", body = Problem), (status = "5XX", body = Problem))
)]
pub async fn create(
    State(app): State<App>,
    Extension(origin): Extension<Origin>,
    Json(body): Json<ActivationBody>,
) -> Result<axum::Json<Activated>> {
    let id = app.accounts.activate(&body.secret, &body.password, &origin).await?;
    let mut tx = app.db.read().await?;
    let person = account::person(&mut tx, id).await?.ok_or_else(Error::not_found)?;
    Ok(axum::Json(Activated { person: PersonShown { id, login: person.login, name: person.name } }))
}
