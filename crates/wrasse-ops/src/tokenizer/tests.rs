//! Tokenizers against the definition of byte-pair encoding.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::hugging_face::{self, alphabet};
use super::split::Split;
use super::{Tokenizer, tiktoken};
use crate::testing::texts;

/// Merges of a vocabulary that was not trained on anything: enough to meet
/// every way in which pairs overlap.
const MERGES: [(&str, &str); 12] = [
    ("a", "a"),
    ("b", "a"),
    ("aa", "aa"),
    ("a", "b"),
    (" ", "a"),
    ("ba", "ba"),
    ("aaaa", "b"),
    (" a", "a"),
    ("\u{e6}", "\u{95}"),
    ("\u{e6}\u{95}", "\u{b0}"),
    (" ", " "),
    ("  ", "  "),
];

/// A byte for each character up to U+00FF.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u32::from(c) as u8).collect()
}

pub(crate) fn hugging_face_file() -> Value {
    let letters: HashMap<u8, char> = alphabet().into_iter().map(|(c, byte)| (byte, c)).collect();
    let shown = |text: &str| -> String { bytes(text).iter().map(|byte| letters[byte]).collect() };
    let mut vocab = serde_json::Map::new();
    for byte in 0..=u8::MAX {
        vocab.insert(letters[&byte].to_string(), json!(byte));
    }
    let mut merges = Vec::new();
    for (left, right) in MERGES {
        vocab.insert(shown(left) + &shown(right), json!(vocab.len()));
        merges.push(format!("{} {}", shown(left), shown(right)));
    }
    json!({
        "added_tokens": [{"id": 900, "content": "<|end|>"}, {"id": 901, "content": "<|endoftext|>"}],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
    })
}

/// The same vocabulary; its ranks are those of the tokens.
pub(crate) fn tiktoken_file() -> String {
    use base64::Engine;
    let merged = MERGES
        .iter()
        .map(|(left, right)| bytes(&format!("{left}{right}")));
    let tokens = (0..=u8::MAX).map(|byte| vec![byte]).chain(merged);
    let engine = base64::engine::general_purpose::STANDARD;
    let line = |(rank, token): (usize, Vec<u8>)| format!("{} {rank}\n", engine.encode(token));
    tokens.enumerate().map(line).collect()
}

fn cut(tokenizer: &Tokenizer, text: &str) -> Vec<Vec<u8>> {
    let mut at = 0;
    let mut tokens = Vec::new();
    tokenizer
        .tokens(text, |end| {
            tokens.push(text.as_bytes()[std::mem::replace(&mut at, end)..end].to_vec())
        })
        .unwrap();
    assert_eq!(at, text.len());
    tokens
}

/// Byte-pair encoding by its definition: again and again the first pair of the
/// lowest rank.
fn by_definition(word: &[u8]) -> Vec<Vec<u8>> {
    let ranks: Vec<(Vec<u8>, Vec<u8>)> = MERGES
        .iter()
        .map(|(left, right)| (bytes(left), bytes(right)))
        .collect();
    let mut tokens: Vec<Vec<u8>> = word.iter().map(|byte| vec![*byte]).collect();
    loop {
        let rank = |i: usize| {
            ranks
                .iter()
                .position(|(l, r)| *l == tokens[i] && *r == tokens[i + 1])
        };
        let best = (0..tokens.len().saturating_sub(1))
            .filter_map(|i| Some((rank(i)?, i)))
            .min();
        let Some((_, i)) = best else {
            return tokens;
        };
        let right = tokens.remove(i + 1);
        tokens[i].extend(right);
    }
}

const ALPHABET: &[&str] = &["a", "b", " ", "  ", "\n", "数", "é", "7", ",", "'s"];

