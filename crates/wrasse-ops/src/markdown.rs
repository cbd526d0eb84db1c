//! The blocks of a Markdown text, as far as chunking needs them: headings,
//! fenced code, and what lies between blank lines.
//!
//! Read line by line after CommonMark 0.31; blocks within quotes and list
//! items count as text of those.

use std::ops::Range;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A heading of this level, 1 to 6, whose title has this span.
    Heading { level: u8, start: usize, end: usize },
    /// Code between fences, or metadata at the top between `---`.
    Code,
    /// A paragraph, list, table or quote.
    Text,
}

/// A run of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    /// With the blank lines behind it.
    pub(crate) span: Range<usize>,
}

/// The blocks of `text` in order; together they are the text.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader {
        text,
        blocks: Vec::new(),
        open: None,
    };
    let mut at = front_matter(text);
    if at > 0 {
        reader.push(Kind::Code, 0..at);
    }
    let mut fence: Option<(u8, usize, usize)> = None;
    for line in text[at..].split_inclusive('\n') {
        let span = at..at + line.len();
        at = span.end;
        if let Some((mark, length, start)) = fence {
            if closes(line, mark, length) {
                reader.push(Kind::Code, start..span.end);
                fence = None;
            }
            continue;
        }
        if let Some((mark, length)) = opens(line) {
            reader.close();
            fence = Some((mark, length, span.start));
        } else if line.trim().is_empty() {
            reader.blank(span);
        } else if let Some((level, title)) = atx(line) {
            reader.close();
            let (start, end) = (span.start + title.start, span.start + title.end);
            reader.push(Kind::Heading { level, start, end }, span);
        } else if let Some(level) = underline(line)
            && reader
                .open
                .as_ref()
                .is_some_and(|open| is_paragraph(&text[open.clone()]))
        {
            reader.underlined(level, span.end);
        } else {
            reader.line(span);
        }
    }
    if let Some((.., start)) = fence {
        // A fence that is not closed goes on to the end.
        reader.push(Kind::Code, start..text.len());
    }
    reader.close();
    reader.blocks
}

struct Reader<'t> {
    text: &'t str,
    blocks: Vec<Block>,
    /// Lines of text that may go on.
    open: Option<Range<usize>>,
}

impl Reader<'_> {
    fn push(&mut self, kind: Kind, span: Range<usize>) {
        self.blocks.push(Block { kind, span });
    }

    fn close(&mut self) {
        if let Some(span) = self.open.take() {
            self.push(Kind::Text, span);
        }
    }

    fn line(&mut self, span: Range<usize>) {
        match &mut self.open {
            Some(open) => open.end = span.end,
            None => self.open = Some(span),
        }
    }

    fn blank(&mut self, span: Range<usize>) {
        self.close();
        match self.blocks.last_mut() {
            Some(block) => block.span.end = span.end,
            None => self.push(Kind::Text, span),
        }
    }

    /// The open lines were a heading.
    fn underlined(&mut self, level: u8, end: usize) {
        if let Some(span) = self.open.take() {
            let title = &self.text[span.clone()];
            let start = span.start + (title.len() - title.trim_start().len());
            let kind = Kind::Heading {
                level,
                start,
                end: start + title.trim().len(),
            };
            self.push(kind, span.start..end);
        }
    }
}

/// The line without its indentation; `None` if that makes it code.
fn unindented(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(' ');
    (line.len() - rest.len() <= 3).then_some(rest)
}

/// The mark and length of a fence that opens code.
fn opens(line: &str) -> Option<(u8, usize)> {
    let line = unindented(line)?;
    let mark = *line.as_bytes().first()?;
    let length = line.bytes().take_while(|byte| *byte == mark).count();
    let is_fence = matches!(mark, b'`' | b'~') && length >= 3;
    // Backticks behind backticks are code within a line.
    let is_inline = mark == b'`' && line[length..].contains('`');
    (is_fence && !is_inline).then_some((mark, length))
}

fn closes(line: &str, mark: u8, length: usize) -> bool {
    unindented(line).is_some_and(|line| {
        let line = line.trim_end();
        line.len() >= length && line.bytes().all(|byte| byte == mark)
    })
}

