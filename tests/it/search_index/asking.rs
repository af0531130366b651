use std::time::{Duration, Instant};

use lumbung::search::{Details, Question, Sort, SuggestionKind};
use proptest::prelude::*;

use super::{Archive, document, village};

#[test]
fn a_letter_is_found_by_its_words_in_any_inflection_and_marked() {
    let archive = Archive::with(vec![
        document(1, "Undangan", &["Dengan hormat,", "rapat pembangunan sumur bor di Kertasari"]),
        document(2, "Laporan", &["Laporan keuangan semester"]),
    ]);
    let answer = archive.ask("membangun sumur");
    assert_eq!(answer.total, 1);
    let hit = &answer.items[0];
    assert_eq!((hit.document.as_u128(), hit.page, hit.near, hit.score), (1, Some(2), false, 1.0));
    let marked: Vec<String> = hit
        .snippet
        .highlights
        .iter()
        .map(|(from, to)| hit.snippet.text.chars().skip(*from).take(to - from).collect())
        .collect();
    assert_eq!(marked, ["pembangunan", "sumur"]);
}

#[test]
fn a_letter_number_is_found_by_its_pieces_in_a_row() {
    let mut by_details = document(2, "Undangan", &["isi"]);
    by_details.details.number = Some("400.3/77/BKD/2024".into());
    let archive = Archive::with(vec![
        document(1, "Surat", &["Nomor : 200.2.10.2/1595/DPMD/2025 Sifat : Biasa"]),
        by_details,
        document(3, "Lain", &["DPMD di tahun 2024, nomor 1600, dan 2025 desa"]),
    ]);
    for text in ["1595", "DPMD/2025", "200.2.10.2/1595/DPMD/2025", "1595/DPMD", "(1595 / DPMD)", "200.2.10"] {
        assert_eq!(archive.ids(text)[0], 1, "{text}");
    }
    for text in ["77/BKD", "400.3/77"] {
        let answer = archive.ask(text);
        assert_eq!((answer.items[0].document.as_u128(), answer.items[0].page, answer.items[0].near), (2, None, false));
    }
}

#[test]
fn a_day_is_found_however_it_is_written() {
    let archive = Archive::with(vec![
        document(1, "a", &["Cikarang, 15 Desember 2021"]),
        document(2, "b", &["tanggal 15/12/2021 pukul 9"]),
        document(3, "c", &["16 Desember 2021"]),
    ]);
    for text in ["15-12-2021", "15 Desember 2021", "2021-12-15", "15 Des. 2021"] {
        let answer = archive.ask(text);
        let matches: Vec<u128> =
            answer.items.iter().filter(|hit| !hit.near).map(|hit| hit.document.as_u128()).collect();
        assert_eq!((answer.total, matches.len()), (2, 2), "{text}");
        assert!(!matches.contains(&3));
    }
}

#[test]
fn short_forms_and_long_ones_find_each_other() {
    let archive = Archive::with(vec![
        document(1, "a", &["ijin usaha"]),
        document(2, "b", &["Kades Sukamaju"]),
        document(3, "c", &["kepala desa Mekarsari"]),
    ]);
    assert_eq!(archive.ids("izin"), [1]);
    let mut heads = archive.ids("kades");
    heads.sort_unstable();
    assert_eq!(heads, [2, 3]);
    assert!(archive.ids("kepala desa").contains(&2));
}

#[test]
fn misread_words_are_near_and_come_after_the_matches() {
    let archive = Archive::with(vec![
        document(1, "a", &["permohonan pembangunan jembatan"]),
        document(2, "b", &["permohonan pembangunan jernbatan"]),
    ]);
    let answer = archive.ask("jembatan");
    assert_eq!(answer.total, 1);
    let order: Vec<(u128, bool)> = answer.items.iter().map(|hit| (hit.document.as_u128(), hit.near)).collect();
    assert_eq!(order, [(1, false), (2, true)]);
    let answer = archive.ask("jembatam");
    assert!(answer.total > 0 && answer.items.iter().all(|hit| hit.near));
    assert_eq!(answer.did_you_mean.as_deref(), Some("jembatan"));
}

#[test]
fn hostile_questions_are_ordinary_and_fast() {
    let archive =
        Archive::with((1..200).map(|id| document(id, "Undangan rapat", &["hal: undangan rapat desa"])).collect());
    let questions = [
        "(".repeat(10_000),
        "\"undangan".into(),
        "(rapat".into(),
        "hal: undangan".into(),
        "surat -menyurat".into(),
        "a AND OR NOT title:* ~^ \\ \u{0} rapat".into(),
        "🙂".repeat(2_500),
        "rapat".repeat(2_000),
        "rapat ".repeat(1_700),
        (0..2_000).map(|n| format!("w{n} ")).collect(),
        (0..2_000).map(|n| format!("{n}/")).collect(),
        "ﷺ".repeat(3_000),
        "\u{202e}\u{200b}\u{301}\u{ad}".into(),
        String::new(),
        "   ".into(),
    ];
    for text in questions {
        let started = Instant::now();
        archive.ask(&text);
        archive.index.suggest(&text, &village(), &Default::default()).expect("no error");
        let head: String = text.chars().take(20).collect();
        assert!(started.elapsed() < Duration::from_secs(1), "{head}: {:?}", started.elapsed());
    }
    for text in ["\"undangan", "(rapat", "hal: undangan", "surat -menyurat undangan"] {
        assert!(archive.ask(text).total >= 199, "{text}");
    }
    assert_eq!(archive.ask("🙂").total, 0);
    assert_eq!(archive.ask("").total, 199, "nothing asked: everything, newest first");
}

