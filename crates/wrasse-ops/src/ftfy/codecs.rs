//! The encodings that text is mistaken for, and the variants of UTF-8.
//!
//! A *sloppy* encoding maps a byte that means nothing in it to the character
//! of the same number, as web browsers do, and the byte 1A to U+FFFD: a place
//! where a character was lost.

use std::sync::LazyLock;

/// A single-byte encoding.
pub(super) struct Codec {
    pub(super) sloppy: bool,
    /// Whether a byte A0 that became a plain space is looked for. Not in
    /// MacRoman, where an en dash and a space look the same.
    pub(super) restores_a0: bool,
    /// The characters of the bytes 80 to FF.
    high: &'static str,
}

/// The encodings, in the order in which they are tried; Latin-1 is the first.
#[rustfmt::skip]
pub(super) const CODECS: [Codec; 10] = [
    plain("\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"),
    // Windows-1252, -1251, -1250, -1253, -1254 and -1257.
    sloppy(WINDOWS_1252),
    sloppy("ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{98}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя"),
    sloppy("€\u{81}‚\u{83}„…†‡\u{88}‰Š‹ŚŤŽŹ\u{90}‘’“”•–—\u{98}™š›śťžź\u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙"),
    sloppy("€\u{81}‚ƒ„…†‡\u{88}‰\u{8a}‹\u{8c}\u{8d}\u{8e}\u{8f}\u{90}‘’“”•–—\u{98}™\u{9a}›\u{9c}\u{9d}\u{9e}\u{9f}\u{a0}΅Ά£¤¥¦§¨©ª«¬\u{ad}®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡÒΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώÿ"),
    sloppy("€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}\u{8e}\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}\u{9e}Ÿ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ"),
    sloppy("€\u{81}‚\u{83}„…†‡\u{88}‰\u{8a}‹\u{8c}¨ˇ¸\u{90}‘’“”•–—\u{98}™\u{9a}›\u{9c}¯˛\u{9f}\u{a0}¡¢£¤¥¦§Ø©Ŗ«¬\u{ad}®Æ°±²³´µ¶·ø¹ŗ»¼½¾æĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙"),
    // ISO 8859-2, MacRoman and code page 437.
    plain("\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙"),
    Codec { restores_a0: false, ..plain("ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ") },
    plain("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}"),
];

const WINDOWS_1252: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";

/// The byte that stands for a lost character in sloppy encodings.
const SUBSTITUTE: u8 = 0x1a;

const fn plain(high: &'static str) -> Codec {
    Codec {
        sloppy: false,
        restores_a0: true,
        high,
    }
}

const fn sloppy(high: &'static str) -> Codec {
    Codec {
        sloppy: true,
        restores_a0: true,
        high,
    }
}

#[cfg(test)]
impl Codec {
    pub(super) fn high_chars(&self) -> Vec<char> {
        self.high.chars().collect()
    }
}

/// Each character that some encoding has, with its byte in each of them; 0
/// where an encoding has it not. ASCII is left out, but for [`SUBSTITUTE`].
static BYTES: LazyLock<Vec<(char, [u8; CODECS.len()])>> = LazyLock::new(|| {
    let mut table = std::collections::BTreeMap::new();
    for (at, codec) in CODECS.iter().enumerate() {
        let lost = if codec.sloppy { '\u{fffd}' } else { '\u{1a}' };
        let high = codec.high.chars().zip(0x80_u8..=0xff);
        for (c, byte) in high.chain([(lost, SUBSTITUTE)]) {
            table.entry(c).or_insert([0; CODECS.len()])[at] = byte;
        }
    }
    table.into_iter().collect()
});

fn bytes_of(c: char) -> Option<&'static [u8; CODECS.len()]> {
    let at = BYTES.binary_search_by_key(&c, |(c, _)| *c).ok()?;
    Some(&BYTES[at].1)
}

fn is_same_everywhere(c: char) -> bool {
    c.is_ascii() && c != '\u{1a}'
}

/// Which of [`CODECS`] have every character of the text.
pub(super) fn possible(text: &str) -> [bool; CODECS.len()] {
    let mut possible = [true; CODECS.len()];
    for c in text.chars().filter(|c| !is_same_everywhere(*c)) {
        let Some(bytes) = bytes_of(c) else {
            return [false; CODECS.len()];
        };
        for (possible, byte) in possible.iter_mut().zip(bytes) {
            *possible &= *byte != 0;
        }
    }
    possible
}

