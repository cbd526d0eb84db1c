//! Numbers with check digits: what only looks like one is left alone.

use super::find::{Found, before, behind, digits, id_card, is_word_at};

/// Countries with an IBAN and how many characters it has, by the registry of
/// SWIFT (ISO 13616).
const IBANS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

pub(super) const IBAN: &str = r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,29}\b";

pub(super) fn iban(text: &str, from: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        // The second check digit, behind a letter and a digit.
        let rest = bytes.get(at..)?;
        at += rest.windows(4).position(|four| {
            four[0].is_ascii_uppercase()
                && four[1].is_ascii_uppercase()
                && four[2].is_ascii_digit()
                && four[3].is_ascii_digit()
        })?;
        if !is_word_at(before(text, at))
            && let Some(end) = iban_end(bytes, at)
            && !is_word_at(behind(text, end))
        {
            return Some(((at, end), None));
        }
        at += 1;
    }
}

/// Where the IBAN that begins at a place ends, if its check digits are right.
/// It is written in one or in groups, with single spaces between them.
fn iban_end(bytes: &[u8], start: usize) -> Option<usize> {
    let country = &bytes[start..start + 2];
    let (_, n) = IBANS.iter().find(|(code, _)| code.as_bytes() == country)?;
    let mut number = Vec::with_capacity(*n);
    let mut at = start;
    while number.len() < *n {
        match bytes.get(at)? {
            byte if byte.is_ascii_uppercase() || byte.is_ascii_digit() => number.push(*byte),
            b' ' if bytes[at - 1] != b' ' => {}
            _ => return None,
        }
        at += 1;
    }
    number.rotate_left(4);
    let value = |byte: u8| u32::from(byte - if byte < b'A' { b'0' } else { b'A' - 10 });
    let rest = number.into_iter().fold(0, |rest, byte| match value(byte) {
        digit @ 0..10 => (rest * 10 + digit) % 97,
        letter => (rest * 100 + letter) % 97,
    });
    (rest == 1).then_some(at)
}

pub(super) const CARD: &str = r"\b[2-6](?:[ -]?[0-9]){12,18}\b";

pub(super) fn card(text: &str, from: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(u8::is_ascii_digit)?;
        let start = at;
        let mut number = Vec::new();
        while let Some(byte) = bytes.get(at) {
            let is_between =
                matches!(byte, b' ' | b'-') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            match byte {
                b'0'..=b'9' => number.push(byte - b'0'),
                _ if is_between => {}
                _ => break,
            }
            at += 1;
        }
        let is_alone = !is_word_at(before(text, start)) && !is_word_at(behind(text, at));
        let is_card = matches!(number[..], [2..=6, ..]) && (13..=19).contains(&number.len());
        if is_alone && is_card && luhn(number.iter().rev().map(|digit| u32::from(*digit))) {
            return Some(((start, at), None));
        }
    }
}

/// Whether the last digit is the one that Luhn's formula gives. Digits come from the
/// last to the first.
pub(crate) fn luhn(digits: impl Iterator<Item = u32>) -> bool {
    let sum: u32 = digits
        .enumerate()
        .map(|(i, digit)| match i % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// As [`id_card`], with the check digit that GB 11643 asks for.
pub(super) fn checked_id_card(text: &str, from: usize) -> Option<Found> {
    let mut at = from;
    loop {
        let found = id_card(text, at)?;
        let (start, end) = found.0;
        if is_checked(&text[start..end]) {
            return Some(found);
        }
        // The run of digits is done.
        at = digits(text, start)?.0.1.max(end);
    }
}

fn is_checked(number: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let (Some(digits), Some(check)) = (number.get(..17), number.as_bytes().get(17)) else {
        return false;
    };
    let digits = digits
        .bytes()
        .map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let sum: u32 = digits
        .zip(WEIGHTS)
        .map(|(digit, weight)| digit * weight)
        .sum();
    number.is_ascii() && CHECKS[sum as usize % 11] == check.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(find: fn(&str, usize) -> Option<Found>, text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(((start, end), _)) = find(text, at) {
            found.push(&text[start..end]);
            at = end;
        }
        found
    }

    #[test]
    fn ibans_are_checked() {
        // The registry's examples.
        for right in [
            "DE89370400440532013000",
            "GB29 NWBK 6016 1331 9268 19",
            "NO93 8601 1117 947",
            "MT84MALT011000012345MTLCAST001S",
            "FR14 2004 1010 0505 0001 3M02 606",
        ] {
            assert_eq!(
                all(iban, &format!("to {right}, or (é{right}) {right}.")),
                [right, right]
            );
            let wrong = right.replacen('1', "2", 1).replacen('8', "7", 1);
            assert!(all(iban, &wrong).is_empty(), "{wrong}");
            assert!(all(iban, &format!("{right}0")).is_empty());
        }
        let near = "XX89370400440532013000 DE8937040044053201300 DE89  370400440532013000 AD12 DE";
        assert!(all(iban, near).is_empty());
    }

    #[test]
    fn cards_are_checked() {
        let text = "4111 1111 1111 1111, 378282246310005; 5555-5555-5555-4444 and 4111111111111112 \
                    x4111111111111111 14111111111111111 6011000990139424é 30569309025904";
        assert_eq!(
            all(card, text),
            [
                "4111 1111 1111 1111",
                "378282246310005",
                "5555-5555-5555-4444",
                "30569309025904"
            ]
        );
    }

    #[test]
    fn id_cards_are_checked() {
        let text = "11010519491231002X 110105194912310021 11010519491231002x";
        assert_eq!(
            all(checked_id_card, text),
            ["11010519491231002X", "11010519491231002x"]
        );
    }
}
