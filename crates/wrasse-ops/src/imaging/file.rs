//! The bytes of an image file, within a limit.

use std::fs::File;
use std::io::Read;

use wrasse_op::OpError;

/// The largest file that is read: encoded images are far smaller, and what is
/// larger would crowd out the memory of a worker.
pub(super) const FILE_BYTES_MAX: u64 = 256 << 20;

/// Opens an image and tells its size in bytes. What is no plain file is
/// refused: reading a pipe may never end.
pub(super) fn open(path: &str) -> Result<(File, u64), OpError> {
    let bytes = size(path)?;
    if bytes > FILE_BYTES_MAX {
        return Err(OpError::bad_sample(format!(
            "the image `{path}` has {bytes} bytes; at most {FILE_BYTES_MAX} are read"
        )));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    Ok((file, bytes))
}

/// The size of an image file in bytes.
pub(super) fn size(path: &str) -> Result<u64, OpError> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(OpError::bad_sample(format!(
            "the image `{path}` is no plain file"
        )));
    }
    Ok(metadata.len())
}

/// All bytes of an image file.
pub(super) fn read(path: &str) -> Result<Vec<u8>, OpError> {
    let (file, size) = open(path)?;
    let mut bytes = Vec::with_capacity(size as usize);
    // It may have grown since its size was asked.
    file.take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    Ok(bytes)
}

fn unreadable(path: &str, error: &std::io::Error) -> OpError {
    OpError::bad_sample(format!("the image `{path}` cannot be read: {error}"))
}
