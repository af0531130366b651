//! What every page needs to know: the language, who is signed in for which office, where we are; and how dates, times and
//! sizes are written for people.

use axum::{extract::FromRequestParts, http::request::Parts};
use jiff::{civil, tz::TimeZone};

use super::assets;
use crate::{
    access::{Act, Actor},
    account,
    app::App,
    clock::Time,
    error::{Error, Result, Say},
    http::{Caller, Lang, Who},
    office::Brief,
};

#[derive(Clone, Debug)]
pub struct Frame {
    pub lang: Lang,
    /// Path and query of this page, to come back to.
    pub here: String,
    /// What stands in the search box.
    pub question: String,
    /// Of a longer one only the beginning is asked.
    pub max_question: usize,
    pub card: Option<Card>,
    zone: TimeZone,
}

/// Who is signed in, as the head of the page shows it.
#[derive(Clone, Debug)]
pub struct Card {
    pub name: String,
    pub office: Brief,
    /// Offices in which the same person could act instead.
    pub others: Vec<Brief>,
    pub may_read: bool,
    pub may_upload: bool,
    pub may_edit: bool,
}

/// A page for anybody.
#[derive(Debug)]
pub struct Visit {
    pub frame: Frame,
    pub who: Who,
}

/// A page for somebody who is signed in.
#[derive(Debug)]
pub struct Signed {
    pub frame: Frame,
    pub caller: Caller,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Visit> {
        let who = Who::from_request_parts(parts, app).await?;
        let mut frame = Frame::plain(app, parts);
        if let Some(actor) = &who.actor {
            frame.card = Some(card(app, actor).await?);
        }
        Ok(Visit { frame, who })
    }
}

impl FromRequestParts<App> for Signed {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Signed> {
        let Visit { frame, who: Who { actor, origin } } = Visit::from_request_parts(parts, app).await?;
        Ok(Signed { frame, caller: Caller { actor: actor.ok_or_else(Error::unauthorized)?, origin } })
    }
}

async fn card(app: &App, actor: &Actor) -> Result<Card> {
    let mut tx = app.db.read().await?;
    let person = account::person(&mut tx, actor.person()).await?.ok_or_else(Error::unauthorized)?;
    let mut offices: Vec<Brief> = Vec::new();
    for post in account::postings(&mut tx, &app.clock, actor.person()).await? {
        if !offices.contains(&post.office) {
            offices.push(post.office);
        }
    }
    let at = offices.iter().position(|office| office.id == actor.office()).ok_or_else(Error::unauthorized)?;
    let office = offices.remove(at);
    Ok(Card {
        name: person.name,
        office,
        others: offices,
        may_read: actor.may(Act::Read),
        may_upload: actor.may(Act::Upload),
        may_edit: actor.may(Act::Edit),
    })
}

impl Frame {
    /// For nobody in particular.
    pub fn plain(app: &App, parts: &Parts) -> Frame {
        Frame {
            lang: parts.extensions.get::<Lang>().copied().unwrap_or(Lang::Id),
            here: parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned(),
            question: String::new(),
            max_question: app.config.search.max_question_chars,
            card: None,
            zone: app.zone.clone(),
        }
    }

    /// A text in the reader's language.
    pub fn t<'a>(&self, id: &'a str, en: &'a str) -> &'a str {
        match self.lang {
            Lang::Id => id,
            Lang::En => en,
        }
    }

    pub fn say(&self, said: &Say) -> String {
        self.lang.of(said).to_owned()
    }

    pub fn asset(&self, name: &str) -> &'static str {
        assets::address(name)
    }

    pub fn is_english(&self) -> bool {
        self.lang == Lang::En
    }

    /// Whether this page stands under the heading of a path.
    pub fn is_at(&self, path: &str) -> bool {
        let here = self.here.split('?').next().unwrap_or("/");
        here == path || path != "/" && here.starts_with(&format!("{path}/"))
    }

    /// "15 Desember 2021".
    pub fn date(&self, day: &civil::Date) -> String {
        let months = match self.lang {
            Lang::Id => &MONTHS_ID,
            Lang::En => &MONTHS_EN,
        };
        format!("{} {} {}", day.day(), months[day.month() as usize - 1], day.year())
    }

    /// The same from `YYYY-MM-DD`, as details hold it.
    pub fn written(&self, day: &str) -> String {
        day.parse().map_or_else(|_| day.to_owned(), |day| self.date(&day))
    }

    pub fn day(&self, at: &Time) -> String {
        self.date(&at.day(&self.zone))
    }

    /// "15 Desember 2021, 10.32 WIB".
    pub fn moment(&self, at: &Time) -> String {
        let zoned = at.timestamp().to_zoned(self.zone.clone());
        let time = zoned.strftime(self.t("%H.%M %Z", "%H:%M %Z")).to_string();
        format!("{}, {time}", self.date(&zoned.date()))
    }

    /// "1,4 MB".
    pub fn size(&self, bytes: &i64) -> String {
        let (mut value, mut unit) = (*bytes as f64, 0);
        while value >= 1000.0 && unit + 1 < UNITS.len() {
            value /= 1000.0;
            unit += 1;
        }
        let number = if unit == 0 || value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") };
        format!("{} {}", if self.is_english() { number } else { number.replace('.', ",") }, UNITS[unit])
    }

    /// "12.345" in Indonesian, "12,345" in English.
    pub fn number(&self, number: &usize) -> String {
        let digits = number.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(if self.is_english() { ',' } else { '.' });
            }
            out.push(digit);
        }
        out
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

const MONTHS_ID: [&str; 12] = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(lang: Lang) -> Frame {
        let zone = TimeZone::get("Asia/Jakarta").expect("bundled");
        Frame { lang, here: "/dokumen/doc_1?q=a".into(), question: String::new(), max_question: 100, card: None, zone }
    }

    #[test]
    fn dates_and_times_are_written_as_people_write_them() {
        let at = Time::parse("2021-12-15T03:32:10Z").expect("valid");
        assert_eq!(frame(Lang::Id).moment(&at), "15 Desember 2021, 10.32 WIB");
        assert_eq!(frame(Lang::En).moment(&at), "15 December 2021, 10:32 WIB");
        assert_eq!(frame(Lang::Id).written("2021-08-07"), "7 Agustus 2021");
        assert_eq!(frame(Lang::Id).written("entah"), "entah");
    }

    #[test]
    fn sizes_and_numbers_follow_the_language() {
        assert_eq!(frame(Lang::Id).size(&1_437_000), "1,4 MB");
        assert_eq!(frame(Lang::En).size(&30_210), "30.2 kB");
        assert_eq!(frame(Lang::Id).size(&999), "999 B");
        assert_eq!(frame(Lang::Id).number(&1_234_567), "1.234.567");
        assert_eq!(frame(Lang::En).number(&124_128), "124,128");
    }

    #[test]
    fn a_page_knows_the_heading_that_it_stands_under() {
        let frame = frame(Lang::Id);
        assert!(frame.is_at("/dokumen") && !frame.is_at("/dok") && !frame.is_at("/"));
    }
}
