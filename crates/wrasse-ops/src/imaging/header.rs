//! Width and height of an image, from its header.

use std::io::{BufRead, Seek};

use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageReader};
use wrasse_op::OpError;

/// What an image says of itself before its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Pixels in a row, as stored.
    pub(super) width: u32,
    /// Rows, as stored.
    pub(super) height: u32,
    /// Whether the image is shown on its side, so that its width is its height.
    pub(super) is_turned: bool,
}

/// Reads the shape of an image; its pixels are not decoded.
pub(super) fn shape(image: impl BufRead + Seek) -> Result<Shape, OpError> {
    let bad = |error: image::ImageError| {
        OpError::bad_sample(format!("the header of the image cannot be read: {error}"))
    };
    let reader = ImageReader::new(image)
        .with_guessed_format()
        .map_err(|error| bad(error.into()))?;
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
