//! Scaling as OpenCV does it (`cv2.resize`), for three channels of 8 bits.
//!
//! The arithmetic is that of its `INTER_LINEAR` (11-bit weights) and
//! `INTER_AREA` (means of the covered pixels in 32-bit floats; where an image
//! grows in either direction, linear with weights of its own).

use image::RgbImage;

/// How pixels are made of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// `INTER_LINEAR`.
    Linear,
    /// `INTER_AREA`.
    Area,
}

const CHANNELS: usize = 3;

/// Scales an image to `width` and `height`, both at least 1.
pub(crate) fn resize(image: &RgbImage, width: u32, height: u32, method: Method) -> RgbImage {
    if image.dimensions() == (width, height) {
        return image.clone();
    }
    let (from_width, from_height) = image.dimensions();
    let x = Scale::new(from_width, width);
    let y = Scale::new(from_height, height);
    // As in the original, halving takes means whatever the method.
    let is_half = x.whole() == Some(2) && y.whole() == Some(2);
    let shrinks = x.factor >= 1.0 && y.factor >= 1.0;
    let mut out = RgbImage::new(width, height);
    match (method, x.whole(), y.whole()) {
        (_, Some(2), Some(2)) if is_half => halves(image, &mut out),
        (Method::Area, Some(across), Some(down)) if shrinks => {
            blocks(image, &mut out, across, down);
        }
        (Method::Area, ..) if shrinks => areas(image, &mut out, x, y),
        _ => linear(image, &mut out, x.taps(method, true), y.taps(method, false)),
    }
    out
}

/// One direction.
#[derive(Clone, Copy)]
struct Scale {
    from: usize,
    to: usize,
    /// Pixels of the source for one of the result.
    factor: f64,
}

/// Two neighbors and their weights, which add up to 2048.
#[derive(Clone, Copy)]
struct Taps {
    first: usize,
    second: usize,
    weights: [i32; 2],
}

impl Scale {
    fn new(from: u32, to: u32) -> Self {
        Self {
            from: from as usize,
            to: to as usize,
            factor: 1.0 / (f64::from(to) / f64::from(from)),
        }
    }

    /// The factor, if it is a whole number.
    fn whole(self) -> Option<usize> {
        let whole = self.factor.round_ties_even();
        ((self.factor - whole).abs() < f64::EPSILON).then_some(whole as usize)
    }

    /// The neighbors of each pixel of the result. Beyond an edge both are the
    /// edge: with the weight of one of them (`is_whole`), or with both weights,
    /// each of which is rounded, as the original does in a column.
    fn taps(self, method: Method, is_whole: bool) -> Vec<Taps> {
        let last = self.from as i64 - 1;
        let taps = |at: usize| {
            let (mut first, mut part) = match method {
                Method::Linear => {
                    let center = ((at as f64 + 0.5) * self.factor - 0.5) as f32;
                    (center.floor() as i64, center - center.floor())
                }
                Method::Area => {
                    let first = (at as f64 * self.factor).floor();
                    let inverse = self.to as f64 / self.from as f64;
                    let part = ((at as f64 + 1.0) - (first + 1.0) * inverse) as f32;
                    let part = if part <= 0.0 {
                        0.0
                    } else {
                        part - part.floor()
                    };
                    (first as i64, part)
                }
            };
            if is_whole && first < 0 {
                (first, part) = (0, 0.0);
            }
            if is_whole && first >= last {
                (first, part) = (last, 0.0);
            }
            let weight = |part: f32| (part * 2048.0).round_ties_even() as i32;
            Taps {
                first: first.clamp(0, last) as usize,
                second: (first + 1).clamp(0, last) as usize,
                weights: [weight(1.0 - part), weight(part)],
            }
        };
        (0..self.to).map(taps).collect()
    }

    /// The pixels that each pixel of the result covers, with the shares that
    /// they have in it.
    fn covered(self) -> Vec<Vec<(usize, f32)>> {
        // Shares below this are left out, as in the original.
        const LEAST: f64 = 1e-3;
        let covered = |at: usize| {
            let start = at as f64 * self.factor;
            let end = start + self.factor;
            let width = self.factor.min(self.from as f64 - start);
            let to = (end.floor() as usize).min(self.from - 1);
            let from = (start.ceil() as usize).min(to);
            let mut shares = Vec::new();
            if from as f64 - start > LEAST {
                shares.push((from - 1, ((from as f64 - start) / width) as f32));
            }
            shares.extend((from..to).map(|pixel| (pixel, (1.0 / width) as f32)));
            if end - to as f64 > LEAST {
                let share = (end - to as f64).min(1.0).min(width) / width;
                shares.push((to, share as f32));
            }
            shares
        };
        (0..self.to).map(covered).collect()
    }
}

