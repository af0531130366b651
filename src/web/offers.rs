//! What the form for a link offers for a document: what its class allows, and the rest with the reason why not.

use super::{form::Fields, frame::Frame};
use crate::{
    app::App,
    desk::shared::subject,
    document::{Document, SecurityClass},
    share::{self, AudienceKind, Rights},
};

/// One thing that the form for a link offers, or greys.
pub struct Choice {
    pub value: String,
    pub label: &'static str,
    pub hint: &'static str,
    pub is_chosen: bool,
    /// Why it cannot be chosen.
    pub why_not: Option<String>,
}

pub fn audiences(app: &App, f: &Frame, class: SecurityClass, fields: &Fields) -> Vec<Choice> {
    let chosen = fields.given("untuk").unwrap_or_else(|| "offices".into());
    let told = |kind: AudienceKind| match kind {
        AudienceKind::Offices => (
            f.t("Kantor tertentu", "Named offices"),
            f.t(
                "Orang kantor itu masuk dengan akunnya; dokumen juga muncul di pencarian mereka.",
                "Its people sign in; the document also appears in their search.",
            ),
        ),
        AudienceKind::Email => (
            f.t("Alamat surel", "E-mail addresses"),
            f.t("Dibuktikan dengan kode sekali pakai.", "Proven by a one-time code."),
        ),
        AudienceKind::Anyone => (
            f.t("Siapa saja yang memegang tautan", "Anyone who has the link"),
            f.t("Tautan dapat diteruskan kepada siapa pun.", "The link can be passed on to anybody."),
        ),
    };
    let choice = |kind: AudienceKind| {
        let (label, hint) = told(kind);
        let mut why_not = share::why_not(class, kind, Rights::View).map(|error| f.say(error.detail()));
        if kind == AudienceKind::Email && !app.sharing.bounds().has_mail {
            why_not = Some(
                f.t(
                    "Belum tersedia: peladen surel (mail.host) belum diatur.",
                    "Not offered: no mail server (mail.host) is configured.",
                )
                .to_owned(),
            );
        }
        Choice {
            value: kind.as_str().to_owned(),
            label,
            hint,
            is_chosen: why_not.is_none() && kind.as_str() == chosen,
            why_not,
        }
    };
    [AudienceKind::Offices, AudienceKind::Email, AudienceKind::Anyone].map(choice).into()
}

pub fn rights(f: &Frame, document: &Document, fields: &Fields) -> Vec<Choice> {
    let class = document.class();
    // Offices may have the most; where even they may not, nobody may.
    let not_download =
        share::why_not(class, AudienceKind::Offices, Rights::Download).map(|error| f.say(error.detail()));
    let is_drawn = subject(document).has_pictures;
    let not_view = (!is_drawn)
        .then(|| f.t("Dokumen ini tidak punya gambar halaman.", "This document has no page pictures.").to_owned());
    let download_chosen = match fields.text("hak") {
        "download" => true,
        "view" => false,
        _ => not_download.is_none(),
    };
    let hint = match class {
        SecurityClass::Terbatas => f.t("Hanya untuk kantor tertentu.", "For named offices only."),
        _ => f.t("Berkas asli, utuh.", "The original file, as it is."),
    };
    vec![
        Choice {
            value: "download".into(),
            label: f.t("Melihat dan mengunduh", "View and download"),
            hint,
            is_chosen: download_chosen && not_download.is_none(),
            why_not: not_download,
        },
        Choice {
            value: "view".into(),
            label: f.t("Melihat saja, dengan tanda air", "View only, with a watermark"),
            hint: f.t(
                "Nama penerima dan waktu tercetak di tiap halaman. Layar tetap dapat difoto.",
                "The recipient and the time are printed on each page. A screen can still be photographed.",
            ),
            is_chosen: !download_chosen && not_view.is_none(),
            why_not: not_view,
        },
    ]
}

pub fn lives(f: &Frame, longest: u64, fields: &Fields) -> Vec<Choice> {
    let chosen = fields.given("berlaku").unwrap_or_else(|| "7".into());
    let offered = [
        (1, f.t("1 hari", "1 day")),
        (7, f.t("7 hari", "7 days")),
        (30, f.t("30 hari", "30 days")),
        (365, f.t("1 tahun", "1 year")),
    ];
    let choice = |(days, label): (u64, &'static str)| Choice {
        value: days.to_string(),
        label,
        hint: "",
        is_chosen: days <= longest && chosen == days.to_string(),
        why_not: (days > longest).then(|| {
            format!("{} {longest} {}", f.t("Sifat ini paling lama", "This class allows at most"), f.t("hari.", "days."))
        }),
    };
    offered.map(choice).into()
}
