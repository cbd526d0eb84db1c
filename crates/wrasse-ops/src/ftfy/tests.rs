//! The semantics of the whole, as a table; each line was checked with ftfy.

use super::*;

fn fix(text: &str) -> String {
    Fixer::new(Form::Nfc).fix(text).into_owned()
}

#[test]
fn texts_are_mended() {
    for (text, want) in [
        ("", ""),
        ("plain", "plain"),
        ("âœ” No problems", "✔ No problems"),
        ("&macr;\\_(ã\u{83}\u{84})_/&macr;", "¯\\_(ツ)_/¯"),
        (
            "Broken text&hellip; it&#x2019;s ﬂubberiﬁc!",
            "Broken text… it's flubberific!",
        ),
        ("ＬＯＵＤ　ＮＯＩＳＥＳ", "LOUD NOISES"),
        ("a\r\nb\rc\u{2028}d", "a\nb\nc\nd"),
        ("\u{feff}x\u{0}y\u{1b}[1mz\u{1b}\u{7}[2J", "xyz[2J"),
        ("e\u{301}", "é"),
        ("ﾀﾞ", "ダ"),
        ("&amp;lt;", "<"),
        ("a &lt; b\n<p>&lt;\n&lt;", "a < b\n<p>&lt;\n&lt;"),
    ] {
        assert_eq!(fix(text), want, "{text:?}");
    }
}
