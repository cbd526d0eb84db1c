//! `gopher_repetition_filter` applies the repetition rules of the Gopher paper.

use wrasse_op::{Common, Configured, Example, Filter, OpError, OpSpec, ParamError, Sample, Stats, Text};

use super::{at_most, duplicates, ratio};
use crate::english::Tokens;
use crate::hashing::{FastMap, FastSet};
use crate::unicode::strip;

pub(crate) const SPEC: OpSpec = OpSpec::filter::<GopherRepetitionFilter>(
    "gopher_repetition_filter",
    "Keeps samples that pass the repetition rules of Gopher: lines, paragraphs, word n-grams.",
    &[
        "gopher_dup_line_frac",
        "gopher_dup_para_frac",
        "gopher_dup_line_char_frac",
        "gopher_dup_para_char_frac",
        "gopher_top_2_gram_frac",
        "gopher_top_3_gram_frac",
        "gopher_top_4_gram_frac",
        "gopher_dup_5_gram_frac",
        "gopher_dup_6_gram_frac",
        "gopher_dup_7_gram_frac",
        "gopher_dup_8_gram_frac",
        "gopher_dup_9_gram_frac",
        "gopher_dup_10_gram_frac",
    ],
)
.details(
    "The rules and thresholds are those of table A1 of [Rae et al. \
     2021](https://arxiv.org/abs/2112.11446), in the reading of datatrove 0.10: of the lines \
     and the paragraphs those that occurred before, by number and by characters; of the \
     characters those in the most frequent n-gram, and those in n-grams that occurred before. \
     All are shares of the characters (or lines, or paragraphs) of the text. An empty text is \
     dropped.\n\n\
     Lines end at line feeds, paragraphs at two or more of them. N-grams are of the tokens of \
     spaCy's English tokenizer, punctuation marks among them. The most frequent n-gram counts \
     even if it occurs once, so that a text of few words is dropped: a text of two words is one \
     2-gram.",
)
.decided_by(&["dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac"])
.decided_by_second(&["top_n_grams", "dup_n_grams"])
.origin("datatrove 0.10, Rae et al. 2021 (Gopher)")
.examples(&[Example {
    about: "drops a text of the same line over and over",
    params: "{}",
    input: &[
        r#"{"text": "Click here.\nClick here.\nClick here."}"#,
        r#"{"text": "It was the best of all plans that anyone had made so far, but nobody would follow it, for there was little hope that winter would end in time for us to cross the river."}"#,
    ],
    output: &[
        r#"{"text": "It was the best of all plans that anyone had made so far, but nobody would follow it, for there was little hope that winter would end in time for us to cross the river."}"#,
    ],
}]);

/// Parameters of `gopher_repetition_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The highest share of lines that occurred before to keep, 0 to 1; no
    /// limit if null or 0.
    dup_line_frac: Option<f64>,
    /// The same for paragraphs.
    dup_para_frac: Option<f64>,
    /// The highest share of characters in such lines to keep, 0 to 1; no limit
    /// if null or 0.
    dup_line_char_frac: Option<f64>,
    /// The same for paragraphs.
    dup_para_char_frac: Option<f64>,
    /// Pairs of a length in words and the highest share of characters in the
    /// most frequent n-gram of that length to keep, 0 to 1.
    top_n_grams: Vec<(usize, f64)>,
    /// Pairs of a length in words and the highest share of characters in
    /// n-grams that occurred before to keep, 0 to 1.
    dup_n_grams: Vec<(usize, f64)>,
    /// The language of the samples; only `eng`.
    language: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            dup_line_frac: Some(0.3),
            dup_para_frac: Some(0.3),
            dup_line_char_frac: Some(0.2),
            dup_para_char_frac: Some(0.2),
            top_n_grams: vec![(2, 0.2), (3, 0.18), (4, 0.16)],
            dup_n_grams: vec![(5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.1)],
            language: "eng".to_owned(),
        }
    }
}

/// N-grams of one length.
struct Grams {
    n: usize,
    limit: f64,
    stat: String,
}

pub(crate) struct GopherRepetitionFilter {
    limits: Params,
    top: Vec<Grams>,
    dup: Vec<Grams>,
    common: Common,
}

impl Configured for GopherRepetitionFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        super::only_english(&params.language)?;
        let grams = |param: &str, kind: &str, pairs: &[(usize, f64)]| {
            let made = pairs.iter().enumerate().map(|(i, (n, limit))| match n {
                0 => Err(ParamError::new(
                    format!("{param}[{i}]"),
                    "expected a length of at least 1, found `0`",
                )),
                _ => Ok(Grams {
                    n: *n,
                    limit: *limit,
                    stat: format!("gopher_{kind}_{n}_gram_frac"),
                }),
            });
            made.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            top: grams("top_n_grams", "top", &params.top_n_grams)?,
            dup: grams("dup_n_grams", "dup", &params.dup_n_grams)?,
            limits: params,
            common: common.clone(),
        })
    }
}

