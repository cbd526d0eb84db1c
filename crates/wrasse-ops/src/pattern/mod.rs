//! Patterns and replacements as Data-Juicer's operators take them: in
//! Python's syntax, with Python's results.
//!
//! A pattern is translated ([`translate`]) and runs in linear time wherever
//! that gives the same result. Look-around, back-references, atomic groups
//! and possessive repetition need a backtracking engine; its steps are
//! bounded, so that a text can fail but not hang.

mod backtracking;
mod starts;
mod template;
mod translate;

use std::borrow::Cow;

use wrasse_op::{OpError, ParamError};

use backtracking::Backtracking;
pub(crate) use starts::Starts;
pub(crate) use template::Template;
pub(crate) use translate::Dialect;
use translate::{End, translate};

/// Start and end of a match or of a group of it, in bytes.
pub(crate) type Span = (usize, usize);

/// A compiled pattern.
pub(crate) struct Pattern {
    /// As the user wrote it, for messages.
    source: String,
    engine: Engine,
    /// For texts that end with a line end, if `$` must match before it too.
    before_newline: Option<Engine>,
    names: Vec<Option<String>>,
}

struct Engine {
    search: Search,
    /// The same pattern for a search that must not find the empty string
    /// where it starts; none if the pattern never matches the empty string.
    not_empty_here: Option<Box<Backtracking>>,
    /// Where a match can begin, if that is found sooner; it is not empty then.
    starts: Option<Starts>,
}

enum Search {
    Linear(regex::Regex),
    Backtracking(Box<Backtracking>),
}

/// A pattern of the library itself, in the syntax of the `regex` crate.
///
/// # Panics
///
/// If the pattern is malformed.
pub(crate) fn fixed(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a pattern of the library is well-formed")
}

/// Takes the quotes off a pattern that was written as `r'...'` or `r"..."`,
/// as recipes do.
pub(crate) fn unquoted(pattern: &str) -> &str {
    ["'", "\""]
        .iter()
        .find_map(|quote| {
            let inner = pattern.strip_prefix('r')?.strip_prefix(quote)?;
            // `r'` alone is a pattern of two characters.
            inner.strip_suffix(quote)
        })
        .unwrap_or(pattern)
}

impl Pattern {
    /// Compiles the value of the parameter `param`.
    ///
    /// # Errors
    ///
    /// If the pattern is malformed, or uses what is not supported.
    pub(crate) fn new(param: &str, pattern: &str, dialect: Dialect) -> Result<Self, ParamError> {
        Self::compile(pattern, dialect).map_err(|reason| {
            ParamError::new(
                param,
                format!("cannot use the pattern `{pattern}`: {reason}"),
            )
        })
    }

    fn compile(pattern: &str, dialect: Dialect) -> Result<Self, String> {
        let plain = translate(pattern, dialect, End::OfText)?;
        let before_newline = if plain.has_end {
            let translated = translate(pattern, dialect, End::OrBeforeLastNewline)?;
            Some(Engine::new(&translated.text, true)?)
        } else {
            None
        };
        let engine = Engine::new(&plain.text, plain.needs_backtracking)?;
        let names = |names: &mut dyn Iterator<Item = Option<&str>>| {
            names.map(|name| name.map(str::to_owned)).collect()
        };
        Ok(Self {
            source: pattern.to_owned(),
            names: match &engine.search {
                Search::Linear(regex) => names(&mut regex.capture_names()),
                Search::Backtracking(regex) => names(&mut regex.smallest().capture_names()),
            },
            engine,
            before_newline,
        })
    }

    /// The names of the groups, of which the first is the whole match.
    fn names(&self) -> &[Option<String>] {
        &self.names
    }

    fn engine(&self, text: &str) -> &Engine {
        match &self.before_newline {
            Some(engine) if text.ends_with('\n') => engine,
            _ => &self.engine,
        }
    }

    /// Whether there is a match.
    ///
    /// # Errors
    ///
    /// If the search takes too many steps.
    pub(crate) fn is_found(&self, text: &str) -> Result<bool, OpError> {
        self.engine(text)
            .find(text, 0, false, false, &mut Vec::new())
            .map_err(|error| self.too_hard(&error))
    }

