//! The jail, tried from inside: a program that stands in for Tesseract does what a taken-over one would, and what it
//! achieved comes back as the "text" of the page.

use super::support::{letter_pdf, plaintext, png, program};
use image::{Rgb, RgbImage};
use lumbung::read::{Outcome, Reader, Reason, Settings};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A stand-in for Tesseract that runs `body` when it is asked to read a page.
fn impostor(folder: &Path, body: &str) -> PathBuf {
    let path = folder.join("impostor");
    let script = format!(
        "#!/bin/bash\ncase $1 in --version) echo 'tesseract 0'; exit;; --list-langs) echo ind; exit;; esac\n\
         say() {{ printf '5\\t1\\t1\\t1\\t1\\t1\\t10\\t10\\t90\\t20\\t95\\t%s\\n' \"$1\"; }}\n\
         printf 'level\\tpage_num\\n'\n{body}\n"
    );
    fs::write(&path, script).expect("writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    path
}

fn reader_with(tesseract: PathBuf, settings: Settings) -> Reader {
    Reader::new(Settings { tesseract, ..settings }, program())
}

/// A page that needs OCR.
fn page() -> Vec<u8> {
    png(&RgbImage::from_fn(400, 300, |x, y| if (x / 7 + y / 9) % 5 == 0 { Rgb([0; 3]) } else { Rgb([255; 3]) }))
}

async fn achieved(body: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let reader = reader_with(impostor(folder.path(), body), Settings::default());
    match reader.read(&plaintext(&page()), "scan.png", |_, _| {}).await {
        Outcome::Read(reading) => reading.pages[0].text.clone(),
        other => panic!("the impostor was not heard: {other:?}"),
    }
}

#[tokio::test]
async fn this_machine_confines_the_reader_and_says_how() {
    let report = Reader::new(Settings::default(), program()).status().await;
    eprintln!("{}", report.line());
    assert!(report.reads && report.calls && report.limits, "{}", report.line());
    assert_eq!(report.files, if report.abi >= 7 { "full" } else { "partial" }, "{}", report.line());
    let engine = report.tesseract.expect("the tests need tesseract-ocr");
    assert_eq!(engine.languages, ["ind", "eng"], "the tests need tesseract-ocr-ind and tesseract-ocr-eng");
}

#[tokio::test]
async fn a_taken_over_program_reaches_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    fs::write(&secret, "rahasia").expect("writable");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let body = format!(
        r#"say begun
           read -r word < '{secret}' && say file-read
           read -r word < /etc/passwd && say system-file-read
           : > '{folder}/new' && say file-written
           : > /dev/shm/lumbung-probe && say memory-file-written
           exec 3<>/dev/tcp/127.0.0.1/{port} && say connected
           exec 3<>/dev/udp/127.0.0.1/{port} && say datagram
           kill -0 $PPID && say parent-signalled
           kill -0 1 && say first-process-signalled
           ulimit -v unlimited && say limit-lifted
           ulimit -c 1000 && say core-file-allowed
           say ended"#,
        secret = secret.display(),
        folder = folder.path().display(),
    );
    assert_eq!(achieved(&body).await, "begun ended");
    assert!(!folder.path().join("new").exists());
}

/// What a program could call directly, without the tools that a shell has: numbers of another set, ways around the limits,
/// signals by way of a descriptor.
#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn calls_that_no_lock_on_files_covers_are_refused_by_whatever_number() {
    let body = r#"exec /usr/bin/perl -e '
        sub say { printf "5\t1\t1\t1\t1\t1\t10\t10\t90\t20\t95\t%s\n", $_[0] }
        my ($x32, $here, $path) = (0x40000000, -100, "/tmp/none");
        say("begun");
        my @tried = (
            ["x32-socket", $x32 + 41, 2, 1, 0], ["x32-execve", $x32 + 520, $path, 0, 0], ["x32-fork", $x32 + 57],
            ["x32-kill", $x32 + 62, getppid(), 0], ["x32-ptrace", $x32 + 521, 16, getppid(), 0, 0],
            ["fchmodat2", 452, $here, $path, 0666, 0], ["setxattrat", 463, $here, $path, 0, "user.x", 0, 0],
            ["file_setattr", 469, $here, $path, 0, 0, 0], ["mknodat", 259, $here, $path, 010600, 0],
            ["setrlimit", 160, 9, pack("QQ", 1 << 40, 1 << 40)], ["parent-death", 157, 1, 0], ["dumpable", 157, 4, 1],
            ["owner", 72, 1, 8, getppid()], ["signal", 72, 1, 10, 9], ["unshare", 272, 0x10000000],
            ["process_madvise", 440, 0, 0, 0, 0, 0], ["personality", 135, 0x0040000],
        );
        for (@tried) { my ($name, @call) = @$_; my $done = syscall(shift @call, @call); say($name) if $done != -1 || $! != 1 }
        say("ended")'"#;
    assert_eq!(achieved(body).await, "begun ended");
}

