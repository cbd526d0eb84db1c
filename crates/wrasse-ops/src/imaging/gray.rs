//! Images without color, and what is measured on them.

use image::{GrayImage, RgbImage};

/// Brightness as OpenCV computes it (`COLOR_BGR2GRAY`): the weights of ITU-R
/// BT.601 in 15 bits.
pub(crate) fn gray(image: &RgbImage) -> GrayImage {
    let mut out = GrayImage::new(image.width(), image.height());
    let (pixels, _) = image.as_raw().as_chunks::<3>();
    for (out, [red, green, blue]) in out.iter_mut().zip(pixels) {
        let sum = u32::from(*red) * 9798 + u32::from(*green) * 19235 + u32::from(*blue) * 3735;
        *out = ((sum + (1 << 14)) >> 15) as u8;
    }
    out
}

/// The mean of all values.
pub(crate) fn mean(values: &[u8]) -> f64 {
    let sum: u64 = values.iter().map(|value| u64::from(*value)).sum();
    sum as f64 / values.len() as f64
}

/// Calls `each` with the Laplacian of every pixel: its four neighbors, less
/// four times itself. Beyond an edge lies what is before it, without the edge
/// pixel itself (`BORDER_REFLECT_101`).
pub(crate) fn laplacian(image: &GrayImage, mut each: impl FnMut(i32)) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let at = |x: usize, y: usize| i32::from(image.as_raw()[y * width + x]);
    for y in 0..height {
        let (above, below) = neighbors(y, height);
        for x in 0..width {
            let (left, right) = neighbors(x, width);
            let around = at(x, above) + at(x, below) + at(left, y) + at(right, y);
            each(around - 4 * at(x, y));
        }
    }
}

/// The variance of the Laplacian: small if the image has no sharp edges.
pub(crate) fn laplacian_variance(image: &GrayImage) -> f64 {
    // Whole numbers, so that the sum does not depend on its order.
    let (mut n, mut sum, mut squares) = (0_i64, 0_i64, 0_i64);
    laplacian(image, |value| {
        n += 1;
        sum += i64::from(value);
        squares += i64::from(value * value);
    });
    let mean = sum as f64 / n as f64;
    squares as f64 / n as f64 - mean * mean
}

/// The positions before and after `at`, with the edge as a mirror.
pub(super) fn neighbors(at: usize, n: usize) -> (usize, usize) {
    let before = if at > 0 { at - 1 } else { 1.min(n - 1) };
    let after = if at + 1 < n {
        at + 1
    } else {
        n.saturating_sub(2)
    };
    (before, after)
}
