//! Around every request: a request id, where it came from, its language, the security headers, one log line, and the
//! body of a problem.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::{
    body::Body,
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{body, problem};
use crate::{
    app::App,
    audit::Origin,
    config::Network,
    error::{Error, Kind, Say, say},
    id,
    measure::Of,
};

/// The language of an answer. Indonesian unless English is asked for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    Id,
    En,
}

impl Lang {
    pub fn of(self, said: &Say) -> &str {
        match self {
            Lang::Id => &said.id,
            Lang::En => &said.en,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Lang::Id => "id",
            Lang::En => "en",
        }
    }

    /// A `lang` cookie (the switch on the page) wins over `Accept-Language`.
    pub fn choose(headers: &HeaderMap) -> Lang {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let cookie = text(header::COOKIE).split(';').find_map(|pair| pair.trim().strip_prefix("lang="));
        match cookie {
            Some("en") => Lang::En,
            Some("id") => Lang::Id,
            _ => {
                let first = text(header::ACCEPT_LANGUAGE).split([',', ';']).next().unwrap_or("").trim().to_lowercase();
                if first == "en" || first.starts_with("en-") { Lang::En } else { Lang::Id }
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Lang {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Lang, Self::Rejection> {
        Ok(parts.extensions.get::<Lang>().copied().unwrap_or(Lang::Id))
    }
}

pub async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let lang = Lang::choose(request.headers());
    let origin = origin(&app, &request);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let is_stranger = comes_by_link(&path);
    request.extensions_mut().insert(lang);
    request.extensions_mut().insert(origin.clone());
    let server = &app.config.server;
    let request = body::guarded(request, Duration::from_secs(server.body_idle_seconds), server.body_least_bytes);
    let started = tokio::time::Instant::now();
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    if let Some(error) = response.extensions_mut().remove::<Arc<Error>>() {
        report(&error, &origin);
        app.done.refused.get_or_create(&Of { of: error.slug() }).inc();
        if !response.headers().contains_key(header::CONTENT_TYPE) {
            response = with_problem(response, &error, lang, &origin.request);
        }
    } else if method == Method::OPTIONS && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response = ways(response);
    } else if is_bare_refusal(&response) {
        let error = bare(response.status());
        response = with_problem(response, &error, lang, &origin.request);
    }
    security_headers(response.headers_mut(), is_stranger);
    if ends_tls(&app) {
        let two_years = HeaderValue::from_static("max-age=63072000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, two_years);
    }
    if let Ok(value) = HeaderValue::from_str(&origin.request) {
        response.headers_mut().insert("x-request-id", value);
    }
    // Ids of links stay out of the log: a public id is half of an address that somebody was given.
    let shown = if is_stranger { "(shared)" } else { path.as_str() };
    let took = started.elapsed();
    app.done.answers.note(kind_of(&method, &path), took, status >= 500);
    let took_ms = took.as_millis() as u64;
    tracing::info!(request = %origin.request, %method, path = shown, status, took_ms, "answered");
    response
}

/// Whether this server ends TLS itself; otherwise the proxy says for how long browsers keep to it.
fn ends_tls(app: &App) -> bool {
    !app.config.server.tls_certificate.as_os_str().is_empty()
}

/// What was asked for, as the operator tells answers apart.
fn kind_of(method: &Method, path: &str) -> &'static str {
    let starts = |list: &[&str]| list.iter().any(|start| path.starts_with(start));
    let brings = [Method::POST, Method::PATCH, Method::PUT].contains(method);
    match path {
        "/healthz" | "/readyz" | "/api/v1/status" => "health",
        _ if starts(&["/assets/"]) => "asset",
        _ if comes_by_link(path) => "link",
        _ if starts(&["/masuk", "/aktivasi", "/api/v1/sessions", "/api/v1/activations"]) => "login",
        _ if starts(&["/cari", "/api/v1/search"]) => "search",
        _ if brings && starts(&["/unggah", "/api/v1/uploads", "/api/v1/documents"]) => "upload",
        _ if starts(&["/api/"]) => "api",
        _ => "page",
    }
}

/// Calls that name a link by its public id, as strangers make them.
fn comes_by_link(path: &str) -> bool {
    let brings_files = path.strip_prefix("/api/v1/drops/").is_some_and(|rest| rest.contains("/files"));
    brings_files || ["/s/", "/d/", "/api/v1/shared/"].iter().any(|start| path.starts_with(start))
}

/// A failure is logged once, here, and only when somebody should look at it.
fn report(error: &Error, origin: &Origin) {
    let request = &origin.request;
    match error.kind() {
        Kind::Internal => tracing::error!(request, cause = %error.chain(), "a fault of ours"),
        Kind::Unavailable => tracing::warn!(request, cause = %error.chain(), "something needed does not answer"),
        Kind::TooMany => tracing::info!(request, network = %origin.network, slug = error.slug(), "throttled"),
        _ => tracing::debug!(request, slug = error.slug(), "refused"),
    }
}

fn with_problem(response: Response, error: &Error, lang: Lang, request: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    let body = serde_json::to_vec(&problem::write(error, lang, request)).unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.code()));
    (parts, Body::from(body)).into_response()
}

