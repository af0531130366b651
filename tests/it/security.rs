//! SECURITY.md says which test holds which threat. A name that nothing bears would be a promise that nothing keeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const FOLDERS: [&str; 6] = [".ci/", "deploy/", "schema/", "src/", "tests/", "tools/"];

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let names = named(|text| text.contains("::"));
    assert!(names.len() > 200, "only {} names: SECURITY.md is not written as this test reads it", names.len());
    let missing: Vec<String> = names.into_iter().filter(|name| !is_a_test(name)).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that do not exist:\n{}", missing.join("\n"));
}

#[test]
fn every_place_that_the_threat_model_names_exists() {
    let places = named(|text| FOLDERS.iter().any(|folder| text.starts_with(folder)));
    let missing: Vec<String> = places.into_iter().filter(|place| !Path::new(place).exists()).collect();
    assert!(missing.is_empty(), "SECURITY.md names places that do not exist:\n{}", missing.join("\n"));
}

/// What finds every name right holds nothing, so it is shown wrong ones too.
#[test]
fn a_name_that_no_test_bears_is_found_out() {
    for right in [
        "security::a_name_that_no_test_bears_is_found_out",
        "reading::fairness::a_single_letter_is_found_within_seconds_while_a_cabinet_of_another_office_waits",
        "search_index::asking::no_text_makes_an_error",
        "seal::open::tests::one_flipped_bit_of_the_payload_is_refused",
        "account::tests::session::garbage_is_nobody",
        "mail::tests::an_address_has_one_spelling_and_no_tricks",
    ] {
        assert!(is_a_test(right), "{right} is not found");
    }
    for wrong in [
        "a_name_that_no_test_bears_is_found_out",
        "security::a_name_that_no_test_bears_is_found",
        "security::is_a_test",
        "tidy::a_name_that_no_test_bears_is_found_out",
        "nowhere::a_name_that_no_test_bears_is_found_out",
        "seal::open::one_flipped_bit_of_the_payload_is_refused",
        "seal::key::tests::one_flipped_bit_of_the_payload_is_refused",
    ] {
        assert!(!is_a_test(wrong), "{wrong} is taken for a test");
    }
}

/// What stands between backticks in SECURITY.md.
fn named(is_meant: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let text = fs::read_to_string("SECURITY.md").expect("SECURITY.md is there");
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|&text| is_meant(text)).map(str::to_owned).collect()
}

fn is_a_test(name: &str) -> bool {
    let Some((place, test)) = name.rsplit_once("::") else { return false };
    files_of(place).iter().any(|file| fs::read_to_string(file).is_ok_and(|text| holds(&text, test)))
}

/// The files in which a module may lie: the library's if its name goes through `tests`, else those of this binary.
fn files_of(place: &str) -> Vec<String> {
    let path = place.replace("::", "/");
    let either = |path: String| [format!("{path}.rs"), format!("{path}/mod.rs")];
    if !place.split("::").any(|part| part == "tests") {
        return either(format!("tests/it/{path}")).to_vec();
    }
    let mut files = either(format!("src/{path}")).to_vec();
    // The library's tests stand in a file of their own or at the end of the file that they try.
    if let Some(tried) = path.strip_suffix("/tests") {
        files.extend(either(format!("src/{tried}")));
        files.push(format!("src/{tried}_tests.rs"));
    }
    files
}

fn holds(text: &str, test: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let on_both_stacks = format!("both_stacks!({test},");
    (0..lines.len()).any(|at| {
        lines[at].starts_with(&on_both_stacks) || is_function(lines[at], test) && is_marked_as_test(&lines[..at])
    })
}

fn is_function(line: &str, name: &str) -> bool {
    let bare = line.strip_prefix("async ").unwrap_or(line);
    let rest = bare.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with('('))
}

/// Whether one of the attributes right above a function makes it a test; comments may stand between them.
fn is_marked_as_test(above: &[&str]) -> bool {
    let mut head = above.iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    head.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}
