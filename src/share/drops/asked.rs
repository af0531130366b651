//! The terms of an upload-only link: checked once, here.

use std::time::Duration;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    clock::Time,
    error::{Error, Result, say},
    share::{Bounds, terms::Mistakes},
};

/// The terms as a request writes them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDropBox)]
pub struct DropAsked {
    /// What the office asks for, in at most `links.max_label` characters; the sender's page shows it only with the secret.
    label: String,
    /// At most `links.drop_days` from now.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
    /// At most `links.drop_files`.
    #[schema(minimum = 1)]
    max_files: i64,
    /// All files together; at most `links.drop_bytes`.
    #[schema(minimum = 1)]
    max_bytes: i64,
    /// Media types such as `application/pdf` or `image/*`, or short names such as `pdf`. Absent: every type. At most
    /// `links.drop_types`.
    #[serde(default)]
    types: Option<Vec<String>>,
    /// `links.min_password` to `links.max_password` characters.
    #[serde(default)]
    pub(super) password: Option<String>,
}

/// Terms that are complete and make sense, made by [`Sharing::drop_terms`](crate::share::Sharing::drop_terms). Of a password
/// they hold the hash.
#[derive(Clone, Debug)]
pub struct DropTerms {
    label: String,
    expires_at: Time,
    max_files: i64,
    max_bytes: i64,
    types: Vec<String>,
    password: Option<String>,
}

impl DropTerms {
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn expires_at(&self) -> Time {
        self.expires_at
    }

    pub(super) fn max_files(&self) -> i64 {
        self.max_files
    }

    pub(super) fn max_bytes(&self) -> i64 {
        self.max_bytes
    }

    pub(super) fn types(&self) -> &[String] {
        &self.types
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    pub(super) fn with_password(self, hash: String) -> DropTerms {
        DropTerms { password: Some(hash), ..self }
    }
}

impl DropAsked {
    /// Every mistake of the request at once.
    pub(super) fn checked(self, now: Time, bounds: Bounds) -> Result<DropTerms> {
        let mut mistakes = Mistakes::default();
        let label = mistakes.label(Some(self.label), bounds);
        if label.is_empty() {
            mistakes.add("/label", "Sebutkan berkas apa yang diminta.", "Say which files are asked for.");
        }
        mistakes.expiry(self.expires_at, now);
        mistakes.password(self.password.as_deref(), bounds);
        let amounts =
            [("/max_files", self.max_files, bounds.drop_files), ("/max_bytes", self.max_bytes, bounds.drop_bytes)];
        for (pointer, asked, most) in amounts {
            if !(1..=most).contains(&asked) {
                mistakes.add(pointer, format!("Isi 1 sampai {most}."), format!("Give 1 to {most}."));
            }
        }
        let types = checked_types(self.types.unwrap_or_default(), bounds.drop_types, &mut mistakes);
        mistakes.done()?;
        let days = bounds.drop_days;
        if self.expires_at > now.plus(Duration::from_secs(days * 24 * 3600)) {
            return Err(Error::forbidden(
                "life-too-long",
                say(
                    format!("Tautan kirim berlaku paling lama {days} hari."),
                    format!("An upload-only link lives at most {days} days."),
                ),
            ));
        }
        let DropAsked { expires_at, max_files, max_bytes, .. } = self;
        Ok(DropTerms { label, expires_at, max_files, max_bytes, types, password: None })
    }
}

fn checked_types(given: Vec<String>, most: usize, mistakes: &mut Mistakes) -> Vec<String> {
    if given.len() > most {
        mistakes.add("/types", format!("Paling banyak {most}."), format!("At most {most}."));
        return Vec::new();
    }
    let mut types = Vec::new();
    for (n, word) in given.into_iter().enumerate() {
        match media_type(&word.trim().to_lowercase()) {
            Some(kind) if types.contains(&kind) => {}
            Some(kind) => types.push(kind),
            None => mistakes.add(
                format!("/types/{n}"),
                "Bukan jenis berkas; contoh: application/pdf, image/*, pdf.",
                "Not a file type; examples: application/pdf, image/*, pdf.",
            ),
        }
    }
    types
}

/// A media type as written, or the one of a short name.
fn media_type(word: &str) -> Option<String> {
    const SHORT: [(&str, &str); 17] = [
        ("pdf", "application/pdf"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("png", "image/png"),
        ("tif", "image/tiff"),
        ("tiff", "image/tiff"),
        ("webp", "image/webp"),
        ("heic", "image/heic"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("odt", "application/vnd.oasis.opendocument.text"),
        ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
        ("rtf", "application/rtf"),
        ("txt", "text/plain"),
        ("csv", "text/csv"),
        ("eml", "message/rfc822"),
    ];
    let word = word.trim_start_matches('.');
    if let Some((_, kind)) = SHORT.iter().find(|(short, _)| *short == word) {
        return Some((*kind).to_owned());
    }
    let (group, kind) = word.split_once('/')?;
    // A half of a media type has at most 127 characters (RFC 6838); those that are registered have fewer than 100.
    let is_word = |text: &str| {
        !text.is_empty() && text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+-".contains(c))
    };
    (is_word(group) && (kind == "*" || is_word(kind))).then(|| word.to_owned())
}

/// Whether an accepted type (`image/*`, `application/pdf`) covers a file's own.
pub(super) fn covers(accepted: &str, media_type: &str) -> bool {
    match accepted.strip_suffix("/*") {
        Some(group) => media_type.split_once('/').is_some_and(|(own, _)| own == group),
        None => accepted == media_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const NOW: Time = Time(1_800_000_000_000);

    fn asked(change: &str) -> Result<DropTerms> {
        let end = NOW.plus(Duration::from_secs(86_400)).rfc3339();
        let json = format!(r#"{{"label":"Laporan","expires_at":"{end}","max_files":3,"max_bytes":1000{change}}}"#);
        serde_json::from_str::<DropAsked>(&json).expect("json of a test").checked(NOW, bounds())
    }

    fn bounds() -> Bounds {
        Bounds::of(&Config::from_layers("", []).expect("the defaults"), true)
    }

    #[test]
    fn types_are_media_types_or_their_short_names() {
        let terms = asked(r#","types":["pdf","image/*","application/PDF"]"#).expect("valid");
        assert_eq!(terms.types(), ["application/pdf", "image/*"]);
        let refusal = asked(r#","types":["pdf","anything goes"]"#).expect_err("refused");
        assert_eq!(refusal.fields()[0].pointer, "/types/1");
    }

    #[test]
    fn a_type_covers_its_own_kind_only() {
        assert!(covers("image/*", "image/png") && covers("application/pdf", "application/pdf"));
        assert!(!covers("image/*", "imagery/png") && !covers("application/pdf", "application/zip"));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let json = r#"{"label":" ","expires_at":"2020-01-01T00:00:00Z","max_files":0,"max_bytes":0,"password":"abc"}"#;
        let asked = serde_json::from_str::<DropAsked>(json).expect("json of a test");
        let refusal = asked.checked(NOW, bounds()).expect_err("refused");
        let pointers: Vec<&str> = refusal.fields().iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/label", "/expires_at", "/password", "/max_files", "/max_bytes"]);
    }
}