/// The level of a heading that starts with `#`, and where its title is.
fn atx(line: &str) -> Option<(u8, Range<usize>)> {
    let rest = unindented(line)?;
    let level = rest.bytes().take_while(|byte| *byte == b'#').count();
    if !(1..=6).contains(&level)
        || !rest[level..].starts_with([' ', '\t', '\n', '\r']) && rest.len() > level
    {
        return None;
    }
    let body = rest[level..].trim();
    let open = body.trim_end_matches('#');
    let title = match open.ends_with([' ', '\t']) || open.is_empty() {
        true => open.trim_end(),
        false => body,
    };
    let start =
        line.len() - rest.len() + level + (rest[level..].len() - rest[level..].trim_start().len());
    Some((level as u8, start..start + title.len()))
}

/// The level of the heading that this line makes of the lines above it.
fn underline(line: &str) -> Option<u8> {
    let line = unindented(line)?.trim_end();
    match line.as_bytes().first()? {
        b'=' if line.bytes().all(|byte| byte == b'=') => Some(1),
        b'-' if line.bytes().all(|byte| byte == b'-') => Some(2),
        _ => None,
    }
}

/// Whether lines are a paragraph, thus can be a heading: no quote, list, table
/// or indented code.
fn is_paragraph(lines: &str) -> bool {
    let Some(first) = unindented(lines) else {
        return false;
    };
    let first_digit = first.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = first_digit.len() < first.len() && first_digit.starts_with(['.', ')']);
    let is_item = ["- ", "* ", "+ "]
        .iter()
        .any(|mark| first.starts_with(mark));
    !is_numbered && !is_item && !first.starts_with(['>', '|'])
}

/// Where the metadata at the top ends, between lines of `---`; 0 if there is
/// none.
fn front_matter(text: &str) -> usize {
    let mut at = 0;
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let is_mark = line.trim_end() == "---";
        at += line.len();
        match (i, is_mark) {
            (0, false) => return 0,
            (0, true) | (_, false) => {}
            (_, true) => return at,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texts;

    fn shown(text: &str) -> Vec<String> {
        let show = |block: &Block| match block.kind {
            Kind::Heading { level, start, end } => format!("h{level} {}", &text[start..end]),
            Kind::Code => format!("code {:?}", &text[block.span.clone()]),
            Kind::Text => format!("text {:?}", &text[block.span.clone()]),
        };
        blocks(text).iter().map(show).collect()
    }

    #[test]
    fn blocks_are_found_by_their_lines() {
        assert_eq!(shown(""), [""; 0]);
        assert_eq!(
            shown("# A #\n#b\n####### c\n ##\nd"),
            ["h1 A", "text \"#b\\n####### c\\n\"", "h2 ", "text \"d\""]
        );
        assert_eq!(
            shown("A\nb\n===\n\nC\n---\n- x\n---\n"),
            ["h1 A\nb", "h2 C", "text \"- x\\n---\\n\""]
        );
        assert_eq!(
            shown("a\n```sh\n# no\n\n```\nb"),
            [
                "text \"a\\n\"",
                "code \"```sh\\n# no\\n\\n```\\n\"",
                "text \"b\""
            ]
        );
        assert_eq!(shown("~~~~\n~~~\n```\n"), ["code \"~~~~\\n~~~\\n```\\n\""]);
        assert_eq!(
            shown("---\na: 1\n---\n# T"),
            ["code \"---\\na: 1\\n---\\n\"", "h1 T"]
        );
        assert_eq!(
            shown("```a```\n\n    # code\r\n"),
            ["text \"```a```\\n\\n\"", "text \"    # code\\r\\n\""]
        );
    }

    #[test]
    fn blocks_are_the_text() {
        let alphabet = [
            "# a", "\n", "\n\n", "```", "---", "===", "x", " ", "~~~~", "数", "\r\n",
        ];
        for text in texts(&alphabet, 3_000) {
            let mut at = 0;
            for block in blocks(&text) {
                assert_eq!(block.span.start, at, "{text:?}");
                at = block.span.end;
                if let Kind::Heading { start, end, .. } = block.kind {
                    assert!(text[block.span].contains(&text[start..end]));
                }
            }
            assert_eq!(at, text.len(), "{text:?}");
        }
    }
}
