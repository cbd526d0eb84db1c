//! What operators on images share: where the image of a sample is, how it is
//! read within limits and written again, and the arithmetic of OpenCV on
//! images of three 8-bit channels.
//!
//! Nothing here keeps an image beyond the call of an operator.

mod clahe;
mod each;
mod file;
mod gray;
mod header;
mod jpeg;
mod kernel;
mod lab;
mod listed;
mod phash;
mod resize;
mod single;

pub(crate) use clahe::equalize;
pub(crate) use each::{AnyOrAll, EachImage};
pub(crate) use gray::{gray, laplacian, laplacian_variance, mean};
pub(crate) use kernel::{blend, median, smooth};
pub(crate) use lab::Lab;
pub(crate) use phash::perceptual_hash;
pub(crate) use resize::{Method, resize};
pub(crate) use single::{PIXELS_MAX, convert, fields, file_type, format, load, rewrite};
