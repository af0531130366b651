//! The pages: rendered by the server, usable without a script, in two languages. One file for each page or action;
//! handlers are siblings of the API's and call the same rooms.

mod activation;
mod archive;
mod assets;
mod boxes;
mod demo;
mod details;
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

use axum::{
    Router, middleware,
    routing::{get, post},
};
use tower_http::compression::CompressionLayer;

use crate::app::App;

/// Every page and action, and the calm page for every address that nothing answers.
pub fn routes(app: &App) -> Router<App> {
    people()
        .merge(archive_pages())
        .merge(sharing())
        .route("/assets/{name}", get(assets::get))
        .fallback(page::nowhere)
        .layer(middleware::from_fn_with_state(app.clone(), page::around))
        .layer(CompressionLayer::new().gzip(true))
}

fn people() -> Router<App> {
    Router::new()
        .route("/", get(home::page))
        .route("/masuk", get(login::show_form).post(login::enter))
        .route("/keluar", post(login::leave))
        .route("/kantor-aktif", post(login::act_for))
        .route("/bahasa", post(login::speak))
        .route("/aktivasi", get(activation::show_form).post(activation::activate))
        .route("/akun", get(mine::page))
        .route("/akun/sandi", post(mine::change_password))
        .route("/akun/sesi/{session}", post(mine::end_session))
        .route("/akun/kode", post(mine::begin_code))
        .route("/akun/kode/aktif", post(mine::confirm_code))
        .route("/akun/kode/mati", post(mine::end_code))
        .route("/sistem", get(system::page))
}

fn archive_pages() -> Router<App> {
    Router::new()
        .route("/unggah", get(upload::show_form).post(upload::receive))
        .route("/unggah/baris", get(upload::show_rows))
        .route("/cari", get(search::page))
        .route("/dokumen", get(archive::own))
        .route("/dibagikan", get(archive::with_us))
        .route("/dokumen/{id}", get(document::page).post(edit::save))
        .route("/dokumen/{id}/versi", post(versions::add))
        .route("/dokumen/{id}/versi/{number}", get(versions::download))
        .route("/dokumen/{id}/periksa", post(edit::check))
        .route("/dokumen/{id}/sampah", post(edit::trash))
        .route("/dokumen/{id}/pulihkan", post(edit::restore))
        .route("/dokumen/{id}/baca-ulang", post(edit::read_again))
        .route("/dokumen/{id}/buka", post(listed::open))
        .route("/dokumen/{id}/bagikan", get(share::show_form).post(share::make))
}

fn sharing() -> Router<App> {
    Router::new()
        .route("/tautan", get(links::list))
        .route("/tautan/{id}", get(links::one).post(links::act))
        .route("/kiriman", get(boxes::list))
        .route("/kiriman/baru", get(boxes::show_form).post(boxes::make))
        .route("/kiriman/{id}/akhiri", post(boxes::end))
        .route("/s/{public}", get(stranger::land).post(stranger::go_on))
        .route("/s/{public}/lihat", get(stranger::look))
        .route("/s/{public}/hal/{page}", get(stranger::page_picture))
        .route("/s/{public}/unduh", get(stranger::download))
        .route("/d/{public}", get(drops::land).post(drops::go_on))
        .route("/d/{public}/kirim", post(drops::receive))
}
