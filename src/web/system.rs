//! Sistem: whether all is well, and what to do where it is not.

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    frame::{Frame, Signed},
    page::show,
};
use crate::{
    app::App,
    desk::status::{ReadingStatus, Status, VERSION, is_healthy, status},
    error::Result,
    vault::VaultStatus,
};

#[derive(Template)]
#[template(path = "system.html")]
struct SystemPage {
    f: Frame,
    s: Status,
    healthy: bool,
    version: &'static str,
    parts: Vec<Part>,
}

struct Part {
    name: &'static str,
    /// How its state is shown: well, to be looked at, or a choice that was not made.
    tone: &'static str,
    state: String,
    advice: &'static str,
}

pub async fn page(State(app): State<App>, signed: Signed) -> Result<Response> {
    let f = signed.frame;
    let s = status(&app).await?;
    let parts = parts(&f, &s);
    show(&SystemPage { f, healthy: is_healthy(&s.checks), version: VERSION, s, parts })
}

fn parts(f: &Frame, s: &Status) -> Vec<Part> {
    let well =
        |is_well: bool| if is_well { f.t("Baik", "Well") } else { f.t("Perlu dilihat", "Needs a look") }.to_owned();
    let mut parts: Vec<Part> = s
        .checks
        .iter()
        .map(|check| {
            let (name, advice) = check_words(f, check.name);
            Part {
                name,
                tone: tone(check.healthy),
                state: well(check.healthy),
                advice: if check.healthy { "" } else { advice },
            }
        })
        .collect();
    parts.push(jail(f, &s.reading));
    parts.push(Part {
        name: f.t("Pembacaan pindaian (OCR)", "Reading of scans (OCR)"),
        tone: tone(s.reading.ocr),
        state: well(s.reading.ocr),
        advice: if s.reading.ocr {
            ""
        } else {
            f.t(
                "Pasang tesseract-ocr dan tesseract-ocr-ind; pindaian disimpan dan belum dibaca.",
                "Install tesseract-ocr and tesseract-ocr-ind; scans are kept and not read yet.",
            )
        },
    });
    let queue = format!("{} {}", s.jobs.waiting, f.t("menunggu", "waiting"));
    parts.push(Part {
        name: f.t("Antrean pekerjaan", "Queue of work"),
        tone: tone(s.jobs.dead == 0),
        state: queue,
        advice: if s.jobs.dead == 0 {
            ""
        } else {
            f.t(
                "Ada pekerjaan yang gagal; operator melihatnya di /api/v1/jobs?state=dead dan mengulangnya.",
                "Some work failed; the operator sees it at /api/v1/jobs?state=dead and repeats it.",
            )
        },
    });
    if let Some(vault) = &s.vault {
        parts.extend(vault_parts(f, vault));
    }
    parts.push(Part {
        name: f.t("Surel", "Mail"),
        tone: if s.mail { "now" } else { "wait" },
        state: if s.mail { f.t("Diatur", "Configured") } else { f.t("Belum diatur", "Not configured") }.to_owned(),
        advice: if s.mail {
            ""
        } else {
            f.t(
                "Tanpa mail.host, tautan untuk alamat surel tidak ditawarkan.",
                "Without mail.host, links for e-mail addresses are not offered.",
            )
        },
    });
    parts
}

/// What a check is called, and what to do where it fails.
fn check_words(f: &Frame, name: &str) -> (&'static str, &'static str) {
    match name {
                "database" => (
                    f.t("Basis data", "Database"),
                    f.t(
                        "Periksa database.url dan apakah basis datanya berjalan.",
                        "Check database.url and whether the database runs.",
                    ),
                ),
                "store" => (
                    f.t("Penyimpanan", "Store"),
                    f.t(
                        "Periksa folder atau peladen S3 pada [storage], dan ruang yang tersisa.",
                        "Check the folder or S3 server of [storage], and the room left.",
                    ),
                ),
                "key" => (
                    f.t("Kunci induk", "Master key"),
                    f.t(
                        "Kunci induk telah diganti di peladen lain. Salin berkas keys.master_file yang baru ke peladen ini, lalu jalankan ulang.",
                        "The master key was changed on another server. Copy the new keys.master_file to this one and restart it.",
                    ),
                ),
                "disk" => (
                    f.t("Ruang disk", "Disk space"),
                    f.t(
                        "Kosongkan ruang atau tambah disk pada folder data, spool, dan indeks; di bawah limits.min_free_bytes unggahan ditolak.",
                        "Free space or add disk for the folders of data, spool and index; below limits.min_free_bytes uploads are refused.",
                    ),
                ),
                "server" => (
                    f.t("Peladen ini", "This server"),
                    f.t("Sedang berhenti; tunggu sampai berjalan lagi.", "It is stopping; wait until it runs again."),
                ),
                _ => (
                    f.t("Indeks pencarian", "Search index"),
                    f.t(
                        "Periksa folder search.dir. Indeks yang hilang atau rusak dibangun ulang sendiri; dokumen tetap aman.",
                        "Check the folder search.dir. An index that is lost or damaged is built anew by itself; documents are safe.",
                    ),
                ),
    }
}

