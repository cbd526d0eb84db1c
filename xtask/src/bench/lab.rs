//! [`Lab`]: where measuring happens: programs, inputs, folders, the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// The programs to measure, built, and a folder to work in.
pub(super) struct Lab {
    pub(super) root: PathBuf,
    /// For inputs and outputs; ignored by git.
    pub(super) folder: PathBuf,
    corpus: Vec<PathBuf>,
    corpus_name: String,
    copies: &'static str,
}

/// A file to measure with.
pub(super) struct Input {
    pub(super) path: String,
    /// Rows, bytes, bytes of text.
    pub(super) facts: Value,
}

/// What a command took.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) cpu_s: f64,
    pub(super) wall_s: f64,
    pub(super) first_byte_s: f64,
    pub(super) peak_bytes: f64,
    /// Of all processes together.
    pub(super) tree_bytes: f64,
}

impl Lab {
    /// Finds the corpus.
    pub(super) fn open(root: &Path, corpus: Option<&Path>, same_text: bool) -> Result<Self> {
        let folder = root.join("target/bench");
        std::fs::create_dir_all(&folder)?;
        let found = match corpus {
            Some(folder) => jsonl_files(folder)?,
            None => jsonl_files(&root.join("../shared/corpus/dev/jsonl")).unwrap_or_default(),
        };
        let (corpus, corpus_name) = if !found.is_empty() {
            let name = corpus.map_or("development corpus", |_| "given with --corpus");
            (found, name.to_owned())
        } else {
            ensure!(
                corpus.is_none(),
                "no *.jsonl or *.jsonl.zst in the folder of --corpus"
            );
            let example = "examples/web-text/pages.jsonl";
            (
                vec![root.join(example)],
                format!("{example} (bundled example)"),
            )
        };
        Ok(Self {
            root: root.to_owned(),
            folder,
            corpus,
            corpus_name,
            copies: if same_text { "same" } else { "distinct" },
        })
    }

    /// What the inputs are made of.
    pub(super) fn corpus(&self) -> Value {
        let names: Vec<String> = self
            .corpus
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        json!({ "name": self.corpus_name, "files": names, "copies": self.copies })
    }

    /// Makes an input of so many megabytes, of the files of the corpus, again
    /// and again until there is enough.
    pub(super) fn input(&self, name: &str, mb: u64) -> Result<Input> {
        self.made(name, |path| {
            let bytes = (mb * 1_000_000).to_string();
            vec!["corpus".into(), path.to_owned(), bytes, self.copies.into()]
        })
    }

    /// Makes an input with `wrasse-bench`, whose arguments before those of the
    /// corpus `args` gives for a path.
    pub(super) fn made(&self, name: &str, args: impl Fn(&str) -> Vec<String>) -> Result<Input> {
        let path = self.folder.join(format!("{name}.jsonl"));
        let path = path.to_string_lossy().into_owned();
        let args = args(&path);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let facts = self.made_of_corpus(&args)?;
        Ok(Input { path, facts })
    }

    /// What `wrasse-bench` prints with these arguments and the files of the corpus.
    pub(super) fn made_of_corpus(&self, args: &[&str]) -> Result<Value> {
        let files: Vec<_> = self
            .corpus
            .iter()
            .map(|file| file.to_string_lossy())
            .collect();
        let mut args = args.to_vec();
        args.extend(files.iter().map(|file| &**file));
        self.program(&args)
    }

    /// What `wrasse-bench` with these arguments prints.
    pub(super) fn program(&self, args: &[&str]) -> Result<Value> {
        self.heard(args).map(|(value, _)| value)
    }

    /// The same, and what it wrote to standard error.
    fn heard(&self, args: &[&str]) -> Result<(Value, String)> {
        let ran = Command::new(self.release("wrasse-bench"))
            .args(args)
            .current_dir(&self.root)
            .stderr(Stdio::piped())
            .output()?;
        let errors = String::from_utf8_lossy(&ran.stderr);
        ensure!(
            ran.status.success(),
            "wrasse-bench {}: {errors}",
            args.join(" ")
        );
        Ok((serde_json::from_slice(&ran.stdout)?, errors.into_owned()))
    }

