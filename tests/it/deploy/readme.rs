//! What an operator is told to look at and to type, by the README and by the alerts, is there.

use std::collections::BTreeSet;
use std::process::Command;

use lumbung::config::DEFAULT;
use serde_json::Value;

use super::{Checks, files, text};

pub const CHECKS: Checks = &[("README.md", the_readme_names_every_file_and_only_what_is_there)];

#[test]
fn the_readme_names_every_file_and_only_what_is_there() {
    let readme = text("README.md");
    let named: BTreeSet<String> = code(&readme).collect();
    for file in files().iter().filter(|file| *file != "README.md") {
        assert!(named.contains(file), "the README does not say what {file} is");
    }
    names_only_what_is_there("README.md", &readme);
}

/// Of what stands between backticks: files, keys of the configuration and commands; and calls of the API anywhere.
pub fn names_only_what_is_there(place: &str, text: &str) {
    let (files, defaults) = (files(), DEFAULT.parse::<toml::Table>().expect("TOML"));
    for span in code(text) {
        for file in span.split(' ').filter_map(|word| word.strip_prefix("deploy/")) {
            assert!(files.contains(file), "{place}: deploy/{file} is not there");
        }
        let word = span.split(' ').next().unwrap_or_default();
        if let Some(command) = command(&span) {
            understands(place, command);
        } else if word.starts_with("s3_") {
            assert!(is_key(&defaults, &format!("storage.{word}")), "{place}: {word} is no key of [storage]");
        } else if is_dotted(word) {
            let is_there = files.contains(word) || is_key(&defaults, word);
            assert!(is_there, "{place}: {word} is neither a file here nor a key of the configuration");
        }
    }
    let described = std::fs::read_to_string("schema/openapi.json").expect("readable");
    let described: Value = serde_json::from_str(&described).expect("JSON");
    for (method, path) in calls(text) {
        assert!(described["paths"][&path][&method].is_object(), "{place}: nothing answers {method} {path}");
    }
}

/// Each span of code on a line of its own, each line of a block likewise.
fn code(text: &str) -> impl Iterator<Item = String> {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    // The three backticks of a block change from prose to code and back as one does.
    text.split('`').skip(1).step_by(2).flat_map(move |span| match span.strip_prefix("sh\n") {
        Some(block) => block.lines().map(one_line).collect::<Vec<_>>(),
        None => vec![one_line(span)],
    })
}

/// What follows the program's name, on the machine or in a container.
fn command(span: &str) -> Option<&str> {
    span.strip_prefix("lumbung ").or_else(|| span.strip_prefix("docker compose run --rm lumbung1 "))
}

fn understands(place: &str, command: &str) {
    let words: Vec<&str> = command.split(' ').collect();
    let path = words.iter().take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    let mut program = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    let told = program.args(path).arg("--help").output().expect("the program runs");
    assert!(told.status.success(), "{place}: there is no lumbung {command}");
    let help = String::from_utf8_lossy(&told.stdout);
    let known: BTreeSet<&str> = help.split(|c: char| !c.is_ascii_lowercase() && c != '-').collect();
    for option in words.iter().filter(|word| word.starts_with("--")) {
        assert!(known.contains(option), "{place}: lumbung {command}: no option {option}");
    }
}

/// Written as files and keys are: `section.key`.
fn is_dotted(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    word.contains('.') && word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(is_plain)
}

fn is_key(table: &toml::Table, key: &str) -> bool {
    match key.split_once('.') {
        Some((section, rest)) => {
            let below = table.get(section).and_then(toml::Value::as_table);
            below.is_some_and(|below| is_key(below, rest))
        }
        None => table.contains_key(key),
    }
}

/// Methods and paths of the API, as its description spells them.
fn calls(text: &str) -> Vec<(String, String)> {
    let words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_matches(|c: char| "`,.;".contains(c))).collect();
    let pairs = words
        .windows(2)
        .filter(|pair| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&pair[0]) && pair[1].starts_with("/api/"));
    let path = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    pairs.map(|pair| (pair[0].to_lowercase(), path(pair[1]))).collect()
}
