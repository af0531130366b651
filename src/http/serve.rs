//! Listening: plain or TLS, with limits on slow clients, and a stop that cuts nobody who is sending.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use hyper_util::rt::TokioTimer;

use super::patience::Patient;
use crate::{
    app::App,
    error::{Error, Kind, Result, say},
    idempotency, jobs,
};

/// A running server; [`Running::stop`] ends it gracefully.
pub struct Running {
    pub app: App,
    pub address: SocketAddr,
    handle: Handle<SocketAddr>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    background: tokio::task::JoinSet<()>,
}

/// Binds, starts background work and serves `router` until it is stopped.
pub async fn start(app: App, router: Router) -> Result<Running> {
    let listener = bind(&app.config.server.listen, SERVER_LISTEN)?;
    start_on(listener, app, router).await
}

/// The same on an address that was taken before: whoever cannot have it finds out before touching any data.
pub async fn start_on(listener: TcpListener, app: App, router: Router) -> Result<Running> {
    let address = listener.local_addr()?;
    let tls = tls(&app).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    app.listening_at(format!("{scheme}://{address}"));
    if !app.db.is_postgres() {
        // An embedded database has this one node: whatever is leased was held by a life that ended.
        app.queue.free_all().await?;
        idempotency::free_all(&app.db).await?;
    }
    let handle = Handle::new();
    let background = jobs::start(&app);
    let serving = tokio::spawn(serve(app.clone(), listener, tls, router, handle.clone()));
    Ok(Running { app, address, handle, serving, background })
}

async fn serve(
    app: App,
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    router: Router,
    handle: Handle<SocketAddr>,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let limits = &app.config.server;
    let wait = Duration::from_secs(limits.header_seconds);
    match tls {
        Some(tls) => {
            let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle);
            let mut server = server.map(|accepts| Patient::new(accepts, limits));
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(wait);
            server.serve(service).await
        }
        None => {
            let server = axum_server::from_tcp(listener)?.handle(handle);
            let mut server = server.map(|accepts| Patient::new(accepts, limits));
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(wait);
            server.serve(service).await
        }
    }
}

/// Where the address of pages and calls is chosen.
pub const SERVER_LISTEN: &str = "server.listen; demo: --listen";

/// `key` is where another address is chosen.
pub fn bind(listen: &str, key: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(listen).map_err(|cause| {
        Error::new(
            Kind::Conflict,
            "cannot-listen",
            say(
                format!("Alamat {listen} tidak dapat dipakai: {cause}. Hentikan yang memakainya, atau pilih alamat lain ({key})."),
                format!("Cannot listen on {listen}: {cause}. Stop what uses it, or choose another address ({key})."),
            ),
        )
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn tls(app: &App) -> Result<Option<RustlsConfig>> {
    let server = &app.config.server;
    if server.tls_certificate.as_os_str().is_empty() {
        return Ok(None);
    }
    let config = RustlsConfig::from_pem_file(&server.tls_certificate, &server.tls_key_file).await.map_err(|cause| {
        Error::new(
            Kind::Invalid,
            "tls",
            say(
                format!("Sertifikat TLS tidak dapat dipakai: {cause}"),
                format!("The TLS certificate cannot be used: {cause}"),
            ),
        )
    })?;
    Ok(Some(config))
}

impl Running {
    /// Takes no new connection, lets what is being received finish, hands jobs back.
    pub async fn stop(mut self) {
        self.app.stopping.cancel();
        let wait = Duration::from_secs(self.app.config.server.stop_seconds);
        self.handle.graceful_shutdown(Some(wait));
        let _ = self.serving.await;
        let jobs_end = async { while self.background.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(10), jobs_end).await.is_err() {
            tracing::warn!("background work did not end in time; its leases will");
        }
        self.app.index.close();
        self.app.db.close().await;
    }

    /// Answers a few calls of the operator at an address of their own, for as long as the server runs.
    pub fn also(&mut self, listener: TcpListener, router: Router) -> Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let stopping = self.app.stopping.clone();
        self.background.spawn(async move {
            let serving = axum::serve(listener, router).with_graceful_shutdown(stopping.cancelled_owned());
            if let Err(cause) = serving.await {
                tracing::warn!(%cause, "the operator's address answers no longer");
            }
        });
        Ok(())
    }

    /// Waits for the server to end by itself.
    pub async fn ended(&mut self) -> Result<()> {
        (&mut self.serving).await.map_err(Error::internal)?.map_err(Error::internal)
    }
}
