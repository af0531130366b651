//! Bagikan: one form that offers what the document's class allows and greys the rest with the reason; then the link, once.

use std::time::Duration;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use jiff::{ToSpan, civil};

use super::{
    form::{Fields, Mistakes},
    frame::{Frame, Signed},
    page::{show, show_as},
    qr::{self, Qr},
    sentences,
};
use crate::{
    access::Act,
    app::App,
    clock::Time,
    desk::{documents::load, shared::subject},
    document::{Document, SecurityClass},
    error::{Error, Result, say},
    http::Path,
    id::{DocumentId, LinkId, OfficeId},
    office,
    share::{self, Asked, Audience, AudienceKind, LinkState, NewLink, Rights},
};

#[derive(Template)]
#[template(path = "share.html")]
struct SharePage {
    f: Frame,
    mistakes: Mistakes,
    id: DocumentId,
    title: String,
    class: &'static str,
    no_links: bool,
    no_links_reason: String,
    audiences: Vec<Choice>,
    rights: Vec<Choice>,
    lives: Vec<Choice>,
    offices: Vec<(usize, String)>,
    names: Vec<String>,
    emails: String,
    until: String,
    max_opens: String,
    label: String,
    notify: bool,
    is_open: bool,
    needs_release: bool,
}

struct Choice {
    value: String,
    label: &'static str,
    hint: &'static str,
    is_chosen: bool,
    /// Why it cannot be chosen.
    why_not: Option<String>,
}

#[derive(Template)]
#[template(path = "made.html")]
struct MadePage {
    f: Frame,
    url: String,
    message: String,
    qr: Option<Qr>,
    to: String,
    rights: &'static str,
    until: String,
    link: LinkId,
    document: DocumentId,
    is_pending: bool,
}

pub async fn show_form(State(app): State<App>, signed: Signed, Path(id): Path<DocumentId>) -> Result<Response> {
    let document = load(&app, &signed.caller.actor, id, Act::Share).await?;
    document.must_be_own()?;
    show(&form(&app, signed.frame, &document, &Fields::default(), Mistakes::default()).await?)
}

pub async fn make(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<DocumentId>,
    fields: Fields,
) -> Result<Response> {
    let Signed { frame: f, caller } = signed;
    let document = load(&app, &caller.actor, id, Act::Share).await?;
    document.must_be_own()?;
    let made: Result<NewLink> = async {
        let terms = app.sharing.terms(asked(&app, &f, &fields).await?).await?;
        let mut tx = app.db.write().await?;
        let made = app.sharing.grant(&mut tx, &caller.actor, &caller.origin, subject(&document), &terms).await?;
        tx.commit().await?;
        Ok(made)
    }
    .await;
    match made {
        Ok(made) => {
            app.nudge();
            show(&told(&app, f, &document, made).await?)
        }
        Err(error) => {
            let mistakes = Mistakes::of(error, &f, NAMES)?;
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &form(&app, f, &document, &fields, mistakes).await?)
        }
    }
}

const NAMES: &[(&str, &str)] = &[
    ("/audience/offices", "kantor"),
    ("/audience/emails", "surel"),
    ("/audience", "untuk"),
    ("/rights", "hak"),
    ("/password", "kata_sandi"),
    ("/expires_at", "berlaku"),
    ("/max_opens", "kali"),
    ("/label", "label"),
    ("audience-too-wide", "untuk"),
    ("mail-not-configured", "untuk"),
    ("rights-too-wide", "hak"),
    ("life-too-long", "berlaku"),
];

/// The terms that the form asks for.
async fn asked(app: &App, f: &Frame, fields: &Fields) -> Result<Asked> {
    let audience = match fields.text("untuk") {
        "offices" => Audience::Offices { offices: offices(app, fields).await? },
        "email" => {
            let lines = fields.text("surel").split([',', '\n', '\r', ' ']).map(str::trim);
            Audience::Email { emails: lines.filter(|line| !line.is_empty()).map(str::to_owned).collect() }
        }
        "anyone" => Audience::Anyone {},
        _ => return Err(Error::invalid("/audience", say("Pilih untuk siapa.", "Choose for whom."))),
    };
    let rights = if fields.text("hak") == "download" { Rights::Download } else { Rights::View };
    let max_opens = match fields.given("kali") {
        Some(text) => Some(text.parse().map_err(|_| {
            Error::invalid(
                "/max_opens",
                say("Isi dengan bilangan, atau kosongkan.", "Give a number, or leave it empty."),
            )
        })?),
        None => None,
    };
    Ok(Asked {
        audience,
        rights,
        password: fields.given("kata_sandi"),
        opens_from: None,
        expires_at: expiry(app, f, fields)?,
        max_opens,
        label: fields.given("label"),
        notify: Some(fields.has("kabari")),
    })
}

