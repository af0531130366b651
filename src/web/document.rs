//! Dokumen: the pages with the question's hits drawn on them, beside the details, links and history.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    details::{self, DetailsForm},
    form::{Fields, Mistakes},
    frame::{Frame, Signed},
    links, listed,
    page::show_as,
    rows::Row,
    sentences, versions,
    view::{self, View},
};
use crate::{
    access::Act,
    account,
    app::App,
    audit,
    db::Tx,
    desk::{documents::load, history, pages, personal},
    document::{Document, Limits, ScanState, fingerprint},
    error::Result,
    http::{Caller, Path},
    id::DocumentId,
};
use axum::http::StatusCode;

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentPage {
    f: Frame,
    mistakes: Mistakes,
    row: Row,
    /// The same row as a list of one, for the progress of its reading.
    rows: Vec<Row>,
    size: i64,
    /// What the antivirus daemon found.
    infected: Option<String>,
    /// What its owner should look at again.
    warning: Option<String>,
    fingerprint: String,
    facts: Vec<(&'static str, String)>,
    d: DetailsForm,
    revision: i64,
    may_edit: bool,
    may_share: bool,
    trash_days: u64,
    changed: bool,
    view: Option<View>,
    inside: Inside,
}

/// What only the document's own office sees of it.
#[derive(Default)]
struct Inside {
    links: Vec<links::Brief>,
    versions: Vec<versions::Line>,
    history: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    pub q: String,
    pub hal: String,
    ubah: String,
}

pub async fn page(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<DocumentId>,
    Query(place): Query<Place>,
) -> Result<Response> {
    show(&app, signed, id, &place, None).await
}

/// The page, or the page with a form on it that has mistakes.
pub async fn show(
    app: &App,
    signed: Signed,
    id: DocumentId,
    place: &Place,
    wrong: Option<(Fields, Mistakes)>,
) -> Result<Response> {
    let document = load(app, &signed.caller.actor, id, Act::Read).await?;
    if document.is_listed_only() {
        return listed::show(app, signed, document, Mistakes::default()).await;
    }
    let Signed { frame: mut f, caller } = signed;
    f.question = place.q.clone();
    let (document, grant) = pages::open(app, &caller, id).await?;
    let view = view::of(app, &grant, &document, &place.q, place.hal.parse().unwrap_or(1)).await?;
    let row = Row::of(&f, &document);
    let inside = if row.is_ours { inside(app, &f, &caller, &document).await? } else { Inside::default() };
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (fields, mistakes) = wrong.unwrap_or_else(|| (details::fields(&document.details), Mistakes::default()));
    let page = DocumentPage {
        mistakes,
        rows: vec![row.clone()],
        size: document.version.size,
        infected: document.version.scan.found().map(str::to_owned),
        warning: personal::of_reach(&document).filter(|_| row.is_ours).map(|said| f.say(&said)),
        fingerprint: fingerprint(&document.version.fingerprint),
        facts: facts(&f, &document),
        d: DetailsForm {
            asks: details::asks(&document),
            ..DetailsForm::of(&f, &fields, Limits::from(&app.config), false)
        },
        revision: document.revision,
        may_edit: caller.actor.may(Act::Edit),
        may_share: row.is_ours && caller.actor.may(Act::Share),
        trash_days: app.config.trash.days,
        changed: !place.ubah.is_empty(),
        row,
        view,
        inside,
        f,
    };
    show_as(status, &page)
}

async fn inside(app: &App, f: &Frame, caller: &Caller, document: &Document) -> Result<Inside> {
    let mut tx = app.db.read().await?;
    let links = links::of_document(app, &mut tx, f, caller, document.id).await?;
    let lines = history::of(&mut tx, document, None, 20).await?;
    let mut history = Vec::with_capacity(lines.len());
    for line in lines {
        history.push((f.moment(&line.at), told(&mut tx, f, &line).await?));
    }
    let versions = versions::lines(&mut tx, f, document).await?;
    Ok(Inside { links, versions, history })
}

async fn told(tx: &mut Tx, f: &Frame, line: &audit::Line) -> Result<String> {
    let what = sentences::happening(f, line);
    let Some(person) = line.person.filter(|_| line.who == "person") else { return Ok(format!("{what}.")) };
    let name = account::person(tx, person).await?.map(|person| person.name).unwrap_or_default();
    Ok(format!("{what} {} {name}.", f.t("oleh", "by")))
}

fn facts(f: &Frame, document: &Document) -> Vec<(&'static str, String)> {
    let details = &document.details;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let kind = details.kind.as_deref().map_or("", |kind| sentences::kind(f, kind)).to_owned();
    let reach = match details.reach {
        crate::document::Reach::Kantor => f.t("Kantor pemilik", "The owning office"),
        crate::document::Reach::Kabupaten => f.t("Semua kantor kabupaten", "Every office of the regency"),
    };
    let version = format!("{} {} {}", document.version.number, f.t("dari", "of"), document.versions);
    let signed =
        if document.version.signed { f.t("Ya, berkas disimpan utuh", "Yes, the file is kept as it is") } else { "" };
    let scan = match document.version.scan.state() {
        ScanState::Unchecked => "",
        ScanState::Clean => f.t("Tidak menemukan apa pun", "Found nothing"),
        ScanState::Infected => f.t("Menemukan sesuatu yang berbahaya", "Found something harmful"),
    };
    let origin = match document.origin.as_str() {
        "drop" if document.is_unchecked() => {
            f.t("Tautan kirim, belum diperiksa", "An upload-only link, not checked yet")
        }
        "drop" => f.t("Tautan kirim, sudah diperiksa", "An upload-only link, checked"),
        _ => "",
    };
    let all = [
        (f.t("Kantor", "Office"), document.owner.name.clone()),
        (f.t("Jenis", "Kind"), kind),
        (f.t("Nomor", "Number"), text(&details.number)),
        (f.t("Tanggal", "Date"), details.date.as_deref().map(|day| f.written(day)).unwrap_or_default()),
        (f.t("Pengirim", "Sender"), text(&details.sender)),
        (f.t("Tujuan", "Recipient"), text(&details.recipient)),
        (f.t("Isi ringkas", "Summary"), text(&details.summary)),
        (f.t("Klasifikasi", "Classification"), text(&details.classification)),
        (f.t("Sifat", "Class"), sentences::class(f, details.security_class).to_owned()),
        (f.t("Urgensi", "Urgency"), sentences::urgency(f, details.urgency).to_owned()),
        (f.t("Ditemukan oleh", "Found by"), reach.to_owned()),
        (f.t("Asal", "Origin"), origin.to_owned()),
        (f.t("Diterima", "Received"), f.moment(&document.received_at)),
        (f.t("Berkas", "File"), document.version.file_name.clone()),
        (f.t("Versi", "Version"), version),
        (f.t("Tanda tangan", "Signature"), signed.to_owned()),
        (f.t("Antivirus", "Antivirus"), scan.to_owned()),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