#[test]
fn newest_first_goes_by_date_and_then_by_arrival() {
    let mut documents: Vec<_> = (1..=4).map(|id| document(id, "rapat", &["rapat"])).collect();
    documents[0].date = 20_000;
    documents[1].date = 20_000;
    let archive = Archive::with(documents);
    for text in ["rapat", ""] {
        let answer = archive.answer(&Question { sort: Sort::Newest, ..Question::of(text) });
        let order: Vec<u128> = answer.items.iter().map(|hit| hit.document.as_u128()).collect();
        assert_eq!(order, [2, 1, 4, 3]);
    }
}

#[test]
fn a_word_with_thirteen_thousand_hits_is_paged_to_the_end() {
    let documents = (1..=13_000).map(|id| document(id, "Surat", &["undangan"])).collect();
    let archive = Archive::with(documents);
    let page = |offset| archive.answer(&Question { offset, ..Question::of("undangan") });
    let started = Instant::now();
    let deep = page(20 * 499);
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!((deep.total, deep.items.len(), deep.more), (13_000, 20, true));
    assert_eq!(deep.facets.office, [(super::VILLAGE, 13_000)]);
    let mut seen: Vec<u128> = Vec::new();
    for offset in (0..13_000).step_by(200) {
        let answer = archive.answer(&Question { offset, limit: 200, ..Question::of("undangan") });
        seen.extend(answer.items.iter().map(|hit| hit.document.as_u128()));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 13_000, "each exactly once");
    let last = page(12_990);
    assert_eq!((last.items.len(), last.more), (10, false));
    assert_eq!(page(usize::MAX).items.len(), 0);
}

#[test]
fn filters_and_facets_count_documents() {
    let mut documents: Vec<_> =
        (1..=6).map(|id| document(id, "Surat", &["rapat satu", "rapat dua", "rapat tiga"])).collect();
    for (at, document) in documents.iter_mut().enumerate() {
        document.kind = Some(if at < 2 { "undangan" } else { "laporan" }.into());
        document.classification = Some(if at % 2 == 0 { "200.2.10" } else { "400.3" }.into());
        document.year = 2020 + at as i32 % 3;
        document.class = (at % 2) as u8;
    }
    let archive = Archive::with(documents);
    let all = archive.ask("rapat");
    assert_eq!((all.total, all.items[0].more_pages), (6, 2));
    assert_eq!(all.facets.kind, [("laporan".into(), 4), ("undangan".into(), 2)]);
    assert_eq!(all.facets.year, [(2020, 2), (2021, 2), (2022, 2)]);
    assert_eq!(all.facets.classification, [("200.2.10".into(), 3), ("400.3".into(), 3)]);
    let by = |question: Question| archive.answer(&question).total;
    assert_eq!(by(Question { kind: Some("undangan".into()), ..Question::of("rapat") }), 2);
    assert_eq!(by(Question { class: Some(1), ..Question::of("rapat") }), 3);
    assert_eq!(by(Question { classification: Some("200.2".into()), ..Question::of("rapat") }), 3);
    assert_eq!(by(Question { classification: Some("200.2.1".into()), ..Question::of("rapat") }), 0, "cut at dots");
    assert_eq!(by(Question { from: Some(19_002), to: Some(19_003), ..Question::of("rapat") }), 2);
    assert_eq!(by(Question { office: Some(99), ..Question::of("rapat") }), 0);
}

#[test]
fn words_of_the_details_help_every_page() {
    let mut letter = document(1, "Undangan rapat", &["pembukaan", "anggaran sumur"]);
    letter.details.sender = Some("DPMD".into());
    let archive = Archive::with(vec![letter, document(2, "x", &["sumur"])]);
    let hit = &archive.ask("undangan dpmd sumur").items[0];
    assert_eq!((hit.document.as_u128(), hit.page), (1, Some(2)));
    assert_eq!(archive.ask("dpmd").items[0].page, None);
}

#[test]
fn suggestions_complete_words_titles_and_numbers() {
    let mut letter = document(1, "Undangan Musyawarah Desa", &["undangan 3216012345678901 undagi"]);
    letter.details = Details { number: Some("005/17/Ds.Kts/2025".into()), ..letter.details };
    let archive = Archive::with(vec![letter, document(2, "Lain", &["undangan"])]);
    let suggest = |text: &str| archive.index.suggest(text, &village(), &Default::default()).expect("suggests");
    let words = suggest("und");
    assert_eq!((words[0].text.as_str(), words[0].kind, words[0].count), ("undangan", SuggestionKind::Word, 2));
    assert!(words.iter().any(|it| it.kind == SuggestionKind::Title && it.text == "Undangan Musyawarah Desa"));
    let numbers = suggest("005/17");
    assert_eq!((numbers[0].text.as_str(), numbers[0].kind), ("005/17/Ds.Kts/2025", SuggestionKind::Number));
    assert!(suggest("3216").is_empty(), "a person's number is never suggested");
    assert!(suggest("").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn no_text_makes_an_error(text in any::<String>(), page in any::<String>()) {
        let archive = Archive::with(vec![document(1, &text, &[&page, &text])]);
        for question in [&text, &page] {
            let answer = archive.ask(question);
            for hit in answer.items {
                let length = hit.snippet.text.chars().count();
                prop_assert!(hit.snippet.highlights.iter().all(|(from, to)| from < to && *to <= length));
            }
            archive.index.suggest(question, &village(), &Default::default()).expect("no error");
        }
    }
}
