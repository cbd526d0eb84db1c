//! Words that must not stand in a text, found as DataMate finds them.
//!
//! The search is that of the original, an automaton that knows only the longest
//! word at each place and takes a wrong length for some: of `abc` and `bcd`,
//! `abcd` is found in `zabcd`. So that the same texts come out, it is kept.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;

use wrasse_op::ParamError;

use crate::scan::FirstBytes;

/// The characters that may stand within a word without being part of it, as in
/// DataMate's list (MIT license).
const SYMBOLS: &str = "! .,#$%&*()|?/@\"';[]{}+~-_=^<>！。，￥（）？、“‘；【】…《》:：";

/// Where the words come from.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WordParams {
    /// Words to look for, beside those of `words_dir`.
    pub(crate) words: Vec<String>,
    /// A folder with lists of words, a word a line: the `resources` of
    /// DataMate's operator. Wrasse brings no words.
    pub(crate) words_dir: Option<String>,
}

/// An automaton over the words.
pub(crate) struct SensitiveWords {
    nodes: Vec<Node>,
    children: HashMap<(u32, char), u32>,
    first: FirstBytes,
    symbols: HashSet<char>,
}

struct Node {
    fail: u32,
    is_end: bool,
}

const ROOT: u32 = 0;

impl SensitiveWords {
    /// The words of `params`; `files` are those that the operator takes from
    /// the folder, of which any may be missing, but not all.
    pub(crate) fn new(params: WordParams, files: &[&str]) -> Result<Self, ParamError> {
        let mut words = params.words;
        let mut symbols: HashSet<char> = SYMBOLS.chars().collect();
        if let Some(dir) = &params.words_dir {
            let fail = |message| ParamError::new("words_dir", message);
            let mut n_found = 0;
            for file in files {
                let found = read(&Path::new(dir).join(file)).map_err(fail)?;
                n_found += usize::from(found.is_some());
                words.extend(found.unwrap_or_default());
            }
            if n_found == 0 {
                return Err(fail(format!(
                    "there is none of {} in {dir}",
                    files.join(", ")
                )));
            }
            let listed = read(&Path::new(dir).join("special_symbols.txt")).map_err(fail)?;
            if let Some(listed) = listed {
                // The original asks of single characters whether they are listed.
                let single =
                    |line: &String| line.chars().next().filter(|_| line.chars().count() == 1);
                symbols = listed.iter().filter_map(single).collect();
            }
        }
        Ok(Self::of(&words, symbols))
    }

    fn of(words: &[String], symbols: HashSet<char>) -> Self {
        let new = || Node {
            fail: ROOT,
            is_end: false,
        };
        let (mut nodes, mut children) = (vec![new()], HashMap::new());
        let mut by_parent: Vec<Vec<(char, u32)>> = vec![Vec::new()];
        for word in words.iter().filter(|word| !word.is_empty()) {
            let mut node = ROOT;
            for c in word.chars() {
                let parent = node;
                node = *children.entry((parent, c)).or_insert_with(|| {
                    let child = nodes.len() as u32;
                    nodes.push(new());
                    by_parent.push(Vec::new());
                    by_parent[parent as usize].push((c, child));
                    child
                });
            }
            nodes[node as usize].is_end = true;
        }
        let mut queue = VecDeque::from([ROOT]);
        while let Some(node) = queue.pop_front() {
            for (c, child) in &by_parent[node as usize] {
                queue.push_back(*child);
                if node == ROOT {
                    continue;
                }
                let mut at = nodes[node as usize].fail;
                nodes[*child as usize].fail = loop {
                    match children.get(&(at, *c)) {
                        Some(found) => break *found,
                        None if at == ROOT => break ROOT,
                        None => at = nodes[at as usize].fail,
                    }
                };
            }
        }
        let first = FirstBytes::of(by_parent[ROOT as usize].iter().map(|(c, _)| *c));
        Self {
            nodes,
            children,
            first,
            symbols,
        }
    }

    /// Whether there are no words.
    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// Whether a character may stand within a word without being part of it.
    pub(crate) fn is_symbol(&self, c: char) -> bool {
        self.symbols.contains(&c)
    }