impl GopherRepetitionFilter {
    /// The names of what this one measures: the lengths are the user's.
    fn names(&self) -> impl Iterator<Item = &str> {
        let grams = self.top.iter().chain(&self.dup);
        SPEC.stats[..4]
            .iter()
            .copied()
            .chain(grams.map(|grams| grams.stat.as_str()))
    }

    fn measured(&self, text: &Text) -> Vec<(String, f64)> {
        let n_chars = text.n_chars();
        let mut found = Vec::new();
        let mut add = |name: &str, part, whole| found.push((name.to_owned(), ratio(part, whole)));

        let lines = || pieces(text, 1);
        let (n_again, chars_again) = duplicates(lines());
        add("gopher_dup_line_frac", n_again, lines().count());
        add("gopher_dup_line_char_frac", chars_again, n_chars);
        let paragraphs = || pieces(strip(text), 2);
        let (n_again, chars_again) = duplicates(paragraphs());
        add("gopher_dup_para_frac", n_again, paragraphs().count());
        add("gopher_dup_para_char_frac", chars_again, n_chars);

        let tokens = text.derived::<Tokens>();
        let spaced = Joined::new(tokens.of(text), " ");
        for grams in &self.top {
            add(&grams.stat, spaced.chars_in_top(grams.n), n_chars);
        }
        let joined = Joined::new(tokens.of(text), "");
        for grams in &self.dup {
            add(&grams.stat, joined.chars_again(grams.n), n_chars);
        }
        found
    }
}

impl Filter for GopherRepetitionFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        let is_known = self.names().all(|name| sample.stats().get(name).is_some());
        if is_known && !self.common.recompute_stats {
            return Ok(());
        }
        let text = sample.text(&self.common.text_key)?;
        // An empty text has no values, and is dropped for that.
        let measured = if text.is_empty() { Vec::new() } else { self.measured(text) };
        for (name, value) in measured {
            sample.stats_mut().set(name, value);
        }
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let limits = &self.limits;
        let mut grams = self.top.iter().chain(&self.dup);
        stats.number("gopher_dup_line_frac").is_some()
            && at_most(stats, "gopher_dup_line_frac", limits.dup_line_frac)
            && at_most(stats, "gopher_dup_line_char_frac", limits.dup_line_char_frac)
            && at_most(stats, "gopher_dup_para_frac", limits.dup_para_frac)
            && at_most(stats, "gopher_dup_para_char_frac", limits.dup_para_char_frac)
            && grams.all(|grams| stats.number(&grams.stat).is_some_and(|share| share <= grams.limit))
    }
}

/// The pieces of `text` between runs of at least `feeds` line feeds.
fn pieces(text: &str, feeds: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut at = 0;
        while let Some(skip) = text[at..].find('\n') {
            let start = at + skip;
            let run = text[start..].bytes().take_while(|byte| *byte == b'\n').count();
            at = start + run;
            if run >= feeds {
                rest = Some(&text[at..]);
                return Some(&text[..start]);
            }
        }
        rest = None;
        Some(text)
    })
}

/// Words in a row, of which n-grams are pieces.
struct Joined {
    text: String,
    /// Where each word starts and ends.
    spans: Vec<(usize, usize)>,
}

impl Joined {
    fn new<'t>(words: impl Iterator<Item = &'t str>, separator: &str) -> Self {
        let mut joined = Self {
            text: String::new(),
            spans: Vec::new(),
        };
        for word in words {
            let start = joined.text.len();
            joined.text.push_str(word);
            joined.spans.push((start, joined.text.len()));
            joined.text.push_str(separator);
        }
        joined
    }

    /// The n-gram that starts with the `i`th word, if there are words enough.
    fn gram(&self, i: usize, n: usize) -> Option<&str> {
        let (_, end) = self.spans.get(i.checked_add(n - 1)?)?;
        Some(&self.text[self.spans[i].0..*end])
    }

    /// The characters of all occurrences of the most frequent n-gram; of those
    /// equally frequent that which occurs first counts.
    fn chars_in_top(&self, n: usize) -> usize {
        let mut counts: FastMap<&str, (usize, usize)> = FastMap::default();
        for i in 0..self.spans.len() {
            let Some(gram) = self.gram(i, n) else { break };
            counts.entry(gram).or_insert((0, i)).0 += 1;
        }
        let top = counts
            .into_iter()
            .max_by_key(|(_, (count, first))| (*count, std::cmp::Reverse(*first)));
        top.map_or(0, |(gram, (count, _))| gram.chars().count() * count)
    }

    /// The characters in n-grams that occurred before, each counted once: the
    /// search goes on behind such an n-gram.
    fn chars_again(&self, n: usize) -> usize {
        let mut seen = FastSet::default();
        let (mut chars, mut i) = (0, 0);
        while let Some(gram) = self.gram(i, n) {
            if seen.insert(gram) {
                i += 1;
            } else {
                chars += gram.chars().count();
                i += n;
            }
        }
        chars
    }
}
