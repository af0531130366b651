//! The pages: rendered by the server, usable without a script, in two languages. One file for each page or action;
//! handlers are siblings of the API's and call the same rooms.

mod activation;
mod archive;
mod assets;
mod boxes;
mod demo;
mod details;
mod docs;
mod document;
mod drops;
mod edit;
mod form;
mod frame;
mod home;
mod links;
mod listed;
mod login;
mod mine;
mod offers;
mod page;
mod qr;
mod rows;
mod search;
mod sentences;
mod share;
mod stranger;
mod system;
mod upload;
mod versions;
mod view;

use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;

use crate::{
    app::App,
    http::{
        pace::{self, Pace},
        plain::{self, Plain},
    },
};

/// Every page and action, and the calm page for every address that nothing answers.
pub fn routes(app: &App, pace: Pace) -> Router<App> {
    plain::router(every())
        .fallback(page::nowhere)
        .layer(middleware::from_fn_with_state(pace, pace::keep))
        .layer(middleware::from_fn_with_state(app.clone(), page::around))
        .layer(CompressionLayer::new().gzip(true))
}

/// The list that the router is built from: an address that is not in it does not exist.
pub fn every() -> Vec<Plain> {
    people().into_iter().chain(archive_pages()).chain(sharing()).chain(rest()).collect()
}

fn people() -> Vec<Plain> {
    vec![
        Plain::get("/", home::page),
        Plain::get("/masuk", login::show_form),
        Plain::post("/masuk", login::enter),
        Plain::post("/keluar", login::leave),
        Plain::post("/kantor-aktif", login::act_for),
        Plain::post("/bahasa", login::speak),
        Plain::get("/aktivasi", activation::show_form),
        Plain::post("/aktivasi", activation::activate),
        Plain::get("/akun", mine::page),
        Plain::post("/akun/sandi", mine::change_password),
        Plain::post("/akun/sesi/{session}", mine::end_session),
        Plain::post("/akun/kode", mine::begin_code),
        Plain::post("/akun/kode/aktif", mine::confirm_code),
        Plain::post("/akun/kode/mati", mine::end_code),
    ]
}

fn archive_pages() -> Vec<Plain> {
    vec![
        Plain::get("/unggah", upload::show_form),
        Plain::post("/unggah", upload::receive),
        Plain::get("/unggah/baris", upload::show_rows),
        Plain::get("/cari", search::page),
        Plain::get("/dokumen", archive::own),
        Plain::get("/dibagikan", archive::with_us),
        Plain::get("/dokumen/{id}", document::page),
        Plain::post("/dokumen/{id}", edit::save),
        Plain::post("/dokumen/{id}/versi", versions::add),
        Plain::get("/dokumen/{id}/versi/{number}", versions::download),
        Plain::post("/dokumen/{id}/periksa", edit::check),
        Plain::post("/dokumen/{id}/sampah", edit::trash),
        Plain::post("/dokumen/{id}/pulihkan", edit::restore),
        Plain::post("/dokumen/{id}/baca-ulang", edit::read_again),
        Plain::post("/dokumen/{id}/buka", listed::open),
        Plain::get("/dokumen/{id}/bagikan", share::show_form),
        Plain::post("/dokumen/{id}/bagikan", share::make),
    ]
}

fn sharing() -> Vec<Plain> {
    vec![
        Plain::get("/tautan", links::list),
        Plain::get("/tautan/{id}", links::one),
        Plain::post("/tautan/{id}", links::act),
        Plain::get("/kiriman", boxes::list),
        Plain::get("/kiriman/baru", boxes::show_form),
        Plain::post("/kiriman/baru", boxes::make),
        Plain::post("/kiriman/{id}/akhiri", boxes::end),
        Plain::get("/s/{public}", stranger::land),
        Plain::post("/s/{public}", stranger::go_on),
        Plain::get("/s/{public}/lihat", stranger::look),
        Plain::get("/s/{public}/hal/{page}", stranger::page_picture),
        Plain::get("/s/{public}/unduh", stranger::download),
        Plain::get("/d/{public}", drops::land),
        Plain::post("/d/{public}", drops::go_on),
        Plain::post("/d/{public}/kirim", drops::receive),
    ]
}

fn rest() -> Vec<Plain> {
    vec![
        Plain::get("/sistem", system::page),
        Plain::get("/api/docs", docs::page),
        Plain::get("/assets/{name}", assets::get),
    ]
}
