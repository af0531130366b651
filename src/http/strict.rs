//! Query parameters that a call does not know are an error, also of calls that know none. What each call knows is in its
//! description. The refusal waits until it is clear who asks: a stranger learns first that they have to log in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Description;
use crate::error::{Error, Result, say};

/// The query parameters of each call, by method and path.
#[derive(Clone, Debug)]
pub struct Known(Arc<HashMap<String, Call>>);

#[derive(Debug)]
struct Call {
    is_public: bool,
    names: HashSet<String>,
}

/// A parameter of this request that its call does not know.
#[derive(Clone, Debug)]
struct Unknown(String);

impl Known {
    pub fn of(description: &Description) -> Known {
        let call = |operation: super::Operation<'_>| {
            let names = operation.parameters("query").filter_map(|one| one["name"].as_str().map(str::to_owned));
            let call = Call { is_public: operation.is_public(), names: names.collect() };
            (format!("{} {}", operation.method, operation.path), call)
        };
        Known(Arc::new(description.operations().map(call).collect()))
    }

    fn unknown(&self, request: &Request) -> Option<(bool, Unknown)> {
        let query = request.uri().query()?;
        let path = request.extensions().get::<MatchedPath>()?.as_str();
        // Whoever may GET may ask for the head alone.
        let call =
            self.0.get(&format!("{} {path}", request.method())).or_else(|| self.0.get(&format!("GET {path}")))?;
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        let name = pairs.into_iter().map(|(name, _)| name).find(|name| !call.names.contains(name))?;
        Some((call.is_public, Unknown(name)))
    }
}

pub async fn refuse(State(known): State<Known>, mut request: Request, next: Next) -> Response {
    match known.unknown(&request) {
        Some((true, unknown)) => return unknown.refused().into_response(),
        Some((false, unknown)) => drop(request.extensions_mut().insert(unknown)),
        None => {}
    }
    next.run(request).await
}

/// For extractors, once they know who asks.
pub(super) fn check(parts: &Parts) -> Result<()> {
    match parts.extensions.get::<Unknown>() {
        Some(unknown) => Err(unknown.refused()),
        None => Ok(()),
    }
}

impl Unknown {
    fn refused(&self) -> Error {
        let name: String = self.0.chars().filter(|c| !c.is_control()).take(60).collect();
        Error::invalid(
            format!("/query/{name}"),
            say(
                "Parameter alamat ini tidak dikenal; lihat /api/docs.",
                "This query parameter is not known; see /api/docs.",
            ),
        )
    }
}
