//! Edge cases of the text filters and of exact deduplication.
//!
//! Expected values are those of the original's formulas in Python 3.11.

use serde_json::{Value, json};

use crate::{build, run_on};

#[test]
fn odd_texts_are_measured_as_in_python() {
    let measures = [
        ("alphanumeric_filter", json!({})),
        ("special_characters_filter", json!({})),
        ("character_repetition_filter", json!({"rep_len": 2})),
        ("word_repetition_filter", json!({"rep_len": 1})),
        ("words_num_filter", json!({})),
        ("average_line_length_filter", json!({})),
        ("maximum_line_length_filter", json!({})),
    ];
    let cases = [
        ("", [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ("a", [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        ("\n", [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        (" ", [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]),
        ("\r\n", [0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0]),
        (
            "a\r\nbb\rc",
            [4.0 / 7.0, 3.0 / 7.0, 0.0, 0.0, 2.0, 7.0 / 3.0, 2.0],
        ),
        (
            "1\n2\r3\u{b}4\u{c}5\u{1c}6\u{1d}7\u{1e}8\u{85}9\u{2028}0\u{2029}1",
            [11.0 / 21.0, 16.0 / 21.0, 0.0, 0.0, 1.0, 21.0 / 11.0, 1.0],
        ),
        (
            "İstanbul ISPARTA",
            [15.0 / 16.0, 1.0 / 16.0, 0.0, 0.0, 2.0, 16.0, 16.0],
        ),
        (
            "ΟΔΥΣΣΕΥΣ ΟΔΥΣΣΕΥΣ",
            [16.0 / 17.0, 1.0 / 17.0, 3.0 / 8.0, 1.0, 2.0, 17.0, 17.0],
        ),
        (
            "e\u{301}e\u{301}e\u{301} क्षि",
            [5.0 / 11.0, 2.0 / 11.0, 1.0 / 2.0, 0.0, 2.0, 11.0, 11.0],
        ),
        (
            "👨\u{200d}👩\u{200d}👧\u{200d}👦 👍🏽 🇫🇷 1️⃣",
            [1.0 / 17.0, 10.0 / 17.0, 0.0, 0.0, 3.0, 17.0, 17.0],
        ),
        (
            "数据集 数据集 数据集",
            [9.0 / 11.0, 2.0 / 11.0, 3.0 / 5.0, 1.0, 3.0, 11.0, 11.0],
        ),
        ("²½Ⅷ①४", [1.0, 2.0 / 5.0, 0.0, 0.0, 1.0, 5.0, 5.0]),
        ("Г г Ø ø", [4.0 / 7.0, 5.0 / 7.0, 0.0, 1.0, 2.0, 7.0, 7.0]),
        (
            "\u{a0}a\u{3000}b\u{200b}c",
            [1.0 / 2.0, 1.0 / 3.0, 0.0, 0.0, 1.0, 6.0, 6.0],
        ),
    ];
    for (text, want) in cases {
        for ((name, params), want) in measures.iter().zip(want) {
            let stats = &run_on(name, params, text).stats[0];
            let got = stats.as_object().unwrap().values().next().unwrap();
            assert_eq!(got.as_f64(), Some(want), "{name} of {text:?}");
        }
    }
}

#[test]
fn runs_longer_than_the_text_are_none() {
    for rep_len in [12, 13, 1 << 40, i64::MAX] {
        for name in ["character_repetition_filter", "word_repetition_filter"] {
            let ran = run_on(name, &json!({"rep_len": rep_len}), "aaaaaaaaaaa");
            let stats = ran.stats[0].as_object().unwrap();
            assert_eq!(stats.values().next(), Some(&json!(0.0)), "{name} {rep_len}");
            assert_eq!(ran.kept, [true]);
        }
    }
}

#[test]
fn runs_have_a_length() {
    for rep_len in [0, -1, i64::MIN] {
        for name in ["character_repetition_filter", "word_repetition_filter"] {
            let error = build(name, &json!({"rep_len": rep_len})).unwrap_err();
            assert_eq!(error.param.as_deref(), Some("rep_len"));
            assert_eq!(
                error.message,
                format!("expected at least 1, found `{rep_len}`")
            );
        }
    }
}

#[test]
fn tokenization_is_refused_with_a_way_out() {
    for name in [
        "alphanumeric_filter",
        "word_repetition_filter",
        "words_num_filter",
    ] {
        assert!(build(name, &json!({"tokenization": false})).is_ok());
        let error = build(name, &json!({"tokenization": true})).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("tokenization"), "{name}");
        assert!(error.message.contains("needs"), "{name}: {error}");
        assert!(error.hint.is_some(), "{name}");
    }
}

#[test]
fn bounds_of_the_original_are_bounds_here() {
    // `sys.maxsize`, and no bound.
    for max in [json!(i64::MAX), json!(null)] {
        let ran = run_on(
            "words_num_filter",
            &json!({"min_num": 1, "max_num": max}),
            "a",
        );
        assert_eq!(ran.kept, [true]);
        let ran = run_on("alphanumeric_filter", &json!({"max_ratio": max}), "a");
        assert_eq!(ran.kept, [true]);
    }
    let reversed = json!({"min_num": 1, "max_num": 2, "reversed_range": true});
    assert_eq!(run_on("words_num_filter", &reversed, "a b").kept, [true]);
    let reversed = json!({"min_num": 1, "max_num": 3, "reversed_range": true});
    assert_eq!(run_on("words_num_filter", &reversed, "a b").kept, [false]);
}

#[test]
fn kept_hashes_are_md5_of_what_is_compared() {
    let print = |params: Value, text: &str| {
        let hash = run_on("document_deduplicator", &params, text).kept_hashes[0];
        format!("{:032x}", hash.unwrap())
    };
    let all = json!({"lowercase": true, "ignore_non_character": true});
    // `hashlib.md5(b"").hexdigest()`
    let empty = "d41d8cd98f00b204e9800998ecf8427e";
    assert_eq!(print(json!({}), ""), empty);
    assert_eq!(print(json!({}), "\u{1f}\u{3000}\r\n"), empty);
    assert_eq!(print(all.clone(), " 12 ४-५_! "), empty);
    let abc = "900150983cd24fb0d6963f7d28e17f72";
    assert_eq!(print(json!({}), " abc\u{1c}\n"), abc);
    assert_eq!(print(all.clone(), "A-b 1\u{a0}C!"), abc);
    // U+001F is no white space to the pattern, but is to `strip`; other
    // punctuation stays, and a final sigma is not a sigma.
    assert_ne!(print(all.clone(), "ab\u{1f}c"), abc);
    assert_eq!(print(all.clone(), "1abc\u{1f}"), abc);
    assert_ne!(print(all.clone(), "abc。"), abc);
    assert_eq!(print(all.clone(), "ΟΣ"), print(all.clone(), "ος"));
    assert_ne!(print(all.clone(), "ΟΣ"), print(all.clone(), "οσ"));
    // `hashlib.md5(b"abc" * 3000).hexdigest()`
    let long = "f361a8b5d3cdb3477d7eece65b0fb280";
    assert_eq!(print(json!({}), &"abc".repeat(3000)), long);
    assert_eq!(print(all, &"A 1b-C".repeat(3000)), long);
}
