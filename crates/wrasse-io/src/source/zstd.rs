//! Unpacking zstd, and finding its frames.
//!
//! A file of several frames can be read in parallel: every frame is unpacked
//! by itself. Frames are found by their headers and the headers of their
//! blocks alone (RFC 8878, section 3.1), without unpacking.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

use ::zstd::stream::read::Decoder;

use crate::Error;

/// The largest window that a frame may demand, as a power of two: 128 MiB,
/// the limit of `zstd` itself without `--long`.
const WINDOW_LOG_MAX: u32 = 27;
/// Magic number, descriptor, window, dictionary, content size.
const HEADER_MAX: usize = 18;

/// A frame: where it lies, packed and unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Offset of its first byte as stored.
    pub(super) stored: u64,
    /// Offset of its first byte unpacked.
    pub(super) plain: u64,
}

/// Unpacks frame after frame.
pub(super) fn unpacker<R: BufRead>(path: &str, packed: R) -> Result<Decoder<'static, R>, Error> {
    let unpacker = Decoder::with_buffer(packed).and_then(|mut decoder| {
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Ok(decoder)
    });
    unpacker.map_err(|cause| Error::io(path, "cannot be unpacked", cause))
}

/// Refuses a frame that needs more memory than is allowed, by its header,
/// which `head` starts with.
pub(super) fn check_window(path: &str, offset: u64, head: &[u8]) -> Result<(), Error> {
    match Header::parse(head) {
        Some(Header::Frame { window, .. }) if window > 1 << WINDOW_LOG_MAX => {
            let error = Error::new(
                path,
                format!(
                    "the zstd frame at byte {offset} needs a window of {} MiB; the limit is {} MiB",
                    window >> 20,
                    1_u64 << WINDOW_LOG_MAX >> 20
                ),
            );
            Err(error.with_hint("pack it anew: zstd -d --long=31 --stdout FILE | zstd -o NEW"))
        }
        _ => Ok(()),
    }
}

/// The frames of `file`, up to the first that is damaged or does not tell its
/// size: the last frame of the list goes on to the end of the file.
pub(super) fn frames(file: &mut File, size: u64) -> io::Result<Vec<Frame>> {
    let mut frames = Vec::new();
    let mut at = Frame {
        stored: 0,
        plain: 0,
    };
    let mut head = [0; HEADER_MAX];
    while at.stored < size {
        file.seek(SeekFrom::Start(at.stored))?;
        let n = read_up_to(file, &mut head)?;
        let Some(header) = Header::parse(&head[..n]) else {
            break;
        };
        match header {
            Header::Skippable { bytes } => at.stored += 8 + bytes,
            Header::Frame {
                header_bytes,
                content_bytes,
                checksum,
                ..
            } => {
                frames.push(at);
                let end = end_of_blocks(file, at.stored + header_bytes)?;
                let (Some(end), Some(content_bytes)) = (end, content_bytes) else {
                    return Ok(frames);
                };
                at.stored = end + if checksum { 4 } else { 0 };
                at.plain += content_bytes;
            }
        }
    }
    Ok(frames)
}

enum Header {
    Skippable {
        bytes: u64,
    },
    Frame {
        header_bytes: u64,
        window: u64,
        content_bytes: Option<u64>,
        checksum: bool,
    },
}

impl Header {
    fn parse(head: &[u8]) -> Option<Self> {
        let (magic, rest) = head.split_first_chunk::<4>()?;
        let magic = u32::from_le_bytes(*magic);
        if magic & 0xffff_fff0 == 0x184d_2a50 {
            let bytes = u32::from_le_bytes(*rest.first_chunk::<4>()?);
            return Some(Self::Skippable {
                bytes: u64::from(bytes),
            });
        }
        if magic != 0xfd2f_b528 {
            return None;
        }
        let (&descriptor, rest) = rest.split_first()?;
        let single_segment = descriptor & 0x20 != 0;
        let window_bytes = usize::from(!single_segment);
        let dictionary_bytes = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let size_bytes = match descriptor >> 6 {
            0 => usize::from(single_segment),
            flag => 1 << flag,
        };
        let size_at = window_bytes + dictionary_bytes;
        let mut size = [0; 8];
        size[..size_bytes].copy_from_slice(rest.get(size_at..size_at + size_bytes)?);
        let mut content_bytes = u64::from_le_bytes(size);
        if size_bytes == 2 {
            content_bytes += 256;
        }
        let window = if single_segment {
            content_bytes
        } else {
            let window = *rest.first()?;
            let base = 1_u64 << (10 + (window >> 3));
            base + base / 8 * u64::from(window & 7)
        };
        Some(Self::Frame {
            header_bytes: (5 + size_at + size_bytes) as u64,
            window,
            content_bytes: (size_bytes > 0).then_some(content_bytes),
            checksum: descriptor & 4 != 0,
        })
    }
}

/// The offset after the last block of a frame whose first block is at `at`;
/// `None` if a block is damaged or cut off.
fn end_of_blocks(file: &mut File, mut at: u64) -> io::Result<Option<u64>> {
    loop {
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; 4];
        if read_up_to(file, &mut header[..3])? < 3 {
            return Ok(None);
        }
        let header = u32::from_le_bytes(header);
        let size = u64::from(header >> 3);
        at += 3 + match header >> 1 & 3 {
            1 => 1,
            3 => return Ok(None),
            _ => size,
        };
        if header & 1 == 1 {
            return Ok(Some(at));
        }
    }
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match file.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn frame(text: &str, checksum: bool, sized: bool) -> Vec<u8> {
        let mut encoder = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(checksum).unwrap();
        if sized {
            encoder
                .set_pledged_src_size(Some(text.len() as u64))
                .unwrap();
        }
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn found(parts: &[&[u8]]) -> Vec<(u64, u64)> {
        let mut file = tempfile::tempfile().unwrap();
        let bytes = parts.concat();
        file.write_all(&bytes).unwrap();
        let frames = frames(&mut file, bytes.len() as u64).unwrap();
        frames
            .iter()
            .map(|frame| (frame.stored, frame.plain))
            .collect()
    }

    #[test]
    fn frames_are_found_without_unpacking() {
        let noise: String = (0..300_000_u64)
            .map(|i| {
                char::from(
                    b'!' + (i.wrapping_mul(i).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as u8 % 90,
                )
            })
            .collect();
        let (a, b) = (frame("short", true, true), frame(&noise, false, true));
        let skippable = [0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
        let (a_end, b_end) = (a.len() as u64, (a.len() + skippable.len() + b.len()) as u64);
        let n = noise.len() as u64;
        assert_eq!(
            found(&[&a, &skippable, &b, &a]),
            [(0, 0), (a_end + 11, 5), (b_end, 5 + n)]
        );
        let unsized_frame = frame("x", true, false);
        assert_eq!(found(&[&a, &unsized_frame, &b]), [(0, 0), (a_end, 5)]);
        assert_eq!(found(&[&a, &b[..b.len() - 1], &[]]), [(0, 0), (a_end, 5)]);
        assert_eq!(found(&[b"no zstd"]), []);
    }
}