/// What an address can do, for whoever asks before they call: outside of all layers the router names it in `Allow`.
fn ways(response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NO_CONTENT;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    (parts, Body::empty()).into_response()
}

/// The router's own 404 and 405 come without a body that says what to do.
fn is_bare_refusal(response: &Response) -> bool {
    let status = response.status();
    (status == StatusCode::METHOD_NOT_ALLOWED || status == StatusCode::NOT_FOUND)
        && !response.headers().contains_key(header::CONTENT_TYPE)
}

fn bare(status: StatusCode) -> Error {
    if status == StatusCode::METHOD_NOT_ALLOWED {
        return Error::new(
            Kind::MethodNotAllowed,
            "method-not-allowed",
            say(
                "Alamat ini tidak mengenal cara tersebut; lihat /api/docs.",
                "This address does not know that method; see /api/docs.",
            ),
        );
    }
    Error::not_found()
}

fn security_headers(headers: &mut HeaderMap, is_stranger: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // A page of a link names its address to nobody. Elsewhere our own forms must be able to say where they stand: on an
    // unencrypted way it is all that a browser tells.
    set(header::REFERRER_POLICY, if is_stranger { "no-referrer" } else { "same-origin" });
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'",
    );
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("x-robots-tag"), "noindex");
    // A bearer of a grant or a page of a link must not stay in any cache.
    set(header::CACHE_CONTROL, if is_stranger { "no-store" } else { "private, no-store" });
}

fn origin(app: &App, request: &Request) -> Origin {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let address = peer.map(|peer| forwarded(&app.trusted_proxies, peer, request.headers()));
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    Origin {
        via: if request.uri().path().starts_with("/api/") { "api" } else { "web" },
        network: address.map_or_else(|| "-".into(), network),
        agent: family(agent).to_owned(),
        request: format!("req_{}", id::to_letters(&id::random::<10>())),
    }
}

/// The nearest address that no configured proxy of ours added.
pub fn forwarded(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_proxy = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer;
    let listed: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for entry in listed.into_iter().rev() {
        if !is_proxy(nearest) {
            break;
        }
        match entry.trim().parse() {
            Ok(address) => nearest = address,
            Err(_) => break,
        }
    }
    nearest
}

/// An address shortened to its network: /24 and /64. Nothing finer is kept anywhere.
pub(super) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The family of a user agent: enough to recognise one's own phone, too little to follow anybody.
pub(super) fn family(agent: &str) -> &'static str {
    let has = |word: &str| agent.contains(word);
    let families =
        [("Firefox", "Firefox"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet")];
    if let Some((_, name)) = families.iter().find(|(mark, _)| has(mark)) {
        return name;
    }
    match () {
        () if has("WhatsApp") => "WhatsApp",
        () if has("Chrome") && has("Mobile") => "Chrome (Android)",
        () if has("Chrome") => "Chrome",
        () if has("Safari") && (has("iPhone") || has("iPad")) => "Safari (iPhone)",
        () if has("Safari") => "Safari",
        () if has("lumbung") => "lumbung",
        () if has("curl") => "curl",
        () if agent.is_empty() => "-",
        () => "lain / other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_as_networks_only() {
        assert_eq!(network("203.0.113.77".parse().expect("valid")), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6".parse().expect("valid")), "2001:db8:1:2::/64");
        assert_eq!(network("::ffff:203.0.113.77".parse().expect("valid")), "203.0.113.0/24");
    }

    #[test]
    fn an_unknown_language_gets_indonesian() {
        let chosen = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value));
            Lang::choose(&headers)
        };
        assert_eq!(chosen("fr-FR,fr;q=0.9,en;q=0.8"), Lang::Id);
        assert_eq!(chosen("en-GB,en;q=0.9"), Lang::En);
        assert_eq!(chosen(""), Lang::Id);
    }
}