    /// Runs a command in the folder of the workspace and says what it took.
    /// What it prints goes to the file `stdout` of the lab's folder.
    pub(super) fn measure(&self, command: &[&str]) -> Result<Measured> {
        let stdout = self.stdout();
        let mut args = vec!["measure", &stdout, "--"];
        args.extend(command);
        let (measured, errors) = self.heard(&args)?;
        ensure!(
            measured["exit"] == 0,
            "{} ended with {}: {}",
            command.join(" "),
            measured["exit"],
            errors.lines().last().unwrap_or("")
        );
        let number = |key: &str| measured[key].as_f64().unwrap_or(f64::NAN);
        Ok(Measured {
            cpu_s: number("cpu_s"),
            wall_s: number("wall_s"),
            first_byte_s: number("first_byte_s"),
            peak_bytes: number("peak_bytes"),
            tree_bytes: number("tree_bytes"),
        })
    }

    /// The file with what the last command printed.
    pub(super) fn stdout(&self) -> String {
        self.folder.join("stdout").to_string_lossy().into_owned()
    }

    /// A program of the release build.
    pub(super) fn release(&self, name: &str) -> String {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| self.root.join("target"), PathBuf::from);
        target
            .join("release")
            .join(name)
            .to_string_lossy()
            .into_owned()
    }

    /// The folder for outputs, emptied.
    pub(super) fn fresh_out(&self) -> Result<PathBuf> {
        let out = self.folder.join("out");
        if out.exists() {
            std::fs::remove_dir_all(&out)?;
        }
        std::fs::create_dir_all(&out)?;
        Ok(out)
    }

    /// What the figures were measured on.
    pub(super) fn machine(&self) -> Result<Value> {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let n_cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        Ok(json!({
            "cpu": cpu_name(),
            "cpus": n_cpus,
            "load_before": load.split(' ').next().and_then(|load| load.parse::<f64>().ok()),
            "date": said("date", &["-u", "+%F"])?,
            "commit": said("git", &["-C", &self.root.to_string_lossy(), "describe", "--always", "--dirty"])?,
            "rustc": said("rustc", &["--version"])?,
        }))
    }

    /// The folder of this day's results on this machine.
    pub(super) fn run_folder(&self) -> Result<PathBuf> {
        let date = said("date", &["-u", "+%F"])?;
        let folder = self
            .root
            .join("benches/runs")
            .join(format!("{date}-{}", slug(&cpu_name())));
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// Builds the programs to measure.
pub(super) fn build(root: &Path) -> Result<()> {
    let built = Command::new("cargo")
        .args([
            "build",
            "--release",
            "-p",
            "wrasse-cli",
            "-p",
            "wrasse-bench",
        ])
        .current_dir(root)
        .status()?;
    ensure!(built.success(), "the programs to measure do not build");
    Ok(())
}

fn jsonl_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| {
        let name = path.to_string_lossy();
        name.ends_with(".jsonl") || name.ends_with(".jsonl.zst")
    });
    files.sort();
    Ok(files)
}

fn cpu_name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    line.and_then(|line| line.split_once(':'))
        .map_or(std::env::consts::ARCH, |(_, name)| name.trim())
        .to_owned()
}

/// A name for a folder: small letters, digits and single hyphens.
fn slug(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// What a program prints, without the line end.
fn said(program: &str, args: &[&str]) -> Result<String> {
    let ran = Command::new(program)
        .args(args)
        .output()
        .with_context(|| program.to_owned())?;
    ensure!(ran.status.success(), "{program} failed");
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn names_of_processors_become_names_of_folders() {
        assert_eq!(slug("AMD EPYC 9R14"), "amd-epyc-9r14");
        assert_eq!(slug("Intel(R) Xeon(R) @ 2.70GHz"), "intel-r-xeon-r-2-70ghz");
    }
}
