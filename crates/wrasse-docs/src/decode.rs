//! Bytes to text: by the byte order mark, what the document says of itself, or
//! as UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use crate::DocError;

/// The text of bytes; `named` is the encoding that the document names.
///
/// # Errors
///
/// If the bytes are not of the encoding.
pub(crate) fn text<'b>(bytes: &'b [u8], named: Option<&[u8]>) -> Result<Cow<'b, str>, DocError> {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, n)) => (encoding, &bytes[n..]),
        None => (named.and_then(Encoding::for_label).unwrap_or(UTF_8), bytes),
    };
    if encoding == UTF_8 {
        return match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(error) => Err(DocError::new(format!(
                "not UTF-8 at byte {}, and no other encoding is named",
                error.valid_up_to()
            ))),
        };
    }
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok(text),
        None => Err(DocError::new(format!("no valid {}", encoding.name()))),
    }
}

/// The value of an attribute-like `name=value` or `name="value"` within the
/// first bytes, such as `charset`.
pub(crate) fn named<'b>(head: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    let head = &head[..head.len().min(1024)];
    let at = head
        .windows(name.len())
        .position(|found| found.eq_ignore_ascii_case(name))?;
    let rest = head[at + name.len()..]
        .trim_ascii_start()
        .strip_prefix(b"=")?;
    let rest = rest.trim_ascii_start();
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\'' | b'>' | b';' | b'?' | b' ');
    let rest = match rest.first() {
        Some(b'"' | b'\'') => &rest[1..],
        _ => rest,
    };
    Some(&rest[..rest.iter().position(is_end).unwrap_or(rest.len())])
}
