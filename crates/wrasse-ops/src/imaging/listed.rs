//! Samples that list images, in Data-Juicer's way: `images` holds paths, and
//! `image_bytes`, if it is there, the bytes of the same images.

use std::io::{BufReader, Cursor};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use wrasse_op::{OpError, Sample};

use super::file;
use super::header;

/// The fields that list images.
pub(crate) struct Keys {
    pub(crate) images: String,
    pub(crate) bytes: String,
}

/// The images of a sample.
pub(crate) struct Images {
    paths: Vec<Value>,
    bytes: Vec<Value>,
}

impl Images {
    /// The images that a sample lists; none if the field is absent or null.
    pub(crate) fn of(sample: &Sample, keys: &Keys) -> Result<Self, OpError> {
        let paths = match sample.value(&keys.images)? {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(paths)) => paths,
            Some(other) => {
                return Err(OpError::bad_sample(format!(
                    "field `{}`: expected a list of paths, found `{}`",
                    keys.images,
                    shown(&other)
                )));
            }
        };
        let bytes = match sample.value(&keys.bytes)? {
            Some(Value::Array(bytes)) if !paths.is_empty() => bytes,
            _ => Vec::new(),
        };
        Ok(Self { paths, bytes })
    }

    /// Width and height of each image, as it is shown.
    pub(crate) fn shapes(&self) -> Result<Vec<(u32, u32)>, OpError> {
        let shape = |i: usize| {
            if let Some(bytes) = self.bytes(i)? {
                // As in the original, whose images from bytes keep the side
                // that they are stored on.
                let shape = header::shape(Cursor::new(bytes))?;
                return Ok((shape.width, shape.height));
            }
            let path = self.path(i)?;
            let (file, _) = file::open(path)?;
            let shape = header::shape(BufReader::new(file))
                .map_err(|error| OpError::bad_sample(format!("`{path}`: {error}")))?;
            Ok(match shape.is_turned {
                true => (shape.height, shape.width),
                false => (shape.width, shape.height),
            })
        };
        (0..self.paths.len()).map(shape).collect()
    }

    /// The size of each image file in bytes.
    pub(crate) fn sizes(&self) -> Result<Vec<u64>, OpError> {
        let from_bytes = self.bytes.len() == self.paths.len();
        let size = |i: usize| match self.bytes(i)? {
            Some(bytes) if from_bytes => Ok(bytes.len() as u64),
            _ => file::size(self.path(i)?),
        };
        (0..self.paths.len()).map(size).collect()
    }

    fn path(&self, i: usize) -> Result<&str, OpError> {
        self.paths[i].as_str().ok_or_else(|| {
            OpError::bad_sample(format!(
                "image {i}: expected a path, found `{}`",
                shown(&self.paths[i])
            ))
        })
    }

    fn bytes(&self, i: usize) -> Result<Option<Vec<u8>>, OpError> {
        let Some(Value::String(encoded)) = self.bytes.get(i) else {
            return Ok(None);
        };
        BASE64.decode(encoded).map(Some).map_err(|error| {
            OpError::bad_sample(format!("the bytes of image {i} are no base64: {error}"))
        })
    }
}

/// The beginning of a value, for a message.
fn shown(value: &Value) -> String {
    const CHARS: usize = 40;
    value.to_string().chars().take(CHARS).collect()
}
