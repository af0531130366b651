//! What an answer holds: filters, orders, pages, marks, and nothing that slows it down.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ask, ids, letter, suggest};
use crate::support::app::both_stacks;
use crate::support::regency::Actor;

both_stacks!(filters_let_by_what_they_say_and_nothing_else, async |app| {
    let (clerk, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let details = |kind: &str, code: &str, date: &str, class: &str| json!({ "kind": kind, "classification": code, "date": date, "security_class": class });
    let first = letter(&clerk, "blencong satu", details("undangan", "400.10.2", "2024-05-01", "biasa")).await;
    let second = letter(&clerk, "blencong dua", details("laporan", "400.1", "2024-05-02", "terbatas")).await;
    let third = letter(&clerk, "blencong tiga", details("undangan", "500.4", "2025-01-31", "rahasia")).await;
    let foreign = letter(&other, "blencong empat", json!({ "reach": "kabupaten", "date": "2024-05-01" })).await;
    let nowhere = lumbung::id::OfficeId::fresh(&app.clock).to_string();
    type Query<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Query, &[&String]); 12] = [
        (&[], &[&third, &second, &first, &foreign]),
        (&[("office", clerk.office())], &[&third, &second, &first]),
        (&[("office", other.office())], &[&foreign]),
        (&[("kind", "undangan")], &[&third, &first]),
        (&[("security_class", "terbatas")], &[&second]),
        (&[("classification", "400")], &[&second, &first]),
        (&[("classification", "400.1")], &[&second]),
        (&[("classification", "40")], &[]),
        (&[("from", "2024-05-02")], &[&third, &second]),
        (&[("to", "2024-05-01")], &[&first, &foreign]),
        (&[("from", "2024-05-01"), ("to", "2024-05-01"), ("kind", "undangan")], &[&first]),
        (&[("office", nowhere.as_str())], &[]),
    ];
    for (filter, expected) in cases {
        let query: Vec<_> = [("q", "blencong"), ("sort", "newest")].into_iter().chain(filter.iter().copied()).collect();
        let answer = ask(&clerk, &query).await;
        let (mut found, mut expected) = (ids(&answer), expected.iter().map(|id| id.as_str()).collect::<Vec<_>>());
        assert_eq!(answer["total"], expected.len(), "{filter:?}: {answer}");
        // Two of one day: the order between them is that of their arrival, and tested below.
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{filter:?}");
    }
    for (filter, pointer) in [("from=kemarin", "/query/from"), ("to=2024-13-01", "/query/to")] {
        let wrong = clerk.get(&format!("/api/v1/search?q=blencong&{filter}")).await.refusal(422, "invalid");
        assert_eq!(wrong["errors"][0]["pointer"], pointer, "{wrong}");
    }
});

both_stacks!(newest_first_goes_through_equal_days_page_by_page_without_a_double_or_a_gap, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let mut made = Vec::new();
    for date in ["2024-05-01", "2024-05-01", "2024-05-01", "2024-05-01", "2025-02-03"] {
        made.push(letter(&clerk, "blencong", json!({ "date": date })).await);
    }
    made.reverse();
    let mut seen: Vec<String> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("q", "blencong"), ("sort", "newest"), ("limit", "2")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = ask(&clerk, &query).await;
        assert_eq!(answer["total"], 5);
        seen.extend(ids(&answer).into_iter().map(str::to_owned));
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, made, "by day, then by arrival");
    let by_relevance = ask(&clerk, &[("q", "blencong"), ("limit", "3")]).await;
    let rest = by_relevance["next_cursor"].as_str().expect("more");
    let rest = ask(&clerk, &[("q", "blencong"), ("limit", "3"), ("cursor", rest)]).await;
    let mut all: Vec<&str> = ids(&by_relevance).into_iter().chain(ids(&rest)).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), &rest["next_cursor"]), (5, &Value::Null), "equal scores are paged through as well");
});

