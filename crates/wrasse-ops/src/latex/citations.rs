//! Which paragraphs of a paper cite which labels.

use std::collections::HashMap;

use regex::Regex;

use super::scan::environments;
use crate::unicode::strip;

/// What is no prose: floats, formulas and program code.
const NO_PROSE: &[&str] = &[
    "figure",
    "figure*",
    "wrapfigure",
    "table",
    "table*",
    "tabular",
    "tabular*",
    "equation",
    "equation*",
    "align",
    "align*",
    "alignat",
    "alignat*",
    "gather",
    "gather*",
    "multline",
    "multline*",
    "flalign",
    "flalign*",
    "algorithm",
    "algorithm*",
    "lstlisting",
    "verbatim",
    "minted",
];

/// The text without what is no prose.
pub(crate) fn prose(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut copied = 0;
    for found in environments(source, NO_PROSE, false) {
        out.push_str(&source[copied..found.all.start]);
        copied = found.all.end;
    }
    out.push_str(&source[copied..]);
    out
}

/// The paragraphs of a text, by what they cite.
pub(crate) struct Citations<'t> {
    paragraphs: Vec<&'t str>,
    /// The paragraphs that cite a label, by their places.
    by_label: HashMap<&'t str, Vec<usize>>,
    /// The lists of labels in citations, for labels that hold a comma.
    lists: Vec<(usize, &'t str)>,
}

impl<'t> Citations<'t> {
    /// Reads what `command` cites: it finds a citing command up to its opening
    /// brace.
    pub(crate) fn new(prose: &'t str, separator: &str, command: &Regex) -> Self {
        let paragraphs = prose.split(separator).map(strip);
        let mut citations = Self {
            paragraphs: paragraphs
                .filter(|paragraph| !paragraph.is_empty())
                .collect(),
            by_label: HashMap::new(),
            lists: Vec::new(),
        };
        for (i, paragraph) in citations.paragraphs.iter().enumerate() {
            let Some(last) = paragraph.rfind('}') else {
                continue;
            };
            for found in command.find_iter(paragraph) {
                if found.end() > last {
                    break;
                }
                let list = &paragraph[found.end()..];
                let list = list.split('}').next().unwrap_or(list);
                citations.lists.push((i, list));
                for (k, label) in list.split(',').enumerate() {
                    // White space may stand behind a comma, but not in front
                    // of the first label.
                    let label = if k == 0 {
                        label.trim_end()
                    } else {
                        label.trim()
                    };
                    let citing = citations.by_label.entry(label).or_default();
                    if citing.last() != Some(&i) {
                        citing.push(i);
                    }
                }
            }
        }
        citations
    }

    /// The paragraphs that cite a label, in order.
    pub(crate) fn of(&self, label: &str) -> Vec<&'t str> {
        if label.is_empty() {
            return Vec::new();
        }
        let mut citing = match self.by_label.get(label) {
            Some(citing) => citing.clone(),
            None => Vec::new(),
        };
        if label.contains(',') {
            let lists = self.lists.iter().filter(|(_, list)| lists(list, label));
            citing = lists.map(|(i, _)| *i).collect();
            citing.dedup();
        }
        citing.into_iter().map(|i| self.paragraphs[i]).collect()
    }
}

/// Whether a list holds a label that itself holds commas.
fn lists(list: &str, label: &str) -> bool {
    let behind_commas = list
        .match_indices(',')
        .map(|(at, _)| list[at + 1..].trim_start());
    std::iter::once(list).chain(behind_commas).any(|rest| {
        rest.strip_prefix(label).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with(',')
        })
    })
}
