//! The demonstration's letters, looked at with programs that are not ours.

use std::path::Path;
use std::process::Command;

use lumbung::cli::letters::{DemoLetter, demo_letters};

use crate::support::{server, tools};

fn output(program: &str, args: &[&str], file: &Path) -> String {
    let run = Command::new(tools::program(program)).arg(file).args(args).env("OMP_THREAD_LIMIT", "1").output();
    let run = run.expect("the program runs");
    assert!(run.status.success(), "{program}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn is_scan(letter: &DemoLetter) -> bool {
    letter.file_name.starts_with("pindaian")
}

#[test]
fn typeset_letters_give_their_number_and_the_scan_gives_no_text() {
    let dir = server::scratch("letters");
    for letter in demo_letters() {
        let file = dir.join(letter.file_name);
        std::fs::write(&file, &letter.bytes).expect("our folder is writable");
        let text = output("pdftotext", &["-"], &file);
        if is_scan(&letter) {
            assert_eq!(text.trim(), "", "{}", letter.file_name);
        } else {
            assert!(text.contains(letter.number), "{} is not in {}:\n{text}", letter.number, letter.file_name);
        }
    }
}

#[test]
fn the_scan_can_be_read_by_its_picture_alone() {
    let dir = server::scratch("scan");
    let scan = demo_letters().into_iter().find(is_scan).expect("one letter is a scan");
    let file = dir.join("scan.pdf");
    std::fs::write(&file, &scan.bytes).expect("our folder is writable");
    output("pdftoppm", &["-r", "200", "-gray", "-singlefile", &dir.join("page").display().to_string()], &file);
    let text = output("tesseract", &["-", "-l", "ind", "--psm", "1"], &dir.join("page.pgm"));
    for words in ["tanggul Kali Blencong", "gotong royong", "sumber daya air"] {
        assert!(text.contains(words), "{words} was not read:\n{text}");
    }
}
