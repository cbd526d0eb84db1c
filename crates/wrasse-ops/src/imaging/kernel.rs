//! Filters over the 3 x 3 pixels around each pixel.

use image::RgbImage;

use super::gray::neighbors;

const CHANNELS: usize = 3;

/// The median of each pixel and its eight neighbors, by channel
/// (`cv2.medianBlur(image, 3)`). Beyond an edge lies the edge itself.
pub(crate) fn median(image: &RgbImage) -> RgbImage {
    let (stride, height) = (image.width() as usize * CHANNELS, image.height() as usize);
    let raw = image.as_raw();
    let mut out = image.clone();
    // The columns of three values, sorted, with the edges once more on both
    // sides. Whole rows at a time, so that the compiler takes many at once.
    let mut columns: [Vec<u8>; 3] = std::array::from_fn(|_| vec![0; stride + 2 * CHANNELS]);
    for (y, out) in out.chunks_exact_mut(stride).enumerate() {
        let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)];
        let [above, here, below] = rows.map(|y| &raw[y * stride..][..stride]);
        let [least, middle, most] = &mut columns;
        let inner = CHANNELS..CHANNELS + stride;
        let sorted = least[inner.clone()]
            .iter_mut()
            .zip(&mut middle[inner.clone()])
            .zip(&mut most[inner]);
        let values = above.iter().zip(here).zip(below);
        for (((least, middle), most), ((a, b), c)) in sorted.zip(values) {
            *least = (*a).min(*b).min(*c);
            *middle = median_of_3(*a, *b, *c);
            *most = (*a).max(*b).max(*c);
        }
        for column in &mut columns {
            column.copy_within(CHANNELS..2 * CHANNELS, 0);
            column.copy_within(stride..stride + CHANNELS, stride + CHANNELS);
        }
        let [least, middle, most] = columns.each_ref().map(|column| {
            let (left, right) = (&column[..stride], &column[2 * CHANNELS..]);
            left.iter().zip(&column[CHANNELS..][..stride]).zip(right)
        });
        let sorted = least.zip(middle).zip(most);
        for (out, ((((a, b), c), ((d, e), f)), ((g, h), i))) in out.iter_mut().zip(sorted) {
            // Of the least the largest, of the middle ones the median, of the
            // largest the least: the median of these is that of all nine.
            *out = median_of_3(
                (*a).max(*b).max(*c),
                median_of_3(*d, *e, *f),
                (*g).min(*h).min(*i),
            );
        }
    }
    out
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
    fn medians_are_the_fifth_of_nine() {
        let mut state = 1_u32;
        for (width, height) in [(1, 1), (1, 4), (5, 1), (2, 2), (9, 7)] {
            let image = RgbImage::from_fn(width, height, |_, _| {
                image::Rgb(std::array::from_fn(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Few values, so that there are ties.
                    (state >> 28) as u8
                }))
            });
            let want = RgbImage::from_fn(width, height, |x, y| {
                image::Rgb(std::array::from_fn(|channel| {
                    let mut around = Vec::new();
                    for dy in [0, 1, 2] {
                        for dx in [0, 1, 2] {
                            let x = (x + dx).saturating_sub(1).min(width - 1);
                            let y = (y + dy).saturating_sub(1).min(height - 1);
                            around.push(image.get_pixel(x, y).0[channel]);
                        }
                    }
                    around.sort_unstable();
                    around[4]
                }))
            });
            assert_eq!(median(&image), want, "{width} x {height}");
        }
    }
}
