//! House rules that the compiler cannot check. Each failure says where, and what the rule is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lower layers first. A module may use its own layer and those before it, never one after it.
const LAYERS: &[&[&str]] = &[
    &["error", "id", "clock", "crash", "measure", "proof"],
    &["config", "db", "queue", "blob", "seal"],
    &["read", "search", "mail", "scan"],
    &["audit", "office", "account", "access", "idempotency"],
    &["document"],
    &["ingest", "download", "share", "record", "vault"],
    &["app"],
    &["jobs"],
    &["http"],
    &["desk"],
    &["api", "web"],
    &["http/routes"],
    &["cli", "fuzz"],
    &["lib", "main"],
];
/// Siblings that never call each other, though they stand on one layer.
const EDGES: &[&str] = &["api", "web", "cli"];
const WISHED_LINES: usize = 400;
const MAX_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 100;

#[test]
fn layers_point_downwards() {
    let mut faults = Vec::new();
    for source in sources("src") {
        let here = source.module();
        let Some(layer) = layer_of(&here) else {
            faults.push(format!("{}: `{here}` stands in no layer", source.path.display()));
            continue;
        };
        for (line, target) in source.uses() {
            let Some(there) = layer_of(&target) else { continue };
            let sideways = here != target && EDGES.contains(&here.as_str()) && EDGES.contains(&target.as_str());
            if there > layer || sideways {
                faults.push(format!("{}:{line}: `{target}` is not below `{here}`", source.path.display()));
            }
        }
    }
    assert_none("uses that point up or sideways", &faults);
}

#[test]
fn files_stay_readable() {
    let lengths =
        || ["src", "tests", "benches"].into_iter().flat_map(sources).map(|s| (s.text.lines().count(), s.path));
    for (lines, path) in lengths().filter(|(lines, _)| *lines > WISHED_LINES) {
        eprintln!("{}: {lines} lines; {WISHED_LINES} read better", path.display());
    }
    let long: Vec<String> = lengths()
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_none("files over 600 lines", &long);
}

#[test]
fn functions_hold_one_idea() {
    let mut long = Vec::new();
    for source in ["src", "tests", "benches"].into_iter().flat_map(sources) {
        for (line, length) in source.functions().filter(|(_, length)| *length > MAX_FUNCTION_LINES) {
            long.push(format!("{}:{line}: {length} lines", source.path.display()));
        }
    }
    assert_none("functions over 100 lines", &long);
}

#[test]
fn no_file_names_a_folder_of_some_machine() {
    // Written in pieces, so that this file does not name one either.
    let folders = ["/ro-ot/", "/ho-me/", "/wo-rk/", "/Us-ers/"].map(|name| name.replace('-', ""));
    let mut found = Vec::new();
    for (path, text) in tracked() {
        for (at, line) in text.lines().enumerate() {
            let named = folders.iter().find(|folder| starts_a_path(line, folder));
            found.extend(named.map(|folder| format!("{}:{}: {folder}", path.display(), at + 1)));
        }
    }
    assert_none("paths of one machine", &found);
}

