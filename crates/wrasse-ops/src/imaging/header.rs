//! Width and height of an image, from its header.

use std::io::{BufRead, Read, Seek, SeekFrom};

use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageReader};
use tiff::decoder::Decoder;
use tiff::tags::Tag;
use wrasse_op::OpError;

/// What an image says of itself before its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Pixels in a row, as stored (a TIFF: as shown).
    pub(super) width: u32,
    /// Rows, likewise.
    pub(super) height: u32,
    /// Whether the image is shown on its side, so that its width is its height.
    pub(super) is_turned: bool,
}

/// Reads the shape of an image; its pixels are not decoded.
pub(super) fn shape(mut image: impl BufRead + Seek) -> Result<Shape, OpError> {
    fn bad(error: impl std::fmt::Display) -> OpError {
        OpError::bad_sample(format!("the header of the image cannot be read: {error}"))
    }
    let mut start = Vec::new();
    let read = image.by_ref().take(4).read_to_end(&mut start);
    read.and_then(|_| image.seek(SeekFrom::Start(0)))
        .map_err(bad)?;
    if is_tiff(&start) {
        return tiff_shape(image).map_err(bad);
    }
    let reader = ImageReader::new(image).with_guessed_format().map_err(bad)?;
    let mut decoder = reader.into_decoder().map_err(bad)?;
    let (width, height) = decoder.dimensions();
    // A damaged note on orientation is none.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    Ok(Shape {
        width,
        height,
        is_turned,
    })
}

/// Whether a file that starts so is TIFF or BigTIFF, of either order of bytes.
fn is_tiff(start: &[u8]) -> bool {
    let magic: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
    magic.contains(&start)
}

/// The shape of a TIFF's first page. Pillow turns such an image as it opens it, so
/// that it is not to be turned once more.
fn tiff_shape(image: impl Read + Seek) -> tiff::TiffResult<Shape> {
    let mut decoder = Decoder::new(image)?;
    let (width, height) = decoder.dimensions()?;
    // Of the eight ways, the last four exchange rows and columns.
    let orientation = decoder.find_tag(Tag::Orientation).ok().flatten();
    let is_turned = orientation.is_some_and(|way| matches!(way.into_u16(), Ok(5..=8)));
    let (width, height) = match is_turned {
        true => (height, width),
        false => (width, height),
    };
    Ok(Shape {
        width,
        height,
        is_turned: false,
    })
}
