//! [`Diagnostic`]: what is wrong, where, and what to do about it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{Origin, Place, Source};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The recipe cannot run.
    Error,
    /// The recipe can run, but something in it has no effect.
    Warning,
}

impl Severity {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One finding about a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A lowercase fragment: what was expected, what was found.
    pub message: String,
    /// Where; `None` if it is about the recipe as a whole.
    pub place: Option<Place>,
    /// What to do about it, if a fix is known.
    pub hint: Option<String>,
}

/// Columns of a source line that are shown around a place.
const SHOWN_BEFORE: usize = 60;
const SHOWN_AFTER: usize = 60;

impl Diagnostic {
    /// All of it for programs; places are counted from 1.
    pub fn json(&self) -> Value {
        json!({
            "severity": self.severity.name(),
            "message": self.message,
            "line": self.place.map(|place| place.line),
            "column": self.place.map(|place| place.column),
            "length": self.place.map(|place| place.len),
            "hint": self.hint,
        })
    }

    /// An error without a place.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            place: None,
            hint: None,
        }
    }

    /// A warning without a place.
    pub fn warning(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(message)
        }
    }

    /// Adds the place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds "did you mean", if there is a suggestion.
    #[must_use]
    pub(crate) fn did_you_mean(self, suggestion: Option<&str>) -> Self {
        match suggestion {
            Some(suggestion) => self.hint(format!("did you mean `{suggestion}`?")),
            None => self,
        }
    }

    /// Plain text, ending with a line end:
    ///
    /// ```text
    /// recipe.yaml:3:7: error: unknown operator `text_lenght_filter`
    ///   - text_lenght_filter:
    ///     ^^^^^^^^^^^^^^^^^^
    /// hint: did you mean `text_length_filter`?
    /// ```
    ///
    /// Control characters are replaced and long lines cut around the place.
    pub fn render(&self, source: &Source) -> String {
        let mut out = match self.place {
            None => source.name().to_owned(),
            Some(place) => match place.origin {
                Origin::Text => format!("{}:{}:{}", source.name(), place.line, place.column),
                Origin::Override(_) => "--set".to_owned(),
            },
        };
        out = printable(&out);
        let _ = writeln!(
            out,
            ": {}: {}",
            self.severity.name(),
            printable(&self.message)
        );
        if let Some(place) = self.place
            && let Some(line) = source.line(place)
            && !line.trim().is_empty()
        {
            excerpt(line, place, &mut out);
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "hint: {}", printable(hint));
        }
        out
    }
}

/// Appends the part of `line` around `place`, and a line of carets below it.
fn excerpt(line: &str, place: Place, out: &mut String) {
    let at = place.column - 1;
    let first = at.saturating_sub(SHOWN_BEFORE);
    let shown: Vec<char> = line
        .chars()
        .skip(first)
        .take(SHOWN_BEFORE + SHOWN_AFTER)
        .map(|c| if c == '\t' { c } else { visible(c) })
        .collect();
    let cut_before = if first > 0 { "…" } else { "" };
    let more = line.chars().nth(first + shown.len()).is_some();
    let cut_after = if more { "…" } else { "" };
    let text: String = shown.iter().collect();
    let _ = writeln!(out, "  {cut_before}{text}{cut_after}");

    let before: String = shown.iter().take(at - first).map(|c| blank(*c)).collect();
    let marked: Vec<&char> = shown
        .iter()
        .skip(at - first)
        .take(place.len.max(1))
        .collect();
    let carets: usize = marked.iter().map(|c| width(**c)).sum();
    let indent = if first > 0 { " " } else { "" };
    let _ = writeln!(out, "  {indent}{before}{}", "^".repeat(carets.max(1)));
}

/// What takes the room of `c` on the line below it.
fn blank(c: char) -> &'static str {
    match c {
        '\t' => "\t",
        _ if width(c) == 2 => "  ",
        _ => " ",
    }
}

/// The cells that a character takes on a terminal: East Asian wide forms and
/// emoji take two. Only the place of the carets depends on it.
fn width(c: char) -> usize {
    let wide = matches!(u32::from(c),
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF
        | 0x20000..=0x3FFFD);
    if wide { 2 } else { 1 }
}

fn visible(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}

/// Text from a recipe must not steer a terminal.
fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}