both_stacks!(marks_are_counted_in_code_points_and_personal_numbers_are_hidden, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let text = "🙂👨‍👩‍👧 de\u{301}sa — NIK 3216012345678901, KK 3216 0123 4567 8902: blencong «é» blencong";
    letter(&clerk, text, json!({})).await;
    for question in ["blencong", "blencong 3216012345678901", "3216012345678901"] {
        let answer = clerk.search(question).await;
        let snippet = &answer["items"][0]["snippet"];
        let shown: Vec<char> = snippet["text"].as_str().expect("a text").chars().collect();
        let told: String = shown.iter().collect();
        assert!(!told.contains("3216") && !told.contains("8901") && told.contains("NIK ••••"), "{told}");
        let marks = snippet["highlights"].as_array().expect("marks");
        let marked: Vec<String> = marks
            .iter()
            .map(|mark| [0, 1].map(|at| mark[at].as_u64().expect("a place") as usize))
            .map(|[from, to]| shown[from..to].iter().collect())
            .filter(|word: &String| !word.contains('•'))
            .collect();
        let expected: &[&str] = if question.contains("blencong") { &["blencong", "blencong"] } else { &[] };
        assert_eq!(marked, expected, "{question}: {snippet}");
    }
    assert_eq!(suggest(&clerk, "32160").await["items"], json!([]));
});

both_stacks!(a_misspelt_word_is_put_right_only_by_what_the_reader_may_find, async |app| {
    let (clerk, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    letter(&clerk, "tanggul kertasari", json!({ "title": "Permohonan tanggul" })).await;
    let meant = clerk.search("tanggul kertasati").await;
    assert_eq!(meant["did_you_mean"], "tanggul kertasari", "{meant}");
    assert_eq!(suggest(&clerk, "kertas").await["items"][0]["text"], "kertasari");
    assert!(other.search("tanggul kertasati").await.get("did_you_mean").is_none());
    assert_eq!(suggest(&other, "kertas").await["items"], json!([]));
    letter(&other, "tanggul kertamati", json!({})).await;
    assert_eq!(other.search("kertasati").await["did_you_mean"], "kertamati");
    assert_eq!(clerk.search("kertamati").await["total"], 0, "near ones are no matches of the other's word");
});

/// No text that somebody can send is an error or takes longer than this; what is usual takes some milliseconds.
const SLOWEST: Duration = Duration::from_secs(1);

both_stacks!(no_question_is_an_error_or_slow, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let long: String = (0..20_000).map(|n| format!("kata{} rapat{} ", n % 7_000, n % 13)).collect();
    letter(&clerk, &format!("undangan rapat desa {long}"), json!({})).await;
    let questions = [
        "(".repeat(10_000),
        "🙂".repeat(2_500),
        "rapat ".repeat(1_700),
        (0..1_500).map(|n| format!("kata{n} ")).collect(),
        (0..2_000).map(|n| format!("{n}/")).collect(),
        "a".repeat(10_000),
        "\"undangan".into(),
        "(rapat".into(),
        "hal: undangan".into(),
        "surat -menyurat".into(),
        "rapat AND (NOT title:* OR ~^ \\ desa".into(),
        "\u{202e}\u{200b}\u{301}\u{ad}\u{0}".into(),
        "'; DROP TABLE document; --".into(),
        String::new(),
    ];
    for text in questions {
        let head: String = text.chars().take(20).collect();
        for path in ["/api/v1/search", "/api/v1/search/suggest"] {
            let request = clerk.request(reqwest::Method::GET, path).query(&[("q", text.as_str())]);
            let started = Instant::now();
            crate::support::client::send(request).await.is(200);
            assert!(started.elapsed() < SLOWEST, "{path} {head}: {:?}", started.elapsed());
        }
    }
    for text in ["\"undangan", "(rapat", "hal: undangan"] {
        assert_eq!(clerk.search(text).await["total"], 1, "{text}");
    }
});
