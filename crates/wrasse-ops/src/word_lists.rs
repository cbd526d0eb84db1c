//! Word lists by language, and the share of a text's words that are in one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use wrasse_op::{ParamError, Text};

use crate::filter::{SENTENCEPIECE, no_tokenizer};
use crate::hashing::FastSet;
use crate::words::LoweredWords;

type Lists = BTreeMap<String, Vec<String>>;

/// The words of one language, and how texts are compared with them.
pub(crate) struct WordList {
    words: FastSet<Vec<u8>>,
    /// Whether a word of the list has this length and first byte, as bits: few
    /// words of a text need to be looked up.
    lengths: Box<[u64; 256]>,
    group_sizes: Vec<usize>,
    join: String,
}

/// Which list, as the parameters of a filter say.
pub(crate) struct Wanted<'a> {
    /// What its words are; the parameter `<kind>_dir` names the folder.
    pub(crate) kind: &'a str,
    /// A folder of JSON files; of those whose names contain `kind` the lists are.
    pub(crate) dir: Option<&'a str>,
    /// The lists where there is no folder, as JSON.
    pub(crate) bundled: &'a str,
    pub(crate) lang: &'a str,
    pub(crate) tokenization: bool,
    /// The lengths of runs of words that are compared too, and what stands between
    /// their words.
    pub(crate) runs: Option<(&'a [usize], &'a str)>,
}

impl WordList {
    /// Loads a list.
    pub(crate) fn new(wanted: &Wanted<'_>) -> Result<Self, ParamError> {
        no_tokenizer(
            wanted.tokenization,
            SENTENCEPIECE,
            "leave it out to split at spaces; `use_words_aug` helps for languages written without",
        )?;
        let list = Self::load(wanted)?;
        match wanted.runs {
            Some((sizes, join)) => list.with_groups(sizes, join),
            None => Ok(list),
        }
    }

    fn load(wanted: &Wanted<'_>) -> Result<Self, ParamError> {
        let Wanted {
            kind,
            dir,
            bundled,
            lang,
            ..
        } = *wanted;
        let param = format!("{kind}_dir");
        let fail = |message: String| ParamError::new(&param, message);
        // Recipes name the folder that Data-Juicer would fill by downloading.
        let is_to_fill = |dir: &&str| is_to_fill(Path::new(dir), kind);
        let lists = match dir.filter(|dir| !is_to_fill(dir)) {
            None => parse(bundled).map_err(fail)?,
            Some(dir) => read(Path::new(dir), kind).map_err(|message| {
                fail(message).with_hint(format!(
                    "expected files `*{kind}*.json` such as {{\"en\": [\"word\", ...]}}; leave \
                     `{param}` out for the lists that come with Wrasse"
                ))
            })?,
        };
        let words: Vec<String> = match lists.get(lang) {
            Some(words) => words.clone(),
            None if lang == "all" => lists.into_values().flatten().collect(),
            None => {
                let known: BTreeSet<&str> = lists.keys().map(String::as_str).collect();
                let known = known.into_iter().collect::<Vec<_>>().join(", ");
                return Err(ParamError::new(
                    "lang",
                    format!(
                        "there are no {} for `{lang}`, only for {known}",
                        kind.replace('_', " ")
                    ),
                )
                .with_hint("`all` takes the lists of all languages together"));
            }
        };
        let mut lengths = Box::new([0; 256]);
        for word in &words {
            if let Some((byte, bit)) = length_bit(word.as_bytes()) {
                lengths[byte] |= bit;
            }
        }
        Ok(Self {
            words: words.into_iter().map(String::into_bytes).collect(),
            lengths,
            group_sizes: Vec::new(),
            join: String::new(),
        })
    }

    /// Compares runs of so many words too, joined by `join`.
    fn with_groups(mut self, sizes: &[usize], join: &str) -> Result<Self, ParamError> {
        if sizes.contains(&0) {
            return Err(ParamError::new(
                "words_aug_group_sizes",
                "expected 1 or more",
            ));
        }
        self.group_sizes = sizes.to_vec();
        join.clone_into(&mut self.join);
        Ok(self)
    }

    /// The share of words (and runs of words) that are in the list; 0 of none.
    pub(crate) fn ratio(&self, text: &Text) -> f64 {
        let words = text.derived::<LoweredWords>();
        let mut total = words.len();
        let mut found = words.iter().filter(|word| self.contains(word)).count();
        if !self.group_sizes.is_empty() {
            let words: Vec<&[u8]> = words.iter().collect();
            for size in &self.group_sizes {
                for run in words.windows(*size) {
                    total += 1;
                    found += usize::from(self.contains(&run.join(self.join.as_bytes())));
                }
            }
        }
        crate::filter::ratio(found, total)
    }

    fn contains(&self, word: &[u8]) -> bool {
        let may_be = length_bit(word).is_none_or(|(byte, bit)| self.lengths[byte] & bit != 0);
        may_be && self.words.contains(word)
    }
}

/// The first byte of a word and its length, of which all from 63 on are one.
fn length_bit(word: &[u8]) -> Option<(usize, u64)> {
    Some((usize::from(*word.first()?), 1 << word.len().min(63)))
}

fn parse(json: &str) -> Result<Lists, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Whether it is the folder of Data-Juicer's examples, with no lists in it.
fn is_to_fill(dir: &Path, kind: &str) -> bool {
    dir.ends_with("assets") && files(dir, kind).is_ok_and(|files| files.is_empty())
}

/// The files with lists; none in a folder that is not there.
fn files(dir: &Path, kind: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(paths),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.contains(kind) && name.ends_with(".json")) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(dir: &Path, kind: &str) -> Result<Lists, String> {
    let io = |error| format!("cannot read {}: {error}", dir.display());
    let paths = files(dir, kind).map_err(io)?;
    let mut lists = Lists::new();
    for path in &paths {
        let wrong = |error: String| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        for (lang, words) in parse(&text).map_err(wrong)? {
            lists.entry(lang).or_default().extend(words);
        }
    }
    match lists.is_empty() {
        true => Err(format!("no word lists in {}", dir.display())),
        false => Ok(lists),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_that_data_juicer_fills_may_be_missing() {
        let load = |dir: &str| {
            WordList::new(&Wanted {
                kind: "flagged_words",
                dir: Some(dir),
                bundled: r#"{"en": ["bad"]}"#,
                lang: "en",
                tokenization: false,
                runs: None,
            })
        };
        assert!(load("no/such/assets").is_ok_and(|list| list.contains(b"bad")));
        assert!(load("no/such/lists").is_err());
    }
}
