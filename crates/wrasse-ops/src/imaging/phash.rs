//! A hash that images have in common if they look alike.

use std::f64::consts::PI;

use image::RgbImage;

use super::gray::gray;
use super::resize::{Method, resize};

const SIDE: usize = 8;

/// One bit for each of the 8 x 8 coefficients of the cosine transform of the
/// image's 8 x 8 grays, from the lowest bit on by rows: whether it is positive
/// or 0.
pub(crate) fn perceptual_hash(image: &RgbImage) -> u64 {
    // Four to eight times a coefficient. In the 32-bit floats of the original
    // one of 0 becomes up to 2e-5.
    const ZERO: f64 = 5e-4;
    let small = gray(&resize(image, SIDE as u32, SIDE as u32, Method::Area));
    let wave: [[f64; SIDE]; SIDE] = std::array::from_fn(|k| {
        std::array::from_fn(|x| ((2 * x + 1) as f64 * k as f64 * PI / (2 * SIDE) as f64).cos())
    });
    let mut hash = 0;
    for (v, down) in wave.iter().enumerate() {
        for (u, across) in wave.iter().enumerate() {
            let at = |i: usize| f64::from(small.as_raw()[i]) * down[i / SIDE] * across[i % SIDE];
            let sum: f64 = (0..SIDE * SIDE).map(at).sum();
            hash |= u64::from(sum >= -ZERO) << (v * SIDE + u);
        }
    }
    hash
}
