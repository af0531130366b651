//! Help is there for every command, in both languages.

use super::{Terminal, Told};

/// The names below `Perintah / commands:`.
fn commands(help: &str) -> Vec<String> {
    let below = help.split("Perintah / commands:\n").nth(1).unwrap_or_default();
    let lines = below.lines().take_while(|line| !line.is_empty());
    // Long descriptions go on in lines that are indented further.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[track_caller]
fn is_bilingual(path: &[String], told: &Told) {
    let help = told.out();
    assert!(help.contains("Cara pakai / usage: lumbung"), "{path:?}: {help}");
    for english in ["Usage:", "Options:", "Commands:", "Arguments:", "Print help"] {
        assert!(!help.contains(english), "{path:?}: {english} is in English only: {help}");
    }
    let about = help.split("Cara pakai").next().unwrap_or_default();
    assert!(about.contains(" / "), "{path:?}: {about}");
    let body = help.split("Kode keluar").next().unwrap_or_default().replace("\n          ", " ");
    let blocks = body.split("Pilihan / options:\n").nth(1).unwrap_or_default();
    let options = blocks.split("\n  ").filter(|block| block.trim_start().starts_with('-'));
    for option in options {
        assert!(option.contains(" / "), "{path:?}: an option is not explained in both languages: {option}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_explains_itself_in_both_languages() {
    let terminal = Terminal::new();
    let mut waiting: Vec<Vec<String>> = vec![vec![]];
    let mut seen = Vec::new();
    while let Some(path) = waiting.pop() {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let told = terminal.run(&args).await.ends(0);
        is_bilingual(&path, &told);
        for name in commands(&told.out()) {
            waiting.push(path.iter().cloned().chain([name]).collect());
        }
        seen.push(path.join(" "));
    }
    for known in ["serve", "demo", "init", "config check", "config show", "upload", "search", "share"] {
        assert!(seen.iter().any(|path| path == known), "{known} is not in {seen:?}");
    }
    for known in ["verify", "key export", "account reset", "reindex"] {
        assert!(seen.iter().any(|path| path == known), "{known} is not in {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_is_told_and_ends_with_two() {
    let terminal = Terminal::new();
    terminal.run(&[]).await.ends(2);
    terminal.run(&["nonsense"]).await.ends(2);
    terminal.run(&["upload"]).await.ends(2);
    let version = terminal.run(&["--version"]).await.ends(0);
    assert!(version.out().starts_with("lumbung "), "{}", version.out());
    let top = terminal.run(&["--help"]).await.ends(0).out();
    for code in ["0  ", "1  ", "2  ", "3  "] {
        assert!(top.contains(&format!("\n  {code}")), "exit code {code} is not explained: {top}");
    }
}
