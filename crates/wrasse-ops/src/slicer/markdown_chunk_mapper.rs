//! `markdown_chunk_mapper` cuts Markdown at its headings.

use std::num::NonZeroUsize;
use std::ops::Range;

use serde_json::Value;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Sample, Slicer};

use crate::chunks::{Length, fit};
use crate::markdown::{Block, Kind, blocks};
use crate::sentences::{Lines, sentences};

pub(crate) const SPEC: OpSpec = OpSpec::slicer::<MarkdownChunkMapper>(
    "markdown_chunk_mapper",
    "Cuts Markdown texts at their headings, each chunk with the path of headings it stands under.",
)
.details("A heading down to `split_level` begins a new chunk. The titles that a chunk stands under, its own last, are put into the field `headings_key` as a list; text before the first heading has an empty one. A heading with nothing under it but further headings gives no chunk of its own: its title is in their lists.\n\nA section longer than `max_len` characters (Unicode scalar values) is cut between its blocks: paragraphs, lists, tables, quotes, lower headings. A block that alone is longer is cut between sentences (a line end ends one), then at white space. Fenced code (between ```` ``` ```` or `~~~`) and the metadata between `---` at the top are never cut, so that such a chunk may be longer than `max_len`. White space at both ends of a chunk goes, but for the indentation of its first line; blank chunks are left out.\n\nOther tools call this `MarkdownHeaderTextSplitter` (LangChain), `MarkdownNodeParser` (LlamaIndex) or chunking `by_title`.")
.origin("CommonMark 0.31")
.examples(&[
    Example {
        about: "cuts at headings and keeps their path",
        params: "{}",
        input: &[r###"{"id": 1, "text": "Intro.\n\n# Birds\n\n## Wrasse\nA *fish*.\n\n# End\nBye."}"###],
        output: &[
            r###"{"id": 1, "text": "Intro.", "headings": []}"###,
            r###"{"id": 1, "text": "## Wrasse\nA *fish*.", "headings": ["Birds", "Wrasse"]}"###,
            r###"{"id": 1, "text": "# End\nBye.", "headings": ["End"]}"###,
        ],
    },
    Example {
        about: "keeps code whole, and headings out of the text if wanted",
        params: r#"{"max_len": 12, "keep_headings": false}"#,
        input: &[r###"{"text": "# Use\nRun this:\n\n```sh\n# a comment\nls -l\n```\nThen look."}"###],
        output: &[
            r###"{"text": "Run this:", "headings": ["Use"]}"###,
            r###"{"text": "```sh\n# a comment\nls -l\n```", "headings": ["Use"]}"###,
            r###"{"text": "Then look.", "headings": ["Use"]}"###,
        ],
    },
]);

/// Parameters of `markdown_chunk_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The longest chunk, in characters, but for code; no limit if null.
    max_len: Option<NonZeroUsize>,
    /// The lowest level of heading that begins a chunk, 1 to 6.
    split_level: u8,
    /// Whether the line of the heading stays in the text of the chunk.
    keep_headings: bool,
    /// The field to put the path of headings in.
    headings_key: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_len: NonZeroUsize::new(2000),
            split_level: 6,
            keep_headings: true,
            headings_key: "headings".to_owned(),
        }
    }
}

pub(crate) struct MarkdownChunkMapper {
    max_len: usize,
    split_level: u8,
    keep_headings: bool,
    headings_key: String,
    text_key: String,
}

impl Configured for MarkdownChunkMapper {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        if !(1..=6).contains(&params.split_level) {
            return Err(ParamError::new(
                "split_level",
                format!("expected 1 to 6, found {}", params.split_level),
            ));
        }
        if params.headings_key == common.text_key {
            return Err(ParamError::new(
                "headings_key",
                format!("`{}` is the field of the text", params.headings_key),
            ));
        }
        Ok(Self {
            max_len: params.max_len.map_or(usize::MAX, NonZeroUsize::get),
            split_level: params.split_level,
            keep_headings: params.keep_headings,
            headings_key: params.headings_key,
            text_key: common.text_key.clone(),
        })
    }
}

