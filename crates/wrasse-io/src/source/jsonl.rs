//! Opening JSON Lines.

use super::lines::{LineReader, Source};
use super::{InputFile, ReadLimits, Share, Split, SplitReader, input};
use crate::Error;

/// Opens a split of JSON Lines.
pub(super) fn open(
    file: &InputFile,
    split: &Split,
    limits: ReadLimits,
) -> Result<Box<dyn SplitReader>, Error> {
    let source = |reader, start| Source {
        path: file.path.clone(),
        file: split.file,
        reader,
        start,
        stored: None,
    };
    match split.share {
        Share::Bytes { start, end } => {
            let source = source(input::stored_bytes(file, start, end)?, start);
            Ok(Box::new(LineReader::new(
                source,
                Some(end),
                start > 0,
                limits,
            )))
        }
        Share::Whole => {
            let source = source(input::stored_bytes(file, 0, u64::MAX)?, 0);
            Ok(Box::new(LineReader::new(source, None, false, limits)))
        }
    }
}