#[test]
fn every_migration_is_listed_in_order_and_compiled_in() {
    let mut files: Vec<String> = fs::read_dir("schema")
        .expect("schema/ is there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".sql"))
        .collect();
    files.sort();
    for (at, name) in files.iter().enumerate() {
        assert_eq!(name[..4], format!("{:04}", at + 1), "the numbers of schema/ have a gap or a double");
    }
    let compiled: String = sources("src").map(|source| source.text).collect();
    let missing: Vec<String> = files.into_iter().filter(|name| !compiled.contains(&format!("schema/{name}"))).collect();
    assert_none("migrations that the program does not know", &missing);
}

#[test]
fn every_test_runs() {
    let mark = concat!("#[ig", "nore");
    let found: Vec<String> = ["src", "tests", "benches"]
        .into_iter()
        .flat_map(sources)
        .filter(|source| source.text.contains(mark))
        .map(|source| source.path.display().to_string())
        .collect();
    assert_none("tests that do not run", &found);
}

/// A row of a table of figures ends with the command that prints it, as `cargo bench --bench NAME`.
#[test]
fn every_figure_in_the_readme_names_the_command_that_prints_it() {
    let Ok(readme) = fs::read_to_string("README.md") else { panic!("README.md is missing") };
    let figures = readme.split("\n## ").find(|part| part.to_lowercase().starts_with("figures")).unwrap_or_default();
    let rows = figures.lines().filter(|line| line.starts_with('|')).skip(2);
    let nameless: Vec<&str> = rows.filter(|row| !row.split('`').any(is_known_command)).collect();
    assert!(nameless.is_empty(), "figures without a command that exists:\n{}", nameless.join("\n"));
}

/// No kept crate does its work on both databases; it is ours as long as it is small.
#[test]
fn the_queue_is_below_three_hundred_lines() {
    let lines = |path: &str| {
        let text = fs::read_to_string(path).expect("the queue");
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    };
    let all = lines("src/queue/mod.rs") + lines("src/queue/sql.rs");
    assert!(all < 300, "{all} lines of code; ARCHITECTURE.md says below 300");
}

/// What may be found is decided in one place, of what `access.rs` knows of the reader.
#[test]
fn a_scope_of_search_is_made_in_one_place() {
    let makers = sources("src").filter(|source| source.text.contains("Scope::office("));
    let makers: Vec<String> = makers.map(|source| source.path.display().to_string()).collect();
    assert_eq!(makers, ["src/desk/search.rs"]);
}

fn is_known_command(text: &str) -> bool {
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        ["cargo", "bench", "--bench", name, ..] => Path::new("benches").join(format!("{name}.rs")).exists(),
        ["./test", ..] => true,
        [script, ..] => script.starts_with("benches/") && Path::new(script).exists(),
        [] => false,
    }
}

fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        // The same letters may be a part of a longer name or of an address elsewhere.
        before.is_none_or(|c| !c.is_alphanumeric() && !"-_.}".contains(c))
    })
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The list of routes stands with `http` and names every handler above it: it is a layer of its own.
    fn module(&self) -> String {
        if self.path.ends_with("http/routes.rs") {
            return "http/routes".to_owned();
        }
        let first = self.path.iter().nth(1).expect("below src").to_string_lossy();
        first.trim_end_matches(".rs").to_owned()
    }

    /// Modules of the crate that are named, with the line: `crate::a`, and `crate::{a, b::c}` over several lines.
    fn uses(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, _) in self.text.match_indices("crate::") {
            let line = self.text[..at].lines().count().max(1);
            let rest = &self.text[at + "crate::".len()..];
            let names = match rest.strip_prefix('{') {
                Some(group) => first_names(group),
                None => vec![identifier(rest)],
            };
            found.extend(names.into_iter().map(|name| (line, name)));
        }
        found
    }

    /// The first line and the length of every function; rustfmt puts the closing brace under the `fn`.
    fn functions(&self) -> impl Iterator<Item = (usize, usize)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let starts: Vec<usize> = (0..lines.len()).filter(|at| opens_function(lines[*at])).collect();
        starts.into_iter().map(move |start| {
            let indent = lines[start].len() - lines[start].trim_start().len();
            let close = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|line| *line == close).map_or(1, |end| end + 1);
            (start + 1, length)
        })
    }
}

fn opens_function(line: &str) -> bool {
    let mut words = line.split_whitespace().take_while(|word| !word.contains('='));
    let is_modifier = |word: &&str| ["pub", "async", "const", "unsafe"].contains(word) || word.starts_with("pub(");
    words.find(|word| !is_modifier(word)) == Some("fn") && !line.trim_end().ends_with(['}', ';'])
}

/// The names before `::`, `,` or `}` at the outermost level of a group.
fn first_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut start) = (0, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && depth == 0 && !c.is_whitespace() => {
                names.push(identifier(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The Rust files below one of the crate's folders.
fn sources(folder: &str) -> impl Iterator<Item = Source> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    files.into_iter().map(|path| Source { text: fs::read_to_string(&path).expect("UTF-8"), path })
}

/// Every text file that git keeps.
fn tracked() -> impl Iterator<Item = (PathBuf, String)> {
    let listed = Command::new("git").args(["ls-files", "-z"]).output().expect("git runs");
    assert!(listed.status.success(), "git: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("names in UTF-8");
    let paths: Vec<PathBuf> = names.split_terminator('\0').map(PathBuf::from).collect();
    paths.into_iter().filter(|path| path.extension().is_none_or(|end| end != "lock")).filter_map(|path| {
        let text = fs::read_to_string(&path).ok()?;
        Some((path, text))
    })
}
