//! How well pages are found: human questions over Indonesian passages, clean and after print, wear and OCR.
//!
//!     cargo bench --bench retrieval
//!
//! Every passage is a document of one page without a title; every question goes the way of a reader's question, near
//! pages after the matches. A question is human when a person wrote it without seeing the passage (the splits `tydi-…`);
//! the others were translated by a machine and are printed beside. The OCR files hold the same ids as the corpus but
//! only a part of them: there the index holds exactly those passages, and exactly the questions are asked whose answer is
//! among them. The same part in the clear is printed beside it. The data is looked for in ../shared/data/retrieval.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use lumbung::search::{Change, Index, IndexedDocument, Question, Scope, Settings};
use serde::Deserialize;
use uuid::Uuid;

const LEAST_CLEAN: f64 = 0.73;
const LEAST_HEAVY: f64 = 0.82;
const OFFICE: u64 = 1;

#[derive(Deserialize)]
struct Text {
    _id: String,
    text: String,
    #[serde(default)]
    split: String,
}

/// The questions and, for each, the passages that answer it.
struct Questions {
    all: Vec<Text>,
    answers: HashMap<String, HashSet<String>>,
}

#[derive(Clone, Copy)]
struct Quality {
    asked: usize,
    ndcg: f64,
    recall: f64,
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/retrieval");
    if !folder.is_dir() {
        println!("SKIPPED: ../shared/data/retrieval is not here");
        return ExitCode::SUCCESS;
    }
    let questions = Questions::load(&folder);
    let passages = |name: &str| texts(&folder.join(name));
    let (clean, mild, heavy) =
        (passages("corpus.jsonl"), passages("passages-ocr-mild.jsonl"), passages("passages-ocr-heavy.jsonl"));
    let mut fine = questions.judge("clean", &clean, Some(LEAST_CLEAN));
    questions.judge("the part with mild OCR, clean", &same(&clean, &mild), None);
    questions.judge("mild OCR", &mild, None);
    questions.judge("the part with heavy OCR, clean", &same(&clean, &heavy), None);
    fine &= questions.judge("heavy OCR", &heavy, Some(LEAST_HEAVY));
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Questions {
    fn load(folder: &Path) -> Questions {
        let mut answers: HashMap<String, HashSet<String>> = HashMap::new();
        let judged = fs::read_to_string(folder.join("qrels.tsv")).expect("readable");
        for line in judged.lines().skip(1) {
            let mut fields = line.split('\t');
            let (Some(question), Some(passage)) = (fields.next(), fields.next()) else { continue };
            answers.entry(question.to_owned()).or_default().insert(passage.to_owned());
        }
        Questions { all: texts(&folder.join("queries.jsonl")), answers }
    }

    /// Prints how well these passages are found; tells whether that is enough.
    fn judge(&self, name: &str, passages: &[Text], least: Option<f64>) -> bool {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let index = Index::open(folder.path(), [7; 32], Settings { durable: false, ..Settings::default() });
        let index = index.expect("a new index");
        index.apply(passages.iter().zip(0..).map(|(text, at)| entry(text, at)).collect(), 1).expect("applied");
        let human = self.quality(&index, passages, |split| split.starts_with("tydi"));
        let translated = self.quality(&index, passages, |split| !split.starts_with("tydi"));
        let fine = least.is_none_or(|least| human.ndcg >= least);
        let mark = if fine { "ok    " } else { "MISSED" };
        let wanted = least.map_or(String::new(), |least| format!("; wanted: nDCG@10 of at least {least}"));
        println!(
            "{mark} {name}, {} passages, {} human questions: nDCG@10 {:.3}, R@100 {:.3}{wanted}",
            passages.len(),
            human.asked,
            human.ndcg,
            human.recall
        );
        if translated.asked > 0 {
            let Quality { asked, ndcg, recall } = translated;
            println!("         {asked} translated questions: nDCG@10 {ndcg:.3}, R@100 {recall:.3}");
        }
        fine
    }

    fn quality(&self, index: &Index, passages: &[Text], wanted: impl Fn(&str) -> bool) -> Quality {
        let there: HashSet<&str> = passages.iter().map(|passage| passage._id.as_str()).collect();
        let mut sum = Quality { asked: 0, ndcg: 0.0, recall: 0.0 };
        for question in self.all.iter().filter(|question| wanted(&question.split)) {
            let answers: HashSet<&str> = self
                .answers
                .get(&question._id)
                .into_iter()
                .flatten()
                .map(String::as_str)
                .filter(|id| there.contains(id))
                .collect();
            if answers.is_empty() {
                continue;
            }
            let found = ask(index, &question.text);
            let right: Vec<usize> =
                (0..found.len()).filter(|at| answers.contains(passages[found[*at]]._id.as_str())).collect();
            let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
            let best: f64 = (0..answers.len().min(10)).map(gain).sum();
            sum.asked += 1;
            sum.ndcg += right.iter().copied().filter(|rank| *rank < 10).map(gain).sum::<f64>() / best;
            sum.recall += right.len() as f64 / answers.len() as f64;
        }
        let asked = sum.asked.max(1) as f64;
        Quality { ndcg: sum.ndcg / asked, recall: sum.recall / asked, ..sum }
    }
}

/// The first hundred, as places in the row of passages.
fn ask(index: &Index, text: &str) -> Vec<usize> {
    let question = Question { limit: 100, ..Question::of(text) };
    let answer = index.search(&question, &Scope::office(OFFICE, false, true), &HashSet::new()).expect("an answer");
    answer.items.iter().map(|hit| hit.document.as_u128() as usize).collect()
}

fn entry(passage: &Text, at: u128) -> Change {
    Change::Replace(IndexedDocument {
        document: Uuid::from_u128(at),
        office: OFFICE,
        pages: vec![(1, passage.text.clone())],
        ..IndexedDocument::default()
    })
}

/// Those of `all` whose ids `part` holds.
fn same(all: &[Text], part: &[Text]) -> Vec<Text> {
    let wanted: HashSet<&str> = part.iter().map(|text| text._id.as_str()).collect();
    let copy = |text: &Text| Text { _id: text._id.clone(), text: text.text.clone(), split: String::new() };
    all.iter().filter(|text| wanted.contains(text._id.as_str())).map(copy).collect()
}

fn texts(path: &PathBuf) -> Vec<Text> {
    let lines = fs::read_to_string(path).expect("readable");
    lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}
