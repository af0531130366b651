//! The terms of a link: checked once, here. What a class allows of them is in [`policy`](super::policy).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Time,
    config::Config,
    error::{Error, Kind, Result, say},
    id::OfficeId,
};

/// The terms as a request writes them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LinkTerms)]
pub struct Asked {
    pub audience: Audience,
    pub rights: Rights,
    /// `links.min_password` to `links.max_password` characters.
    #[serde(default)]
    pub password: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opens_from: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    #[serde(default)]
    /// At most `links.max_opens`.
    #[schema(minimum = 1)]
    pub max_opens: Option<i64>,
    /// For the own office's list; the recipient never sees it. At most `links.max_label` characters.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether each opening is told by mail to the maker.
    #[serde(default)]
    pub notify: Option<bool>,
}

/// Who may open a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[schema(as = LinkAudience)]
pub enum Audience {
    /// Anyone who has the link.
    Anyone {},
    /// Signed-in members of these offices.
    Offices { offices: Vec<OfficeId> },
    /// Whoever proves one of these addresses by a one-time code.
    Email { emails: Vec<String> },
}

impl Audience {
    pub fn kind(&self) -> AudienceKind {
        match self {
            Audience::Anyone {} => AudienceKind::Anyone,
            Audience::Offices { .. } => AudienceKind::Offices,
            Audience::Email { .. } => AudienceKind::Email,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudienceKind {
    Anyone,
    Offices,
    Email,
}

impl AudienceKind {
    pub const ALL: [AudienceKind; 3] = [AudienceKind::Anyone, AudienceKind::Offices, AudienceKind::Email];

    pub fn as_str(self) -> &'static str {
        match self {
            AudienceKind::Anyone => "anyone",
            AudienceKind::Offices => "offices",
            AudienceKind::Email => "email",
        }
    }

    pub(super) fn parse(text: &str) -> Option<AudienceKind> {
        AudienceKind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What an opening gives: page pictures with a watermark, or the original too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = LinkRights)]
pub enum Rights {
    View,
    Download,
}

impl Rights {
    pub const ALL: [Rights; 2] = [Rights::View, Rights::Download];

    pub fn as_str(self) -> &'static str {
        match self {
            Rights::View => "view",
            Rights::Download => "download",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Rights> {
        Rights::ALL.into_iter().find(|rights| rights.as_str() == text)
    }
}

/// Terms that are complete and make sense, made by [`Sharing::terms`](super::Sharing::terms). Of a password they hold the
/// hash.
#[derive(Clone, Debug)]
pub struct Terms {
    pub(super) audience: Audience,
    pub(super) rights: Rights,
    pub(super) password: Option<String>,
    pub(super) opens_from: Option<Time>,
    pub(super) expires_at: Time,
    pub(super) max_opens: Option<i64>,
    pub(super) label: String,
    pub(super) notify: bool,
}

impl Terms {
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    pub fn rights(&self) -> Rights {
        self.rights
    }

    pub fn expires_at(&self) -> Time {
        self.expires_at
    }
}

/// What bounds terms besides the class: named limits, and whether mail can be sent at all.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub offices: usize,
    pub emails: usize,
    /// Characters, as those of passwords.
    pub label: usize,
    pub min_password: usize,
    pub max_password: usize,
    pub max_opens: i64,
    /// What the terms of an upload-only link may be.
    pub drop_days: u64,
    pub drop_files: i64,
    pub drop_bytes: i64,
    pub drop_types: usize,
    pub has_mail: bool,
}

impl Bounds {
    pub(super) fn of(config: &Config, has_mail: bool) -> Bounds {
        let (limits, links) = (&config.limits, &config.links);
        Bounds {
            offices: limits.offices_per_link,
            emails: limits.emails_per_link,
            label: links.max_label,
            min_password: links.min_password,
            max_password: links.max_password,
            max_opens: links.max_opens,
            drop_days: links.drop_days,
            drop_files: links.drop_files,
            drop_bytes: links.drop_bytes,
            drop_types: links.drop_types,
            has_mail,
        }
    }
}

impl Asked {
    /// Every mistake of the request at once.
    pub(super) fn checked(self, now: Time, bounds: Bounds) -> Result<Terms> {
        let mut mistakes = Mistakes::default();
        let audience = checked_audience(self.audience, bounds, &mut mistakes);
        mistakes.password(self.password.as_deref(), bounds);
        mistakes.expiry(self.expires_at, now);
        if self.opens_from.is_some_and(|from| from >= self.expires_at) {
            mistakes.add("/opens_from", "Waktu buka harus sebelum waktu berakhir.", "It must open before it ends.");
        }
        mistakes.max_opens(self.max_opens, bounds);
        let label = mistakes.label(self.label, bounds);
        mistakes.done()?;
        if audience.kind() == AudienceKind::Email && !bounds.has_mail {
            return Err(no_mail());
        }
        Ok(Terms {
            audience,
            rights: self.rights,
            password: None,
            opens_from: self.opens_from,
            expires_at: self.expires_at,
            max_opens: self.max_opens,
            label,
            notify: self.notify.unwrap_or(false),
        })
    }
}

fn checked_audience(audience: Audience, bounds: Bounds, mistakes: &mut Mistakes) -> Audience {
    match audience {
        Audience::Anyone {} => audience,
        Audience::Offices { offices } => {
            mistakes.count("/audience/offices", offices.len(), bounds.offices);
            let distinct: BTreeSet<OfficeId> = offices.into_iter().collect();
            Audience::Offices { offices: distinct.into_iter().collect() }
        }
        Audience::Email { emails } => {
            mistakes.count("/audience/emails", emails.len(), bounds.emails);
            let mut distinct = BTreeSet::new();
            for (n, email) in emails.into_iter().enumerate() {
                match crate::mail::address(&email) {
                    Some(address) => drop(distinct.insert(address)),
                    None => mistakes.add(
                        format!("/audience/emails/{n}"),
                        "Bukan alamat surel; contoh: nama@contoh.go.id.",
                        "Not an e-mail address; example: name@example.go.id.",
                    ),
                }
            }
            Audience::Email { emails: distinct.into_iter().collect() }
        }
    }
}

/// Mail cannot be sent, so an address cannot be proven: the audience is not offered rather than weakened.
fn no_mail() -> Error {
    Error::new(
        Kind::Invalid,
        "mail-not-configured",
        say(
            "Tautan untuk alamat surel belum tersedia: peladen surel (mail.host) belum diatur. Pilih kantor tertentu, atau minta operator mengaturnya.",
            "Links for an e-mail address are not offered: no mail server (mail.host) is configured. Choose named offices, or ask the operator.",
        ),
    )
}

/// Collects the mistakes in the fields of a request.
#[derive(Default)]
pub(super) struct Mistakes(Option<Error>);

impl Mistakes {
    pub(super) fn add(&mut self, pointer: impl Into<String>, id: impl Into<String>, en: impl Into<String>) {
        let detail = say(id.into(), en.into());
        self.0 = Some(match self.0.take() {
            None => Error::invalid(pointer, detail),
            Some(error) => error.field(pointer, detail),
        });
    }

    pub(super) fn done(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }

    fn count(&mut self, pointer: &str, count: usize, most: usize) {
        if count == 0 || count > most {
            self.add(pointer, format!("Isi 1 sampai {most}."), format!("Give 1 to {most}."));
        }
    }

    pub(super) fn password(&mut self, password: Option<&str>, bounds: Bounds) {
        let Bounds { min_password: least, max_password: most, .. } = bounds;
        if password.is_some_and(|password| !(least..=most).contains(&password.chars().count())) {
            self.add(
                "/password",
                format!("Kata sandi tautan {least} sampai {most} huruf."),
                format!("A link's password has {least} to {most} characters."),
            );
        }
    }

    pub(super) fn expiry(&mut self, expires_at: Time, now: Time) {
        if expires_at <= now {
            self.add("/expires_at", "Waktu berakhir harus di masa depan.", "It must end in the future.");
        }
    }

    pub(super) fn max_opens(&mut self, max_opens: Option<i64>, bounds: Bounds) {
        let most = bounds.max_opens;
        if max_opens.is_some_and(|asked| !(1..=most).contains(&asked)) {
            self.add(
                "/max_opens",
                format!("Isi 1 sampai {most}, atau kosongkan."),
                format!("Give 1 to {most}, or leave it out."),
            );
        }
    }

    pub(super) fn label(&mut self, label: Option<String>, bounds: Bounds) -> String {
        let (label, most) = (label.unwrap_or_default().trim().to_owned(), bounds.label);
        if label.chars().count() > most || label.chars().any(char::is_control) {
            self.add(
                "/label",
                format!("Paling banyak {most} huruf, tanpa huruf kendali."),
                format!("At most {most} characters, no control characters."),
            );
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Time = Time(1_800_000_000_000);
    const BOUNDS: Bounds = Bounds {
        offices: 250,
        emails: 50,
        label: 200,
        min_password: 4,
        max_password: 200,
        max_opens: 1_000_000,
        drop_days: 366,
        drop_files: 10_000,
        drop_bytes: 1 << 40,
        drop_types: 50,
        has_mail: true,
    };

    fn asked(json: &str) -> Asked {
        let end = NOW.plus(Duration::from_secs(3600)).rfc3339();
        serde_json::from_str(&json.replace("LATER", &end)).expect("json of a test")
    }

    fn pointers(json: &str) -> Vec<String> {
        match asked(json).checked(NOW, BOUNDS) {
            Ok(_) => Vec::new(),
            Err(error) => error.fields().iter().map(|field| field.pointer.clone()).collect(),
        }
    }

    #[test]
    fn the_shortest_terms_are_enough() {
        let terms =
            asked(r#"{"audience":{"kind":"anyone"},"rights":"view","expires_at":"LATER"}"#).checked(NOW, BOUNDS);
        assert!(terms.is_ok_and(|terms| !terms.notify && terms.label.is_empty() && terms.password.is_none()));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let json = r#"{"audience":{"kind":"email","emails":["a@b.go.id","x\r\nBcc: y@z.id"]},"rights":"view",
            "expires_at":"2020-01-01T00:00:00Z","opens_from":"2021-01-01T00:00:00Z","max_opens":0,"password":"","label":"a\nb"}"#;
        assert_eq!(
            pointers(json),
            ["/audience/emails/1", "/password", "/expires_at", "/opens_from", "/max_opens", "/label"]
        );
    }

    #[test]
    fn a_field_that_is_not_known_is_refused_in_the_audience_too() {
        for json in [
            r#"{"audience":{"kind":"anyone","offices":[]},"rights":"view","expires_at":"2030-01-01T00:00:00Z"}"#,
            r#"{"audience":{"kind":"anyone"},"rights":"view","expires_at":"2030-01-01T00:00:00Z","pasword":"x"}"#,
            r#"{"audience":{"kind":"everyone"},"rights":"view","expires_at":"2030-01-01T00:00:00Z"}"#,
            r#"{"audience":{"kind":"anyone"},"rights":"edit","expires_at":"2030-01-01T00:00:00Z"}"#,
        ] {
            assert!(serde_json::from_str::<Asked>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn without_a_mail_server_the_audience_email_is_refused_with_the_reason() {
        let json = r#"{"audience":{"kind":"email","emails":["a@b.go.id"]},"rights":"view","expires_at":"LATER"}"#;
        let refusal = asked(json).checked(NOW, Bounds { has_mail: false, ..BOUNDS }).expect_err("refused");
        assert_eq!((refusal.slug(), refusal.status()), ("mail-not-configured", 422));
        assert!(refusal.detail().en.contains("mail.host"));
    }

    #[test]
    fn addresses_are_one_whatever_their_case() {
        let json = r#"{"audience":{"kind":"email","emails":["Sekdes@Desa.id","sekdes@desa.id "]},"rights":"view","expires_at":"LATER"}"#;
        let terms = asked(json).checked(NOW, BOUNDS).expect("valid");
        assert_eq!(*terms.audience(), Audience::Email { emails: vec!["sekdes@desa.id".into()] });
    }

    #[test]
    fn nobody_is_no_audience() {
        let json = r#"{"audience":{"kind":"offices","offices":[]},"rights":"view","expires_at":"LATER"}"#;
        assert_eq!(pointers(json), ["/audience/offices"]);
    }
}
