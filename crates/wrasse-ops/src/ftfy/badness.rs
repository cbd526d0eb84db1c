//! Which sequences of characters are a sign of mojibake.
//!
//! Text that was decoded with the wrong single-byte encoding holds pairs that
//! no language writes: an accented small letter before a currency sign, a box
//! drawing next to a quotation mark. The categories and the pairs are ftfy's.

use std::sync::LazyLock;

use regex::Regex;

/// Characters that occur in mojibake, by what they are used for otherwise.
/// The contents are those of a character class: `a-z` is a range.
const CATEGORIES: &[(&str, &str)] = &[
    ("{common}", "\u{a0}\u{ad}·´–—―…’"),
    ("{c1}", "\u{80}-\u{9f}"),
    ("{bad}", "¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\u{fffd}ªº"),
    ("{law}", "¶§"),
    ("{currency}", "¢£¥₧€"),
    ("{start}", "¡«¿©΄΅‘‚“„•‹\u{f8ff}"),
    ("{end}", "®»˝”›™"),
    ("{numeric}", "²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№"),
    ("{kaomoji}", "Ò-ÖÙ-Üò-öø-üŐŌŪŲ°"),
    ("{upper}", "À-ÑØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘŚŞŠŢŤŮŰŸŹŻŽҐ"),
    ("{lower}", "ßà-ñăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ"),
    ("{upper_common}", "ÞΑ-ΩΆΈΉΊΌΎΏΪΫЁ-Я"),
    ("{lower_common}", "α-ωάέήίΰа-џ"),
    ("{box}", "│┌┐┘├┤┬┼═-╬▀▄█▌▐░▒▓"),
    // What Python means by white space and by a word character.
    ("{space}", r"\s\x1c-\x1f"),
    ("{word}", r"\p{L}\p{N}_"),
];

/// The sequences, any of which makes a text bad.
const SEQUENCES: &[&str] = &[
    "[{c1}]",
    "[{bad}{lower}{upper}{box}{start}{end}{currency}{numeric}{law}][{bad}]",
    "[a-zA-Z][{lower_common}{upper_common}][{bad}]",
    "[{bad}][{lower}{upper}{box}{start}{end}{currency}{numeric}{law}]",
    "[{lower}{lower_common}{box}{end}{currency}{numeric}][{upper}]",
    "[{box}{end}{currency}{numeric}][{lower}]",
    "[{lower}{box}{end}][{currency}]",
    "[{space}][{upper}][{currency}]",
    "[{upper}{box}][{numeric}{law}]",
    "[{lower}{upper}{box}{currency}{end}][{start}][{numeric}]",
    "[{lower}{upper}{currency}{numeric}{box}{law}][{end}][{start}]",
    "[{currency}{numeric}{box}][{start}]",
    "[a-z][{upper}][{start}{currency}]",
    "[{box}][{kaomoji}]",
    "[{lower}{upper}{currency}{numeric}{start}{end}{law}][{box}]",
    "[{box}][{end}]",
    "[{lower}{upper}][{start}{end}][{word}]",
    // The ligature œ, when no unaccented Latin letter follows.
    "[Œœ][^A-Za-z]",
    // A degree sign after a capital letter.
    "[{upper}]°",
    // Pairs of Windows-1252 that the rules above miss.
    "[ÂÃÎÐ][€œŠš¢£Ÿž\u{a0}\u{ad}®©°·»{start}{end}–—´]",
    "×[²³]",
    // Arabic read as Windows-1252: common characters, so two pairs of them.
    "[ØÙ][{common}{currency}{bad}{numeric}{start}ŸŠ®°µ»][ØÙ][{common}{currency}{bad}{numeric}{start}ŸŠ®°µ»]",
    // Scripts of South Asia read as Windows-1252.
    "à[²µ¹¼½¾]",
    // MacRoman.
    "√[±∂†≠®™´≤≥¥µø]",
    "≈[°¢]",
    "‚Ä[ìîïòôúùû†°¢π]",
    "‚[âó][àä°ê]",
    // Windows-1251: punctuation, Latin-1 or Cyrillic, and mojibake of mojibake.
    "вЂ",
    "[ВГРС][{c1}{bad}{start}{end}{currency}°µ][ВГРС]",
    "ГўВЂВ[^\n][A-Za-z ]",
    // `à`, `á` and the space that does not break, in Windows-1252.
    "Ã[\u{a0}¡]",
    "[a-z][{space}]?[ÃÂ] ",
    "^[ÃÂ] ",
    // `Â` before a character that is encoded as `Â` and itself.
    "[a-z.,?!{end}]Â[ {start}{end}]",
    // Windows-1253: punctuation, and Latin-1 or Greek.
    "β€[™\u{a0}Ά\u{ad}®°]",
    "[ΒΓΞΟ][{c1}{bad}{start}{end}{currency}°][ΒΓΞΟ]",
    // Windows-1257: punctuation.
    "ā€",
];

/// Characters without one of which no sequence is complete.
const TRIGGERS: &[&str] = &[
    "{c1}",
    "{bad}",
    "{law}",
    "{currency}",
    "{start}",
    "{end}",
    "{numeric}",
    "{upper}",
    "{lower}",
    "{box}",
    "ЂÙ°",
];

static BAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&expand(&SEQUENCES.join("|"))).expect("the sequences are a pattern")
});

/// Whether a text looks like mojibake.
pub(super) fn is_bad(text: &str) -> bool {
    BAD.is_match(text)
}

/// The characters without one of which [`is_bad`] is false.
pub(super) fn triggers() -> impl Iterator<Item = char> {
    let class = expand(&TRIGGERS.concat());
    super::ranges(&class)
        .flatten()
        .collect::<Vec<_>>()
        .into_iter()
}

fn expand(pattern: &str) -> String {
    CATEGORIES
        .iter()
        .fold(pattern.to_owned(), |pattern, (name, class)| {
            pattern.replace(name, class)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mojibake_is_told_from_text() {
        for text in [
            "sÃ³",
            "â€œquotedâ€\u{9d}",
            "voilÃ le travail",
            "РџСЂРёРІРµС‚ вЂ”",
            "L’Ã©tÃ©",
        ] {
            assert!(is_bad(text), "{text}");
        }
        for text in [
            "só",
            "“quoted”",
            "voilà le travail",
            "Привет — мир",
            "Ψ α°",
            "20 °C",
            "¿Qué?",
        ] {
            assert!(!is_bad(text), "{text}");
        }
    }

    #[test]
    fn a_bad_text_holds_a_trigger() {
        let triggers: Vec<char> = triggers().collect();
        let harmless: Vec<char> = CATEGORIES
            .iter()
            .flat_map(|(_, class)| super::super::ranges(class).flatten().collect::<Vec<_>>())
            .chain("aZ 1.\n".chars())
            .filter(|c| !triggers.contains(c))
            .collect();
        for a in &harmless {
            for b in &harmless {
                for c in ['a', ' ', '\n', 'в', '·', 'Ò'] {
                    let text = String::from_iter([c, *a, *b, c]);
                    assert!(!is_bad(&text), "{text:?}");
                }
            }
        }
    }
}