impl Slicer for MarkdownChunkMapper {
    fn slice(&self, sample: &mut Sample, pieces: &mut Vec<Sample>) -> Result<(), OpError> {
        // Without the decoded text, which the pieces can do without.
        let base = sample.clone();
        let text: &str = sample.text(&self.text_key)?;
        let blocks = blocks(text);
        let mut path: Vec<(u8, &str)> = Vec::new();
        let mut chunks = Vec::new();
        let mut rest = &blocks[..];
        while !rest.is_empty() {
            let is_cut = |block: &Block| self.is_cut(block);
            let n = 1 + rest[1..].iter().position(is_cut).unwrap_or(rest.len() - 1);
            let (section, behind) = rest.split_at(n);
            rest = behind;
            let mut body = section;
            if let Kind::Heading { level, start, end } = section[0].kind
                && level <= self.split_level
            {
                path.retain(|(known, _)| *known < level);
                path.push((level, &text[start..end]));
                body = &section[1..];
            }
            if body.iter().all(|block| text[block.span.clone()].trim().is_empty()) {
                continue;
            }
            self.chunks(text, if self.keep_headings { section } else { body }, &mut chunks);
            let titles: Vec<&str> = path.iter().map(|(_, title)| *title).collect();
            let titles = Value::from(titles).to_string();
            for chunk in chunks.drain(..) {
                let chunk = text[chunk].trim_end();
                let first_line = chunk.len() - chunk.trim_start().len();
                let indent = chunk[..first_line].rfind('\n').map_or(0, |at| at + 1);
                let mut piece =
                    base.piece(&self.text_key, &chunk[indent..], pieces.len() as u32);
                piece.set_json(&self.headings_key, titles.as_str());
                pieces.push(piece);
            }
        }
        Ok(())
    }
}

impl MarkdownChunkMapper {
    fn is_cut(&self, block: &Block) -> bool {
        matches!(block.kind, Kind::Heading { level, .. } if level <= self.split_level)
    }

    /// Appends the spans of the chunks of a section.
    fn chunks(&self, text: &str, section: &[Block], chunks: &mut Vec<Range<usize>>) {
        let mut units = Vec::new();
        for block in section {
            let whole = block.kind == Kind::Code
                || Length::of(&text[block.span.clone()]).body <= self.max_len;
            if whole {
                units.push(block.span.clone());
                continue;
            }
            let mut at = block.span.start;
            for sentence in sentences(&text[block.span.clone()], Lines::End) {
                fit(text, at..at + sentence.len(), self.max_len, &mut units);
                at += sentence.len();
            }
        }
        let mut length = Length::default();
        let mut open: Option<Range<usize>> = None;
        for unit in units {
            let next = Length::of(&text[unit.clone()]);
            let longer = length.and(next);
            match &mut open {
                Some(chunk) if longer.body <= self.max_len => {
                    chunk.end = unit.end;
                    length = longer;
                }
                _ => {
                    chunks.extend(open.replace(unit));
                    length = next;
                }
            }
        }
        chunks.extend(open);
        chunks.retain(|chunk| !text[chunk.clone()].trim().is_empty());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::SPEC;
    use crate::testing::{rows, slice, texts};

    #[test]
    fn nothing_but_space_and_bare_headings_is_lost() {
        let alphabet = ["## ", "x", "\n", "\n\n", "```\n", "One. ", "数据。", " ", "- "];
        for text in texts(&alphabet, 2_000) {
            for max_len in [1, 5, 20] {
                let chunks = slice(&SPEC, &json!({"max_len": max_len}), &text).unwrap();
                let mut at = 0;
                for chunk in &chunks {
                    let found = text[at..].find(chunk.as_str());
                    at += found.unwrap_or_else(|| panic!("{text:?} {chunk:?}")) + chunk.len();
                    let is_short = chunk.chars().count() <= max_len;
                    assert!(is_short || chunk.starts_with("```") || chunk.starts_with(' '), "{text:?}: {chunk:?}");
                }
            }
        }
    }

    #[test]
    fn paths_follow_the_levels() {
        let text = "# A\na\n### C\nc\n## B\nb\n# D\nd";
        let paths = |params: Value| -> Vec<Value> {
            let rows = rows(&SPEC, &params, text).unwrap();
            rows.iter().map(|row| row["path"].clone()).collect()
        };
        let params = json!({"headings_key": "path"});
        assert_eq!(paths(params), [json!(["A"]), json!(["A", "C"]), json!(["A", "B"]), json!(["D"])]);
        let params = json!({"headings_key": "path", "split_level": 1});
        assert_eq!(paths(params), [json!(["A"]), json!(["D"])]);
    }

    #[test]
    fn what_cannot_work_is_an_error() {
        let failed = |params| rows(&SPEC, &params, "x").unwrap_err();
        assert!(failed(json!({"split_level": 0})).contains("1 to 6"));
        assert!(failed(json!({"headings_key": "text"})).contains("the field of the text"));
    }
}
