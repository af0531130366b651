use std::process::ExitCode;

fn main() -> ExitCode {
    if lumbung::read::keep_memory_private().is_err() {
        eprintln!("Memori proses ini tidak dapat dilindungi. / The memory of this process cannot be kept private.");
        return ExitCode::FAILURE;
    }
    // Before any thread or runtime exists: this process may have been started to become a jailed reader.
    if std::env::args_os().nth(1).is_some_and(|command| command == lumbung::read::COMMAND) {
        return lumbung::read::jail_main();
    }
    lumbung::cli::main()
}