/// What the server has of its own, and what somebody before it left open, is not handed on.
#[tokio::test]
async fn a_program_inherits_nothing_but_its_page() {
    // A shell may not fork here, so the names of its variables come by a pattern.
    let body = r#"say begun
        for name in ${!A*} ${!B*} ${!H*} ${!L*} ${!S*} ${!T*} ${!U*} ${!X*}; do
            case $name in LC_ALL|LUMBUNG_READER_TASK|SHLVL) ;; *) say $name;; esac
        done
        for number in 3 4 5 6 7 8 9; do
            { true <&$number; } 2>/dev/null && say open-$number
        done
        { echo x >&0; } 2>/dev/null && say page-changed
        say ended"#;
    let said = achieved(body).await;
    let strange: Vec<&str> = said.split(' ').filter(|word| !is_of_the_shell(word)).collect();
    assert_eq!(strange, ["begun", "ended"], "{said}");
}

/// Variables that the shell makes for itself.
fn is_of_the_shell(word: &str) -> bool {
    let own = ["BASH", "SHELL", "HOSTNAME", "HOSTTYPE", "TERM", "UID", "LINENO", "SECONDS", "SRANDOM", "HISTCMD"];
    own.iter().any(|name| word.starts_with(name))
}

#[tokio::test]
async fn a_program_starts_no_other() {
    // The shell gives up where it may not fork, so what counts is that the line after it is never reached.
    let folder = tempfile::tempdir().expect("a folder");
    let reader = reader_with(impostor(folder.path(), "say begun\n(: )\nsay forked"), Settings::default());
    let said = reader.read(&plaintext(&page()), "scan.png", |_, _| {}).await;
    assert!(!format!("{said:?}").contains("forked"), "{said:?}");
    let without = reader_with(impostor(folder.path(), "say begun\nsay alone"), Settings::default());
    let said = without.read(&plaintext(&page()), "scan.png", |_, _| {}).await;
    assert!(format!("{said:?}").contains("begun alone"), "{said:?}");
}

#[tokio::test]
async fn a_program_gets_no_more_memory_than_its_limit() {
    // Doubling 1 MiB ten times asks for a gigabyte; the limit is half of that.
    let body = "say begun\nprintf -v x '%1048576s' ''\nfor i in 1 2 3 4 5 6 7 8 9 10; do x=$x$x; done\nsay allocated";
    let folder = tempfile::tempdir().expect("a folder");
    let reader = reader_with(impostor(folder.path(), body), Settings::default());
    let said = reader.read(&plaintext(&page()), "scan.png", |_, _| {}).await;
    assert!(!format!("{said:?}").contains("allocated"), "{said:?}");
}

#[tokio::test]
async fn a_program_that_never_ends_is_killed_and_the_file_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { wall_seconds: 2, ..Settings::default() };
    let tesseract = impostor(folder.path(), "while :; do :; done");
    let reader = reader_with(tesseract.clone(), settings);
    let started = Instant::now();
    let said = reader.read(&plaintext(&page()), "scan.png", |_, _| {}).await;
    let wanted = Outcome::Unreadable { media_type: "image/png".into(), reason: Reason::TimedOut };
    assert_eq!(said, wanted);
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_gone(&tesseract).await;
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_leaves_no_process_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let tesseract = impostor(folder.path(), "while :; do :; done");
    let reader = reader_with(tesseract.clone(), Settings::default());
    reader.status().await;
    let read = async { reader.read(&plaintext(&page()), "scan.png", |_, _| {}).await };
    assert!(tokio::time::timeout(Duration::from_secs(3), read).await.is_err());
    assert_gone(&tesseract).await;
}

/// A program that stops answering, and one that is killed, are both buried: neither stays behind as a zombie.
#[tokio::test]
async fn no_child_stays_a_zombie() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { wall_seconds: 1, ..Settings::default() };
    for body in ["exec /nowhere/program", "exec 1>&-; while :; do :; done", "say kata; exit 3"] {
        let reader = reader_with(impostor(folder.path(), body), settings.clone());
        let said = reader.read(&plaintext(&page()), "scan.png", |_, _| {}).await;
        assert!(matches!(said, Outcome::Unreadable { .. }), "{body}: {said:?}");
    }
    // Other tests of this process have children too: only one that stays a zombie all the while counts, and the shells that
    // guard their servers are buried when those tests end.
    let mut zombies = zombies_of_ours();
    for _ in 0..100 {
        if zombies.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = zombies_of_ours();
        zombies.retain(|zombie| now.contains(zombie));
    }
    panic!("zombies are left: {zombies:?}");
}

