//! What operators on images share: where the image of a sample is, how it is
//! read within limits and written again, and the arithmetic of OpenCV on
//! images of three 8-bit channels.
//!
//! Nothing here keeps an image beyond the call of an operator.

mod file;
mod header;
mod listed;

pub(crate) use listed::{AnyOrAll, Images, Keys, numbers};
