//! What the client commands share: where the server is, whose token is used, and problems told as the server told them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde::Deserialize;

use crate::error::{Error, Kind, Result, say};

/// Where and as whom; the user's own `client.toml` gives what the arguments leave out.
#[derive(Debug, clap::Args)]
pub struct Where {
    /// Alamat peladen, misalnya https://lumbung.example.id / the server's address.
    #[arg(long, env = "LUMBUNG_SERVER", value_name = "URL")]
    server: Option<String>,
    /// Berkas berisi token lmb_… / a file that holds a token lmb_….
    #[arg(long, env = "LUMBUNG_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: Option<String>,
    token_file: Option<PathBuf>,
}

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    server: String,
    token: String,
    token_file: PathBuf,
}

impl Where {
    pub fn client(&self) -> Result<Client> {
        let path = folder("XDG_CONFIG_HOME", ".config").join("client.toml");
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|cause| unusable(&path, &cause.to_string()))?,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(cause) => return Err(unusable(&path, &cause.to_string())),
        };
        let server = self.server.clone().or(file.server).ok_or_else(|| missing("--server", "server", &path))?;
        let token_file =
            self.token_file.clone().or(file.token_file).ok_or_else(|| missing("--token-file", "token_file", &path))?;
        if !["http://", "https://"].iter().any(|start| server.starts_with(start)) {
            return Err(Error::invalid("--server", say("Awali dengan https://", "Begin with https://")));
        }
        let token = token(&token_file)?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("lumbung/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            // A piece may take minutes on a weak link, and a large file is sealed whole before its last answer: only a link
            // that is really gone ends early.
            .read_timeout(Duration::from_secs(900))
            .tcp_user_timeout(Duration::from_secs(60))
            .tcp_keepalive(Duration::from_secs(20))
            .tcp_keepalive_interval(Duration::from_secs(10))
            .build()
            .map_err(Error::internal)?;
        Ok(Client { http, server: server.trim_end_matches('/').to_owned(), token, token_file })
    }
}

fn token(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|cause| unusable(path, &cause.to_string()))?;
    let token = text.trim();
    if !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(token.to_owned());
    }
    Err(Error::invalid(
        path.display().to_string(),
        say("Harus berisi satu baris: token lmb_….", "Must hold one line: a token lmb_…."),
    ))
}

/// The user's own folder of this program.
pub fn folder(variable: &str, below_home: &str) -> PathBuf {
    let base = std::env::var_os(variable)
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| ".".into())).join(below_home));
    base.join("lumbung")
}

impl Client {
    pub fn server(&self) -> &str {
        &self.server
    }

    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.server)).bearer_auth(&self.token);
        request.header(reqwest::header::ACCEPT_LANGUAGE, language())
    }

    /// Sends, and turns a problem into an error with the server's own words.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|cause| self.unreachable(cause))?;
        if response.status().is_success() { Ok(response) } else { Err(self.told(response).await) }
    }

    pub async fn json(&self, request: reqwest::RequestBuilder) -> Result<serde_json::Value> {
        self.send(request).await?.json().await.map_err(|cause| self.unreachable(cause))
    }

    /// The office that the token acts for; tells a wrong address or token before hours of work.
    pub async fn office(&self) -> Result<String> {
        let me = self.json(self.request(reqwest::Method::GET, "/api/v1/me")).await?;
        Ok(me["office"]["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn told(&self, response: Response) -> Error {
        let status = response.status();
        let wait = response.headers().get(reqwest::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wait = wait.and_then(|text| text.parse().ok());
        let problem: Problem = response.json().await.unwrap_or_default();
        let mut text = if problem.detail.is_empty() { status.to_string() } else { problem.detail };
        for field in problem.errors {
            text.push_str(&format!(" [{}: {}]", field.pointer, field.detail));
        }
        let kind = match status {
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::UNAUTHORIZED => return self.unknown_token(),
            StatusCode::FORBIDDEN => Kind::Forbidden,
            StatusCode::CONFLICT => Kind::Conflict,
            StatusCode::GONE => Kind::Gone,
            StatusCode::TOO_MANY_REQUESTS => Kind::TooMany,
            status if status.is_server_error() => Kind::Unavailable,
            _ => Kind::Invalid,
        };
        let error = Error::new(kind, "server-said", say(text.clone(), text));
        match wait {
            Some(seconds) => error.retry_after(seconds),
            None => error,
        }
    }

    fn unknown_token(&self) -> Error {
        let (server, file) = (&self.server, self.token_file.display());
        Error::new(
            Kind::Unauthorized,
            "unauthorized",
            say(
                format!(
                    "{server} tidak menerima token di {file}: salah, sudah berakhir, atau untuk peladen lain. Buat token baru dan simpan di berkas itu."
                ),
                format!(
                    "{server} does not accept the token in {file}: wrong, ended, or for another server. Make a new token and put it into that file."
                ),
            ),
        )
    }

    fn unreachable(&self, cause: reqwest::Error) -> Error {
        let server = &self.server;
        let words = if cause.is_decode() {
            say(
                format!("Yang menjawab di {server} bukan Lumbung; periksa alamatnya."),
                format!("What answers at {server} is no Lumbung; check the address."),
            )
        } else {
            say(
                format!("{server} tidak dapat dihubungi; periksa alamat dan sambungan."),
                format!("{server} cannot be reached; check address and connection."),
            )
        };
        Error::unavailable("unreachable", words).because(cause.without_url())
    }
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<FieldProblem>,
}

#[derive(Deserialize)]
struct FieldProblem {
    pointer: String,
    detail: String,
}

/// The language of the user's terminal; Indonesian unless that is English.
fn language() -> &'static str {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let chosen = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG")).unwrap_or_default();
    if chosen.starts_with("en") { "en" } else { "id" }
}

fn missing(option: &str, key: &str, path: &Path) -> Error {
    let path = path.display();
    Error::invalid(
        option,
        say(
            format!("Sebutkan {option}, atau tulis {key} = \"…\" di {path}."),
            format!("Give {option}, or write {key} = \"…\" into {path}."),
        ),
    )
}

fn unusable(path: &Path, cause: &str) -> Error {
    let path = path.display().to_string();
    Error::invalid(path, say(format!("Tidak dapat dibaca: {cause}"), format!("Cannot be read: {cause}")))
}