/// Process and name of each dead child that nobody asked for, guards of servers left out.
fn zombies_of_ours() -> Vec<(String, String)> {
    let own = format!("PPid:\t{}\n", std::process::id());
    let named = |entry: fs::DirEntry| {
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let name = status.lines().next()?.strip_prefix("Name:\t")?.to_owned();
        let counts = status.contains(&own) && status.contains("State:\tZ") && name != "sh";
        counts.then(|| (entry.file_name().to_string_lossy().into_owned(), name))
    };
    fs::read_dir("/proc").expect("proc").flatten().filter_map(named).collect()
}

/// Whether any process has this in its command line.
fn runs(part: &str) -> bool {
    let all = fs::read_dir("/proc").expect("proc").flatten();
    all.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok()).any(|line| line.contains(part))
}

async fn assert_gone(program: &Path) {
    let name = program.display().to_string();
    for _ in 0..100 {
        if !runs(&name) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{name} still runs");
}

#[tokio::test]
async fn output_without_end_is_cut() {
    let body = "while :; do say kata; done";
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { wall_seconds: 20, ..Settings::default() };
    let said = reader_with(impostor(folder.path(), body), settings).read(&plaintext(&page()), "a.png", |_, _| {}).await;
    // Cut after its bound, the program is killed at the closed pipe: the page failed, the server did not.
    assert!(matches!(said, Outcome::Unreadable { reason: Reason::Crashed, .. }), "{said:?}");
}

#[tokio::test]
async fn without_tesseract_typeset_pages_are_read_and_pictures_say_what_is_missing() {
    let reader = reader_with("/nowhere/tesseract".into(), Settings::default());
    assert!(reader.status().await.tesseract.is_none());
    let typeset = reader.read(&plaintext(&letter_pdf(&["Surat keputusan kepala desa"])), "a.pdf", |_, _| {}).await;
    assert!(matches!(typeset, Outcome::Read(reading) if reading.incomplete.is_none()));
    let scanned = reader.read(&plaintext(&page()), "a.png", |_, _| {}).await;
    assert_eq!(scanned, Outcome::Unreadable { media_type: "image/png".into(), reason: Reason::NoTesseract });
}

#[tokio::test]
async fn a_reader_that_cannot_be_started_is_our_fault_and_not_the_files() {
    let reader = Reader::new(Settings::default(), "/nowhere/lumbung".into());
    let said = reader.read(&plaintext(b"Yth. Camat"), "a.txt", |_, _| {}).await;
    assert_eq!(said, Outcome::Unreadable { media_type: "text/plain".into(), reason: Reason::ReaderFailed });
    assert!(!reader.status().await.reads);
}

#[tokio::test]
async fn a_reader_dies_with_the_server_that_started_it() {
    // The shell stands for the server. Its reader becomes `sleep`, with a number that tells it from all others.
    let number = format!("7{}", std::process::id());
    let task = format!(
        r#"{{\"parent\":$$,\"require_jail\":false,\"memory_mb\":256,\"cpu_seconds\":5,\"work\":{{\"exec\":{{\"program\":\"/usr/bin/sleep\",\"args\":[\"{number}\"]}}}}}}"#
    );
    // What leaked into the shell from whoever runs the tests is closed: a reader refuses to start with it.
    let close = r#"for f in /proc/$$/fd/*; do n=${f##*/}; [ $n -gt 2 ] && eval "exec $n>&-"; done; "#;
    let script = format!(
        "{close}LUMBUNG_READER_TASK=\"{task}\" {} {} </dev/null >/dev/null & wait",
        program().display(),
        lumbung::read::COMMAND
    );
    let mut server = Command::new("/bin/bash").args(["-c", &script]).spawn().expect("a shell");
    let begun = Instant::now();
    while !runs(&format!("sleep\0{number}\0")) {
        assert!(begun.elapsed() < Duration::from_secs(20), "the reader never began");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill().expect("ours");
    server.wait().expect("ours");
    assert_gone(Path::new(&format!("sleep\0{number}\0"))).await;
}

#[test]
fn the_hidden_command_does_nothing_for_a_stranger() {
    let run = |task: &str| {
        let mut command = Command::new(program());
        command.arg(lumbung::read::COMMAND).env_clear().env("LUMBUNG_READER_TASK", task);
        let done = command.stdin(Stdio::null()).output().expect("runs");
        (done.status.code(), done.stdout)
    };
    assert_eq!(run("nonsense"), (Some(2), vec![]));
    // A task that names another parent: that parent is gone, so the child ends before it reads a byte.
    let orphan = r#"{"parent":1,"require_jail":true,"memory_mb":256,"cpu_seconds":5,"work":"report"}"#;
    assert_eq!(run(orphan), (Some(125), vec![]));
}
