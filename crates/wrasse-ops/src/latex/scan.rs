//! Arguments and environments.

use std::ops::Range;

use memchr::{memchr, memmem};

/// The pairs of braces of a text.
pub(super) struct Braces {
    /// Where each brace opens, and where it closes if it does; in order.
    pairs: Vec<(usize, Option<usize>)>,
}

impl Braces {
    pub(super) fn of(text: &str) -> Self {
        let mut pairs = Vec::new();
        let mut open = Vec::new();
        for at in memchr::memchr2_iter(b'{', b'}', text.as_bytes()) {
            if text.as_bytes()[at] == b'{' {
                open.push(pairs.len());
                pairs.push((at, None));
            } else if let Some(pair) = open.pop() {
                pairs[pair].1 = Some(at);
            }
        }
        Self { pairs }
    }

    /// What stands in the braces that open at `at`.
    pub(super) fn inner(&self, at: usize) -> Option<Range<usize>> {
        let pair = self.pairs.binary_search_by_key(&at, |pair| pair.0).ok()?;
        self.pairs[pair].1.map(|end| at + 1..end)
    }
}

/// Where the `[...]` at `at` ends; `at` if there is none.
pub(super) fn after_option(text: &str, at: usize) -> usize {
    after(text, at, b'[', b']').unwrap_or(at)
}

fn after(text: &str, at: usize, open: u8, close: u8) -> Option<usize> {
    let rest = text.as_bytes()[at..].strip_prefix(&[open])?;
    memchr(close, rest).map(|length| at + 1 + length + 1)
}

/// An environment, from `\begin` to `\end`.
pub(super) struct Environment {
    pub(super) all: Range<usize>,
    /// What stands behind its arguments.
    pub(super) body: Range<usize>,
}

/// The environments of these names, those within others of them left out.
/// With `arguments`, an `\end` within those does not count if there is
/// another one.
pub(super) fn environments(text: &str, names: &[&str], arguments: bool) -> Vec<Environment> {
    let mut found = Vec::new();
    // The last end of each environment: no search goes on behind it.
    let mut last_ends: Vec<Option<Option<usize>>> = vec![None; names.len()];
    let begin = memmem::Finder::new(r"\begin{");
    let mut at = 0;
    while let Some(length) = begin.find(&text.as_bytes()[at..]) {
        let start = at + length;
        let name_start = start + r"\begin{".len();
        at = name_start;
        let rest = &text[name_start..];
        let is_name = |name: &str| rest.strip_prefix(name).is_some_and(|r| r.starts_with('}'));
        let Some(which) = names.iter().position(|name| is_name(name)) else {
            continue;
        };
        let end_mark = format!(r"\end{{{}}}", names[which]);
        let last_end = *last_ends[which]
            .get_or_insert_with(|| memmem::rfind(text.as_bytes(), end_mark.as_bytes()));
        let Some(last_end) = last_end else {
            continue;
        };
        let mut starts = vec![name_start + names[which].len() + 1];
        if arguments {
            push_arguments(text, &mut starts, b'[', b']');
            push_arguments(text, &mut starts, b'{', b'}');
        }
        let body = starts
            .into_iter()
            .rev()
            .filter(|body| *body <= last_end)
            .find_map(|body| {
                let length = memmem::find(&text.as_bytes()[body..], end_mark.as_bytes())?;
                Some(body..body + length)
            });
        if let Some(body) = body {
            at = body.end + end_mark.len();
            found.push(Environment {
                all: start..at,
                body,
            });
        }
    }
    found
}

/// Adds where each of the arguments ends that follow the last place.
fn push_arguments(text: &str, starts: &mut Vec<usize>, open: u8, close: u8) {
    let mut last = starts.last().copied();
    while let Some(end) = last.and_then(|at| after(text, at, open, close)) {
        starts.push(end);
        last = Some(end);
    }
}
