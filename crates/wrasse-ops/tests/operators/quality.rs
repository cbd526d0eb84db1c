//! Edge cases of the quality filters with published rules, and of language
//! identification.
//!
//! Expected decisions of the former are those of datatrove 0.10 with spaCy 3.8,
//! where it does not fail.

use serde_json::json;

use crate::{build, run_on};

const FILTERS: [&str; 4] = [
    "c4_quality_filter",
    "fineweb_quality_filter",
    "gopher_quality_filter",
    "gopher_repetition_filter",
];

#[test]
fn texts_without_words_are_dropped() {
    for name in FILTERS {
        for text in ["", " \u{3000}", "\n\n"] {
            // One blank line repeats nothing.
            let want = name == "gopher_repetition_filter" && text == " \u{3000}";
            assert_eq!(
                run_on(name, &json!({}), text).kept,
                [want],
                "{name} {text:?}"
            );
        }
    }
}

#[test]
fn other_languages_are_refused() {
    for name in FILTERS {
        assert!(build(name, &json!({"language": "eng"})).is_ok());
        let error = build(name, &json!({"language": "deu"})).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("language"), "{name}");
    }
}

#[test]
fn thresholds_of_zero_are_none() {
    let off = json!({
        "min_doc_words": 0, "min_avg_word_length": null, "max_non_alpha_words_ratio": 0,
        "min_stop_words": 0, "max_symbol_word_ratio": 0,
    });
    assert_eq!(run_on("gopher_quality_filter", &off, "# #").kept, [true]);
    let off = json!({
        "dup_line_frac": 0, "dup_para_frac": null, "dup_line_char_frac": 0,
        "dup_para_char_frac": 0, "top_n_grams": [], "dup_n_grams": [],
    });
    assert_eq!(
        run_on("gopher_repetition_filter", &off, "a\n\na\n\na").kept,
        [true]
    );
    let limited = json!({"top_n_grams": [[1, 0.0]], "dup_n_grams": []});
    assert_eq!(
        run_on("gopher_repetition_filter", &limited, "a b").kept,
        [false]
    );
    let error = build(
        "gopher_repetition_filter",
        &json!({"dup_n_grams": [[0, 0.1]]}),
    );
    assert_eq!(error.unwrap_err().param.as_deref(), Some("dup_n_grams[0]"));
}

#[test]
fn repetition_is_measured_by_characters() {
    let params = json!({"top_n_grams": [[2, 1.0]], "dup_n_grams": [[2, 1.0]]});
    let ran = run_on(
        "gopher_repetition_filter",
        &params,
        "né no né no\n\nx\n\n\nx",
    );
    let want = json!({
        "gopher_dup_line_frac": 1.0 / 3.0, "gopher_dup_line_char_frac": 1.0 / 18.0,
        "gopher_dup_para_frac": 1.0 / 3.0, "gopher_dup_para_char_frac": 1.0 / 18.0,
        "gopher_top_2_gram_frac": 10.0 / 18.0, "gopher_dup_2_gram_frac": 4.0 / 18.0,
    });
    assert_eq!(ran.stats[0], want);
}

#[test]
fn lines_that_do_not_count_drop_nothing() {
    let params = json!({"min_num_sentences": 1});
    for (text, want) in [
        ("One two three.\nvar a = {", true),
        ("One two three.\nA {b} here.", false),
        ("One two three.\nLorem Ipsum dolor sit.", false),
        ("One two three.\nJavaScript {is} here.", true),
        ("One two three...", false),
        ("One two three.[1][edit]", true),
        ("One two three [2", false),
    ] {
        assert_eq!(
            run_on("c4_quality_filter", &params, text).kept,
            [want],
            "{text:?}"
        );
    }
    let by_sentences = json!({"split_paragraph": false, "min_words_per_line": 2});
    let ran = run_on(
        "c4_quality_mapper",
        &by_sentences,
        "One two. Three.\n Four five six? ok",
    );
    assert_eq!(ran.rows[0]["text"], "One two. Four five six?");
}

#[test]
fn a_language_is_told_or_is_not() {
    let name = "language_id_score_filter";
    let ran = run_on(name, &json!({}), "1234 -- !");
    assert_eq!(ran.stats[0], json!({"lang": "und", "lang_score": 0.0}));
    assert_eq!(ran.kept, [false]);
    let any = json!({"lang": "", "min_score": 0});
    assert_eq!(run_on(name, &any, "").kept, [true]);
    for lang in [json!(null), json!([]), json!("de"), json!(["fr", "de"])] {
        let params = json!({"lang": lang});
        let text = "Über allen Gipfeln ist Ruh, in allen Wipfeln spürest du kaum einen Hauch.";
        let ran = run_on(name, &params, text);
        assert_eq!(
            (&ran.stats[0]["lang"], &ran.kept[..]),
            (&json!("de"), &[true][..])
        );
    }
    for (text, want) in [
        (
            "`git clone https://example.com`で複製します。そのあとで設定を変更してください。",
            "ja",
        ),
        (
            "使用 `git clone https://example.com` 复制仓库，然后按照说明更改您需要的设置。",
            "zh",
        ),
        (
            "`git clone https://example.com`으로 저장소를 복제한 다음 설정을 변경하세요.",
            "ko",
        ),
        (
            "In Japanese, the word 日本 is read as nihon or as nippon.",
            "en",
        ),
    ] {
        assert_eq!(
            run_on(name, &json!({}), text).stats[0]["lang"],
            want,
            "{text}"
        );
    }
    let error = build(name, &json!({"lang": ["en", "eus"]})).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("lang"));
    assert!(error.hint.unwrap().contains(" zh"));
}
