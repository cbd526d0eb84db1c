//! `emoji_cleaner` deletes emoji.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::ORIGIN;
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<EmojiCleaner>(
    "emoji_cleaner",
    "Deletes emoji.",
)
.aliases(&["EmojiCleaner"])
.details("Emoji are the 4,733 characters and sequences of the Python package emoji 2.2.0 (Unicode 15.0), among them `©`, `®`, `™`, arrows and keycaps such as `1️⃣`, but not digits by themselves. Variation selectors (U+FE0E, U+FE0F) go wherever they stand. As in the original, a sequence that begins like a longer one and breaks off is looked at as that longer one only, so that its first character stays.")
.origin(ORIGIN)
.examples(&[Example {
    about: "deletes emoji and sequences of them",
    params: "{}",
    input: &[r#"{"text": "很好👍🏽!👨‍👩‍👧 1️⃣2 ™"}"#],
    output: &[r#"{"text": "很好! 2 "}"#],
}]);

/// The sequences, one to a line. `T` stands for each of the five skin tones,
/// `U` for each but the one that stands before it, `V` for U+FE0F or nothing.
static SEQUENCES: &str = include_str!("../datamate/emoji.txt");

static TREE: LazyLock<Tree> = LazyLock::new(Tree::new);

/// All emoji, by character.
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    next: HashMap<char, usize>,
    is_emoji: bool,
}

impl Tree {
    fn new() -> Self {
        let mut tree = Self {
            nodes: vec![Node::default()],
        };
        for line in SEQUENCES.lines() {
            tree.add(0, None, line);
        }
        tree
    }

    fn add(&mut self, at: usize, tone: Option<char>, rest: &str) {
        let mut chars = rest.chars();
        let Some(c) = chars.next() else {
            self.nodes[at].is_emoji = true;
            return;
        };
        let rest = chars.as_str();
        match c {
            'T' | 'U' => {
                for next in '\u{1f3fb}'..='\u{1f3ff}' {
                    if c == 'T' || tone != Some(next) {
                        let node = self.child(at, next);
                        self.add(node, Some(next), rest);
                    }
                }
            }
            'V' => {
                let node = self.child(at, '\u{fe0f}');
                self.add(node, tone, rest);
                self.add(at, tone, rest);
            }
            _ => {
                let node = self.child(at, c);
                self.add(node, tone, rest);
            }
        }
    }

    fn child(&mut self, at: usize, c: char) -> usize {
        let n = self.nodes.len();
        let child = *self.nodes[at].next.entry(c).or_insert(n);
        if child == n {
            self.nodes.push(Node::default());
        }
        child
    }

    /// The length of the emoji at the start of `text`.
    fn emoji(&self, text: &str) -> Option<usize> {
        let mut node = &self.nodes[0];
        for (at, c) in text.char_indices() {
            match node.next.get(&c) {
                Some(next) => node = &self.nodes[*next],
                None => return node.is_emoji.then_some(at),
            }
        }
        node.is_emoji.then_some(text.len())
    }
}

pub(crate) struct EmojiCleaner;

impl Configured for EmojiCleaner {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for EmojiCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text: &'t str = text;
        let tree = &*TREE;
        let bytes = text.as_bytes();
        let mut out = String::new();
        let (mut copied, mut at) = (0, 0);
        while let Some(skip) = bytes[at..].iter().position(|byte| *byte >= 0x80) {
            let mut start = at + skip;
            // The one kind of emoji that begins with ASCII: a keycap.
            if skip > 0 && matches!(bytes[start - 1], b'0'..=b'9' | b'#' | b'*') {
                start -= 1;
            }
            let rest = &text[start..];
            let Some(c) = rest.chars().next() else { break };
            let length = match c {
                // Ideographs and Hangul, which are most of what is not ASCII.
                '\u{3400}'..='\u{d7ff}' => None,
                _ => tree.emoji(rest),
            };
            let length =
                length.or_else(|| matches!(c, '\u{fe0e}' | '\u{fe0f}').then_some(c.len_utf8()));
            at = start + length.unwrap_or(c.len_utf8());
            if length.is_some() {
                out.push_str(&text[copied..start]);
                copied = at;
            }
        }
        if copied == 0 {
            return Ok(Cow::Borrowed(text));
        }
        out.push_str(&text[copied..]);
        Ok(Cow::Owned(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(tree: &Tree, node: usize, prefix: &mut String, found: &mut Vec<String>) {
        if tree.nodes[node].is_emoji {
            found.push(prefix.clone());
        }
        let mut next: Vec<_> = tree.nodes[node].next.iter().collect();
        next.sort();
        for (c, next) in next {
            prefix.push(*c);
            all(tree, *next, prefix, found);
            prefix.pop();
        }
    }

    #[test]
    fn emoji_are_those_of_the_package() {
        let mut found = Vec::new();
        all(&TREE, 0, &mut String::new(), &mut found);
        found.sort();
        // hashlib.md5 over the sorted keys of EMOJI_DATA, one to a line.
        assert_eq!(found.len(), 4733);
        assert_eq!(
            format!("{:x}", md5::compute(found.join("\n"))),
            "cfce11504f04027405338f03d3bab0f7"
        );
    }
}
