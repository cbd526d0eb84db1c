//! `document_line_deduplicator` removes lines that many documents have.

use std::collections::HashMap;
use std::collections::HashSet;

use regex::Regex;
use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Rewrite, Sample, Spread,
};

use crate::digest::Md5s;
use crate::lines::split_at_newlines;
use crate::pattern::fixed;
use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<DocumentLineDeduplicator>(
    "document_line_deduplicator",
    "Removes lines that occur in many documents: navigation bars, notices, boilerplate.",
    OpKind::Deduplicator,
)
.details(
    "A line that occurs in more than `frequency_threshold` documents goes from all of them; how \
     often it occurs in one of them makes no difference. Lines that carry structure (brackets, \
     headings, tags) are left alone unless asked for. Lines are what `\\n` ends, and compared by \
     the MD5 hash of what is left after `lowercase`, `ignore_special_character` and without \
     white space at both ends.\n\n\
     All samples are seen before one goes on; they wait on disk, and 16 bytes for each line \
     beside them. The decision counts as many lines at a time as memory allows, and scans \
     again for the rest.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "a footer that all pages have",
    params: r#"{"frequency_threshold": 1}"#,
    input: &[
        r#"{"text": "First page\nHome | About"}"#,
        r#"{"text": "Home | About\nSecond page\n{\n}"}"#,
        r#"{"text": "Third page\n{\n}"}"#,
    ],
    output: &[
        r#"{"text": "First page"}"#,
        r#"{"text": "Second page\n{\n}"}"#,
        r#"{"text": "Third page\n{\n}"}"#,
    ],
}]);

/// Parameters of `document_line_deduplicator`.
#[derive(Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Lines in more documents than this go.
    frequency_threshold: i64,
    /// Ignore case.
    lowercase: bool,
    /// Ignore white space, digits and ASCII punctuation.
    ignore_special_character: bool,
    /// Lines with fewer characters, without white space at both ends, stay.
    min_line_length: i64,
    /// Lines of nothing but `{}[]();` stay.
    skip_brackets: bool,
    /// Lines that begin with `#` stay.
    skip_markdown_headers: bool,
    /// Lines that begin with `\begin{` or `\end{` stay.
    skip_latex_env: bool,
    /// Lines that are one HTML or XML tag stay.
    skip_html_tags: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            frequency_threshold: 6,
            lowercase: false,
            ignore_special_character: false,
            min_line_length: 2,
            skip_brackets: true,
            skip_markdown_headers: true,
            skip_latex_env: true,
            skip_html_tags: true,
        }
    }
}

pub(crate) struct DocumentLineDeduplicator {
    text_key: String,
    lines: Lines,
}

/// Which lines count, and as what.
#[derive(Clone)]
struct Lines {
    params: Params,
    latex_env: Regex,
    html_tag: Regex,
    special: Regex,
}

impl Configured for DocumentLineDeduplicator {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            text_key: common.text_key.clone(),
            lines: Lines {
                params,
                latex_env: fixed(r"^\\(?:begin|end)\{"),
                // Python's `[a-z]` without case matches three more letters,
                // and its `$` matches before a last line end, of which a line
                // has none.
                html_tag: fixed(r"^</?[a-zA-Zıſ\u{212A}][a-zA-Zıſ\u{212A}0-9]*[^>]*>?\s*$"),
                special: fixed(r"\s+|[\x1c-\x1f]+|\d+|[[:punct:]]"),
            },
        })
    }
}

type LineHash = [u8; 16];

impl Lines {
    /// The hash of what is compared of a line; none if it is left alone.
    fn hash(&self, line: &str) -> Option<LineHash> {
        let compared = self.compared(line)?;
        Some(md5::compute(unicode::strip(&compared)).0)
    }

    /// What is compared of a line, but for spaces around it.
    fn compared<'l>(&self, line: &'l str) -> Option<std::borrow::Cow<'l, str>> {
        let stripped = unicode::strip(line);
        let params = &self.params;
        let is_left = has_fewer_chars(stripped, params.min_line_length)
            || params.skip_brackets && stripped.chars().all(|c| "{}[]();".contains(c))
            || params.skip_markdown_headers && stripped.starts_with('#')
            || params.skip_latex_env
                && stripped.starts_with('\\')
                && self.latex_env.is_match(stripped)
            || params.skip_html_tags
                && stripped.starts_with('<')
                && self.html_tag.is_match(stripped);
        if is_left {
            return None;
        }
        let mut compared = std::borrow::Cow::Borrowed(line);
        if params.lowercase {
            compared = unicode::lower(line);
        }
        if params.ignore_special_character {
            compared = self.special.replace_all(&compared, "").into_owned().into();
        }
        Some(compared)
    }
}

fn has_fewer_chars(text: &str, n: i64) -> bool {
    // No character has more than four bytes.
    let n = usize::try_from(n).unwrap_or(0);
    text.len() / 4 < n && text.chars().count() < n
}

