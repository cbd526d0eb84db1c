//! `emoji_cleaner` removes emoji.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<EmojiCleaner>(
    "emoji_cleaner",
    "Removes emoji, sequences of several characters included, and variation selectors.",
)
.details(
    "The sequences are those of the Python package `emoji` 2.2, which the original uses (Unicode 15). \
     A sequence that is none of them goes character by character.",
)
.origin("DataMate")
.aliases(&["EmojiCleaner"])
.examples(&[Example {
    about: "a flag and a family",
    params: "{}",
    input: &[r#"{"text": "hi 🇫🇷 👨‍👩‍👧 you ❤️ 1️⃣"}"#],
    output: &[r#"{"text": "hi   you  "}"#],
}]);

/// Parameters of `emoji_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct EmojiCleaner;

impl Configured for EmojiCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for EmojiCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(EMOJI.remove(text))
    }
}

/// The emoji as a tree of characters: what one may be followed by.
struct Tree {
    /// By node and character the next node.
    next: HashMap<(u32, char), u32>,
    /// Nodes where an emoji ends.
    ends: HashSet<u32>,
}

static EMOJI: LazyLock<Tree> = LazyLock::new(|| {
    let mut tree = Tree {
        next: HashMap::new(),
        ends: HashSet::new(),
    };
    for sequence in include_str!("../../assets/emoji.txt").lines() {
        let mut node = 0;
        for c in sequence.chars() {
            let new = tree.next.len() as u32 + 1;
            node = *tree.next.entry((node, c)).or_insert(new);
        }
        tree.ends.insert(node);
    }
    tree
});

impl Tree {
    fn remove<'t>(&self, text: &'t str) -> Cow<'t, str> {
        // Of ASCII only digits, `#` and `*` begin one, with a selector behind.
        let may_begin = |c: char| !c.is_ascii();
        if !text.contains(may_begin) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            // As far as the tree goes; what ends before its end is none.
            let (mut node, mut length) = (0, 0);
            for c in rest.chars() {
                match self.next.get(&(node, c)) {
                    Some(next) => (node, length) = (*next, length + c.len_utf8()),
                    None => break,
                }
            }
            if node != 0 && self.ends.contains(&node) {
                rest = &rest[length..];
                continue;
            }
            if !matches!(c, '\u{FE0E}' | '\u{FE0F}') {
                out.push(c);
            }
            rest = &rest[c.len_utf8()..];
        }
        Cow::Owned(out)
    }
}
