//! Aktivasi: the holder of a one-time link sets a password.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    form::{Fields, Mistakes},
    frame::{Frame, Visit},
    page::{go, show, show_as},
};
use crate::{app::App, config, error::Result};

#[derive(Template)]
#[template(path = "activation.html")]
struct ActivationPage {
    f: Frame,
    mistakes: Mistakes,
    secret: String,
    min_password: usize,
    max_password: usize,
}

pub async fn show_form(State(app): State<App>, visit: Visit) -> Result<Response> {
    show(&ActivationPage {
        f: visit.frame,
        mistakes: Mistakes::default(),
        secret: String::new(),
        min_password: app.config.session.min_password,
        max_password: app.config.session.max_password,
    })
}

pub async fn activate(State(app): State<App>, visit: Visit, form: Fields) -> Result<Response> {
    let typed = form.text("secret").trim();
    // People paste the whole link as readily as its last part.
    let secret = typed.rsplit('#').next().unwrap_or(typed);
    let password = form.text("password");
    let mistakes = if password != form.text("again") {
        let text = visit.frame.t("Kedua kata sandi belum sama.", "The two passwords differ.");
        Mistakes::one("again", text)
    } else {
        match app.accounts.activate(secret, password, &visit.who.origin).await {
            Ok(_) => return Ok(go("/masuk?aktif=1")),
            Err(error) if error.slug() == "activation-unusable" => {
                Mistakes::one("secret", visit.frame.say(error.detail()))
            }
            Err(error) => Mistakes::of(error, &visit.frame, &[("/password", "password")])?,
        }
    };
    let config::Session { min_password, max_password, .. } = app.config.session;
    let page = ActivationPage { f: visit.frame, mistakes, secret: secret.to_owned(), min_password, max_password };
    show_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