impl Exchange for DocumentLineDeduplicator {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        let text = sample.text(&self.text_key)?;
        // As numbers they are sorted faster, and the same.
        let mut hashes: Vec<u128> = Vec::new();
        let mut md5s = Md5s::new(|hash| hashes.push(u128::from_be_bytes(hash)));
        for compared in split_at_newlines(text).filter_map(|line| self.lines.compared(line)) {
            md5s.push(unicode::strip(&compared).as_bytes());
        }
        md5s.finish();
        hashes.sort_unstable();
        hashes.dedup();
        key.extend(hashes.into_iter().flat_map(u128::to_be_bytes));
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, memory: usize) -> Result<Decision, OpError> {
        Ok(self.without(self.frequent(keys, memory)?))
    }

    fn spread(&self) -> Option<&dyn Spread> {
        Some(self)
    }

    fn unpack_rewrite(&self, packed: &[u8]) -> Result<Box<dyn Rewrite>, OpError> {
        let mut frequent = HashSet::new();
        collect(packed, &mut frequent)?;
        Ok(Box::new(self.rewrite(frequent)))
    }
}

impl Spread for DocumentLineDeduplicator {
    fn cut(&self, key: &[u8], n_shards: u32, put: &mut dyn FnMut(u32, &[u8]), _: &mut Vec<u8>) {
        let (hashes, _) = key.as_chunks::<16>();
        for hash in hashes {
            // By other bytes than those that tell when a line is counted.
            let (_, place) = hash.split_at(8);
            let place = place.iter().fold(0, |place, byte| place << 8 | u128::from(*byte));
            put(((place * u128::from(n_shards)) >> 64) as u32, hash);
        }
    }

    fn weigh(
        &self,
        pieces: &dyn Keys,
        memory: usize,
        evidence: &mut Vec<u8>,
    ) -> Result<(), OpError> {
        let frequent = self.frequent(pieces, memory)?;
        evidence.extend(sorted(&frequent));
        Ok(())
    }

    fn join(&self, _: &dyn Keys, evidence: &[Vec<u8>]) -> Result<Decision, OpError> {
        let mut frequent = HashSet::new();
        for hashes in evidence {
            collect(hashes, &mut frequent)?;
        }
        Ok(self.without(frequent))
    }
}

/// The hashes, one after the other.
fn sorted(hashes: &HashSet<LineHash>) -> Vec<u8> {
    let mut sorted: Vec<&LineHash> = hashes.iter().collect();
    sorted.sort_unstable();
    sorted.into_iter().flatten().copied().collect()
}

/// Takes hashes that lie one after the other.
fn collect(bytes: &[u8], hashes: &mut HashSet<LineHash>) -> Result<(), OpError> {
    let (found, rest) = bytes.as_chunks::<16>();
    hashes.extend(found);
    match rest.is_empty() {
        true => Ok(()),
        false => Err(OpError::fatal("hashes of lines are cut short")),
    }
}

impl DocumentLineDeduplicator {
    fn without(&self, frequent: HashSet<LineHash>) -> Decision {
        Decision::Rewrite(Box::new(self.rewrite(frequent)))
    }

    fn rewrite(&self, frequent: HashSet<LineHash>) -> Without {
        Without {
            text_key: self.text_key.clone(),
            lines: self.lines.clone(),
            frequent,
        }
    }

    /// Lines that are in many of the documents, each of which has a list of hashes.
    fn frequent(&self, keys: &dyn Keys, memory: usize) -> Result<HashSet<LineHash>, OpError> {
        let mut frequent = HashSet::new();
        // The original leaves a dataset of one sample alone.
        if keys.len() > 1 {
            /// Bytes of a counted line, the free room of the table included.
            const ENTRY_BYTES: u64 = 56;
            let n_hashes = keys.bytes() / size_of::<LineHash>() as u64;
            let n_scans = (n_hashes * ENTRY_BYTES).div_ceil(memory.max(1) as u64);
            // A share of all lines each time, told by the first two bytes.
            let n_scans = n_scans.clamp(1, 1 << 12);
            for scan in 0..n_scans {
                let mut counts: HashMap<LineHash, u32> = HashMap::new();
                keys.scan(&mut |_, key| {
                    let (hashes, _) = key.as_chunks::<16>();
                    for hash in hashes {
                        if u64::from(u16::from_le_bytes([hash[0], hash[1]])) % n_scans == scan {
                            *counts.entry(*hash).or_default() += 1;
                        }
                    }
                })?;
                let many = |n: u32| i64::from(n) > self.lines.params.frequency_threshold;
                frequent.extend(counts.into_iter().filter(|(_, n)| many(*n)).map(|(hash, _)| hash));
            }
        }
        Ok(frequent)
    }
}

/// Removes lines.
struct Without {
    text_key: String,
    lines: Lines,
    frequent: HashSet<LineHash>,
}

impl Rewrite for Without {
    fn rewrite(&self, sample: &mut Sample) -> Result<(), OpError> {
        let text = sample.text(&self.text_key)?;
        let stays = |line: &&str| {
            let hash = self.lines.hash(line);
            hash.is_none_or(|hash| !self.frequent.contains(&hash))
        };
        if self.frequent.is_empty() || split_at_newlines(text).all(|line| stays(&line)) {
            return Ok(());
        }
        let kept: Vec<&str> = split_at_newlines(text).filter(stays).collect();
        let kept = kept.join("\n");
        sample.set_text(&self.text_key, kept);
        Ok(())
    }

    fn pack(&self) -> Vec<u8> {
        sorted(&self.frequent)
    }
}