fn row(image: &RgbImage, y: usize) -> &[u8] {
    let bytes = image.width() as usize * CHANNELS;
    &image.as_raw()[y * bytes..(y + 1) * bytes]
}

fn linear(image: &RgbImage, out: &mut RgbImage, x: Vec<Taps>, y: Vec<Taps>) {
    let across = |from: usize| -> Vec<i32> {
        let row = row(image, from);
        let pixel = |taps: &Taps| {
            let (a, b) = (taps.first * CHANNELS, taps.second * CHANNELS);
            let [first, second] = taps.weights;
            std::array::from_fn::<_, CHANNELS, _>(|channel| {
                i32::from(row[a + channel]) * first + i32::from(row[b + channel]) * second
            })
        };
        x.iter().flat_map(pixel).collect()
    };
    // Rows are used by several rows of the result, in order.
    let mut above: (usize, Vec<i32>) = (usize::MAX, Vec::new());
    let mut below = above.clone();
    let width = out.width() as usize * CHANNELS;
    for (taps, out) in y.iter().zip(out.chunks_exact_mut(width)) {
        if below.0 == taps.first {
            std::mem::swap(&mut above, &mut below);
        }
        if above.0 != taps.first {
            above = (taps.first, across(taps.first));
        }
        if below.0 != taps.second {
            below = (taps.second, across(taps.second));
        }
        let [first, second] = taps.weights;
        for ((out, a), b) in out.iter_mut().zip(&above.1).zip(&below.1) {
            let sum = (((a >> 4) * first) >> 16) + (((b >> 4) * second) >> 16);
            *out = ((sum + 2) >> 2) as u8;
        }
    }
}

/// Means of four pixels each, rounded up at one half.
fn halves(image: &RgbImage, out: &mut RgbImage) {
    each_sum(image, out, 2, 2, |sum| ((sum + 2) >> 2) as u8);
}

/// Means of blocks of whole pixels.
fn blocks(image: &RgbImage, out: &mut RgbImage, across: usize, down: usize) {
    let scale = 1.0 / (across * down) as f32;
    each_sum(image, out, across, down, |sum| {
        (sum as f32 * scale).round_ties_even() as u8
    });
}

fn each_sum(
    image: &RgbImage,
    out: &mut RgbImage,
    across: usize,
    down: usize,
    mean: impl Fn(u64) -> u8,
) {
    let width = out.width() as usize * CHANNELS;
    let mut sums = vec![0_u64; width];
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        sums.fill(0);
        for from in y * down..(y + 1) * down {
            let pixels = row(image, from).chunks_exact(across * CHANNELS);
            for (sum, block) in sums.chunks_exact_mut(CHANNELS).zip(pixels) {
                for (i, value) in block.iter().enumerate() {
                    sum[i % CHANNELS] += u64::from(*value);
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = mean(*sum);
        }
    }
}

fn areas(image: &RgbImage, out: &mut RgbImage, x: Scale, y: Scale) {
    let (x, y) = (x.covered(), y.covered());
    let width = out.width() as usize * CHANNELS;
    let mut sums = vec![0_f32; width];
    for (covered, out) in y.iter().zip(out.chunks_exact_mut(width)) {
        sums.fill(0.0);
        for (from, share) in covered {
            let row = row(image, *from);
            for (sum, covered) in sums.chunks_exact_mut(CHANNELS).zip(&x) {
                let mut across = [0_f32; CHANNELS];
                for (pixel, share) in covered {
                    for (channel, across) in across.iter_mut().enumerate() {
                        *across += f32::from(row[pixel * CHANNELS + channel]) * share;
                    }
                }
                for (sum, across) in sum.iter_mut().zip(across) {
                    *sum += across * share;
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = sum.round_ties_even().clamp(0.0, 255.0) as u8;
        }
    }
}
