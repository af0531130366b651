//! Every route, in one place. A route that is not described cannot be added, and the test that walks every route by every
//! actor fails until it says who may call it.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    http::Method,
    middleware,
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Description, around,
    pace::{self, Pace},
    plain::{self, Plain},
    strict::{self, Known},
};
use crate::{api, app::App, error::Error, web};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lumbung",
        description = "Document archive and secure sharing for a regency. `Content-Digest` (RFC 9530) is checked on every call that has a body.",
        license(name = "AGPL-3.0-or-later", identifier = "AGPL-3.0-or-later")
    ),
    security(("bearer" = [])),
    modifiers(&Bearer)
)]
struct Described;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("grant", scheme.clone());
        components.add_security_scheme("bearer", scheme);
    }
}

/// The API with its description.
fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Described::openapi())
        .merge(documents())
        .merge(people())
        .merge(sharing())
        .merge(operation())
}

fn documents() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::documents::create, api::documents::list))
        .routes(routes!(api::from_uploads::create))
        .routes(routes!(api::documents::get, api::documents::patch, api::documents::delete))
        .routes(routes!(api::documents::restore))
        .routes(routes!(api::documents::read_again))
        .routes(routes!(api::content::get))
        .routes(routes!(api::pages::image))
        .routes(routes!(api::pages::text))
        .routes(routes!(api::pages::words))
        .routes(routes!(api::versions::create))
        .routes(routes!(api::history::get))
        .routes(routes!(api::uploads::create, api::uploads::options))
        .routes(routes!(api::uploads::head, api::uploads::patch, api::uploads::delete))
        .routes(routes!(api::search::get))
        .routes(routes!(api::search::suggest))
        .routes(routes!(api::events::get))
}

fn people() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::sessions::create, api::sessions::list))
        .routes(routes!(api::sessions::refresh))
        .routes(routes!(api::sessions::delete_current))
        .routes(routes!(api::sessions::delete))
        .routes(routes!(api::activations::create))
        .routes(routes!(api::me::get))
        .routes(routes!(api::me::password))
        .routes(routes!(api::me::enrol, api::me::confirm, api::me::disable))
        .routes(routes!(api::offices::list))
        .routes(routes!(api::offices::get, api::offices::patch))
        .routes(routes!(api::members::create, api::members::list))
        .routes(routes!(api::members::delete))
        .routes(routes!(api::members::reset))
        .routes(routes!(api::consents::list))
        .routes(routes!(api::consents::agree))
        .routes(routes!(api::consents::refuse))
        .routes(routes!(api::tokens::create, api::tokens::list))
        .routes(routes!(api::tokens::delete))
        .routes(routes!(api::tokens::adopt))
        .routes(routes!(api::audit::list))
}

fn sharing() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::links::create))
        .routes(routes!(api::links::list))
        .routes(routes!(api::links::get, api::links::patch, api::links::delete))
        .routes(routes!(api::links::release))
        .routes(routes!(api::links::opens))
        .routes(routes!(api::shared::peek))
        .routes(routes!(api::shared::open))
        .routes(routes!(api::shared::code))
        .routes(routes!(api::shared::renew))
        .routes(routes!(api::shared::content))
        .routes(routes!(api::shared::image))
        .routes(routes!(api::drops::create, api::drops::list))
        .routes(routes!(api::drops::get, api::drops::delete))
        .routes(routes!(api::drops::receive, api::drop_uploads::options))
        .routes(routes!(
            api::drop_uploads::get,
            api::drop_uploads::head,
            api::drop_uploads::patch,
            api::drop_uploads::delete
        ))
}

fn operation() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::jobs::list))
        .routes(routes!(api::jobs::retry))
        .routes(routes!(api::status::get))
        .routes(routes!(api::status::limits))
}

/// What is not described: the description itself, and what a supervisor of processes asks.
fn undescribed() -> Vec<Plain> {
    vec![
        Plain::get("/api/v1/openapi.json", api::status::openapi),
        Plain::get("/healthz", api::status::healthz),
        Plain::get("/readyz", api::status::readyz),
    ]
}

/// The OpenAPI document, as it is served and committed.
pub fn openapi() -> Description {
    Description::of(&described().split_for_parts().1)
}

/// Every route of the server, for the test that asks of each who may call it.
pub fn every() -> Vec<(Method, String)> {
    let described = openapi();
    let described = described.operations().filter_map(|one| Some((one.method.parse().ok()?, one.path.to_owned())));
    let plain = undescribed().into_iter().chain(web::every());
    described.chain(plain.map(|one| (one.method, one.path.to_owned()))).collect()
}

/// What the operator's own address answers.
pub fn metrics(app: App) -> Router {
    plain::router(vec![Plain::get("/metrics", api::metrics::get)]).with_state(app)
}

/// The panic's own words are in the log already; they may name what nobody else should read.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::internal("a handler panicked").into_response()
}

/// The whole server.
pub fn router(app: App) -> Router {
    let (routes, openapi) = described().split_for_parts();
    let description = Arc::new(Description::of(&openapi));
    let pace = Pace::of(&app);
    routes
        .layer(middleware::from_fn_with_state(Known::of(&description), strict::refuse))
        .merge(plain::router(undescribed()))
        .layer(middleware::from_fn_with_state(pace.clone(), pace::keep))
        .merge(web::routes(&app, pace))
        .layer(Extension(description))
        // Every body is limited where it is read, by its own named limit.
        .layer(DefaultBodyLimit::disable())
        // A fault in one handler is one answer that says so, and not a connection that breaks off.
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app)
}
