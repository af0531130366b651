use std::collections::{BTreeMap, BTreeSet, HashSet};

use lumbung::search::{IndexedDocument, Question, Scope};
use proptest::prelude::*;
use uuid::Uuid;

use super::{Archive, VILLAGE, document, village};

fn ask(archive: &Archive, text: &str, scope: &Scope) -> lumbung::search::Answer {
    archive.index.search(&Question::of(text), scope, &HashSet::new()).expect("answers")
}

#[test]
fn an_office_finds_its_own_what_it_was_granted_and_what_all_may_read() {
    let own = document(1, "a", &["rahasiakan"]);
    let foreign = IndexedDocument { office: 99, ..document(2, "b", &["rahasiakan"]) };
    let granted = IndexedDocument { office: 99, granted: vec![5, VILLAGE], ..document(3, "c", &["rahasiakan"]) };
    let open = IndexedDocument { office: 99, reach_all: true, ..document(4, "d", &["rahasiakan"]) };
    let open_but_classed =
        IndexedDocument { class: 1, reach_all: true, office: 99, ..document(5, "e", &["rahasiakan"]) };
    let highest = IndexedDocument { class: 3, ..document(6, "f", &["rahasiakan"]) };
    let archive = Archive::with(vec![own, foreign, granted, open, open_but_classed, highest]);
    let found = |scope: Scope| -> BTreeSet<u128> {
        ask(&archive, "rahasiakan", &scope).items.iter().map(|hit| hit.document.as_u128()).collect()
    };
    assert_eq!(found(Scope::office(VILLAGE, false, true)), [1, 3, 4].into());
    assert_eq!(found(Scope::office(VILLAGE, true, true)), [1, 3, 4, 6].into());
    assert_eq!(found(Scope::office(VILLAGE, false, false)), [1, 3].into());
    assert_eq!(found(Scope::office(5, false, false)), [3].into());
    assert_eq!(found(Scope::nothing()), [].into());
}

#[test]
fn through_a_link_the_title_is_found_and_nothing_else() {
    let mut letter = document(1, "Undangan musyawarah", &["anggaran jembatan"]);
    letter.linked = vec![5];
    letter.details.sender = Some("Pengirimrahasia".into());
    letter.details.number = Some("005/17/DS/2025".into());
    letter.kind = Some("undangan".into());
    letter.classification = Some("200.2".into());
    let archive = Archive::with(vec![letter.clone()]);
    let linked = Scope::office(5, true, true);
    let answer = ask(&archive, "musyawarah", &linked);
    assert_eq!(answer.total, 1);
    let hit = &answer.items[0];
    assert!(hit.restricted && hit.page.is_none() && hit.snippet.text.is_empty() && hit.more_pages == 0);
    assert!(answer.facets.kind.is_empty() && answer.facets.classification.is_empty() && answer.facets.year.is_empty());
    for hidden in ["jembatan", "anggaran", "pengirimrahasia", "005/17", "jembatam"] {
        assert_eq!(ask(&archive, hidden, &linked).items.len(), 0, "{hidden}");
        let suggested = archive.index.suggest(hidden, &linked, &HashSet::new()).expect("suggests");
        assert!(suggested.is_empty(), "{hidden}");
    }
    let with_filter = |question| archive.index.search(&question, &linked, &HashSet::new()).expect("answers").total;
    assert_eq!(with_filter(Question { class: Some(0), ..Question::of("musyawarah") }), 0);
    assert_eq!(with_filter(Question { kind: Some("undangan".into()), ..Question::of("musyawarah") }), 0);
    assert_eq!(with_filter(Question { from: Some(0), ..Question::of("musyawarah") }), 0);
    // Whoever may open it finds it once, unrestricted.
    letter.granted = vec![5];
    archive.put(vec![letter.clone()]);
    let answer = ask(&archive, "musyawarah", &linked);
    assert_eq!((answer.total, answer.items[0].restricted), (1, false));
    assert_eq!(ask(&archive, "jembatan", &linked).total, 1);
    // The highest class has no links.
    letter.granted.clear();
    letter.class = 3;
    archive.put(vec![letter]);
    assert_eq!(ask(&archive, "musyawarah", &linked).total, 0);
}

#[test]
fn documents_changed_meanwhile_are_left_out_and_not_counted() {
    let archive = Archive::with((1..=3).map(|id| document(id, "undangan", &["undangan jembatan"])).collect());
    let exclude: HashSet<Uuid> = [Uuid::from_u128(2), Uuid::from_u128(77)].into();
    let answer = archive.index.search(&Question::of("undangan"), &village(), &exclude).expect("answers");
    assert_eq!((answer.total, answer.facets.office[0].1), (2, 2));
    assert!(answer.items.iter().all(|hit| hit.document.as_u128() != 2));
    let suggested = archive.index.suggest("jemb", &village(), &exclude).expect("suggests");
    assert_eq!(suggested[0].count, 2);
}

