//! Opening JSON Lines, and JSON that is near to them.

use std::fs::File;

use super::input::Source;
use super::lines::LineReader;
use super::values::ValueReader;
use super::zstd::{self, Frame};
use super::{InputFile, Place, ReadLimits, Share, Split, SplitReader, format};
use crate::Error;

/// Opens a split of JSON Lines.
pub(super) fn open(
    file: &InputFile,
    split: &Split,
    limits: ReadLimits,
) -> Result<Box<dyn SplitReader>, Error> {
    let (source, end) = match split.share {
        Share::Bytes { start, end } => (Source::plain(file, split.file, start, end)?, Some(end)),
        Share::Frames {
            from,
            to,
            start,
            end,
        } => (Source::frames(file, split.file, from, to, start)?, end),
        _ => {
            let (source, head) = Source::whole(file, split.file)?;
            if !format::is_lines(&file.path, &head) {
                return Ok(Box::new(ValueReader::new(source, limits)));
            }
            (source, None)
        }
    };
    let skip_first = source.start > 0;
    Ok(Box::new(LineReader::new(source, end, skip_first, limits)))
}

/// The frames of a zstd file at whose starts it may be cut: none if it is not
/// a local file of lines.
///
/// # Errors
///
/// If the file cannot be read.
pub(super) fn frames(file: &InputFile) -> Result<Vec<Frame>, Error> {
    let Place::Local(path) = &file.place else {
        return Ok(Vec::new());
    };
    let fail = |cause| Error::io(&file.path, "cannot be read", cause);
    let mut opened = File::open(path).map_err(fail)?;
    let frames = zstd::frames(&mut opened, file.bytes.unwrap_or(0)).map_err(fail)?;
    if frames.len() < 2 {
        return Ok(frames);
    }
    match Source::whole(file, 0) {
        Ok((_, head)) if format::is_lines(&file.path, &head) => Ok(frames),
        // It fails anew, for the run to see, when it is opened as a whole.
        _ => Ok(Vec::new()),
    }
}
