//! Kiriman: the office's upload-only links, and what came by them and waits to be looked at.

use std::time::Duration;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::json;

use super::{
    form::{Fields, Mistakes},
    frame::{Frame, Signed},
    page::{go, show, show_as},
    qr,
    rows::{self, Row},
    share::MadePage,
};
use crate::{
    access::{Act, Actor},
    app::App,
    clock::Time,
    document::Filter,
    error::{Error, Result},
    http::{Path, parse_json},
    id::DropId,
    share::{
        Bounds,
        drops::{DropAsked, DropBox, NewDrop},
    },
};

#[derive(Template)]
#[template(path = "boxes.html")]
struct BoxesPage {
    f: Frame,
    boxes: Vec<Shown>,
    unchecked: Vec<Row>,
    may_share: bool,
}

struct Shown {
    id: DropId,
    label: String,
    about: String,
    limits: String,
    state: &'static str,
    tone: &'static str,
    is_over: bool,
}

#[derive(Template)]
#[template(path = "box.html")]
struct BoxPage {
    f: Frame,
    mistakes: Mistakes,
    label: String,
    days: Vec<(u64, String, bool)>,
    files: String,
    megabytes: String,
    max_megabytes: i64,
    bounds: Bounds,
    types: Vec<(&'static str, &'static str, bool)>,
}

const ON_A_PAGE: i64 = 200;
const MEGABYTE: i64 = 1_000_000;

pub async fn list(State(app): State<App>, signed: Signed) -> Result<Response> {
    let Signed { frame: f, caller } = signed;
    may_look(&caller.actor)?;
    let waiting = Filter { unchecked: true, ..Filter::default() };
    let unchecked = rows::list(&app, &caller.actor, &f, &waiting, ON_A_PAGE).await?;
    let mut tx = app.db.read().await?;
    let found = app.sharing.drop_boxes(&mut tx, caller.actor.office(), None, ON_A_PAGE).await?;
    let now = app.clock.now();
    let boxes = found.iter().map(|one| shown(&f, one, now)).collect();
    show(&BoxesPage { boxes, unchecked, may_share: caller.actor.may(Act::Share), f })
}

fn may_look(actor: &Actor) -> Result<()> {
    if actor.may(Act::Read) { Ok(()) } else { actor.must(Act::Share) }
}

fn shown(f: &Frame, one: &DropBox, now: Time) -> Shown {
    let is_full = one.files >= one.max_files || one.bytes >= one.max_bytes;
    let (state, tone) = match () {
        () if one.ended_at.is_some() => (f.t("Diakhiri", "Ended"), "no"),
        () if one.expires_at <= now => (f.t("Masa habis", "Expired"), "no"),
        () if is_full => (f.t("Penuh", "Full"), "no"),
        () => (f.t("Aktif", "Active"), "now"),
    };
    let mut limits = vec![
        format!("{} {} {} {}", one.files, f.t("dari", "of"), one.max_files, f.t("berkas", "files")),
        format!("{} {} {}", f.size(&one.bytes), f.t("dari", "of"), f.size(&one.max_bytes)),
    ];
    if one.has_password {
        limits.push(f.t("berkata sandi", "with a password").to_owned());
    }
    Shown {
        id: one.id,
        label: one.label.clone(),
        about: format!("{} {}", f.t("sampai", "until"), f.moment(&one.expires_at)),
        limits: limits.join(" · "),
        state,
        tone,
        is_over: tone == "no",
    }
}

pub async fn show_form(State(app): State<App>, signed: Signed) -> Result<Response> {
    signed.caller.actor.must(Act::Share)?;
    show(&form(signed.frame, app.sharing.bounds(), &Fields::default(), Mistakes::default()))
}

/// What the form calls kinds of files, and the media types that they mean.
static TYPES: [(&str, &[&str]); 3] =
    [("pdf", &["pdf"]), ("foto", &["image/*"]), ("kantor", &["docx", "xlsx", "pptx", "odt", "ods"])];

fn form(f: Frame, bounds: Bounds, fields: &Fields, mistakes: Mistakes) -> BoxPage {
    let given = |name: &str, usual: i64| fields.given(name).unwrap_or_else(|| usual.to_string());
    let max_megabytes = (bounds.drop_bytes / MEGABYTE).max(1);
    let chosen = fields.all("jenis");
    let label = |name: &str| match name {
        "pdf" => "PDF",
        "foto" => f.t("Foto dan pindaian (JPEG, PNG, TIFF …)", "Photographs and scans (JPEG, PNG, TIFF …)"),
        _ => f.t("Berkas kantor (Word, Excel, OpenDocument …)", "Office files (Word, Excel, OpenDocument …)"),
    };
    BoxPage {
        label: fields.given("label").unwrap_or_default(),
        days: lives(&f, bounds.drop_days, fields),
        files: given("berkas", bounds.drop_files.min(20)),
        megabytes: given("ukuran", max_megabytes.min(100)),
        max_megabytes,
        bounds,
        types: TYPES.map(|(name, _)| (name, label(name), chosen.iter().any(|one| one == name))).into(),
        mistakes,
        f,
    }
}

