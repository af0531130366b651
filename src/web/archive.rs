//! Arsip, the office's own documents, and Untuk kami, what others share with it.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    frame::{Frame, Signed},
    page::show,
    rows::Row,
};
use crate::{
    access::Act,
    app::App,
    desk::paging,
    document::{self, Filter, State as Stage},
    error::{Error, Result},
    id::DocumentId,
};

#[derive(Template)]
#[template(path = "archive.html")]
struct ArchivePage {
    f: Frame,
    title: &'static str,
    tabs: Vec<(&'static str, String, bool)>,
    rows: Vec<Row>,
    empty: &'static str,
    is_trash: bool,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    keadaan: String,
    lanjut: String,
}

const ON_A_PAGE: i64 = 30;

pub async fn own(State(app): State<App>, signed: Signed, Query(asked): Query<Asked>) -> Result<Response> {
    let f = &signed.frame;
    let is_trash = asked.keadaan == "trashed";
    let unchecked = asked.keadaan == "unchecked";
    let state = Stage::parse(&asked.keadaan).map(|state| state.as_str().to_owned());
    let tab = |label: &'static str, state: &str| {
        let href = if state.is_empty() { "/dokumen".to_owned() } else { format!("/dokumen?keadaan={state}") };
        (label, href, asked.keadaan == state)
    };
    let tabs = vec![
        tab(f.t("Semua", "All"), ""),
        tab(f.t("Sedang dibaca", "Being read"), "reading"),
        tab(f.t("Tidak terbaca", "Cannot be read"), "unreadable"),
        tab(f.t("Disimpan, tidak dibaca", "Kept, not read"), "stored"),
        tab(f.t("Belum diperiksa", "Not checked yet"), "unchecked"),
        tab(f.t("Tempat sampah", "Trash"), "trashed"),
    ];
    let empty = match asked.keadaan.as_str() {
        "trashed" => f.t(
            "Tempat sampah kosong. Dokumen yang dibuang menunggu di sini sebelum dimusnahkan.",
            "The trash is empty. What is thrown away waits here before it is destroyed.",
        ),
        "unchecked" => f.t(
            "Tidak ada kiriman yang menunggu diperiksa. Minta berkas dari luar lewat menu Kiriman.",
            "Nothing from outside waits to be checked. Ask for files from outside under Incoming.",
        ),
        "" => f.t(
            "Arsip kantor ini masih kosong. Unggah surat pertama dari menu Unggah.",
            "This office's archive is still empty. Bring the first letter in from Upload.",
        ),
        _ => f.t(
            "Tidak ada dokumen dalam keadaan ini. Pilih Semua untuk melihat seluruh arsip.",
            "No document is in this state. Choose All to see the whole archive.",
        ),
    };
    let title = f.t("Arsip kantor", "The office's archive");
    let filter = Filter { state: state.filter(|_| !is_trash), trashed: is_trash, unchecked, ..Filter::default() };
    page(&app, signed, title, tabs, empty, filter, &asked).await
}

pub async fn with_us(State(app): State<App>, signed: Signed, Query(asked): Query<Asked>) -> Result<Response> {
    let f = &signed.frame;
    let title = f.t("Dibagikan kepada kami", "Shared with us");
    let empty = f.t(
        "Belum ada dokumen yang dibagikan kepada kantor Anda. Begitu kantor lain membagikan, dokumennya muncul di sini dan di pencarian.",
        "Nothing is shared with your office yet. As soon as another office shares, it appears here and in the search.",
    );
    page(&app, signed, title, Vec::new(), empty, Filter { with_us: true, ..Filter::default() }, &asked).await
}

async fn page(
    app: &App,
    signed: Signed,
    title: &'static str,
    tabs: Vec<(&'static str, String, bool)>,
    empty: &'static str,
    filter: Filter,
    asked: &Asked,
) -> Result<Response> {
    let Signed { frame: f, caller } = signed;
    caller.actor.must(Act::Read)?;
    let sight = caller.actor.sight().ok_or_else(Error::not_found)?;
    let after: Option<(String, DocumentId)> = paging::place(Some(asked.lanjut.as_str()).filter(|at| !at.is_empty()))?;
    let now = app.clock.now();
    let mut found = document::list(&app.db, &app.keys, sight, &filter, after.as_ref(), ON_A_PAGE + 1, now).await?;
    let more = found.len() as i64 > ON_A_PAGE;
    found.truncate(ON_A_PAGE as usize);
    let next = match found.last() {
        Some(last) if more => {
            let at = paging::cursor(&last.list_place(&app.zone))?;
            let path = if filter.with_us { "/dibagikan" } else { "/dokumen" };
            Some(format!("{path}?keadaan={}&lanjut={at}", super::page::quoted(&asked.keadaan)))
        }
        _ => None,
    };
    let rows = found.iter().map(|document| Row::of(&f, document)).collect();
    show(&ArchivePage { f, title, tabs, rows, empty, is_trash: filter.trashed, next })
}