#[test]
fn a_hidden_word_is_neither_meant_nor_suggested_nor_measured() {
    let visible = vec![
        document(1, "a", &["jembatan merah panjang sekali"]),
        document(2, "b", &["kertasari biru panjang sekali"]),
    ];
    let few = Archive::with(visible.clone());
    let many = Archive::with(visible);
    many.put(
        (100..400)
            .map(|id| IndexedDocument { office: 99, ..document(id, "jembatan undangan", &["jembatan rahasiadinas"]) })
            .collect(),
    );
    for text in ["jembatan kertasari", "jembatan", "panjang kertasari", "rahasiadinaz", "undangam", "jernbatan"] {
        assert_eq!(few.ask(text), many.ask(text), "{text}");
    }
    assert_eq!(many.ask("rahasiadinaz").did_you_mean, None);
    for text in ["rahas", "jem", "und"] {
        let suggest = |archive: &Archive| archive.index.suggest(text, &village(), &HashSet::new()).expect("suggests");
        assert_eq!(suggest(&few), suggest(&many), "{text}");
    }
}

#[derive(Clone, Debug)]
struct Sample {
    office: u64,
    class: u8,
    reach_all: bool,
    granted: Vec<u64>,
    linked: Vec<u64>,
    title: usize,
    pages: Vec<Vec<usize>>,
    kind: Option<usize>,
}

/// Far apart from each other, so that none is near another.
const WORDS: [&str; 6] = ["jembatan", "kuitansi", "pohon", "wilayah", "unggas", "beras"];

fn sample() -> impl Strategy<Value = Sample> {
    let offices = || prop::collection::vec(1..5_u64, 0..3);
    let pages = prop::collection::vec(prop::collection::vec(0..WORDS.len(), 0..4), 0..3);
    (1..5_u64, 0..4_u8, any::<bool>(), offices(), offices(), 0..WORDS.len(), pages, prop::option::of(0..2_usize))
        .prop_map(|(office, class, reach_all, granted, linked, title, pages, kind)| Sample {
            office,
            class,
            reach_all,
            granted,
            linked,
            title,
            pages,
            kind,
        })
}

impl Sample {
    fn opens(&self, office: u64, head: bool, reach: bool) -> bool {
        let mine = self.office == office || self.granted.contains(&office);
        let open = reach && self.reach_all && self.class == 0;
        (mine || open) && (self.class < 3 || head)
    }

    fn shows_title(&self, office: u64) -> bool {
        self.linked.contains(&office) && self.class < 3 && self.office != office && !self.granted.contains(&office)
    }

    fn indexed(&self, id: usize) -> IndexedDocument {
        let pages: Vec<String> =
            self.pages.iter().map(|words| words.iter().map(|at| format!("{} ", WORDS[*at])).collect()).collect();
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        IndexedDocument {
            office: self.office,
            class: self.class,
            reach_all: self.reach_all,
            granted: self.granted.clone(),
            linked: self.linked.clone(),
            kind: self.kind.map(|kind| format!("jenis{kind}")),
            ..document(id as u128 + 1, WORDS[self.title], &pages)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    /// Against a model that walks over every document: totals, facets, hits and suggestions, for every reader.
    #[test]
    fn nothing_counts_what_the_reader_may_not_find(
        samples in prop::collection::vec(sample(), 1..12),
        office in 1..5_u64,
        head in any::<bool>(),
        reach in any::<bool>(),
        word in 0..WORDS.len(),
    ) {
        let archive = Archive::new();
        for (id, sample) in samples.iter().enumerate() {
            archive.put(vec![sample.indexed(id)]);
        }
        let scope = Scope::office(office, head, reach);
        let mut expected: BTreeMap<u128, bool> = BTreeMap::new();
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for (id, sample) in samples.iter().enumerate() {
            let by_title = sample.title == word;
            if sample.opens(office, head, reach) {
                if by_title || sample.pages.iter().any(|page| page.contains(&word)) {
                    expected.insert(id as u128 + 1, false);
                    if let Some(kind) = sample.kind {
                        *kinds.entry(format!("jenis{kind}")).or_default() += 1;
                    }
                }
            } else if sample.shows_title(office) && by_title {
                expected.insert(id as u128 + 1, true);
            }
        }
        let answer = ask(&archive, WORDS[word], &scope);
        let found: BTreeMap<u128, bool> =
            answer.items.iter().filter(|hit| !hit.near).map(|hit| (hit.document.as_u128(), hit.restricted)).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(answer.items.iter().filter(|hit| hit.near).count(), 0);
        prop_assert_eq!(answer.total, expected.len());
        prop_assert_eq!(answer.facets.kind.into_iter().collect::<BTreeMap<_, _>>(), kinds);
        prop_assert_eq!(answer.facets.office.iter().map(|(_, count)| count).sum::<usize>(), expected.len());
        let suggested = archive.index.suggest(&WORDS[word][..4], &scope, &HashSet::new()).expect("suggests");
        let counted: usize = suggested
            .iter()
            .filter(|it| it.kind == lumbung::search::SuggestionKind::Word)
            .map(|it| it.count)
            .sum();
        prop_assert_eq!(counted, expected.len());
    }
}