/// What the form offers of lives: the usual ones that are short enough, or else the longest that there is.
fn lives(f: &Frame, longest: u64, fields: &Fields) -> Vec<(u64, String, bool)> {
    let chosen = fields.given("berlaku").unwrap_or_else(|| "30".into());
    let mut offered: Vec<u64> = [7, 30, 90, 365].into_iter().filter(|days| *days <= longest).collect();
    if offered.is_empty() {
        offered.push(longest);
    }
    let label = |days: u64| match days {
        365 => f.t("1 tahun", "1 year").to_owned(),
        1 => f.t("1 hari", "1 day").to_owned(),
        _ => format!("{days} {}", f.t("hari", "days")),
    };
    offered.into_iter().map(|days| (days, label(days), chosen == days.to_string())).collect()
}

pub async fn make(State(app): State<App>, signed: Signed, fields: Fields) -> Result<Response> {
    let Signed { frame: f, caller } = signed;
    caller.actor.must(Act::Share)?;
    let made: Result<NewDrop> = async {
        let terms = app.sharing.drop_terms(asked(&app, &fields)?).await?;
        let mut tx = app.db.write().await?;
        let made = app.sharing.make_drop(&mut tx, &caller.actor, &caller.origin, &terms).await?;
        tx.commit().await?;
        Ok(made)
    }
    .await;
    match made {
        Ok(made) => show(&told(&app, f, &made)),
        Err(error) => {
            let names = [
                ("/label", "label"),
                ("/expires_at", "berlaku"),
                ("/max_files", "berkas"),
                ("/max_bytes", "ukuran"),
                ("/password", "kata_sandi"),
                ("/types", "jenis"),
            ];
            let mistakes = Mistakes::of(error, &f, &names)?;
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &form(f, app.sharing.bounds(), &fields, mistakes))
        }
    }
}

/// The terms go the way of the API's, so that they are checked by one reader.
fn asked(app: &App, fields: &Fields) -> Result<DropAsked> {
    let number = |name: &str| fields.given(name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    let days: u64 = fields.text("berlaku").parse().unwrap_or(30).min(app.sharing.bounds().drop_days);
    let chosen = fields.all("jenis");
    let types: Vec<&str> = TYPES
        .iter()
        .filter(|(name, _)| chosen.iter().any(|one| one == name))
        .flat_map(|(_, types)| types.iter().copied())
        .collect();
    let terms = json!({
        "label": fields.text("label"),
        "expires_at": app.clock.now().plus(Duration::from_secs(days * 86_400)).rfc3339(),
        "max_files": number("berkas"),
        "max_bytes": number("ukuran").saturating_mul(MEGABYTE),
        "types": Some(types).filter(|types| !types.is_empty()),
        "password": fields.given("kata_sandi"),
    });
    parse_json(&serde_json::to_vec(&terms).map_err(Error::internal)?)
}

fn told(app: &App, f: Frame, made: &NewDrop) -> MadePage {
    let url = made.url(app.public_url());
    let one = &made.drop_box;
    let until = f.moment(&one.expires_at);
    let office = f.card.as_ref().map(|card| card.office.name.as_str()).unwrap_or_default();
    let message = format!(
        "{office} {} {}\n{url}\n{} {until}.",
        f.t("meminta berkas dari Anda:", "asks you for files:"),
        one.label,
        f.t("Kirim lewat tautan ini, tanpa akun, sampai", "Send them by this link, without an account, until")
    );
    MadePage {
        message,
        qr: qr::of(&url),
        facts: vec![
            (f.t("Untuk", "For"), one.label.clone()),
            (
                f.t("Boleh", "May"),
                f.t("mengirim berkas saja, tidak melihat apa pun", "send files only, and see nothing").to_owned(),
            ),
            (f.t("Sampai", "Until"), until),
        ],
        follow: ("/kiriman".to_owned(), f.t("Lihat kiriman", "See what comes")),
        back: ("/tautan".to_owned(), f.t("Kembali ke Berbagi", "Back to Sharing")),
        is_pending: false,
        url,
        f,
    }
}

pub async fn end(State(app): State<App>, signed: Signed, Path(id): Path<DropId>) -> Result<Response> {
    let caller = &signed.caller;
    // Regency roles have no archive: what they ask for does not exist.
    if !caller.actor.may(Act::Share) {
        may_look(&caller.actor).map_err(|_| Error::not_found())?;
    }
    let mut tx = app.db.write().await?;
    let one = app.sharing.drop_box(&mut tx, caller.actor.office(), id).await?;
    app.sharing.end_drop(&mut tx, &caller.actor, &caller.origin, &one).await?;
    tx.commit().await?;
    Ok(go("/kiriman"))
}