#[test]
fn words_are_merged_by_definition() {
    let tokenizer = hugging_face::read(hugging_face_file().to_string().as_bytes()).unwrap();
    let split = Split::new(super::split::GPT2).unwrap();
    for text in texts(ALPHABET, 2_000) {
        let mut words = Vec::new();
        split.cut(&text, 0..text.len(), &mut words).unwrap();
        let want: Vec<Vec<u8>> = words
            .into_iter()
            .flat_map(|word| by_definition(text[word].as_bytes()))
            .collect();
        assert_eq!(cut(&tokenizer, &text), want, "{text:?}");
    }
}

#[test]
fn patterns_cut_as_their_look_ahead_says() {
    // The forms with the look-ahead, tried by a backtracking engine.
    for pattern in [super::split::GPT2, tiktoken::CL100K, tiktoken::O200K] {
        let fast = Split::new(pattern).unwrap();
        assert!(matches!(fast, Split::Words(_)));
        let slow = Split::Pattern(Box::new(fancy_regex::Regex::new(pattern).unwrap()));
        for text in texts(
            &[
                "a", "B", " ", "\t", "\n", "\r\n", "7", ",", "'S", "数", "\u{a0}",
            ],
            2_000,
        ) {
            let (mut got, mut want) = (Vec::new(), Vec::new());
            fast.cut(&text, 0..text.len(), &mut got).unwrap();
            slow.cut(&text, 0..text.len(), &mut want).unwrap();
            assert_eq!(got, want, "{pattern} {text:?}");
        }
    }
}

#[test]
fn both_files_of_a_vocabulary_cut_alike() {
    let tokenizer = tiktoken::read(tiktoken_file().as_bytes(), None, "r50k_base.tiktoken").unwrap();
    assert_eq!(
        cut(&tokenizer, "aaab 数aa"),
        [&b"aa"[..], b"ab", b" ", "数".as_bytes(), b"aa"]
    );
    assert_eq!(tokenizer.count("").unwrap(), 0);
    let letters = cut(&tokenizer, "日");
    assert_eq!(letters, [[0xe6], [0x97], [0xa5]]);
}

#[test]
fn added_tokens_are_found_and_texts_normalized() {
    let tokenizer = hugging_face::read(hugging_face_file().to_string().as_bytes()).unwrap();
    assert_eq!(
        cut(&tokenizer, "a<|endoftext|><|end|>"),
        [&b"a"[..], b"<|endoftext|>", b"<|end|>"]
    );
    assert_eq!(tokenizer.normalized("e\u{301}"), "é");
    assert_eq!(tokenizer.count("e\u{301}").unwrap(), 2);
}

#[test]
fn long_words_take_little_more_than_linear_time() {
    let tokenizer = hugging_face::read(hugging_face_file().to_string().as_bytes()).unwrap();
    // By definition this were 10^12 steps.
    assert_eq!(tokenizer.count(&"a".repeat(1_000_000)).unwrap(), 250_000);
}

#[test]
fn what_is_not_known_is_refused() {
    let failed = |change: fn(&mut Value)| {
        let mut file = hugging_face_file();
        change(&mut file);
        hugging_face::read(file.to_string().as_bytes())
            .err()
            .unwrap()
    };
    assert!(failed(|file| file["model"]["type"] = json!("WordPiece")).contains("`WordPiece`"));
    assert!(failed(|file| file["pre_tokenizer"] = Value::Null).contains("not byte-level"));
    assert!(
        failed(|file| file["normalizer"] = json!({"type": "Lowercase"})).contains("`Lowercase`")
    );
    assert!(failed(|file| file["model"]["merges"][3] = json!("x")).contains("merge 3"));
    assert!(
        failed(|file| file["pre_tokenizer"]["add_prefix_space"] = json!(true)).contains("prefix")
    );
    let failed = |file: &str, name| tiktoken::read(file.as_bytes(), None, name).err().unwrap();
    assert!(failed("YQ== 0\n", "mine.txt").contains("give `encoding`"));
    assert!(failed("YQ== 0\nYg==\n", "gpt2.tiktoken").contains("line 2"));
    assert!(Tokenizer::load("tokenizer", Some("no/such/file"), None).is_err());
}
