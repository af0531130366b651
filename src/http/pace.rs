//! How many requests a caller may make in a minute (`limits.api_requests_per_minute`), counted in the memory of each node:
//! by session or token, and for strangers by network. A credential counts for itself only after it has proved good, or
//! else inventing one for each request would be a way around the limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::caller;
use crate::{
    app::App,
    audit::Origin,
    clock::{Clock, Time},
    error::{Error, Result},
    seal::token::hash,
};

#[derive(Clone)]
pub struct Pace {
    limit: u32,
    clock: Clock,
    counted: Arc<Mutex<HashMap<Key, Minute>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Network(String),
    /// The hash of a credential: secrets are kept nowhere, not here either.
    Proved([u8; 32]),
}

#[derive(Clone, Copy, Debug)]
struct Minute {
    ends: Time,
    requests: u32,
}

const MINUTE: Duration = Duration::from_secs(60);
/// More callers than this, and those whose minute is over are forgotten.
const MANY: usize = 10_000;

/// Refuses a caller who asks too often. Assets are free: a page names several of them, and browsers keep them for good.
pub async fn keep(State(pace): State<Pace>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_free = path.starts_with("/assets/") || ["/healthz", "/readyz"].contains(&path);
    if !is_free && let Err(error) = pace.count(&request) {
        return error.into_response();
    }
    request.extensions_mut().insert(pace);
    next.run(request).await
}

impl Pace {
    pub fn of(app: &App) -> Pace {
        Pace { limit: app.config.limits.api_requests_per_minute, clock: app.clock.clone(), counted: Arc::default() }
    }

    /// From now on the credential of this request counts for itself.
    pub(super) fn prove(&self, headers: &HeaderMap) {
        let Some(key) = credential(headers) else { return };
        let ends = self.clock.now().plus(MINUTE);
        if let Ok(mut counted) = self.counted.lock() {
            counted.entry(key).or_insert(Minute { ends, requests: 0 });
        }
    }

    fn count(&self, request: &Request) -> Result<()> {
        let now = self.clock.now();
        let Ok(mut counted) = self.counted.lock() else { return Ok(()) };
        if counted.len() > MANY {
            counted.retain(|_, minute| minute.ends > now);
        }
        let proved = credential(request.headers()).filter(|key| counted.contains_key(key));
        let key = proved.unwrap_or_else(|| {
            let origin = request.extensions().get::<Origin>();
            Key::Network(origin.map(|origin| origin.network.clone()).unwrap_or_default())
        });
        let fresh = Minute { ends: now.plus(MINUTE), requests: 0 };
        let minute = counted.entry(key).or_insert(fresh);
        if minute.ends <= now {
            *minute = fresh;
        }
        if minute.requests >= self.limit {
            return Err(Error::too_many(minute.ends.since(now).as_secs().max(1)));
        }
        minute.requests += 1;
        Ok(())
    }
}

fn credential(headers: &HeaderMap) -> Option<Key> {
    caller::credential(headers).map(|text| Key::Proved(hash(&text)))
}
