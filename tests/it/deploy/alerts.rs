//! The alert rules ask for what a node tells, by the names and labels under which it tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::readme::names_only_what_is_there;
use super::{Checks, python, text, yaml};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::support::server::{free_port, scratch};

pub const CHECKS: Checks = &[("alerts.yaml", every_rule_asks_for_what_a_node_tells)];

/// Reads the text by Prometheus's own strict parser and prints every series: its name and its labels.
const PARSE: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
print(json.dumps([[s.name, s.labels] for f in parse(open(sys.argv[1]).read()) for s in f.samples]))";

const FUNCTIONS: [&str; 7] = ["abs", "histogram_quantile", "increase", "max", "min", "rate", "sum"];

/// Labels that Prometheus itself adds to whatever a node tells.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// A series can be told and stand at zero for ever, because what it counts is called otherwise by now. So each word that a rule
/// asks for stands here with the file that says it, and with what has to happen before it does.
const SAID: [(&str, &str, &str); 4] = [
    ("dead", "src/queue/sql.rs", "a job was given up"),
    ("internal", "src/error.rs", "the program met a fault of its own"),
    ("put", "src/blob/mod.rs", "an object was written"),
    ("too-many", "src/error.rs", "somebody was told to wait"),
];

type Labels<'a> = Vec<(&'a str, &'a str)>;
type Series = (String, BTreeMap<String, String>);

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_asks_for_what_a_node_tells() {
    let told = told_by_a_node().await;
    for rule in rules() {
        let expression = rule["expr"].as_str().expect("an expression");
        let asked = Asked::by(expression);
        assert!(!asked.series.is_empty(), "{expression} asks for nothing");
        for (name, labels) in asked.series.iter().filter(|(name, _)| *name != "up") {
            let fits = |has: &BTreeMap<String, String>| {
                labels.iter().all(|(label, value)| has.get(*label).is_some_and(|known| known == value))
            };
            let found = told.iter().find(|(known, has)| known == name && fits(has));
            let (_, has) = found.unwrap_or_else(|| panic!("{expression}: a node tells no {name} with {labels:?}"));
            for label in &asked.groups {
                let is_known = has.contains_key(*label) || OF_PROMETHEUS.contains(label);
                assert!(is_known, "{expression}: {name} has no {label}");
            }
        }
    }
    let rules = rules();
    let not_ready = rules.iter().find(|rule| rule["alert"] == "LumbungNotReady").expect("it is there");
    let action = not_ready["annotations"]["action"].as_str().unwrap_or_default();
    for (_, labels) in told.iter().filter(|(name, _)| name == "lumbung_up") {
        assert!(action.contains(&labels["of"]), "LumbungNotReady does not name {labels:?}");
    }
}

#[test]
fn every_word_that_a_rule_asks_for_is_said_by_the_program() {
    let rules = rules();
    let expressions = rules.iter().filter_map(|rule| rule["expr"].as_str());
    let labels = expressions.flat_map(|expression| Asked::by(expression).series).flat_map(|(_, labels)| labels);
    let asked: BTreeSet<&str> = labels.filter(|(label, _)| *label == "of").map(|(_, value)| value).collect();
    let known: BTreeSet<&str> = SAID.iter().map(|(word, ..)| *word).collect();
    assert_eq!(asked, known, "what the rules ask for, and what is said to be made somewhere");
    for (word, file, when) in SAID {
        let source = std::fs::read_to_string(file).unwrap_or_else(|cause| panic!("{file}: {cause}"));
        assert!(source.contains(&format!("{word:?}")), "{file} does not say {word:?} when {when}");
    }
}

#[test]
fn a_node_that_is_away_is_known_by_the_name_that_the_readme_gives_it() {
    let readme = text("README.md");
    let rules = rules();
    let expressions = rules.iter().filter_map(|rule| rule["expr"].as_str());
    let mut series = expressions.flat_map(|expression| Asked::by(expression).series);
    let (_, labels) = series.find(|(name, _)| *name == "up").expect("a rule for a node that is away");
    let [("job", job)] = labels[..] else { panic!("not by its job alone: {labels:?}") };
    assert!(readme.contains(&format!("`job_name: {job}`")), "{job}");
}

