//! What is read of a PDF's objects beside text: the widths of characters, and
//! before all else how much the file unpacks to.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::ZlibDecoder;
use lopdf::{Dictionary, Document as Pdf, Object};

use super::number_of;
use crate::{DocError, Limits};

/// How many bytes of objects a file may pack, for each byte that it may have
/// of other things: an object takes many times its bytes in memory.
const OBJECTS_SHARE: usize = 8;

/// Refuses files whose packed objects, which are all read when a file is
/// opened, unpack to too much in all; the library looks at each alone.
pub(super) fn check(bytes: &[u8], limits: Limits) -> Result<(), DocError> {
    let most = limits.unpacked_bytes_max / OBJECTS_SHARE;
    let mut left = most as u64;
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], b"stream") {
        let at = from + at;
        from = at + 6;
        if bytes[..at].ends_with(b"end") {
            continue;
        }
        let head = &bytes[at.saturating_sub(1024)..at];
        let head = match head.windows(3).rposition(|word| word == b"obj") {
            Some(begin) => &head[begin..],
            None => head,
        };
        let is_packed = [&b"ObjStm"[..], b"XRef"]
            .iter()
            .any(|kind| find(head, kind).is_some());
        if !is_packed {
            continue;
        }
        let data = bytes[from..].trim_ascii_start();
        let mut unpacked = ZlibDecoder::new(data).take(left + 1);
        // Damage ends the counting, as it will end the reading.
        let mut n = 0;
        let mut buffer = [0; 16 << 10];
        while let Ok(read @ 1..) = unpacked.read(&mut buffer) {
            n += read as u64;
        }
        left = left.checked_sub(n).ok_or_else(|| {
            DocError::new(format!(
                "the PDF's objects unpack to more than {most} bytes"
            ))
        })?;
    }
    Ok(())
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let first = *word.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes[from..].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(word) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// How wide the characters of a font are, in thousandths of its size.
#[derive(Default)]
pub(super) struct Widths {
    known: HashMap<u16, f64>,
    default: f64,
    /// Codes have two bytes.
    is_wide: bool,
}

/// Characters of a font: two bytes of code.
const CODES_MAX: i64 = 1 << 16;

impl Widths {
    pub(super) fn of(font: &Dictionary, pdf: &Pdf) -> Self {
        let is_wide = font.get(b"Subtype").and_then(Object::as_name).ok() == Some(b"Type0");
        let mut widths = Self {
            known: HashMap::new(),
            default: if is_wide { 1000.0 } else { 500.0 },
            is_wide,
        };
        if is_wide {
            widths.read_wide(font, pdf);
        } else {
            let first = font
                .get_deref(b"FirstChar", pdf)
                .and_then(Object::as_i64)
                .unwrap_or(0);
            let all = font.get_deref(b"Widths", pdf).and_then(Object::as_array);
            for (i, width) in all.into_iter().flatten().enumerate().take(256) {
                widths.set(first.saturating_add(i as i64), width, pdf);
            }
        }
        widths
    }

    fn set(&mut self, code: i64, width: &Object, pdf: &Pdf) {
        let width = pdf
            .dereference(width)
            .ok()
            .and_then(|(_, width)| number_of(width));
        if let (Ok(code), Some(width)) = (u16::try_from(code), width) {
            self.known.insert(code, width);
        }
    }

    fn read_wide(&mut self, font: &Dictionary, pdf: &Pdf) {
        let below = font
            .get_deref(b"DescendantFonts", pdf)
            .and_then(Object::as_array);
        let below = below.ok().and_then(|fonts| fonts.first());
        let below = below.and_then(|font| pdf.dereference(font).ok()?.1.as_dict().ok());
        let Some(below) = below else {
            return;
        };
        if let Some(width) = below.get_deref(b"DW", pdf).ok().and_then(number_of) {
            self.default = width;
        }
        let Ok(all) = below.get_deref(b"W", pdf).and_then(Object::as_array) else {
            return;
        };
        // `first [width ...]` or `first last width`.
        let mut rest = all.as_slice();
        while let [first, second, behind @ ..] = rest {
            let first = number_of(first).unwrap_or(0.0) as i64;
            rest = behind;
            let second = pdf.dereference(second).map_or(second, |(_, second)| second);
            if let Object::Array(list) = second {
                for (i, width) in list.iter().enumerate().take(CODES_MAX as usize) {
                    self.set(first.saturating_add(i as i64), width, pdf);
                }
            } else if let [width, behind @ ..] = rest {
                rest = behind;
                let last = number_of(second).unwrap_or(0.0) as i64;
                // Ranges of a file that lies could take for ever.
                if self.known.len() < CODES_MAX as usize && (0..CODES_MAX).contains(&first) {
                    for code in first..=last.min(CODES_MAX - 1) {
                        self.set(code, width, pdf);
                    }
                }
            }
        }
    }

    pub(super) fn is_wide(&self) -> bool {
        self.is_wide
    }

    /// The width of a text, in sizes of the font, and its number of characters.
    pub(super) fn of_text(&self, bytes: &[u8]) -> (f64, usize) {
        let width = |code: u16| self.known.get(&code).copied().unwrap_or(self.default);
        let codes: Vec<u16> = match self.is_wide {
            true => bytes
                .chunks_exact(2)
                .map(|two| u16::from_be_bytes([two[0], two[1]]))
                .collect(),
            false => bytes.iter().map(|byte| u16::from(*byte)).collect(),
        };
        let sum: f64 = codes.iter().map(|code| width(*code)).sum();
        (sum / 1000.0, codes.len())
    }
}
