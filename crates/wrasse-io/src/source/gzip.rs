//! Unpacking gzip: members one after the other, wherever they cut lines.
//!
//! Zeros after the last member are padding, as for `gzip` itself. Anything else
//! there is an error, after all that could be unpacked: it may as well be a
//! member whose start was overwritten, with rows in it.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Unpacks all members of a gzip file.
pub(super) struct Unpacker<R> {
    /// The member that is being unpacked; `None` at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Unpacker<R> {
    pub(super) fn new(packed: R) -> Self {
        Self {
            member: Some(GzDecoder::new(packed)),
        }
    }
}

impl<R: BufRead> Read for Unpacker<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let n = member.read(buffer)?;
            if n > 0 {
                return Ok(n);
            }
            let packed = self.member.take().map(GzDecoder::into_inner);
            if let Some(mut packed) = packed
                && is_followed_by_member(&mut packed)?
            {
                self.member = Some(GzDecoder::new(packed));
            }
        }
        Ok(0)
    }
}

fn is_followed_by_member(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let ahead = match packed.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ahead => ahead?,
        };
        match ahead.iter().position(|byte| *byte != 0) {
            _ if ahead.is_empty() => return Ok(false),
            None => {
                let n = ahead.len();
                packed.consume(n);
            }
            Some(at) if ahead[at] == 0x1f => {
                packed.consume(at);
                return Ok(true);
            }
            Some(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "after the last gzip member come bytes that are no gzip",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> (String, Option<io::ErrorKind>) {
        // A buffer of one byte meets every border.
        let mut text = Vec::new();
        let error = Unpacker::new(BufReader::with_capacity(1, bytes))
            .read_to_end(&mut text)
            .err();
        (
            String::from_utf8(text).unwrap(),
            error.map(|error| error.kind()),
        )
    }

    #[test]
    fn members_join_and_padding_is_none() {
        let two = [packed("ab"), packed(""), packed("c\n"), vec![0; 512]].concat();
        assert_eq!(unpacked(&two), ("abc\n".to_owned(), None));
    }

    #[test]
    fn damage_comes_after_what_is_sound() {
        let garbage = [packed("abc"), b"garbage".to_vec()].concat();
        let error = Some(io::ErrorKind::InvalidData);
        assert_eq!(unpacked(&garbage), ("abc".to_owned(), error));
        let whole = packed("abc");
        for cut in 1..whole.len() {
            let (text, error) = unpacked(&whole[..cut]);
            assert!("abc".starts_with(&text));
            assert_eq!(error, Some(io::ErrorKind::UnexpectedEof), "cut at {cut}");
        }
    }
}