/// What was kept: swept, verified, mirrored.
fn vault_parts(f: &Frame, vault: &VaultStatus) -> Vec<Part> {
    let part = |name, is_well: bool, state: String, advice| Part {
        name,
        tone: tone(is_well),
        state,
        advice: if is_well { "" } else { advice },
    };
    let (sweep, verify) = (&vault.sweep, &vault.verify);
    let swept = match (sweep.stopped, sweep.failing_since.is_some()) {
        (true, _) => f.t("Berhenti", "Stopped"),
        (_, true) => f.t("Tertunda", "Held up"),
        _ => f.t("Baik", "Well"),
    };
    let sweep_advice = if sweep.stopped {
        f.t(
            "Terlalu banyak objek yang tidak dikenal basis data; tidak ada yang dihapus. Operator memeriksa apakah basis data dan penyimpanannya sepasang, lalu menjalankan lumbung sweep --confirm.",
            "Too many objects are unknown to the database; nothing is deleted. The operator checks that database and store belong together, then runs lumbung sweep --confirm.",
        )
    } else {
        f.t("Periksa apakah penyimpanan menjawab.", "Check whether the store answers.")
    };
    let mut parts = vec![
        part(
            f.t("Pembersihan simpanan", "Sweeping of the store"),
            !sweep.stopped && sweep.failing_since.is_none(),
            swept.to_owned(),
            sweep_advice,
        ),
        part(
            f.t("Pemeriksaan simpanan", "Verification of the store"),
            verify.findings == 0 && verify.too_slow_days.is_none(),
            format!("{} {}", verify.findings, f.t("temuan", "findings")),
            f.t(
                "Operator menjalankan lumbung verify --scrub --repair, dan menaikkan verify.bytes_per_hour bila satu putaran terlalu lama.",
                "The operator runs lumbung verify --scrub --repair, and raises verify.bytes_per_hour where a round takes too long.",
            ),
        ),
    ];
    if let Some(mirror) = &vault.mirror {
        parts.push(part(
            f.t("Salinan kedua", "Mirror"),
            mirror.lag_seconds < 3600,
            format!("{} {}", mirror.waiting, f.t("menunggu", "waiting")),
            f.t("Periksa penyimpanan pada [storage.mirror].", "Check the store of [storage.mirror]."),
        ));
    }
    parts
}

/// Strangers' files are read in a confined process; how well the kernel confines it is the operator's to know.
fn jail(f: &Frame, reading: &ReadingStatus) -> Part {
    let is_whole = reading.jail.files == "full" && reading.jail.calls && reading.jail.limits;
    let state = match (reading.reads, reading.jail.files) {
        (false, _) => f.t("Berkas tidak dibaca", "Files are not read"),
        (true, "full") if is_whole => f.t("Penuh", "Full"),
        (true, "none") => f.t("Tanpa kurungan berkas", "Not kept from files"),
        (true, _) => f.t("Sebagian", "In part"),
    };
    let advice = match (reading.reads, reading.jail.files) {
        (false, _) => f.t(
            "Kernel ini tidak dapat mengurung pembaca (Landlock tidak aktif). Aktifkan Landlock (lsm=landlock,…), lalu mulai ulang; atau matikan reading.require_jail bila risikonya diterima. Berkas tetap diterima dan disimpan.",
            "This kernel cannot confine the reader (Landlock is off). Switch Landlock on (lsm=landlock,…) and restart; or switch reading.require_jail off if you accept the risk. Files are still received and kept.",
        ),
        (true, "full") if is_whole => "",
        (true, "none") => f.t(
            "reading.require_jail dimatikan: pembaca hanya dibatasi oleh panggilan sistem, memori, dan waktu. Aktifkan Landlock pada kernel.",
            "reading.require_jail is off: the reader is bounded by system calls, memory and time alone. Switch Landlock on in the kernel.",
        ),
        (true, _) => f.t(
            "Kernel yang lebih baru mengurung pembaca lebih rapat; pembacaan tetap berjalan.",
            "A newer kernel confines the reader more closely; reading goes on.",
        ),
    };
    Part {
        name: f.t("Kurungan pembaca", "The reader's jail"),
        tone: tone(reading.reads && reading.jail.files != "none"),
        state: state.to_owned(),
        advice,
    }
}

fn tone(is_well: bool) -> &'static str {
    if is_well { "now" } else { "no" }
}