    /// The words found in `text`, each as it stands there, in order of their
    /// ends.
    pub(crate) fn find<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut found = Vec::new();
        self.run(text, true, |starts, end, length| {
            if let Some(start) = starts.len().checked_sub(length) {
                found.push(&text[starts[start]..end]);
            }
            length
        });
        found
    }

    /// How many characters of `text` are those of words.
    pub(crate) fn count(&self, text: &str) -> usize {
        let mut n = 0;
        self.run(text, false, |_, _, length| {
            n += length;
            0
        });
        n
    }

    /// Goes through `text`. `at_end` is told of the end of each word: where the
    /// characters up to it begin, and how many of them the word seems to have;
    /// it says with which length to go on. With `counts_symbols` they lengthen
    /// a word that has begun.
    fn run(
        &self,
        text: &str,
        counts_symbols: bool,
        mut at_end: impl FnMut(&[usize], usize, usize) -> usize,
    ) {
        let (mut node, mut length) = (ROOT, 0);
        let mut starts = Vec::new();
        let mut at = 0;
        loop {
            if node == ROOT && length == 0 {
                starts.clear();
                at = self.first.find(text.as_bytes(), at);
            }
            let Some(c) = text[at..].chars().next() else {
                return;
            };
            starts.push(at);
            at += c.len_utf8();
            if self.is_symbol(c) {
                length += usize::from(counts_symbols && length != 0);
                continue;
            }
            let next = loop {
                let next = self.children.get(&(node, c));
                if next.is_some() {
                    break next;
                }
                let fail = self.nodes[node as usize].fail;
                if fail == ROOT {
                    length = 0;
                }
                if node == ROOT {
                    break None;
                }
                node = fail;
            };
            if let Some(next) = next {
                node = *next;
                length += 1;
                if self.nodes[node as usize].is_end {
                    length = at_end(&starts, at, length);
                }
            }
        }
    }
}

/// The lines of a file, if there is one.
fn read(path: &Path) -> Result<Option<Vec<String>>, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.lines().map(str::to_owned).collect())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// Each word that is found becomes as many asterisks as it has characters, line
/// by line, the longest ones first.
pub(crate) fn masked(words: &SensitiveWords, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let mut found = words.find(line);
        if found.is_empty() {
            out.push_str(line);
            continue;
        }
        let mut seen = HashSet::new();
        found.retain(|word| seen.insert(*word));
        found.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
        let mut line = line.to_owned();
        for word in found {
            line = line.replace(word, &"*".repeat(word.chars().count()));
        }
        out.push_str(&line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> SensitiveWords {
        let params = WordParams {
            words: list.iter().map(|word| (*word).to_owned()).collect(),
            words_dir: None,
        };
        SensitiveWords::new(params, &[]).unwrap()
    }

    #[test]
    fn words_are_found_with_the_lengths_of_the_original() {
        // As the original answers.
        assert_eq!(
            words(&["abc", "bcd", "xyz"]).find("zabcdx"),
            ["abc", "abcd"]
        );
        assert!(words(&["abcd", "bc"]).find("abcx").is_empty());
        assert_eq!(words(&["ab"]).find("xa. -b y"), ["a. -b"]);
        assert_eq!(words(&["abc", "bcd"]).count("zabcd"), 4);
        assert_eq!(words(&["炸药"]).count("炸.药，炸药"), 4);
    }

    #[test]
    fn lists_are_read_from_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("violent.txt"), "boom\n\n").unwrap();
        std::fs::write(dir.path().join("special_symbols.txt"), "#\n——\n").unwrap();
        let params = |dir: &Path| WordParams {
            words: vec!["bang".into()],
            words_dir: Some(dir.to_str().unwrap().to_owned()),
        };
        let files = ["violent.txt", "sexual.txt"];
        let words = SensitiveWords::new(params(dir.path()), &files).unwrap();
        assert_eq!(masked(&words, "b#oom b.oom\nbang"), "***** b.oom\n****");
        let error = SensitiveWords::new(params(dir.path()), &["sexual.txt"]);
        assert!(error.is_err_and(|error| error.to_string().contains("sexual.txt")));
    }
}