/// The text in the encoding of number `codec`, which must be a [`possible`] one.
pub(super) fn encode(text: &str, codec: usize) -> Vec<u8> {
    text.chars()
        .map(|c| match bytes_of(c) {
            Some(bytes) if !is_same_everywhere(c) => bytes[codec],
            // An encoding that has the whole text has nothing else than ASCII.
            _ => c as u8,
        })
        .collect()
}

/// The character that Windows-1252 has where Latin-1 has this control
/// character; those that it has nothing for stay.
pub(super) fn c1_as_windows_1252(c: char) -> char {
    match u32::from(c) {
        at @ 0x80..=0x9f => WINDOWS_1252.chars().nth(at as usize - 0x80).unwrap_or(c),
        _ => c,
    }
}

/// Decodes UTF-8, CESU-8 (two surrogates for one character) and Java's form of
/// U+0000.
///
/// Like the decoder of ftfy, whose patterns take a line end at the very end of
/// the text for the end: there it swallows the line end instead of failing.
pub(super) fn decode_utf8_variants(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let special = rest.iter().position(|byte| matches!(byte, 0xc0 | 0xed));
        let (plain, from) = rest.split_at(special.unwrap_or(rest.len()));
        out.push_str(str::from_utf8(plain).ok()?);
        if from.is_empty() {
            return Some(out);
        }
        let len = match from {
            [0xc0, 0x80, ..] | [0xc0, b'\n'] => {
                out.push('\0');
                2
            }
            [0xed, 0x80..=0x9f, ..] => {
                let (hangul, _) = from.split_at_checked(3)?;
                out.push_str(str::from_utf8(hangul).ok()?);
                3
            }
            [
                0xed,
                a @ 0xa0..=0xaf,
                b @ 0x80..=0xbf,
                0xed,
                c @ 0xb0..=0xbf,
                d,
                tail @ ..,
            ] if matches!(d, 0x80..=0xbf) || (*d == b'\n' && tail.is_empty()) => {
                let bits = |byte: &u8, mask| u32::from(byte & mask);
                let offset =
                    bits(a, 0x0f) << 16 | bits(b, 0x3f) << 10 | bits(c, 0x0f) << 6 | bits(d, 0x3f);
                out.push(char::from_u32(0x10000 + offset)?);
                6
            }
            _ => return None,
        };
        rest = &from[len..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        for codec in &CODECS {
            let mut chars: Vec<char> = codec.high.chars().collect();
            assert_eq!(chars.len(), 128);
            chars.sort_unstable();
            chars.dedup();
            assert_eq!(chars.len(), 128);
        }
    }

    #[test]
    fn encodings_have_what_they_have() {
        assert_eq!(
            possible("aé€"),
            [
                false, true, false, true, false, true, true, false, true, false
            ]
        );
        assert_eq!(encode("aé€", 1), b"a\xe9\x80");
        assert_eq!(encode("aé€", 8), b"a\x8e\xdb");
        assert_eq!(encode("\u{fffd}", 1), b"\x1a");
        assert!(
            !possible("\u{1a}")[1],
            "a sloppy encoding has another use for it"
        );
        assert!(possible("\u{1a}")[0]);
        assert_eq!(possible("数"), [false; 10]);
    }

    #[test]
    fn variants_of_utf8_decode() {
        let decode = decode_utf8_variants;
        assert_eq!(decode("a한é😍".as_bytes()).as_deref(), Some("a한é😍"));
        assert_eq!(decode(b"\xed\xa0\xbd\xed\xb8\x8d").as_deref(), Some("😍"));
        assert_eq!(decode(b"x\xc0\x80y").as_deref(), Some("x\0y"));
        assert_eq!(decode(b"x\xc0\n").as_deref(), Some("x\0"));
        for bad in [
            &b"\xed"[..],
            b"\xed\xa0\x80",
            b"\xed\xed\x80\x80",
            b"\xc0",
            b"\xc0\x81",
            b"\xff",
            b"\xed\x95",
        ] {
            assert_eq!(decode(bad), None, "{bad:x?}");
        }
    }
}
