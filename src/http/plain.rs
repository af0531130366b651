//! Routes that the API's document does not describe, as a list: the router is built from it, and the test that walks every
//! route by every actor reads it. Nobody else adds a route, so none can be forgotten.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{self, MethodRouter},
};

use crate::app::App;

/// A method, an address, and what answers.
pub struct Plain {
    pub method: Method,
    pub path: &'static str,
    answer: MethodRouter<App>,
}

impl Plain {
    pub fn get<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Plain {
        Plain { method: Method::GET, path, answer: routing::get(handler) }
    }

    pub fn post<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Plain {
        Plain { method: Method::POST, path, answer: routing::post(handler) }
    }
}

pub fn router(routes: Vec<Plain>) -> Router<App> {
    routes.into_iter().fold(Router::new(), |router, one| router.route(one.path, one.answer))
}
