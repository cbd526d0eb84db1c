//! `remove_repeat_sentences_mapper` keeps the first of repeated sentences.

use std::borrow::Cow;
use std::collections::HashSet;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveRepeatSentencesMapper>(
    "remove_repeat_sentences_mapper",
    "Removes sentences that stood in the text before.",
)
.details("Lines are cut into sentences after `.`, `。`, `!`, `！`, `?`, `？` and `……`, and after a closing `’` or `”` behind one of them. Line ends stay where they are, also those of lines that lose all their sentences.\n\nQuirks of the original that are kept: numbers such as `3.14` and names such as `U.S.` are cut at the point; of terminators in a row only every second one ends a sentence, since each takes the character after it with it; a closing quote also ends a sentence behind `{`, `}`, `6`, `2` and a single `…` (its pattern writes repetitions inside a character class).\n\nSentences are compared without white space at their ends. The original also takes Python source for `tokenizer`; here it must be null.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "keeps the first of equal sentences",
        params: "{}",
        input: &[r#"{"text": "One two. Three!\nOne two. Four."}"#],
        output: &[r#"{"text": "One two. Three!\n Four."}"#],
    },
    Example {
        about: "ignores punctuation, and case if told to",
        params: r#"{"lowercase": true}"#,
        input: &[r#"{"text": "One two. ONE, TWO! one"}"#],
        output: &[r#"{"text": "One two. one"}"#],
    },
]);

/// Parameters of `remove_repeat_sentences_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Whether sentences that differ in case only count as repeated.
    lowercase: bool,
    /// Whether to compare nothing but ASCII letters and digits, Chinese
    /// characters (U+4E00 to U+9FA5) and white space.
    ignore_special_character: bool,
    /// Sentences shorter than this, in characters that are compared, stay
    /// however often they are repeated.
    min_repeat_sentence_length: i64,
    /// Must be null: Python source cannot be run here.
    tokenizer: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            lowercase: false,
            ignore_special_character: true,
            min_repeat_sentence_length: 2,
            tokenizer: None,
        }
    }
}

pub(crate) struct RemoveRepeatSentencesMapper {
    lowercase: bool,
    letters_only: bool,
    min_chars: usize,
}

impl Configured for RemoveRepeatSentencesMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if params.tokenizer.is_some() {
            return Err(ParamError::new(
                "tokenizer",
                "a sentence tokenizer in Python is not supported",
            )
            .with_hint("leave it out to cut sentences at their punctuation"));
        }
        Ok(Self {
            lowercase: params.lowercase,
            letters_only: params.ignore_special_character,
            min_chars: usize::try_from(params.min_repeat_sentence_length).unwrap_or(0),
        })
    }
}

impl TextMapper for RemoveRepeatSentencesMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        let mut seen: HashSet<String> = HashSet::new();
        let mut key = String::new();
        let mut out = String::new();
        let mut copied = 0;
        for_each_sentence(text, |start, end| {
            if start == end {
                return;
            }
            self.key(&text[start..end], &mut key);
            let is_short = key.len() < self.min_chars
                || (key.len() < 4 * self.min_chars && key.chars().count() < self.min_chars);
            if is_short {
                return;
            }
            if seen.contains(&key) {
                out.push_str(&text[copied..start]);
                copied = end;
            } else {
                seen.insert(key.clone());
            }
        });
        if copied == 0 {
            return Ok(Cow::Borrowed(text));
        }
        out.push_str(&text[copied..]);
        Ok(Cow::Owned(out))
    }
}

impl RemoveRepeatSentencesMapper {
    /// What is compared of a sentence.
    fn key(&self, sentence: &str, key: &mut String) {
        key.clear();
        let sentence = unicode::strip(sentence);
        // The case of one character can depend on its neighbors, so that the
        // sentence is lowered as a whole.
        let lowered;
        let sentence = match self.lowercase {
            true => {
                lowered = sentence.to_lowercase();
                &lowered
            }
            false => sentence,
        };
        if self.letters_only {
            key.extend(sentence.chars().filter(|c| is_compared(*c)));
        } else {
            key.push_str(sentence);
        }
    }
}

fn is_compared(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '\n' | '\t' | ' ' | '\u{4e00}'..='\u{9fa5}')
}

/// Calls `each` with the start and end of every sentence. Line ends belong to
/// no sentence.
///
/// The original inserts line ends by one regular expression after the other;
/// none of them can match across what another one inserted, so that one pass
/// over the text finds the same places. In each of the three rules the
/// character behind the end of a sentence is used up: it cannot be part of the
/// next match.
fn for_each_sentence(text: &str, mut each: impl FnMut(usize, usize)) {
    let mut start = 0;
    // `[.。！!？?]` was the last character.
    let mut terminator = false;
    // So many `…` were the last characters.
    let mut dots = 0;
    // How much of `[.。!！？?{6}…2][’”]` were the last characters.
    let mut closing = 0;
    for (at, c) in text.char_indices() {
        if c == '\n' {
            each(start, at);
            start = at + 1;
            (terminator, dots, closing) = (false, 0, 0);
            continue;
        }
        let is_quote = matches!(c, '’' | '”');
        let is_terminator = matches!(c, '.' | '。' | '！' | '!' | '？' | '?');
        let mut cut = false;

        if terminator && !is_quote {
            cut = true;
            terminator = false;
        } else {
            terminator = is_terminator;
        }

        if dots == 2 {
            cut |= !is_quote;
            dots = 0;
        } else {
            dots = if c == '…' { dots + 1 } else { 0 };
        }

        closing = match closing {
            2 => {
                cut |= !is_quote;
                0
            }
            1 if is_quote => 2,
            _ if is_terminator || matches!(c, '{' | '6' | '}' | '…' | '2') => 1,
            _ => 0,
        };

        if cut {
            each(start, at);
            start = at;
        }
    }
    each(start, text.len());
}