/// A day that is named counts to its end in the regency; otherwise so many days from now.
fn expiry(app: &App, f: &Frame, fields: &Fields) -> Result<Time> {
    if let Some(day) = fields.given("sampai") {
        let end = day.parse::<civil::Date>().ok().and_then(|day| {
            let next = day.checked_add(1.day()).ok()?.to_zoned(f.zone().clone()).ok()?;
            Some(Time(next.timestamp().as_millisecond() - 1000))
        });
        return end.ok_or_else(|| {
            Error::invalid("/expires_at", say("Tanggal ini tidak dapat dibaca.", "This date cannot be read."))
        });
    }
    let days: u64 = fields.text("berlaku").parse().unwrap_or(7).min(366);
    Ok(app.clock.now().plus(Duration::from_secs(days * 24 * 3600)))
}

/// Offices by name, short name or code. A name that fits none, or several, is told with what comes near.
async fn offices(app: &App, fields: &Fields) -> Result<Vec<OfficeId>> {
    let mut tx = app.db.read().await?;
    let mut found = Vec::new();
    for typed in fields.all("kantor").iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if let Some(office) = office::by_code(&mut tx, typed).await? {
            found.push(office.id);
            continue;
        }
        let near = office::list(&mut tx, None, Some(typed), None, 200).await?;
        let same = |text: &String| text.eq_ignore_ascii_case(typed);
        let exact: Vec<_> = near.iter().filter(|one| same(&one.name) || one.aliases.iter().any(same)).collect();
        match (exact.as_slice(), near.as_slice()) {
            ([one], _) => found.push(one.id),
            ([], [one]) => found.push(one.id),
            _ => return Err(unknown_office(typed, near.iter().map(|one| one.name.as_str()))),
        }
    }
    Ok(found)
}

fn unknown_office<'a>(typed: &str, near: impl Iterator<Item = &'a str>) -> Error {
    let near: Vec<&str> = near.take(4).collect();
    let (id, en) = if near.is_empty() {
        (
            format!("Kantor “{typed}” tidak ditemukan. Pilih dari daftar."),
            format!("No office “{typed}”. Choose from the list."),
        )
    } else {
        let near = near.join("; ");
        (
            format!("“{typed}” dapat berarti beberapa kantor: {near}."),
            format!("“{typed}” may be several offices: {near}."),
        )
    };
    Error::invalid("/audience/offices", say(id, en))
}

async fn form(app: &App, f: Frame, document: &Document, fields: &Fields, mistakes: Mistakes) -> Result<SharePage> {
    let class = document.class();
    let mut tx = app.db.read().await?;
    let own = document.office;
    let all = office::list(&mut tx, None, None, None, 1000).await?;
    let names = all.into_iter().filter(|office| office.id != own).map(|office| office.name).collect();
    let mut offices = fields.all("kantor");
    offices.retain(|name| !name.trim().is_empty());
    offices.resize((offices.len() + 1).max(3), String::new());
    let longest = share::longest_days(class);
    let no_links_reason = share::why_not(class, AudienceKind::Offices, Rights::View)
        .filter(|_| longest.is_none())
        .map(|error| f.say(error.detail()))
        .unwrap_or_default();
    Ok(SharePage {
        id: document.id,
        title: document.details.title.clone(),
        class: sentences::class(&f, class),
        no_links: longest.is_none(),
        no_links_reason,
        audiences: audiences(app, &f, class, fields),
        rights: rights(&f, document, fields),
        lives: lives(&f, longest.unwrap_or(0), fields),
        offices: offices.into_iter().enumerate().collect(),
        names,
        emails: fields.text("surel").to_owned(),
        until: fields.text("sampai").to_owned(),
        max_opens: fields.text("kali").to_owned(),
        label: fields.text("label").to_owned(),
        notify: fields.has("kabari"),
        is_open: fields.given("kali").or(fields.given("label")).is_some() || mistakes.at("kata_sandi").is_some(),
        needs_release: share::needs_release(class),
        mistakes,
        f,
    })
}

fn audiences(app: &App, f: &Frame, class: SecurityClass, fields: &Fields) -> Vec<Choice> {
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

fn rights(f: &Frame, document: &Document, fields: &Fields) -> Vec<Choice> {
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

fn lives(f: &Frame, longest: u64, fields: &Fields) -> Vec<Choice> {
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

async fn told(app: &App, f: Frame, document: &Document, made: NewLink) -> Result<MadePage> {
    let url = made.url(app.public_url());
    let link = made.link;
    let names = match &link.audience {
        Audience::Offices { offices } => {
            let mut tx = app.db.read().await?;
            office::briefs(&mut tx, offices).await?.into_iter().map(|office| office.name).collect()
        }
        _ => Vec::new(),
    };
    let until = f.moment(&link.expires_at);
    let message = format!(
        "{} {}\n{url}\n{} {until}.",
        document.owner.name,
        f.t(
            "membagikan sebuah dokumen kepada Anda melalui Lumbung. Buka:",
            "shares a document with you through Lumbung. Open:"
        ),
        f.t("Berlaku sampai", "Valid until")
    );
    Ok(MadePage {
        message,
        qr: qr::of(&url),
        to: sentences::audience(&f, &link, &names),
        rights: sentences::rights(&f, link.rights),
        until,
        link: link.id,
        document: document.id,
        is_pending: link.state == LinkState::Pending,
        url,
        f,
    })
}