#[test]
fn every_alert_says_how_much_it_hurries_and_what_is_to_be_done() {
    for rule in rules() {
        let name = rule["alert"].as_str().expect("a name");
        let severity = rule["labels"]["severity"].as_str().unwrap_or_default();
        assert!(["page", "ticket"].contains(&severity), "{name}: {severity}");
        let action = rule["annotations"]["action"].as_str().unwrap_or_default();
        assert!(!action.is_empty(), "{name}: what is to be done?");
        names_only_what_is_there(name, action);
    }
}

/// What reads every expression right finds nothing, so it is shown wrong ones too.
#[test]
fn an_expression_is_taken_apart_or_refused() {
    let asked = Asked::by("sum by (le, of) (rate(lumbung_a_bucket{of=\"put\", le=\"1\"}[10m])) > 5e9");
    assert_eq!(asked.series, [("lumbung_a_bucket", vec![("of", "put"), ("le", "1")])]);
    assert_eq!(asked.groups, ["le", "of"]);
    let plain = Asked::by("abs(lumbung_a) > 30").series;
    assert!(plain[0].0 == "lumbung_a" && plain[0].1.is_empty(), "{plain:?}");
    for wrong in ["max(lumbng_a) > 0", "lumbung_a{of=~\"put\"} > 0", "lumbung_a{of=put} > 0", "lumbung_a > lumbung"] {
        assert!(std::panic::catch_unwind(|| Asked::by(wrong)).is_err(), "{wrong} is taken for right");
    }
}

/// What an expression asks for: series with the labels that they must have, and labels by which it groups them.
#[derive(Debug, Default)]
struct Asked<'a> {
    series: Vec<(&'a str, Labels<'a>)>,
    groups: Vec<&'a str>,
}

impl Asked<'_> {
    /// Knows as much of Prometheus's language as the rules use, and refuses the rest.
    fn by(expression: &str) -> Asked<'_> {
        let mut asked = Asked::default();
        let mut rest = expression;
        while let Some((word, after)) = next_word(rest) {
            rest = after;
            if word == "by" {
                let (labels, after) = enclosed(rest, '(', ')').expect("labels");
                asked.groups.extend(labels.split(',').map(str::trim));
                rest = after;
            } else if word == "up" || word.starts_with("lumbung_") {
                let (labels, after) = enclosed(rest, '{', '}').unwrap_or(("", rest));
                asked.series.push((word, labels.split_terminator(',').map(label).collect()));
                rest = after;
            } else {
                let is_known = FUNCTIONS.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit());
                assert!(is_known, "{expression}: what is {word}?");
            }
        }
        asked
    }
}

fn next_word(text: &str) -> Option<(&str, &str)> {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = &text[text.find(is_inside)?..];
    Some(word.split_at(word.find(|c: char| !is_inside(c)).unwrap_or(word.len())))
}

/// What stands between two brackets at the beginning, and what follows.
fn enclosed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    text.trim_start().strip_prefix(open)?.split_once(close)
}

fn label(text: &str) -> (&str, &str) {
    let exact = text.trim().split_once("=\"").and_then(|(name, value)| Some((name, value.strip_suffix('"')?)));
    exact.unwrap_or_else(|| panic!("{text}: not written as name=\"value\""))
}

fn rules() -> Vec<Value> {
    let read = yaml("alerts.yaml");
    let groups = read["groups"].as_array().expect("groups").iter();
    let rules: Vec<Value> = groups.filter_map(|group| group["rules"].as_array()).flatten().cloned().collect();
    assert!(rules.len() > 10, "{read}");
    rules
}

/// Of one with everything that is told about, to which something was uploaded.
async fn told_by_a_node() -> Vec<Series> {
    let (address, mirror) = (format!("127.0.0.1:{}", free_port()), scratch("mirror"));
    let settings = [
        ("metrics.listen", address.as_str()),
        ("storage.mirror.kind", "folder"),
        ("storage.mirror.folder", mirror.to_str().expect("a plain path")),
    ];
    let program = Program::start(Stack::Embedded, &settings).await;
    program.actor(Actor::Clerk).upload("acak.bin", vec![7; 2000], json!({})).await;
    let answer = reqwest::get(format!("http://{address}/metrics")).await.expect("it answers");
    let told = scratch("told").join("metrics");
    std::fs::write(&told, answer.text().await.expect("text")).expect("our folder");
    serde_json::from_value(python(PARSE, &told)).expect("names and labels")
}
