//! A guide: Markdown, of which the fenced blocks are understood.
//!
//! | block | what it is |
//! |---|---|
//! | `yaml` | the recipe, `recipe.yaml`; `yaml file=other.yaml` for another one |
//! | `LANGUAGE input=PATH` | a file that is there before |
//! | `console` | commands after `$ `, each with what it prints and `[exit N]` |
//! | `LANGUAGE output=PATH` | what the file must hold by then; `.gz` and `.zst` unpacked |
//!
//! Blocks take effect in the order of the text. Other fences are prose.

use std::collections::BTreeMap;
use std::ops::Range;

/// A guide, ready to be run and to be written again.
#[derive(Debug)]
pub(crate) struct Document {
    lines: Vec<String>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) sections: Vec<Section>,
}

/// A `##` heading and the blocks below it.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) blocks: Range<usize>,
}

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) role: Role,
    /// Its lines, each with its end.
    pub(crate) text: String,
    /// Its lines in the document, without the fences.
    lines: Range<usize>,
}

/// What a block is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Input(String),
    Console,
    Output(String),
}

impl Document {
    pub(crate) fn parse(text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut document = Self {
            lines: Vec::new(),
            blocks: Vec::new(),
            sections: Vec::new(),
        };
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            if let Some(name) = line.strip_prefix("## ") {
                let first = document.blocks.len();
                document.sections.push(Section {
                    name: name.to_owned(),
                    blocks: first..first,
                });
            }
            let Some(ticks) = fence(line) else { continue };
            let close = lines[at..].iter().position(|line| line.trim_end() == ticks);
            let end = at + close.unwrap_or_else(|| panic!("line {at}: the fence is not closed"));
            if let Some(role) = role(&line[ticks.len()..], at) {
                document.blocks.push(Block {
                    role,
                    text: lines[at..end]
                        .iter()
                        .flat_map(|line| [line, "\n"])
                        .collect(),
                    lines: at..end,
                });
                let n = document.blocks.len();
                let section = document.sections.last_mut();
                section
                    .unwrap_or_else(|| panic!("line {at}: a block before the first section"))
                    .blocks
                    .end = n;
            }
            at = end + 1;
        }
        for section in &document.sections {
            let blocks = &document.blocks[section.blocks.clone()];
            assert!(
                blocks.iter().any(|block| block.role == Role::Console),
                "the section `{}` runs nothing",
                section.name
            );
        }
        document.lines = lines;
        document
    }

    /// The document with the blocks as they are now.
    pub(crate) fn render(&self) -> String {
        let mut lines = self.lines.clone();
        for block in self.blocks.iter().rev() {
            lines.splice(block.lines.clone(), block.text.lines().map(str::to_owned));
        }
        lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

/// The backticks that open a block.
fn fence(line: &str) -> Option<&str> {
    let n = line.len() - line.trim_start_matches('`').len();
    (n >= 3).then(|| &line[..n])
}

fn role(info: &str, line: usize) -> Option<Role> {
    let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
    let words: BTreeMap<&str, &str> = rest
        .split_whitespace()
        .map(|word| {
            word.split_once('=')
                .unwrap_or_else(|| panic!("line {line}: `{word}` is not KEY=VALUE"))
        })
        .collect();
    match (language, words.first_key_value()) {
        ("console", None) => Some(Role::Console),
        ("yaml", None) => Some(Role::Input("recipe.yaml".to_owned())),
        (_, None) => None,
        (_, Some((&("input" | "file"), path))) => Some(Role::Input((*path).to_owned())),
        (_, Some((&"output", path))) => Some(Role::Output((*path).to_owned())),
        (_, Some((key, _))) => panic!("line {line}: `{key}` is not known"),
    }
}
