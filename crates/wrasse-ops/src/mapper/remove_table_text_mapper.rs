//! `remove_table_text_mapper` removes tables that were left as plain text.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveTableTextMapper>(
    "remove_table_text_mapper",
    "Removes runs of lines with the same number of columns.",
)
.details("A row is a line whose columns are parted by one plain space, tab or `|` each: two spaces in a row, a space at either end of the line, a `\\r` or other white space in it make it none. A `|` that parts nothing belongs to its column, so that a row with bars counts as one of several widths. For each number of columns from `min_col` to `max_col` in turn, every run of two rows or more is removed, with the empty lines within and after it.\n\nAs in the original, lines of prose with the same number of words are a table too; the first line of a text is never part of one, nor the last if it has no line end.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "removes two rows and more of the same width",
        params: "{}",
        input: &[r#"{"text": "Figures:\n\na 1\nb 2\n\nc 3\nThat was all.\n"}"#],
        output: &[r#"{"text": "Figures:\n\nThat was all.\n"}"#],
    },
    Example {
        about: "leaves narrow and single rows",
        params: r#"{"min_col": 3}"#,
        input: &[r#"{"text": "\na 1\nb 2\n|x|y|\nEnd.\n"}"#],
        output: &[r#"{"text": "\na 1\nb 2\n|x|y|\nEnd.\n"}"#],
    },
]);

/// Parameters of `remove_table_text_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The smallest number of columns of a table, from 2 to 20.
    min_col: usize,
    /// The largest number of columns of a table, from 2 to 20.
    max_col: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_col: 2,
            max_col: 20,
        }
    }
}

pub(crate) struct RemoveTableTextMapper {
    min_col: usize,
    max_col: usize,
}

impl Configured for RemoveTableTextMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        for (name, value) in [("min_col", params.min_col), ("max_col", params.max_col)] {
            if !(2..=20).contains(&value) {
                return Err(ParamError::new(
                    name,
                    format!("expected a number of columns from 2 to 20, found {value}"),
                ));
            }
        }
        Ok(Self {
            min_col: params.min_col,
            max_col: params.max_col,
        })
    }
}

/// A line with the empty lines behind it.
struct Line {
    start: usize,
    end: usize,
    /// The fewest and the most columns it can be read as; none if it is no row.
    columns: Option<(usize, usize)>,
}

impl Line {
    fn has(&self, n_columns: usize) -> bool {
        self.columns
            .is_some_and(|(min, max)| min <= n_columns && n_columns <= max)
    }
}

impl TextMapper for RemoveTableTextMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        let mut lines = lines(text);
        let n_lines = lines.len();
        for n_columns in self.min_col..=self.max_col {
            remove_runs(&mut lines, n_columns);
        }
        if lines.len() == n_lines {
            return Ok(Cow::Borrowed(text));
        }
        let head = text.len() - text.trim_start_matches('\n').len();
        let mut out = text[..head].to_owned();
        out.extend(lines.iter().map(|line| &text[line.start..line.end]));
        Ok(Cow::Owned(out))
    }
}

/// The lines that are not empty.
fn lines(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        match (line, lines.last_mut()) {
            ("\n", Some(before)) => before.end = end,
            ("\n", None) => {}
            _ => lines.push(Line {
                start,
                end,
                // A table begins after a line end.
                columns: line
                    .strip_suffix('\n')
                    .filter(|_| start > 0)
                    .and_then(columns),
            }),
        }
        start = end;
    }
    lines
}

/// The fewest and the most columns that a line can be read as.
fn columns(line: &str) -> Option<(usize, usize)> {
    let mut n_columns = 1;
    let mut n_bars = 0;
    // Characters of the column so far; of it without the bar that could end it.
    let mut is_empty = true;
    let mut bar_waits = false;
    let mut part_is_empty = true;
    for c in line.chars() {
        match c {
            ' ' | '\t' => {
                if is_empty {
                    return None;
                }
                n_columns += 1;
                is_empty = true;
                part_is_empty = true;
                bar_waits = false;
            }
            c if c.is_whitespace() => return None,
            c => {
                is_empty = false;
                if bar_waits {
                    // A bar with something on both sides can part columns.
                    n_bars += 1;
                    bar_waits = false;
                    part_is_empty = false;
                } else if c == '|' && !part_is_empty {
                    bar_waits = true;
                } else {
                    part_is_empty = false;
                }
            }
        }
    }
    (!is_empty).then_some((n_columns, n_columns + n_bars))
}

/// Removes every run of two lines and more that have so many columns.
fn remove_runs(lines: &mut Vec<Line>, n_columns: usize) {
    let mut kept = 0;
    let mut at = 0;
    while at < lines.len() {
        let run = lines[at..]
            .iter()
            .take_while(|line| line.has(n_columns))
            .count();
        at += if run >= 2 { run } else { 0 };
        if run < 2 {
            lines.swap(kept, at);
            kept += 1;
            at += 1;
        }
    }
    lines.truncate(kept);
}
