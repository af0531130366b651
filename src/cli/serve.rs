//! `lumbung serve`.

use std::io::IsTerminal;
use std::net::TcpListener;
use std::process::ExitCode;

use axum::Router;
use tracing_subscriber::{EnvFilter, fmt};

use super::{say, setup};
use crate::{
    app::App,
    clock::Clock,
    config::{self, Config},
    error::{Error, Kind, Result, say as said},
    http::{self, serve::Running},
};

pub async fn run(config: Config) -> Result<ExitCode> {
    if setup::is_demo(&config.data.dir) {
        return Err(Error::new(
            Kind::Conflict,
            "demo-folder",
            said(
                "Folder data ini milik `lumbung demo`; `serve` memerlukan folder sendiri (data.dir).",
                "This data folder belongs to `lumbung demo`; `serve` needs one of its own (data.dir).",
            ),
        ));
    }
    log(&config.log)?;
    let running = start(config, Clock::default()).await?;
    until_stopped(running).await
}

/// Serves until the process is told to stop.
pub async fn until_stopped(mut running: Running) -> Result<ExitCode> {
    say::progress(&format!("Lumbung: {}", running.app.public_url()));
    tokio::select! {
        ended = running.ended() => ended?,
        () = told_to_stop() => {}
    }
    say::progress("Berhenti dengan tertib … / Stopping …");
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The whole server in this process. The address comes first: a second server on the same data ends before it touches them.
pub async fn start(config: Config, clock: Clock) -> Result<Running> {
    let listener = http::serve::bind(&config.server.listen, http::serve::SERVER_LISTEN)?;
    let metrics = metrics_listener(&config.metrics.listen);
    let app = open(config, clock).await?;
    let router = router(&app);
    let mut running = http::serve::start_on(listener, app.clone(), router).await?;
    if let Some(listener) = metrics {
        running.also(listener, http::routes::metrics(app))?;
    }
    Ok(running)
}

/// Who cannot be watched still serves: another node on this machine may have taken the usual address.
fn metrics_listener(address: &str) -> Option<TcpListener> {
    if address.is_empty() {
        return None;
    }
    let listener = http::serve::bind(address, "metrics.listen");
    listener.inspect_err(|cause| tracing::warn!(cause = %cause.detail().en, "/metrics is not answered")).ok()
}

/// The parts put together, and said in the log how strangers' files are read.
pub async fn open(config: Config, clock: Clock) -> Result<App> {
    let program = std::env::current_exe()?;
    let app = App::open(config, clock, program).await?;
    let report = app.reader.status().await;
    tracing::info!(reading = %report.line(), "how strangers' files are read");
    if report.tesseract.is_none() {
        tracing::warn!(
            "Tesseract was not found: scans are kept and not read. Install tesseract-ocr and tesseract-ocr-ind."
        );
    }
    Ok(app)
}

/// Every route of every surface.
pub fn router(app: &App) -> Router {
    http::routes::router(app.clone())
}

pub async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupted.await;
        }
    }
}

/// Structured logs on standard error, as text or JSON.
pub fn log(settings: &config::Log) -> Result<()> {
    // A level is about Lumbung's own words: libraries would tell queries, addresses and values. Who names targets gets them.
    let is_level = settings.level.parse::<tracing::Level>().is_ok();
    let filter = if is_level { format!("warn,lumbung={}", settings.level) } else { settings.level.clone() };
    let filter = EnvFilter::try_new(filter).map_err(|cause| {
        Error::new(
            Kind::Invalid,
            "log-level",
            said(format!("log.level tidak dikenal: {cause}"), format!("log.level is unknown: {cause}")),
        )
    })?;
    let base = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let started = match settings.format.as_str() {
        "json" => base.json().try_init(),
        _ => base.try_init(),
    };
    started.map_err(Error::internal)
}
