//! The semantics of the whole: a table, each line of which was checked with
//! ftfy, and laws.

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
        // From the first `<` on, entities stay.
        ("a &lt; b\n<p>&lt;\n&lt;", "a < b\n<p>&lt;\n&lt;"),
        // Lines are mended apart: what is right in one stays.
        ("Ã©\nÃ\u{a0}", "é\nà"),
        ("vÃ©lo “Ã”", "vélo \"Ô"),
        // Mojibake of an entity, and an entity of mojibake.
        ("&Atilde;&copy;", "é"),
        ("Ã&#169;", "é"),
    ] {
        assert_eq!(fix(text), want, "{text:?}");
    }
}

#[test]
fn forms_of_normalization_differ() {
    for (form, want) in [
        (Form::Nfc, "é²가"),
        (Form::Nfd, "e\u{301}²\u{1100}\u{1161}"),
        (Form::Nfkc, "é2가"),
        (Form::Nfkd, "e\u{301}2\u{1100}\u{1161}"),
    ] {
        for text in ["é²가", "e\u{301}²\u{1100}\u{1161}"] {
            assert_eq!(Fixer::new(form).fix(text), want, "{form:?}");
        }
    }
}

#[test]
fn clean_text_is_not_copied() {
    let fixer = Fixer::new(Form::Nfc);
    for text in [
        "plain & simple\n",
        "naïve «été»",
        "数据集",
        "Привет",
        "<p>&lt;",
    ] {
        assert!(matches!(fixer.fix(text), Cow::Borrowed(_)), "{text}");
    }
}

/// ftfy cuts a line that is too long, even between a letter and its accent.
#[test]
fn long_lines_are_mended_in_pieces() {
    let before = "x".repeat(PIECE_MAX - 1);
    let text = format!("e\u{301}\n{before}e\u{301}e\u{301}");
    assert_eq!(fix(&text), format!("é\n{before}e\u{301}é"));
}

/// Texts of characters that occur in mojibake, but for line ends: a text with
/// other line ends is cut elsewhere when it is mended again, by ftfy too.
fn garbled_texts() -> impl Iterator<Item = String> {
    const PARTS: [&str; 12] = [
        "é",
        "…",
        "數",
        "&amp;",
        "&eacute;",
        " ",
        "a",
        "\u{301}",
        "“",
        "ﬁ",
        "\u{1b}[0m",
        "Ａ",
    ];
    let mut seed = 1_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    std::iter::from_fn(move || {
        let mut text: String = (0..random(8)).map(|_| PARTS[random(PARTS.len())]).collect();
        for _ in 0..random(3) {
            let high = codecs::CODECS[random(codecs::CODECS.len())].high_chars();
            text = text
                .bytes()
                .map(|byte| {
                    if byte < 0x80 {
                        char::from(byte)
                    } else {
                        high[usize::from(byte) - 0x80]
                    }
                })
                .collect();
        }
        for _ in 0..random(3) {
            let high = codecs::CODECS[random(codecs::CODECS.len())].high_chars();
            text.push(high[random(128)]);
        }
        Some(text.replace(['\u{85}', '\u{2028}'], ""))
    })
}

#[test]
fn mended_text_stays() {
    let fixer = Fixer::new(Form::Nfc);
    let mut n_changed = 0;
    for text in garbled_texts().take(20_000) {
        let once = fixer.fix(&text);
        n_changed += usize::from(once != text);
        assert_eq!(fixer.fix(&once), once, "{text:?}");
    }
    assert!(n_changed > 10_000, "{n_changed}");
}

#[test]
fn lines_are_independent() {
    let fixer = Fixer::new(Form::Nfkd);
    let texts: Vec<String> = garbled_texts().take(2_000).collect();
    let apart: Vec<Cow<'_, str>> = texts.iter().map(|text| fixer.fix(text)).collect();
    assert_eq!(fixer.fix(&texts.join("\n")), apart.join("\n"));
}
