//! Cari: page hits with the words marked. Every filter lives in the address.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;

use super::{
    frame::{Frame, Signed},
    page::{quoted, show},
    sentences,
};
use crate::{
    access::Act,
    app::App,
    desk::{
        documents::Item,
        search::{Facet, Found, FoundItem, FoundSnippet, Order, SearchQuery, find},
    },
    document::SecurityClass,
    error::Result,
};

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    f: Frame,
    total: usize,
    is_near: bool,
    /// Below the matches stand some that only come near.
    has_near: bool,
    is_filtered: bool,
    newest: bool,
    hits: Vec<Hit>,
    groups: Vec<Group>,
    chosen: Vec<Chip>,
    /// What the form for class and dates keeps of the address.
    kept: Vec<(&'static str, String)>,
    classes: Vec<(&'static str, &'static str, bool)>,
    from: String,
    to: String,
    by_relevance: String,
    by_date: String,
    unfiltered: String,
    did_you_mean: Option<(String, String)>,
    next: Option<String>,
}

struct Hit {
    title: String,
    href: String,
    picture: Option<String>,
    about: String,
    is_listed: bool,
    /// Came by an upload-only link.
    is_from_outside: bool,
    pieces: Vec<(String, bool)>,
    page: Option<u32>,
    more_pages: usize,
    near: bool,
}

struct Group {
    title: &'static str,
    facets: Vec<Shown>,
}

struct Shown {
    label: String,
    count: usize,
    href: String,
    is_chosen: bool,
}

struct Chip {
    label: String,
    href: String,
}

/// The address of a search. What it does not know or cannot read is left out rather than refused: addresses are sent around
/// and cut short.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    office: String,
    kind: String,
    year: String,
    security_class: String,
    classification: String,
    from: String,
    to: String,
    sort: String,
    cursor: String,
}

impl Asked {
    fn query(&self) -> SearchQuery {
        let given = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        let day = |text: &str| given(text).filter(|text| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok());
        let year = self.year.parse::<i16>().ok().filter(|year| (1000..=9999).contains(year));
        SearchQuery {
            q: self.q.clone(),
            office: self.office.parse().ok(),
            kind: given(&self.kind),
            security_class: SecurityClass::parse(&self.security_class),
            classification: given(&self.classification),
            from: day(&self.from).or(year.map(|year| format!("{year}-01-01"))),
            to: day(&self.to).or(year.map(|year| format!("{year}-12-31"))),
            sort: Some(if self.sort == "newest" { Order::Newest } else { Order::Relevance }),
            limit: None,
            cursor: given(&self.cursor),
        }
    }

