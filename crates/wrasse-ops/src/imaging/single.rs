//! Samples that are an image, in DataMate's way: `data` holds its bytes, here
//! as base64, or else `filePath` the path of the file; `fileType` is the format
//! that it is written in.

use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, RgbImage};
use wrasse_op::{OpError, Sample};

use super::{file, jpeg};

/// What the reference pages of these operators say of their fields.
macro_rules! fields {
    () => {
        "The image is taken from the field `data`, its bytes as base64, or else from the file whose \
         path is in `filePath`, as seen from the folder in which Wrasse runs. It is shown upright \
         and loses its transparency. What is changed is written to `data`, as base64, in the \
         format that `fileType` names (jpg, png, bmp, webp or gif), or else the ending of \
         `fileName` or `filePath`; JPEG with a quality of 95; files are not touched. Read are PNG, JPEG, WebP, GIF and BMP. \
         A sample without an image, with a damaged one or with one above 64 Mi pixels is a \
         reject."
    };
}
pub(crate) use fields;

/// The most pixels that an image may have. Decoding needs up to 12 bytes for
/// each, and every worker may be at it: more is more likely an attack than a
/// picture.
pub(crate) const PIXELS_MAX: u64 = 1 << 26;

/// The most memory that a decoder may ask for, in bytes.
const DECODER_BYTES_MAX: u64 = 1 << 29;

/// Like OpenCV, of 100.
const JPEG_QUALITY: u8 = 95;

const DATA: &str = "data";
const PATH: &str = "filePath";
const NAME: &str = "fileName";
const TYPE: &str = "fileType";

/// The image of a sample, upright and without transparency, as
/// `cv2.imdecode` gives it.
///
/// # Errors
///
/// If the sample has none, it cannot be decoded, or it is too large.
pub(crate) fn load(sample: &mut Sample) -> Result<RgbImage, OpError> {
    if let Some(encoded) = text(sample, DATA)? {
        let bytes = BASE64.decode(encoded).map_err(|error| {
            OpError::bad_sample(format!("field `{DATA}`: no image in base64: {error}"))
        })?;
        return decode(&bytes);
    }
    match text(sample, PATH)? {
        Some(path) => {
            let bytes = file::read(path)?;
            decode(&bytes).map_err(|error| OpError::bad_sample(format!("`{path}`: {error}")))
        }
        None => Err(OpError::bad_sample(format!(
            "the sample has no image: neither bytes in `{DATA}` nor a path in `{PATH}`"
        ))),
    }
}

/// The format of a sample's image by name: `fileType`, or else the ending of
/// `fileName` or `filePath`.
pub(crate) fn file_type(sample: &mut Sample) -> Result<Option<String>, OpError> {
    if let Some(name) = text(sample, TYPE)? {
        return Ok(Some(name.trim_start_matches('.').to_owned()));
    }
    for field in [NAME, PATH] {
        let ending = text(sample, field)?
            .and_then(|name| Path::new(name).extension())
            .and_then(|ending| ending.to_str());
        if let Some(ending) = ending {
            return Ok(Some(ending.to_owned()));
        }
    }
    Ok(None)
}

/// Rewrites the image of a sample in its own format; PNG if it has none.
pub(crate) fn rewrite(
    sample: &mut Sample,
    work: impl FnOnce(RgbImage) -> RgbImage,
) -> Result<(), OpError> {
    let name = file_type(sample)?.unwrap_or_else(|| "png".to_owned());
    // Before the work, so that it is not in vain.
    let format = format(&name)?;
    let image = work(load(sample)?);
    store(sample, image, &name, format)
}

/// Writes the image of a sample in the format of this name.
pub(crate) fn convert(sample: &mut Sample, name: &str) -> Result<(), OpError> {
    let format = format(name)?;
    let image = load(sample)?;
    store(sample, image, name, format)
}

/// The format of a name, if it can be written.
pub(crate) fn format(name: &str) -> Result<ImageFormat, OpError> {
    let known = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ];
    ImageFormat::from_extension(name)
        .filter(|format| known.contains(format))
        .ok_or_else(|| {
            OpError::bad_sample(format!(
                "images are written as jpg, png, bmp, webp or gif, not as `{name}`"
            ))
        })
}

fn store(
    sample: &mut Sample,
    image: RgbImage,
    name: &str,
    format: ImageFormat,
) -> Result<(), OpError> {
    let mut bytes = Vec::new();
    let written = match format {
        ImageFormat::Jpeg => {
            JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&image)
        }
        _ => DynamicImage::from(image).write_to(&mut Cursor::new(&mut bytes), format),
    };
    written.map_err(|error| {
        OpError::bad_sample(format!("the image cannot be written as {name}: {error}"))
    })?;
    sample.set_text(DATA, BASE64.encode(bytes));
    if text(sample, TYPE)? != Some(name) {
        sample.set_text(TYPE, name);
    }
    Ok(())
}

/// The text of a field; none if it is absent, null or empty.
fn text<'s>(sample: &'s mut Sample, field: &str) -> Result<Option<&'s str>, OpError> {
    if matches!(sample.json(field).as_deref(), None | Some("null" | "\"\"")) {
        return Ok(None);
    }
    Ok(Some(sample.text(field)?.as_str()))
}

fn decode(bytes: &[u8]) -> Result<RgbImage, OpError> {
    let bad = |error: image::ImageError| {
        OpError::bad_sample(format!("the image cannot be decoded: {error}"))
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| bad(error.into()))?;
    if reader.format() == Some(ImageFormat::Jpeg) && jpeg::is_cut_off(bytes) {
        return Err(OpError::bad_sample("the image is cut off"));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(bad)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PIXELS_MAX {
        return Err(OpError::bad_sample(format!(
            "the image has {width} x {height} pixels; at most {PIXELS_MAX} are decoded"
        )));
    }
    if pixels == 0 {
        return Err(OpError::bad_sample("the image has no pixels"));
    }
    // A damaged note on orientation is none.
    let orientation = decoder.orientation();
    let mut image = DynamicImage::from_decoder(decoder).map_err(bad)?;
    if let Ok(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image.into_rgb8())
}
