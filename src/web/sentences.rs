//! What codes mean, said as one would say it.

use super::frame::Frame;
use crate::{
    access::Role,
    audit::Line,
    document::{SecurityClass, Urgency},
    share::{Audience, Link, LinkState, Rights},
};

pub fn class(f: &Frame, class: SecurityClass) -> &'static str {
    match class {
        SecurityClass::Biasa => f.t("Biasa", "Ordinary"),
        SecurityClass::Terbatas => f.t("Terbatas", "Restricted"),
        SecurityClass::Rahasia => f.t("Rahasia", "Confidential"),
        SecurityClass::SangatRahasia => f.t("Sangat rahasia", "Top secret"),
    }
}

pub fn urgency(f: &Frame, urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Biasa => f.t("Biasa", "Ordinary"),
        Urgency::Penting => f.t("Penting", "Important"),
        Urgency::Segera => f.t("Segera", "Urgent"),
        Urgency::AmatSegera => f.t("Amat segera", "Very urgent"),
    }
}

pub fn role(f: &Frame, role: Role) -> &'static str {
    match role {
        Role::Clerk => f.t("operator", "clerk"),
        Role::Head => f.t("pimpinan", "head"),
        Role::Archivist => f.t("arsiparis", "archivist"),
        Role::OfficeAdmin => f.t("admin kantor", "office admin"),
        Role::PlatformAdmin => f.t("admin sistem", "platform admin"),
        Role::Provisioner => f.t("pembuat akun", "provisioner"),
        Role::Auditor => f.t("auditor", "auditor"),
    }
}

/// The name of a kind of document: known words are translated, others shown as they are.
pub fn kind<'a>(f: &Frame, kind: &'a str) -> &'a str {
    match kind {
        "surat_masuk" => f.t("Surat masuk", "Incoming letter"),
        "surat_keluar" => f.t("Surat keluar", "Outgoing letter"),
        "surat" => f.t("Surat", "Letter"),
        "laporan" => f.t("Laporan", "Report"),
        "keputusan" => f.t("Keputusan", "Decision"),
        "peraturan" => f.t("Peraturan", "Regulation"),
        "undangan" => f.t("Undangan", "Invitation"),
        "berita acara" | "berita_acara" => f.t("Berita acara", "Minutes"),
        other => other,
    }
}

/// What a media type is called outside of computing.
pub fn media_type<'a>(f: &Frame, kind: &'a str) -> &'a str {
    match kind {
        "application/pdf" => "PDF",
        "image/*" => f.t("foto dan pindaian", "photographs and scans"),
        office
            if office.starts_with("application/vnd.openxmlformats") || office.starts_with("application/vnd.oasis") =>
        {
            f.t("berkas kantor (Word, Excel, OpenDocument)", "office files (Word, Excel, OpenDocument)")
        }
        other => other,
    }
}

/// The state of a link and how it is shown: now, waiting, over.
pub fn link_state(f: &Frame, state: LinkState) -> (&'static str, &'static str) {
    match state {
        LinkState::Open => (f.t("Aktif", "Active"), "now"),
        LinkState::NotYetOpen => (f.t("Terjadwal", "Scheduled"), "wait"),
        LinkState::Pending => (f.t("Menunggu pimpinan", "Waits for the head"), "wait"),
        LinkState::Paused => (f.t("Dijeda", "Paused"), "wait"),
        LinkState::Expired => (f.t("Masa habis", "Expired"), "no"),
        LinkState::Exhausted => (f.t("Bukaan habis", "No openings left"), "no"),
        LinkState::Revoked => (f.t("Dicabut", "Revoked"), "no"),
        LinkState::ClassRaised => (f.t("Berakhir: sifat dinaikkan", "Ended: class raised"), "no"),
        LinkState::Trashed => (f.t("Dokumen di tempat sampah", "Document in the trash"), "no"),
        LinkState::Damaged => (f.t("Rusak, ditolak", "Damaged, refused"), "no"),
    }
}

pub fn rights(f: &Frame, rights: Rights) -> &'static str {
    match rights {
        Rights::View => f.t("melihat halaman bertanda air", "view pages with a watermark"),
        Rights::Download => f.t("melihat dan mengunduh", "view and download"),
    }
}

/// For whom a link is; `names` are those of its offices.
pub fn audience(f: &Frame, link: &Link, names: &[String]) -> String {
    match &link.audience {
        Audience::Anyone {} => f.t("Siapa saja yang memegang tautan", "Anyone who has the link").to_owned(),
        Audience::Offices { .. } => names.join(", "),
        Audience::Email { emails } => emails.join(", "),
    }
}

/// One thing that happened to a document or to a link of it.
pub fn happening(f: &Frame, line: &Line) -> String {
    let who = match line.who.as_str() {
        "link" => f.t("pemegang tautan", "somebody with a link"),
        "machine" => f.t("sistem", "the system"),
        "nobody" => f.t("pengirim dari luar", "an outside sender"),
        "token" => f.t("program dengan token kantor", "a program with the office's token"),
        _ => "",
    };
    let what = match line.action.as_str() {
        "document.upload" => f.t("Diunggah", "Uploaded"),
        "document.version" => f.t("Versi baru ditambahkan", "A new version was added"),
        "version.infected" => {
            f.t("Antivirus menemukan sesuatu yang berbahaya", "The antivirus found something harmful")
        }
        "document.edit" => f.t("Rincian diubah", "Details were changed"),
        "document.check" => f.t("Kiriman diperiksa", "What came was checked"),
        "document.trash" => f.t("Dipindah ke tempat sampah", "Moved to the trash"),
        "document.restore" => f.t("Dikembalikan dari tempat sampah", "Brought back from the trash"),
        "document.read_again" => f.t("Pembacaan ulang diminta", "Another reading was asked for"),
        "document.view" => f.t("Halaman dilihat", "Pages were viewed"),
        "document.read" => f.t("Isi dibuka", "The content was opened"),
        "link.make" => f.t("Tautan dibuat", "A link was made"),
        "link.change" => f.t("Tautan diubah", "A link was changed"),
        "link.release" => f.t("Tautan dilepas", "A link was released"),
        "link.revoke" => f.t("Tautan dicabut", "A link was revoked"),
        "link.open" if line.result == "refused" => f.t("Tautan gagal dibuka", "A link could not be opened"),
        "link.open" => f.t("Tautan dibuka", "A link was opened"),
        other => other,
    };
    if who.is_empty() { what.to_owned() } else { format!("{what} {} {who}", f.t("oleh", "by")) }
}