    fn pairs(&self) -> [(&'static str, &String); 9] {
        [
            ("q", &self.q),
            ("office", &self.office),
            ("kind", &self.kind),
            ("year", &self.year),
            ("security_class", &self.security_class),
            ("classification", &self.classification),
            ("from", &self.from),
            ("to", &self.to),
            ("sort", &self.sort),
        ]
    }

    /// The address with one parameter changed; an empty value takes it away. Never keeps the place in the list.
    fn with(&self, name: &str, value: &str) -> String {
        let kept = self.pairs().map(|(key, old)| (key, if key == name { value } else { old.as_str() }));
        let parts: Vec<String> = kept
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{key}={}", quoted(value)))
            .collect();
        format!("/cari?{}", parts.join("&"))
    }

    fn filters(&self) -> impl Iterator<Item = (&'static str, &String)> {
        self.pairs().into_iter().filter(|(name, value)| !["q", "sort"].contains(name) && !value.is_empty())
    }
}

pub async fn page(State(app): State<App>, signed: Signed, Query(asked): Query<Asked>) -> Result<Response> {
    let Signed { frame: mut f, caller } = signed;
    caller.actor.must(Act::Read)?;
    f.question = asked.q.clone();
    let found = find(&app, &caller.actor, f.lang, asked.query()).await?;
    let groups = groups(&f, &asked, &found);
    let chosen = chips(&f, &asked, &found);
    let next = found.next_cursor.as_ref().map(|cursor| format!("{}&cursor={cursor}", asked.with("", "")));
    let did_you_mean = found.did_you_mean.clone().map(|word| {
        let href = asked.with("q", &word);
        (word, href)
    });
    show(&SearchPage {
        total: found.total,
        is_near: found.items.first().is_some_and(|item| item.near),
        has_near: found.items.iter().any(|item| item.near),
        is_filtered: asked.filters().next().is_some(),
        newest: asked.sort == "newest",
        hits: found.items.into_iter().map(|item| hit(&f, &asked.q, item)).collect(),
        groups,
        chosen,
        kept: asked
            .pairs()
            .into_iter()
            .filter(|(name, value)| !["from", "to", "security_class"].contains(name) && !value.is_empty())
            .map(|(name, value)| (name, value.clone()))
            .collect(),
        classes: SecurityClass::ALL
            .iter()
            .map(|class| (class.as_str(), sentences::class(&f, *class), class.as_str() == asked.security_class))
            .collect(),
        from: asked.from.clone(),
        to: asked.to.clone(),
        by_relevance: asked.with("sort", ""),
        by_date: asked.with("sort", "newest"),
        unfiltered: format!("/cari?q={}", quoted(&asked.q)),
        did_you_mean,
        next,
        f,
    })
}

fn hit(f: &Frame, q: &str, found: FoundItem) -> Hit {
    let FoundItem { document, page, near, snippet, more_pages, .. } = found;
    match document {
        Item::Listed(listed) => Hit {
            href: format!("/dokumen/{}", listed.id),
            about: listed.office.name,
            title: listed.title,
            picture: None,
            is_listed: true,
            is_from_outside: false,
            pieces: Vec::new(),
            page: None,
            more_pages: 0,
            near,
        },
        Item::Whole(shown) => {
            let day = shown.date.as_ref().map_or_else(|| f.day(&shown.received_at), |day| f.written(day));
            let mut about = vec![shown.office.name.clone(), day];
            about.extend(shown.number.clone());
            if shown.security_class != SecurityClass::Biasa {
                about.push(sentences::class(f, shown.security_class).to_owned());
            }
            let number = page.unwrap_or(1);
            let has_page = shown.pages.is_some_and(|pages| i64::from(number) <= pages) && !shown.details_damaged;
            let has_picture = has_page && draws(&shown.media_type);
            Hit {
                href: format!("/dokumen/{}?q={}&hal={number}", shown.id, quoted(q)),
                picture: has_picture.then(|| format!("/api/v1/documents/{}/pages/{number}/image?width=240", shown.id)),
                about: about.join(" · "),
                title: shown.title,
                is_listed: false,
                is_from_outside: shown.origin == "drop",
                pieces: snippet.map(pieces).unwrap_or_default(),
                page,
                more_pages,
                near,
            }
        }
    }
}

/// Whether pages of this type have pictures, so that a result does not ask for one that cannot be.
fn draws(media_type: &str) -> bool {
    media_type == "application/pdf" || media_type.starts_with("image/")
}

/// The snippet in pieces, each marked or not. Highlights count code points.
fn pieces(snippet: FoundSnippet) -> Vec<(String, bool)> {
    let letters: Vec<char> = snippet.text.chars().collect();
    let mut pieces = Vec::new();
    let mut at = 0;
    for (start, end) in snippet.highlights {
        let (start, end) = (start.min(letters.len()).max(at), end.min(letters.len()));
        if start >= end {
            continue;
        }
        if at < start {
            pieces.push((letters[at..start].iter().collect(), false));
        }
        pieces.push((letters[start..end].iter().collect(), true));
        at = end;
    }
    if at < letters.len() {
        pieces.push((letters[at..].iter().collect(), false));
    }
    pieces
}

fn groups(f: &Frame, asked: &Asked, found: &Found) -> Vec<Group> {
    let group = |title: &'static str, name: &str, chosen: &str, facets: &[Facet]| Group {
        title,
        facets: facets
            .iter()
            .take(12)
            .map(|facet| Shown {
                label: if name == "kind" { sentences::kind(f, &facet.label).to_owned() } else { facet.label.clone() },
                count: facet.count,
                is_chosen: facet.value == chosen,
                href: asked.with(name, if facet.value == chosen { "" } else { &facet.value }),
            })
            .collect(),
    };
    let all = [
        group(f.t("Kantor", "Office"), "office", &asked.office, &found.facets.office),
        group(f.t("Jenis", "Kind"), "kind", &asked.kind, &found.facets.kind),
        group(f.t("Tahun", "Year"), "year", &asked.year, &found.facets.year),
        group(
            f.t("Klasifikasi", "Classification"),
            "classification",
            &asked.classification,
            &found.facets.classification,
        ),
    ];
    all.into_iter().filter(|group| !group.facets.is_empty()).collect()
}

fn chips(f: &Frame, asked: &Asked, found: &Found) -> Vec<Chip> {
    let label =
        |name: &str, value: &str| match name {
            "office" => found.facets.office.iter().find(|facet| facet.value == value).map_or_else(
                || f.t("Kantor yang dipilih", "The chosen office").to_owned(),
                |facet| facet.label.clone(),
            ),
            "kind" => sentences::kind(f, value).to_owned(),
            "security_class" => SecurityClass::parse(value).map_or("", |class| sentences::class(f, class)).to_owned(),
            "from" => format!("{} {}", f.t("dari", "from"), f.written(value)),
            "to" => format!("{} {}", f.t("sampai", "up to"), f.written(value)),
            _ => value.to_owned(),
        };
    asked.filters().map(|(name, value)| Chip { label: label(name, value), href: asked.with(name, "") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_count_code_points_and_survive_nonsense() {
        let snippet = FoundSnippet { text: "é surat desa".into(), highlights: vec![(2, 7), (5, 9), (40, 50)] };
        let told: Vec<(String, bool)> = pieces(snippet);
        let expected = [("é ", false), ("surat", true), (" d", true), ("esa", false)];
        assert_eq!(told, expected.map(|(text, hit)| (text.to_owned(), hit)));
    }

    #[test]
    fn an_address_keeps_every_other_filter_and_forgets_the_place() {
        let asked = Asked { q: "surat & tanah".into(), year: "2021".into(), cursor: "x".into(), ..Asked::default() };
        assert_eq!(asked.with("kind", "laporan"), "/cari?q=surat%20%26%20tanah&kind=laporan&year=2021");
        assert_eq!(asked.with("year", ""), "/cari?q=surat%20%26%20tanah");
    }

    #[test]
    fn a_year_is_a_span_of_days() {
        let asked = Asked { year: "2021".into(), ..Asked::default() };
        let query = asked.query();
        assert_eq!((query.from.as_deref(), query.to.as_deref()), (Some("2021-01-01"), Some("2021-12-31")));
    }
}
