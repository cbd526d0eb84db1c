//! The pages of the command line: commands with their flags, and exit codes.

use std::fmt::Write as _;

use wrasse_cli::Exit;

use super::{Files, NOTE, header, row};

/// The width of help texts, whatever the terminal.
const COLUMNS: usize = 92;

pub(super) fn add(files: &mut Files) {
    files.insert("cli.md".into(), commands());
    files.insert("exit-codes.md".into(), exit_codes());
}

fn commands() -> String {
    // Not the program's version: it would make the page stale at each release.
    let mut wrasse = wrasse_cli::command()
        .term_width(COLUMNS)
        .disable_help_subcommand(true);
    wrasse.build();
    let mut text = format!(
        "{NOTE}# The command line\n\nWhat `--help` prints.\n\n## wrasse\n\n{}",
        help(&mut wrasse)
    );
    for command in wrasse.get_subcommands_mut() {
        let _ = write!(
            text,
            "\n## wrasse {}\n\n{}",
            command.get_name().to_owned(),
            help(command)
        );
    }
    text
}

fn help(command: &mut clap::Command) -> String {
    let mut text = String::from("```text\n");
    for line in command.render_long_help().to_string().trim_end().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str("```\n");
    text
}

fn exit_codes() -> String {
    let mut text = format!("{NOTE}# Exit codes\n\n");
    text.push_str(&header(&["code", "meaning"]));
    for (exit, meaning) in Exit::ALL {
        text.push_str(&row(&[&(exit as u8).to_string(), meaning]));
    }
    text
}
