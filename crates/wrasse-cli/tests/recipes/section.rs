//! Running a section in one way, in a folder of its own.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use wrasse_run::EventLog;

use crate::compare::{self, Complaint};
use crate::document::{Block, Role, Section};
use crate::ways::{WAYS, Way};

/// What came of a section.
#[derive(Debug)]
pub(crate) struct Ran {
    /// For each block that expects something, by its index: what was there.
    pub(crate) actual: BTreeMap<usize, String>,
    /// Every file that lies in the folder at the end, but for the records
    /// that runs keep for themselves.
    files: BTreeMap<String, Vec<u8>>,
}

pub(crate) fn run(section: &Section, way: &Way, blocks: &[Block]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut actual = BTreeMap::new();
    for at in section.blocks.clone() {
        let block = &blocks[at];
        match &block.role {
            Role::Input(path) => {
                let path = folder.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, &block.text).unwrap();
            }
            Role::Console => {
                let commands = block
                    .text
                    .lines()
                    .filter_map(|line| line.strip_prefix("$ "));
                let said = commands.map(|command| execute(command, way, folder.path()));
                actual.insert(at, said.collect());
            }
            Role::Output(path) => {
                actual.insert(at, read(&folder.path().join(path)));
            }
        }
    }
    Ran {
        actual,
        files: files(folder.path()),
    }
}

/// Runs one command; what it printed, standard output first.
fn execute(command: &str, way: &Way, folder: &Path) -> String {
    let (command_line, stdin) = match command.split_once(" < ") {
        Some((command_line, file)) => (command_line, Some(file)),
        None => (command, None),
    };
    let words: Vec<String> = words(command_line);
    assert_eq!(words[0], "wrasse", "`{command}`: only wrasse is run here");
    let output = Command::new(env!("CARGO_BIN_EXE_wrasse"))
        .args(way.args(&words[1..]))
        .current_dir(folder)
        // A guide tells of the files that the program writes, not of Python's.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // A stand-in for Data-Juicer, whether it is installed or not.
        .env(
            "PYTHONPATH",
            crate::workspace().join("crates/wrasse-cli/tests/stand_ins"),
        )
        .stdin(match stdin {
            Some(file) => std::fs::File::open(folder.join(file)).unwrap().into(),
            None => Stdio::null(),
        })
        .output()
        .unwrap();
    let mut said = format!("$ {command}\n");
    for stream in [&output.stdout, &output.stderr] {
        said.push_str(&compare::normalize(
            &String::from_utf8_lossy(stream),
            folder,
        ));
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => said.push_str(&format!("[exit {code}]\n")),
        None => said.push_str(&format!("[{}]\n", output.status)),
    }
    said
}

/// Splits a command at spaces; single quotes hold words together.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in command.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// A file as text, unpacked by its name; a note if it is not there.
fn read(path: &Path) -> String {
    let Ok(stored) = std::fs::read(path) else {
        return "(no such file)\n".to_owned();
    };
    let name = path.to_string_lossy();
    let mut bytes = Vec::new();
    if name.ends_with(".gz") {
        flate2::read::MultiGzDecoder::new(&*stored)
            .read_to_end(&mut bytes)
            .unwrap();
    } else if name.ends_with(".zst") {
        zstd::stream::copy_decode(&*stored, &mut bytes).unwrap();
    } else {
        bytes = stored;
    }
    String::from_utf8(bytes).unwrap()
}

/// What each block expects beside what was there.
pub(crate) fn differences(
    section: &Section,
    way: &Way,
    ran: &Ran,
    blocks: &[Block],
) -> Vec<Complaint> {
    let differing = ran
        .actual
        .iter()
        .filter(|(at, actual)| blocks[**at].text != **actual);
    differing
        .map(|(at, actual)| {
            let what = match &blocks[*at].role {
                Role::Console => "the console",
                Role::Input(path) | Role::Output(path) => path,
            };
            let title = format!("## {}, {what}, {}", section.name, way.name);
            Complaint {
                text: compare::difference(&title, &blocks[*at].text, actual),
                is_final: false,
            }
        })
        .collect()
}

/// Whether all ways said and wrote the same.
pub(crate) fn same_files(section: &Section, ran: &[Ran]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (way, other) in WAYS.iter().zip(ran).skip(1) {
        let mut complain = |what: &str, first: &str, second: &str| {
            let title = format!(
                "## {}, {what}, {} and {}",
                section.name, WAYS[0].name, way.name
            );
            complaints.push(Complaint {
                text: compare::difference(&title, first, second),
                is_final: true,
            });
        };
        for (at, first) in &ran[0].actual {
            if first != &other.actual[at] {
                complain("a block", first, &other.actual[at]);
            }
        }
        let names = |ran: &Ran| {
            ran.files
                .keys()
                .map(|name| format!("{name}\n"))
                .collect::<String>()
        };
        if names(&ran[0]) != names(other) {
            complain("the files", &names(&ran[0]), &names(other));
        }
        for (name, first) in &ran[0].files {
            if let Some(second) = other.files.get(name)
                && first != second
            {
                complain(
                    name,
                    &String::from_utf8_lossy(first),
                    &String::from_utf8_lossy(second),
                );
            }
        }
    }
    complaints
}

/// Of a run directory, the files that are for its own use, or tell of times.
const RECORDS: [&str; 5] = [
    "manifest.jsonl",
    "lock",
    "report.json",
    "results.sqlite",
    EventLog::NAME,
];

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in walk(folder) {
        let name = entry
            .strip_prefix(folder)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let (path, own) = name.rsplit_once('/').unwrap_or(("", &name));
        let is_record = path.contains(".wrasse")
            && (RECORDS.contains(&own) || own.starts_with("fingerprints-"));
        if !is_record {
            files.insert(name, std::fs::read(&entry).unwrap());
        }
    }
    files
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}
