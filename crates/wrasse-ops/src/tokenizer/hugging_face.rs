//! `tokenizer.json` of Hugging Face, if it is a byte-level BPE: that of GPT-2,
//! GPT-NeoX, Llama 3, Qwen, DeepSeek and most models since.

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

use super::bpe::{Bpe, Merges, NO_TOKEN};
use super::split::{GPT2, Split};
use super::{Form, Tokenizer};

/// Reads the file.
pub(super) fn read(bytes: &[u8]) -> Result<Tokenizer, String> {
    let file: Value = serde_json::from_slice(bytes).map_err(|error| format!("no JSON: {error}"))?;
    let model = &file["model"];
    let kind = model["type"].as_str().unwrap_or("BPE");
    if kind != "BPE" || !model["vocab"].is_object() {
        return Err(format!(
            "the model is `{kind}`; only byte-level BPE is supported"
        ));
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
        if model[key].as_str().is_some_and(|word| !word.is_empty()) {
            return Err(format!("`{key}` is not supported"));
        }
    }
    let mut splits = Vec::new();
    let is_byte_level = pre_tokenizer(&file["pre_tokenizer"], &mut splits)?;
    if !is_byte_level {
        return Err("the BPE is not byte-level (SentencePiece); that is not supported".to_owned());
    }
    Ok(Tokenizer {
        added: added(&file["added_tokens"])?,
        form: form(&file["normalizer"])?,
        splits,
        bpe: Some(bpe(model)?),
    })
}

/// Adds the splits; whether they end with bytes.
fn pre_tokenizer(step: &Value, splits: &mut Vec<Split>) -> Result<bool, String> {
    match step["type"].as_str() {
        Some("Sequence") => {
            let mut is_byte_level = false;
            for step in step["pretokenizers"].as_array().into_iter().flatten() {
                is_byte_level |= pre_tokenizer(step, splits)?;
            }
            Ok(is_byte_level)
        }
        Some("ByteLevel") => {
            if step["add_prefix_space"] == true {
                return Err("`add_prefix_space` is not supported".to_owned());
            }
            if step["use_regex"] != false {
                splits.push(Split::new(GPT2)?);
            }
            Ok(true)
        }
        Some("Split") => {
            if step["behavior"] != "Isolated" || step["invert"] == true {
                return Err("a split that is not `Isolated` is not supported".to_owned());
            }
            let pattern = &step["pattern"];
            let pattern = match (pattern["Regex"].as_str(), pattern["String"].as_str()) {
                (Some(pattern), _) => pattern.to_owned(),
                (None, Some(text)) => regex::escape(text),
                (None, None) => return Err("a split has no pattern".to_owned()),
            };
            splits.push(Split::new(&pattern)?);
            Ok(false)
        }
        Some("Digits") => {
            let each = step["individual_digits"] == true;
            splits.push(Split::Digits { each });
            Ok(false)
        }
        Some(other) => Err(format!("the pre-tokenizer `{other}` is not supported")),
        None => Ok(false),
    }
}

fn form(normalizer: &Value) -> Result<Form, String> {
    match normalizer["type"].as_str() {
        None => Ok(Form::AsItIs),
        Some("NFC") => Ok(Form::Nfc),
        Some("NFKC") => Ok(Form::Nfkc),
        Some("Sequence") => match normalizer["normalizers"].as_array().map(Vec::as_slice) {
            None | Some([]) => Ok(Form::AsItIs),
            Some([one]) => form(one),
            Some(_) => Err("several normalizers are not supported".to_owned()),
        },
        Some(other) => Err(format!("the normalizer `{other}` is not supported")),
    }
}

/// The pattern of added tokens; where two begin at once, the longer one.
fn added(tokens: &Value) -> Result<Option<Regex>, String> {
    let mut patterns = Vec::new();
    for token in tokens.as_array().into_iter().flatten() {
        let Some(content) = token["content"].as_str().filter(|text| !text.is_empty()) else {
            continue;
        };
        let before = if token["lstrip"] == true { r"\s*" } else { "" };
        let after = if token["rstrip"] == true { r"\s*" } else { "" };
        if token["single_word"] == true {
            return Err(format!("`single_word` of `{content}` is not supported"));
        }
        patterns.push((
            content.len(),
            format!("{before}{}{after}", regex::escape(content)),
        ));
    }
    if patterns.is_empty() {
        return Ok(None);
    }
    patterns.sort_by(|a, b| b.cmp(a));
    let patterns: Vec<String> = patterns.into_iter().map(|(_, pattern)| pattern).collect();
    let pattern = Regex::new(&patterns.join("|"));
    pattern
        .map(Some)
        .map_err(|_| "too many added tokens".to_owned())
}

fn bpe(model: &Value) -> Result<Bpe, String> {
    let alphabet = alphabet();
    let plain = |token: &str| -> Option<Box<[u8]>> {
        token.chars().map(|c| alphabet.get(&c).copied()).collect()
    };
    let mut ids = HashMap::new();
    let mut tokens = HashMap::new();
    let mut bytes = Box::new([NO_TOKEN; 256]);
    for (token, id) in model["vocab"].as_object().into_iter().flatten() {
        let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(|| format!("the token `{token}` has no number"))?;
        ids.insert(token.as_str(), id);
        if let Some(plain) = plain(token) {
            if let [byte] = *plain {
                bytes[usize::from(byte)] = id;
            }
            tokens.insert(plain, id);
        }
    }
    let mut ranks = HashMap::new();
    let merges = model["merges"].as_array().map_or(&[][..], Vec::as_slice);
    for (rank, merge) in merges.iter().enumerate() {
        let pair = match merge {
            Value::String(pair) => pair.split_once(' '),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(left), Value::String(right)] => Some((&**left, &**right)),
                _ => None,
            },
            _ => None,
        };
        let found = pair.and_then(|(left, right)| {
            let merged = ids.get(format!("{left}{right}").as_str())?;
            Some(((*ids.get(left)?, *ids.get(right)?), *merged))
        });
        let Some((pair, merged)) = found else {
            return Err(format!("merge {rank} is not of two tokens into one"));
        };
        ranks.entry(pair).or_insert((rank as u32, merged));
    }
    Ok(Bpe {
        merges: Merges::Pairs {
            ranks,
            bytes,
            tokens,
        },
        takes_words: model["ignore_merges"] == true,
    })
}

/// The characters that stand for bytes in a byte-level vocabulary: printable
/// ones of Latin-1 for themselves, the others from U+0100 on.
pub(super) fn alphabet() -> HashMap<char, u8> {
    let mut next = 0x100_u32;
    (0..=u8::MAX)
        .map(|byte| match byte {
            b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => (char::from(byte), byte),
            _ => {
                next += 1;
                (char::from_u32(next - 1).unwrap_or_default(), byte)
            }
        })
        .collect()
}
