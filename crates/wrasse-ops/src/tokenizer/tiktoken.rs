//! Vocabularies of tiktoken: a line for each token, its bytes in base64 and
//! its rank. The pattern that cuts words is not in the file; it goes by the
//! name of the encoding.

use std::collections::HashMap;

use super::bpe::{Bpe, Merges};
use super::split::{GPT2, Split};
use super::{Form, Tokenizer};

pub(super) const CL100K: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
pub(super) const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The encodings and their patterns.
const PATTERNS: [(&str, &str); 6] = [
    ("gpt2", GPT2),
    ("r50k_base", GPT2),
    ("p50k_base", GPT2),
    ("p50k_edit", GPT2),
    ("cl100k_base", CL100K),
    ("o200k_base", O200K),
];

/// Reads a vocabulary; the encoding is told by `name`, that of the file, if it
/// is not given.
pub(super) fn read(bytes: &[u8], encoding: Option<&str>, name: &str) -> Result<Tokenizer, String> {
    let known = PATTERNS.map(|(name, _)| name).join(", ");
    let found = match encoding {
        Some(encoding) => PATTERNS.iter().find(|(known, _)| *known == encoding),
        None => PATTERNS.iter().find(|(known, _)| name.contains(known)),
    };
    let Some((_, pattern)) = found else {
        return Err(match encoding {
            Some(encoding) => format!("unknown encoding `{encoding}`, expected one of {known}"),
            None => format!("the name does not tell the encoding: give `encoding`, one of {known}"),
        });
    };
    let mut tokens = HashMap::new();
    for (i, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let parsed = line.iter().position(|byte| *byte == b' ').and_then(|at| {
            let rank = std::str::from_utf8(&line[at + 1..]).ok()?.parse().ok()?;
            Some((base64(&line[..at])?, rank))
        });
        let Some((token, rank)) = parsed else {
            return Err(format!(
                "line {} is no token in base64 with its rank",
                i + 1
            ));
        };
        tokens.insert(token.into_boxed_slice(), rank);
    }
    if tokens.is_empty() {
        return Err("the vocabulary is empty".to_owned());
    }
    Ok(Tokenizer {
        // Special tokens in a text are text, as with `encode_ordinary`.
        added: None,
        form: Form::AsItIs,
        splits: vec![Split::new(pattern)?],
        bpe: Some(Bpe {
            merges: Merges::Tokens(tokens),
            takes_words: true,
        }),
    })
}

/// The bytes behind base64 with its standard alphabet.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let mut bits = 0_u32;
    let mut n_bits = 0;
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push((bits >> n_bits) as u8);
            bits &= (1 << n_bits) - 1;
        }
    }
    (!out.is_empty()).then_some(out)
}