    /// Calls `each` for every match, as Python's `finditer`: an empty match may
    /// follow another match at once, but no empty one. The spans are those of
    /// the groups, or of the whole match alone unless `groups` are wanted.
    ///
    /// # Errors
    ///
    /// If the search takes too many steps.
    pub(crate) fn for_each_match(
        &self,
        text: &str,
        groups: bool,
        mut each: impl FnMut(&[Option<Span>]),
    ) -> Result<(), OpError> {
        let engine = self.engine(text);
        let mut starts = engine.starts.as_ref().map(|starts| starts.in_text(text));
        let is_found = engine
            .starts
            .as_ref()
            .is_some_and(|starts| starts.is_all && !groups);
        let mut spans = Vec::new();
        let mut at = 0;
        let mut must_advance = false;
        loop {
            spans.clear();
            if let Some(starts) = &mut starts {
                let Some((start, end)) = starts.next_from(at) else {
                    return Ok(());
                };
                if is_found {
                    each(&[Some((start, end))]);
                    at = end;
                    continue;
                }
                at = start;
            }
            let found = engine
                .find(text, at, must_advance, groups, &mut spans)
                .map_err(|error| self.too_hard(&error))?;
            let (true, Some(Some((start, end)))) = (found, spans.first().copied()) else {
                return Ok(());
            };
            each(&spans);
            at = end;
            must_advance = start == end;
        }
    }

    /// The text with every match replaced.
    ///
    /// # Errors
    ///
    /// If the search takes too many steps.
    pub(crate) fn replace_all<'t>(
        &self,
        text: &'t str,
        template: &Template,
    ) -> Result<Cow<'t, str>, OpError> {
        let mut out: Option<String> = None;
        let mut copied = 0;
        self.for_each_match(text, template.has_groups(), |spans| {
            let Some(Some((start, end))) = spans.first().copied() else {
                return;
            };
            // What is put in is often a little longer than what it replaces.
            let room = text.len() + text.len() / 8;
            let out = out.get_or_insert_with(|| String::with_capacity(room));
            out.push_str(&text[copied..start]);
            template.expand(text, spans, out);
            copied = end;
        })?;
        Ok(match out {
            None => Cow::Borrowed(text),
            Some(mut out) => {
                out.push_str(&text[copied..]);
                Cow::Owned(out)
            }
        })
    }

    fn too_hard(&self, error: &fancy_regex::Error) -> OpError {
        OpError::bad_sample(format!(
            "the search for the pattern `{}` was given up: {error}",
            self.source
        ))
    }
}

impl Engine {
    fn new(pattern: &str, needs_backtracking: bool) -> Result<Self, String> {
        let search = if needs_backtracking {
            Search::Backtracking(Box::new(Backtracking::new(pattern)?))
        } else {
            let regex = regex::Regex::new(pattern);
            Search::Linear(regex.map_err(|error| innermost(&error.to_string()))?)
        };
        let hir = regex_syntax::parse(pattern).ok();
        let never_empty = hir
            .as_ref()
            .and_then(|hir| hir.properties().minimum_len())
            .is_some_and(|length| length > 0);
        let starts = match (&search, &hir) {
            (Search::Linear(_), Some(hir)) => Starts::of(hir),
            _ => None,
        };
        let not_empty_here = if never_empty {
            None
        } else {
            // `\G` is where the search starts.
            let advancing = Backtracking::new(&format!(r"(?:{pattern})(?!\G)"))?;
            Some(Box::new(advancing))
        };
        Ok(Self {
            search,
            not_empty_here,
            starts,
        })
    }

    /// Finds the first match at or after `at`; adds its spans.
    fn find(
        &self,
        text: &str,
        at: usize,
        must_advance: bool,
        groups: bool,
        spans: &mut Vec<Option<Span>>,
    ) -> Result<bool, fancy_regex::Error> {
        let found = match &self.search {
            Search::Linear(regex) if groups => {
                let captures = regex.captures_at(text, at);
                let groups = captures.iter().flat_map(regex::Captures::iter);
                spans.extend(groups.map(|group| group.map(|group| (group.start(), group.end()))));
                captures.is_some()
            }
            Search::Linear(regex) => {
                let found = regex.find_at(text, at);
                spans.extend(found.map(|found| Some((found.start(), found.end()))));
                found.is_some()
            }
            Search::Backtracking(regex) => regex.find(text, at, groups, spans)?,
        };
        match &self.not_empty_here {
            Some(regex) if must_advance && spans.first() == Some(&Some((at, at))) => {
                spans.clear();
                regex.find(text, at, groups, spans)
            }
            _ => Ok(found),
        }
    }
}

/// The last line of a message of the `regex` crate, which says what is wrong;
/// the lines before it draw the pattern.
fn innermost(message: &str) -> String {
    let line = message.lines().last().unwrap_or(message);
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests;
