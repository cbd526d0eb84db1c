//! The figures of a paper, with captions, labels and paths of images.

use std::ops::Range;

use memchr::memmem;
use regex::Regex;

use super::scan::{Braces, after_option, environments};
use crate::pattern::fixed;
use crate::unicode::strip;

/// A figure, or one of its parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) caption: String,
    pub(crate) label: String,
    pub(crate) images: Vec<String>,
    /// Its parts, which have the images if there are any parts.
    pub(crate) parts: Vec<Figure>,
}

/// A part of a figure: where it stands, its caption if that is an option, and
/// its contents.
struct Part {
    all: Range<usize>,
    caption: Option<Range<usize>>,
    content: Range<usize>,
}

/// Finds figures.
pub(crate) struct Finder {
    label: Regex,
    image: Regex,
}

impl Finder {
    pub(crate) fn new() -> Self {
        Self {
            label: fixed(r"\\label\{([^}]+)\}"),
            image: fixed(r"\\includegraphics(?:\[[^\]]*\])?\{([^}]+)\}"),
        }
    }

    /// The figures with images, in order.
    pub(crate) fn figures(&self, source: &str) -> Vec<Figure> {
        let mut figures = Vec::new();
        for found in environments(source, &["figure", "figure*", "wrapfigure"], true) {
            self.add(&source[found.all], &mut figures);
        }
        figures
    }

    /// Adds what one environment holds: a figure, with parts or without, or a
    /// figure in each of several minipages.
    fn add(&self, text: &str, figures: &mut Vec<Figure>) {
        let parts = parts(text);
        if !parts.is_empty() {
            figures.extend(self.with_parts(text, &parts));
            return;
        }
        let minipages = environments(text, &["minipage"], true);
        if minipages.len() < 2 {
            figures.extend(self.figure(text, None));
            return;
        }
        for page in minipages {
            let body = &text[page.body];
            let is_table = argument(body, &Braces::of(body), r"\captionof{table}").is_some();
            if !is_table {
                figures.extend(self.figure(body, None));
            }
        }
    }

    /// The figure in a text; none if it has no image.
    fn figure(&self, text: &str, known_caption: Option<&str>) -> Option<Figure> {
        let images = self.image.captures_iter(text);
        let images: Vec<String> = images.map(|found| strip(&found[1]).to_owned()).collect();
        (!images.is_empty()).then(|| Figure {
            caption: known_caption.map_or_else(|| caption(text), |known| strip(known).to_owned()),
            label: self.label(text),
            images,
            parts: Vec::new(),
        })
    }

    fn with_parts(&self, text: &str, parts: &[Part]) -> Option<Figure> {
        let figures = parts.iter().filter_map(|part| {
            let known = part.caption.clone().map(|caption| &text[caption]);
            self.figure(&text[part.content.clone()], known)
        });
        let figures: Vec<Figure> = figures.collect();
        if figures.is_empty() {
            return None;
        }
        let outside = outside(text, parts);
        Some(Figure {
            caption: caption(&outside),
            label: self.label(&outside),
            images: Vec::new(),
            parts: figures,
        })
    }

    fn label(&self, text: &str) -> String {
        let found = self.label.captures(text);
        found.map_or_else(String::new, |found| strip(&found[1]).to_owned())
    }
}

/// The parts of a figure: environments, then commands with an option, then
/// commands without.
fn parts(text: &str) -> Vec<Part> {
    let found = environments(text, &["subfigure"], true).into_iter();
    let mut parts: Vec<Part> = found
        .map(|found| Part {
            content: found.all.clone(),
            all: found.all,
            caption: None,
        })
        .collect();
    let braces = Braces::of(text);
    for with_option in [true, false] {
        let mut from = 0;
        for start in memmem::find_iter(text.as_bytes(), r"\subf") {
            let rest = &text[start..];
            let names = [r"\subfigure", r"\subfloat"];
            let Some(name) = names.iter().find(|name| rest.starts_with(**name)) else {
                continue;
            };
            let name_end = start + name.len();
            let option_end = after_option(text, name_end);
            let has_bracket = text[name_end..].starts_with('[');
            if start < from || has_bracket != with_option || (has_bracket && option_end == name_end)
            {
                continue;
            }
            let space = text[option_end..].len() - text[option_end..].trim_start().len();
            let Some(content) = braces.inner(option_end + space) else {
                continue;
            };
            from = content.end + 1;
            parts.push(Part {
                all: start..from,
                // A command without an option has no caption, whatever it holds.
                caption: Some(if with_option {
                    name_end + 1..option_end - 1
                } else {
                    0..0
                }),
                content,
            });
        }
    }
    parts
}

/// The text without its parts.
///
/// The original takes them out from the last to the first by their places in
/// the whole text. Where one part holds another, the outer one takes as many
/// more characters behind it.
fn outside(text: &str, parts: &[Part]) -> String {
    let mut ranges: Vec<&Range<usize>> = parts.iter().map(|part| &part.all).collect();
    ranges.sort_by_key(|range| range.start);
    // What stays behind the current place, in pieces, the first one last.
    let mut behind: Vec<&str> = Vec::new();
    let mut end = text.len();
    for range in ranges.into_iter().rev() {
        behind.push(&text[range.start..end]);
        end = range.start;
        let mut n_left = text[range.clone()].chars().count();
        while n_left > 0
            && let Some(piece) = behind.pop()
        {
            if let Some((at, _)) = piece.char_indices().nth(n_left) {
                behind.push(&piece[at..]);
                break;
            }
            n_left -= piece.chars().count();
        }
    }
    behind.push(&text[..end]);
    behind.into_iter().rev().collect()
}

/// The caption in a text; empty if it has none.
fn caption(text: &str) -> String {
    let braces = Braces::of(text);
    [r"\caption", r"\subcaption", r"\captionof{figure}"]
        .iter()
        .find_map(|command| argument(text, &braces, command))
        .map_or_else(String::new, |range| strip(&text[range]).to_owned())
}

/// The argument of the first such command that has one.
fn argument(text: &str, braces: &Braces, command: &str) -> Option<Range<usize>> {
    memmem::find_iter(text.as_bytes(), command).find_map(|start| {
        let mut at = start + command.len();
        if command == r"\caption" && text[at..].starts_with('*') {
            at += 1;
        }
        braces.inner(after_option(text, at))
    })
}
