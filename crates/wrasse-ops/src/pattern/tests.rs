//! What Python's packages make of patterns and replacements: the wanted
//! results were taken from them.

use super::*;

fn try_sub(pattern: &str, repl: &str, text: &str) -> Result<String, String> {
    let compiled = Pattern::new("pattern", pattern, Dialect::RegexDotAll);
    let compiled = compiled.map_err(|error| error.message)?;
    let template = Template::new("repl", repl, &compiled).map_err(|error| error.message)?;
    let new = compiled.replace_all(text, &template);
    new.map(Cow::into_owned).map_err(|error| error.message)
}

#[test]
fn patterns_match_as_in_python() {
    let cases = [
        (r"x*", "-", "abxd", "-a-b--d-"),
        (r"\b|:+", "-", "a::b", "-a---b-"),
        (r"(?:)|a|b", "-", "ab", "-----"),
        (r"$", "-", "ab\n", "ab-\n-"),
        (r"\Z", "-", "ab\n", "ab\n-"),
        (r"a$|x", "-", "a\nxa\n", "a\n--\n"),
        (r"(a)|b", r"[\1]", "ab", "[a][]"),
        (r"(?i)I+", "-", "iıİI", "-İ-"),
        (r"(?i)[a-z]+", "-", "aİıK1", "-ı-1"),
        (r"\<b\>", "-", "<b>b", "-b"),
        (r"[a[b]", "-", "a[b]", "---]"),
        (r"[a&&b]", "-", "a&b", "---"),
        (r"a++a|b", "-", "aaab", "aaa-"),
        (r"a|(?i)b|c", "-", "ABCabc", "A-----"),
        (r"(?x) a # b", "-", "a # b", "- # b"),
        (r"[[:alpha:]]+", "-", "aé1", "-1"),
        (r"(.)\1", r"<\1>", "aabb\n\n", "<a><b><\n>"),
        (r"(?P<n>\w)\g<n>", r"<\g<n>>", "aab", "<a>b"),
        (r"\101\x42\u0043", "-", "ABC", "-"),
        (r"a{,2}b", "-", "aaab", "a-"),
        (r"a{x}", "-", "a{x}", "-"),
    ];
    for (pattern, repl, text, want) in cases {
        assert_eq!(
            try_sub(pattern, repl, text).as_deref(),
            Ok(want),
            "{pattern:?} {text:?}"
        );
    }
}

/// Matches found by what they begin with are those that the engine finds alone.
#[test]
fn what_matches_begin_with_changes_no_match() {
    const PIECES: [&str; 18] = [
        "1",
        "20",
        "333",
        "4444",
        "٤",
        "４",
        "a",
        "Z",
        "ZQ",
        "-",
        ":",
        " ",
        "\n",
        "，",
        "数",
        "é",
        "plain words without any of these, and more of them than a block has. ",
        "É",
    ];
    const PATTERNS: [&str; 16] = [
        r"\d{4}",
        r"\d+",
        r"\d{2,3}",
        r"\b\d{2}",
        r"\d{2}\b",
        r"(\d)-(\d)",
        r"\d{4}-\d|[A-Z]Q",
        r"[A-Z]{2}",
        r"(?i)[0-9]z",
        r"\d(?:a|bb|)\d",
        r"[-:+#]\d{20}",
        r"(?:\d{2}){3}",
        r"[A-Z]\w*",
        r"(?:\d|[A-Z])+?",
        r"\d{1}\D{0}\d",
        r"\p{Lu}+",
    ];
    let mut below = crate::dice::dice(3);
    let texts: Vec<String> = (0..200)
        .map(|n| (0..n).map(|_| PIECES[below(PIECES.len())]).collect())
        .collect();
    for pattern in PATTERNS {
        let compiled = Pattern::new("pattern", pattern, Dialect::RegexDotAll).unwrap();
        assert!(compiled.engine.starts.is_some(), "{pattern}");
        let Search::Linear(regex) = &compiled.engine.search else {
            panic!("{pattern}");
        };
        for text in &texts {
            let mut got = Vec::new();
            let each = |spans: &[Option<Span>]| got.extend(spans[0]);
            compiled.for_each_match(text, false, each).unwrap();
            let want: Vec<Span> = regex
                .find_iter(text)
                .map(|m| (m.start(), m.end()))
                .collect();
            assert_eq!(got, want, "{pattern} {text:?}");
        }
    }
    for common in ["abc", "[a-z]+", r"\s+", r"\d*", r"[^,]", r"(?:a|\d)", "$"] {
        let compiled = Pattern::new("pattern", common, Dialect::RegexDotAll).unwrap();
        assert!(compiled.engine.starts.is_none(), "{common}");
    }
}

#[test]
fn replacements_expand_as_in_python() {
    let cases = [
        (r"\2\1", "ba"),
        (r"\g<0>\g<n>\g<2>", "abab"),
        (r"\n\t\\\x41\u4e00\101\0", "\n\t\\A一A\0"),
        (r"$1 ${1} \. \é", r"$1 ${1} \. \é"),
        (r"\018", "\x018"),
    ];
    for (repl, want) in cases {
        assert_eq!(
            try_sub("(?P<n>a)(b)", repl, "ab").as_deref(),
            Ok(want),
            "{repl:?}"
        );
    }
}

#[test]
fn what_cannot_work_is_an_error() {
    let cases = [
        ("a**", "", "repeats a repetition"),
        ("|*", "", "nothing to repeat"),
        ("(", "", "no `)`"),
        (")", "", "no `(`"),
        ("[a", "", "no `]`"),
        ("[z-a]", "", "the wrong way round"),
        (r"\y", "", r"`\y` is not supported"),
        (r"a\1", "", "no group 1"),
        ("(?:ab){e<=1}", "", "fuzzy matching is not supported"),
        ("(?R)", "", "not supported"),
        (r"\p{NoSuch}", "", "property"),
        ("a{2,1}", "", "invalid repetition"),
        ("a{9999}{9999}", "", "repeats a repetition"),
        ("((a{1000}){1000}){1000}", "", "size limit"),
        ("(a)", r"\2", "no group 2"),
        ("(a)", r"\g<b>", "no group `b`"),
        ("(a)", r"\g1", "expected `<`"),
        ("(a)", r"\y", r"`\y` means nothing"),
        ("(a)", "\\", "ends with a backslash"),
    ];
    for (pattern, repl, want) in cases {
        let error = try_sub(pattern, repl, "").unwrap_err();
        assert!(error.contains(want), "{pattern:?} {repl:?}: {error}");
    }
    let deep = "(".repeat(100_000);
    assert!(try_sub(&deep, "", "").unwrap_err().contains("too deeply"));
}

#[test]
fn a_search_without_end_is_given_up() {
    let text = "x".repeat(60) + "y";
    let error = try_sub(r"(x+x+)+(?!\1)z", "", &text).unwrap_err();
    assert!(error.contains("was given up"), "{error}");
}

#[test]
fn long_texts_have_steps_enough() {
    let text = "ab ".repeat(1_000_000);
    let new = try_sub(r"(\w)\1", "", &text).unwrap();
    assert_eq!(new.len(), text.len());
}

#[test]
fn raw_strings_are_unwrapped() {
    let cases = [
        ("r'a'", "a"),
        ("r\"a\"", "a"),
        ("r''", ""),
        ("r'", "r'"),
        ("r'a\"", "r'a\""),
        ("'a'", "'a'"),
    ];
    for (pattern, want) in cases {
        assert_eq!(unquoted(pattern), want);
    }
}
