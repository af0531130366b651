//! Bagikan: one form that offers what the document's class allows and greys the rest with the reason; then the link, once.

use std::time::Duration;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use jiff::{ToSpan, civil};

use super::{
    form::{CONFIRMED, Fields, Mistakes},
    frame::{Frame, Signed},
    offers::{Choice, audiences, lives, rights},
    page::{show, show_as},
    qr::{self, Qr},
    sentences,
};
use crate::{
    access::Act,
    app::App,
    clock::Time,
    desk::{documents::load, shared::subject},
    document::Document,
    error::{Error, Result, say},
    http::Path,
    id::{DocumentId, OfficeId},
    office,
    share::{self, Asked, Audience, AudienceKind, Bounds, LinkState, NewLink, Rights},
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
    from: String,
    until: String,
    max_opens: String,
    label: String,
    notify: bool,
    is_open: bool,
    needs_release: bool,
    password: String,
    /// Its pages hold NIK or KK numbers: a link for anyone has to be confirmed.
    asks: bool,
    is_confirmed: bool,
    bounds: Bounds,
}

/// A link that was just made, with the secret that no other page shows.
#[derive(Template)]
#[template(path = "made.html")]
pub struct MadePage {
    pub f: Frame,
    pub url: String,
    pub message: String,
    pub qr: Option<Qr>,
    pub facts: Vec<(&'static str, String)>,
    /// Where to see what becomes of it, and the way back.
    pub follow: (String, &'static str),
    pub back: (String, &'static str),
    pub is_pending: bool,
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
        must_be_confirmed(&document, terms.audience(), &fields)?;
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
    ("/opens_from", "mulai"),
    ("/expires_at", "sampai"),
    ("/max_opens", "kali"),
    ("/label", "label"),
    ("/personal_data", CONFIRMED),
    ("audience-too-wide", "untuk"),
    ("mail-not-configured", "untuk"),
    ("rights-too-wide", "hak"),
    ("life-too-long", "berlaku"),
];

/// Whether a link for anyone has to be confirmed. Where the class allows none, the refusal says enough.
fn asks(document: &Document) -> bool {
    document.version.personal_data == Some(true)
        && share::why_not(document.class(), AudienceKind::Anyone, Rights::View).is_none()
}

fn must_be_confirmed(document: &Document, audience: &Audience, fields: &Fields) -> Result<()> {
    if !asks(document) || audience.kind() != AudienceKind::Anyone || fields.has(CONFIRMED) {
        return Ok(());
    }
    Err(Error::invalid(
        "/personal_data",
        say(
            "Dokumen ini memuat NIK atau nomor KK. Centang bahwa Anda sudah memeriksanya, atau bagikan kepada kantor tertentu.",
            "This document holds NIK or KK numbers. Tick that you have checked it, or share with named offices.",
        ),
    ))
}

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
        opens_from: opening(f, fields)?,
        expires_at: expiry(app, f, fields)?,
        max_opens,
        label: fields.given("label"),
        notify: Some(fields.has("kabari")),
    })
}

/// A day that is named counts to its end in the regency; otherwise so many days from now.
fn expiry(app: &App, f: &Frame, fields: &Fields) -> Result<Time> {
    if let Some(day) = fields.given("sampai") {
        let end = day.parse::<civil::Date>().ok().and_then(|day| beginning(f, day.checked_add(1.day()).ok()?));
        return end.map(|end| Time(end.0 - 1000)).ok_or_else(|| unreadable_day("/expires_at"));
    }
    let days: u64 = fields.text("berlaku").parse().unwrap_or(7).min(366);
    Ok(app.clock.now().plus(Duration::from_secs(days * 24 * 3600)))
}

/// A link may wait for a day; it opens as that day begins in the regency.
fn opening(f: &Frame, fields: &Fields) -> Result<Option<Time>> {
    let Some(day) = fields.given("mulai") else { return Ok(None) };
    let begins = day.parse::<civil::Date>().ok().and_then(|day| beginning(f, day));
    begins.map(Some).ok_or_else(|| unreadable_day("/opens_from"))
}

fn beginning(f: &Frame, day: civil::Date) -> Option<Time> {
    let begins = day.to_zoned(f.zone().clone()).ok()?;
    Some(Time(begins.timestamp().as_millisecond()))
}

fn unreadable_day(pointer: &str) -> Error {
    Error::invalid(pointer, say("Tanggal ini tidak dapat dibaca.", "This date cannot be read."))
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
        from: fields.text("mulai").to_owned(),
        until: fields.text("sampai").to_owned(),
        max_opens: fields.text("kali").to_owned(),
        label: fields.text("label").to_owned(),
        notify: fields.has("kabari"),
        is_open: ["kali", "label", "mulai", "kata_sandi"].iter().any(|name| fields.given(name).is_some())
            || mistakes.at("kata_sandi").is_some(),
        needs_release: share::needs_release(class),
        // A field that came back empty would make the link without its password.
        password: fields.text("kata_sandi").to_owned(),
        asks: asks(document),
        is_confirmed: fields.has(CONFIRMED),
        bounds: app.sharing.bounds(),
        mistakes,
        f,
    })
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
    let mut facts = vec![
        (f.t("Untuk", "For"), sentences::audience(&f, &link, &names)),
        (f.t("Boleh", "May"), sentences::rights(&f, link.rights).to_owned()),
    ];
    facts.extend(link.opens_from.map(|from| (f.t("Mulai", "From"), f.moment(&from))));
    facts.push((f.t("Sampai", "Until"), until));
    Ok(MadePage {
        message,
        qr: qr::of(&url),
        facts,
        follow: (format!("/tautan/{}", link.id), f.t("Lihat siapa yang membuka", "See who opens it")),
        back: (format!("/dokumen/{}", document.id), f.t("Kembali ke dokumen", "Back to the document")),
        is_pending: link.state == LinkState::Pending,
        url,
        f,
    })
}
