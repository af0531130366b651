//! Every parser of ours, fed with any bytes. A target panics where a promise is broken; `tools/fuzz` looks for such bytes, guided by
//! coverage, and each file of `tests/fuzz/corpus` is fed again by the tests below. Formats of others (PDF, images, office
//! files) are parsed by libraries in the reader's jail and are not here.

use std::net::IpAddr;
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    api::{upload_parts, uploads},
    blob::{ObjectName, RecordName},
    clock::Time,
    config::{Config, Network},
    desk::{content, paging},
    document::clean_file_name,
    http,
    id::{self, DocumentId},
    read, record,
    seal::{
        MasterKey, ObjectKey, RecoveryIdentity,
        token::{Signer, Use},
    },
    search::{Marks, Settings},
};

/// Panics where a promise is broken.
type Target = fn(&[u8]);

/// What is fed, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("headers", headers),
    ("question", question),
    ("tokens", tokens),
    ("config", config),
    ("records", records),
    ("names", names),
    ("reader", reader),
    ("sealed", sealed),
];

pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

/// One line for each header whose value a client chooses.
fn headers(bytes: &[u8]) {
    const NAMES: [&str; 13] = [
        "range",
        "if-range",
        "upload-metadata",
        "upload-checksum",
        "content-digest",
        "upload-length",
        "idempotency-key",
        "upload-offset",
        "x-forwarded-for",
        "cookie",
        "accept-language",
        "authorization",
        "if-match",
    ];
    let mut headers = HeaderMap::new();
    for (name, line) in NAMES.into_iter().zip(bytes.split(|byte| *byte == b'\n')) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    for size in [0, 1, 1000, u64::MAX] {
        if let Ok(Some(span)) = content::asked_range(&headers, &HeaderValue::from_static("\"a\""), size) {
            assert!(span.start < span.end && span.end <= size, "{span:?} of {size}");
        }
    }
    if let Ok(pairs) = uploads::metadata_pairs(&headers) {
        assert!(pairs.len() <= 4, "each name once");
        for (_, value) in pairs {
            let name = clean_file_name(&String::from_utf8_lossy(&value), 255);
            assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']) && name.chars().count() <= 255, "{name:?}");
        }
    }
    of_a_caller(&headers);
    let _ = upload_parts::checksum(&headers);
    let _ = http::content_digest(&headers);
    for name in ["upload-length", "upload-offset"] {
        let _ = uploads::number(&headers, name);
    }
    let key = headers.get("idempotency-key").map_or("", |key| key.to_str().unwrap_or(""));
    let _ = crate::idempotency::checked(key, 200);
}

/// Who asks, from where, in what language, and about what state of a thing.
fn of_a_caller(headers: &HeaderMap) {
    static PROXIES: LazyLock<Vec<Network>> = LazyLock::new(|| Network::parse("10.0.0.0/8").into_iter().collect());
    let stranger = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(http::forwarded(&PROXIES, stranger, headers), stranger, "nobody but a proxy of ours is believed");
    let nearest = http::forwarded(&PROXIES, IpAddr::from([10, 0, 0, 1]), headers);
    assert!(headers.contains_key("x-forwarded-for") || nearest == IpAddr::from([10, 0, 0, 1]), "{nearest}");
    if let Some(shown) = http::credential(headers) {
        assert!(headers.contains_key("authorization") || headers.contains_key("cookie"), "{shown:?}");
    }
    let _ = http::Lang::choose(headers);
    let _ = http::IfMatch::of(headers).accepted(1);
}

/// A question in the first line, the words of a page in the rest.
fn question(bytes: &[u8]) {
    static SETTINGS: LazyLock<Settings> = LazyLock::new(Settings::default);
    let text = String::from_utf8_lossy(bytes);
    let (question, page) = text.split_once('\n').unwrap_or((&text, ""));
    let words: Vec<&str> = page.split_whitespace().collect();
    assert_eq!(Marks::of(question, &SETTINGS).hits(&words).len(), words.len());
}

/// Nothing that we did not sign is taken, and no cursor or letter breaks anything.
fn tokens(bytes: &[u8]) {
    static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new(&MasterKey::generate(), "lumbung"));
    const USE: Use = Use { typ: "at+jwt", audience: "api" };
    let text = String::from_utf8_lossy(bytes);
    assert!(SIGNER.verify::<serde_json::Value>(USE, Time(0), &text).is_err());
    if let Some(letters) = id::from_letters(&text) {
        assert_eq!(id::to_letters(&letters), text, "one spelling for each value");
    }
    let _ = paging::place::<DocumentId>(Some(&text));
    let _ = paging::place::<(String, i64)>(Some(&text));
}

/// A configuration, and after a line of `#` variables of the environment.
fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (file, environment) = text.split_once("\n#\n").unwrap_or((&text, ""));
    let variables = environment.lines().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    match Config::from_layers(file, variables) {
        Ok(config) => assert!(config.shown().is_ok(), "what was taken can be shown"),
        Err(mistakes) => assert!(!mistakes.is_empty(), "a refusal names a mistake"),
    }
    let _ = Network::parse(&text);
}

fn records(bytes: &[u8]) {
    bytes.split(|byte| *byte == b'\n').for_each(record::read_line);
}

/// Whatever is understood has one spelling: the one that we write.
fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(name) = ObjectName::parse(&text) {
        assert_eq!(name.to_string(), text);
        assert!(!text.contains("..") && !text.starts_with('/'));
    }
    if let Some(name) = RecordName::parse(&text) {
        assert_eq!(name.as_str(), text);
    }
    if let Ok(id) = text.parse::<DocumentId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Some(time) = Time::parse(&text) {
        assert_eq!(Time::parse(&time.rfc3339()), Some(time));
    }
}

fn reader(bytes: &[u8]) {
    read::read_frames(bytes);
    read::read_table(bytes);
}

/// The beginning of an object, as a store that was tampered with could give it.
fn sealed(bytes: &[u8]) {
    static IDENTITY: LazyLock<RecoveryIdentity> = LazyLock::new(RecoveryIdentity::generate);
    assert!(IDENTITY.recover(bytes, bytes.len() as u64).is_err(), "no header was written for this key");
    let _ = ObjectKey::from_bytes(bytes);
    let _ = RecoveryIdentity::parse(&String::from_utf8_lossy(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_file_of_the_corpora_is_taken_without_a_panic() {
        for (name, target) in TARGETS {
            let files: Vec<_> = std::fs::read_dir(format!("tests/fuzz/corpus/{name}")).expect("a corpus").collect();
            assert!(!files.is_empty(), "{name} has no corpus");
            for file in files {
                target(&std::fs::read(file.expect("listed").path()).expect("readable"));
            }
        }
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_break_no_promise(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            TARGETS.iter().for_each(|(_, target)| target(&bytes));
        }

        #[test]
        fn text_of_any_kind_breaks_no_promise(text in "\\PC{0,200}(\n\\PC{0,200}){0,4}") {
            TARGETS.iter().for_each(|(_, target)| target(text.as_bytes()));
        }
    }
}
