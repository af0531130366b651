//! What the client commands share: where the server is, whose token is used, and problems told as the server told them.

use std::path::PathBuf;

use reqwest::{Response, StatusCode};
use serde::Deserialize;

use crate::error::{Error, Kind, Result, say};

/// Where and as whom; the user's own `client.toml` gives what the arguments leave out.
#[derive(Debug, clap::Args)]
pub struct Where {
    /// Alamat peladen / the server's address, such as https://lumbung.example.id.
    #[arg(long, env = "LUMBUNG_SERVER", value_name = "URL")]
    server: Option<String>,
    /// Berkas berisi token lmb_… / a file that holds a token.
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
    pub http: reqwest::Client,
    pub server: String,
    token: String,
}

impl Where {
    pub fn client(&self) -> Result<Client> {
        let path = folder("XDG_CONFIG_HOME", ".config").join("client.toml");
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => {
                toml::from_str(&text).map_err(|cause| unusable(&path.display().to_string(), &cause.to_string()))?
            }
            Err(_) => File::default(),
        };
        let server = self.server.clone().or(file.server).ok_or_else(|| missing("--server", "server", &path))?;
        let token_file =
            self.token_file.clone().or(file.token_file).ok_or_else(|| missing("--token-file", "token_file", &path))?;
        let token = std::fs::read_to_string(&token_file)
            .map_err(|cause| unusable(&token_file.display().to_string(), &cause.to_string()))?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("lumbung/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(std::time::Duration::from_secs(10))
            .read_timeout(std::time::Duration::from_secs(60))
            .build()
            .map_err(Error::internal)?;
        Ok(Client { http, server: server.trim_end_matches('/').to_owned(), token: token.trim().to_owned() })
    }
}

/// The user's own folder of this program.
pub fn folder(variable: &str, below_home: &str) -> PathBuf {
    let base = std::env::var_os(variable)
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| ".".into())).join(below_home));
    base.join("lumbung")
}

impl Client {
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.server) };
        self.http.request(method, url).bearer_auth(&self.token)
    }

    /// Sends, and turns a problem into an error with the server's own words.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|cause| unreachable(&self.server, cause))?;
        if response.status().is_success() { Ok(response) } else { Err(told(response).await) }
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

async fn told(response: Response) -> Error {
    let status = response.status();
    let problem: Problem = response.json().await.unwrap_or_default();
    let mut text = if problem.detail.is_empty() { status.to_string() } else { problem.detail };
    for field in problem.errors {
        text.push_str(&format!(" [{}: {}]", field.pointer, field.detail));
    }
    let kind = match status {
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::UNAUTHORIZED => Kind::Unauthorized,
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::CONFLICT => Kind::Conflict,
        StatusCode::TOO_MANY_REQUESTS => Kind::TooMany,
        status if status.is_server_error() => Kind::Unavailable,
        _ => Kind::Invalid,
    };
    Error::new(kind, "server-said", say(text.clone(), text))
}

fn unreachable(server: &str, cause: reqwest::Error) -> Error {
    Error::unavailable(
        "unreachable",
        say(
            format!("{server} tidak dapat dihubungi; periksa alamat dan sambungan."),
            format!("{server} cannot be reached; check address and connection."),
        ),
    )
    .because(cause)
}

fn missing(option: &str, key: &str, path: &std::path::Path) -> Error {
    let path = path.display();
    Error::invalid(
        option,
        say(
            format!("Sebutkan {option}, atau tulis {key} di {path}."),
            format!("Give {option}, or write {key} into {path}."),
        ),
    )
}

fn unusable(path: &str, cause: &str) -> Error {
    Error::invalid(path, say(format!("Tidak dapat dibaca: {cause}"), format!("Cannot be read: {cause}")))
}
