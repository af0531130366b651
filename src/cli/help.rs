//! Help in both languages, for every command alike.

use clap::{Arg, ArgAction, Command};

const TEMPLATE: &str = "{about-with-newline}\nCara pakai / usage: {usage}\n\n{all-args}{after-help}";
const EXIT_CODES: &str = "\
Kode keluar / exit codes:
  0  selesai / done
  1  ada yang tidak beres pada yang diperiksa atau diunggah / something is wrong with what was checked or uploaded
  2  cara pakai keliru / wrong use
  3  yang diperlukan tidak terjangkau / cannot reach what it needs";

/// The words of `clap` itself, which it has in English only, are replaced.
pub fn in_both_languages(command: Command) -> Command {
    let mut command = told(command.after_help(EXIT_CODES));
    command.build();
    command
}

fn told(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let mut command = command
        .help_template(TEMPLATE)
        .subcommand_help_heading("Perintah / commands")
        .subcommand_value_name("PERINTAH")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .mut_args(|arg| {
            let heading = if arg.is_positional() { "Isian / arguments" } else { "Pilihan / options" };
            arg.help_heading(heading)
        })
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help("Menampilkan bantuan ini / show this help")
                .help_heading("Pilihan / options"),
        );
    for name in names {
        command = command.mut_subcommand(name, told);
    }
    command
}
