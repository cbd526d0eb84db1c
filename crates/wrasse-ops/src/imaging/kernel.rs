//! Filters over the 3 x 3 pixels around each pixel.

use image::RgbImage;

use super::gray::neighbors;

const CHANNELS: usize = 3;

/// The median of each pixel and its eight neighbors, by channel
/// (`cv2.medianBlur(image, 3)`). Beyond an edge lies the edge itself.
pub(crate) fn median(image: &RgbImage) -> RgbImage {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let stride = width * CHANNELS;
    let raw = image.as_raw();
    let mut out = image.clone();
    for (y, out) in out.chunks_exact_mut(stride).enumerate() {
        let above = &raw[y.saturating_sub(1) * stride..][..stride];
        let here = &raw[y * stride..][..stride];
        let below = &raw[(y + 1).min(height - 1) * stride..][..stride];
        for x in 0..width {
            let left = x.saturating_sub(1) * CHANNELS;
            let right = (x + 1).min(width - 1) * CHANNELS;
            let middle = x * CHANNELS;
            for channel in 0..CHANNELS {
                let column = |at: usize| {
                    let at = at + channel;
                    [above[at], here[at], below[at]]
                };
                out[middle + channel] = median_of_9([column(left), column(middle), column(right)]);
            }
        }
    }
    out
}

/// Of sorted columns: the median of the largest of the least, the median of
/// the middle ones and the least of the largest.
fn median_of_9(mut columns: [[u8; 3]; 3]) -> u8 {
    for column in &mut columns {
        column.sort_unstable();
    }
    let [a, b, c] = columns;
    median_of_3(
        a[0].max(b[0]).max(c[0]),
        median_of_3(a[1], b[1], c[1]),
        a[2].min(b[2]).min(c[2]),
    )
}

fn median_of_3(a: u8, b: u8, c: u8) -> u8 {
    a.min(b).max(a.max(b).min(c))
}

/// A slight blur: the mean of each pixel and its neighbors, in which the pixel
/// itself counts five times. Edges are mirrors.
pub(crate) fn smooth(image: &RgbImage) -> RgbImage {
    const WEIGHTS: u32 = 13;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let raw = image.as_raw();
    let mut out = image.clone();
    for (y, out) in out.chunks_exact_mut(width * CHANNELS).enumerate() {
        let (above, below) = neighbors(y, height);
        let rows = [above, y, below].map(|y| &raw[y * width * CHANNELS..][..width * CHANNELS]);
        for x in 0..width {
            let (left, right) = neighbors(x, width);
            for channel in 0..CHANNELS {
                let column = |x: usize| -> u32 {
                    rows.iter()
                        .map(|row| u32::from(row[x * CHANNELS + channel]))
                        .sum()
                };
                let here = u32::from(rows[1][x * CHANNELS + channel]);
                let sum = column(left) + column(x) + column(right) + 4 * here;
                out[x * CHANNELS + channel] = ((2 * sum + WEIGHTS) / (2 * WEIGHTS)) as u8;
            }
        }
    }
    out
}

/// `image * factor + other * (1 - factor)`, by value (`cv2.addWeighted`).
pub(crate) fn blend(image: &mut [u8], other: impl Iterator<Item = u8>, factor: f64) {
    // The weights of the original are 32-bit floats.
    let (weight, rest) = (factor as f32, (1.0 - factor) as f32);
    for (value, other) in image.iter_mut().zip(other) {
        // One of the products is rounded to 32 bits, the other is not.
        let sum = f64::from(*value) * f64::from(weight) + f64::from(f32::from(other) * rest);
        *value = (sum as f32).round_ties_even().clamp(0.0, 255.0) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_nine_is_the_fifth_of_them() {
        let mut state = 1_u32;
        for _ in 0..10_000 {
            let columns: [[u8; 3]; 3] = std::array::from_fn(|_| {
                std::array::from_fn(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Few values, so that there are ties.
                    (state >> 28) as u8
                })
            });
            let mut sorted = columns.concat();
            sorted.sort_unstable();
            assert_eq!(median_of_9(columns), sorted[4], "{columns:?}");
        }
    }
}
