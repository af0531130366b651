//! Every route, in one place. A route that is not described cannot be added, and the test that walks every route by every
//! actor fails until it says who may call it.

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::around;
use crate::{api, app::App, web};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lumbung",
        description = "Document archive and secure sharing for a regency.",
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
        api.components.get_or_insert_default().add_security_scheme("bearer", scheme);
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

/// The OpenAPI document, as it is served and committed.
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().split_for_parts().1
}

/// The whole server.
pub fn router(app: App) -> Router {
    let (routes, openapi) = described().split_for_parts();
    let document = openapi.to_pretty_json().unwrap_or_default();
    routes
        .route(
            "/api/v1/openapi.json",
            get(move || async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], document) }),
        )
        .route("/healthz", get(api::status::healthz))
        .route("/readyz", get(api::status::readyz))
        .merge(web::routes(&app))
        // Every body is limited where it is read, by its own named limit.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app)
}
