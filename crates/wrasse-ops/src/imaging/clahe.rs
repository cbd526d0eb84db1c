//! Contrast-limited adaptive histogram equalization, as OpenCV does it
//! (`cv2.createCLAHE`), for one channel of 8 bits.

/// Brightness values.
const VALUES: usize = 256;

/// Equalizes `plane`, rows of `width`, in a grid of `tiles` x `tiles` with
/// histograms cut at `clip_limit` times their mean.
pub(crate) fn equalize(plane: &mut [u8], width: usize, tiles: usize, clip_limit: f64) {
    let height = plane.len() / width;
    let grid = Grid::new(width, height, tiles);
    let tables: Vec<[u8; VALUES]> = (0..tiles * tiles)
        .map(|tile| grid.table(plane, tile % tiles, tile / tiles, clip_limit))
        .collect();
    // Between the centers of four tiles, by their distance.
    let between = |at: usize, tile: usize| {
        let place = at as f32 * (1.0 / tile as f32) - 0.5;
        let first = place.floor();
        let part = place - first;
        let first = first as i64;
        (
            first.max(0) as usize,
            (first + 1).min(tiles as i64 - 1) as usize,
            part,
        )
    };
    let columns: Vec<_> = (0..width).map(|x| between(x, grid.tile_width)).collect();
    for (y, row) in plane.chunks_exact_mut(width).enumerate() {
        let (above, below, down) = between(y, grid.tile_height);
        for (value, (left, right, across)) in row.iter_mut().zip(&columns) {
            let at = |x: usize, y: usize| f32::from(tables[y * tiles + x][usize::from(*value)]);
            let mix = |y: usize| at(*left, y) * (1.0 - across) + at(*right, y) * across;
            let mixed = mix(above) * (1.0 - down) + mix(below) * down;
            *value = mixed.round_ties_even() as u8;
        }
    }
}

/// The tiles of a plane, which is continued, as in a mirror, to a whole number
/// of them.
struct Grid {
    width: usize,
    height: usize,
    tile_width: usize,
    tile_height: usize,
}

impl Grid {
    fn new(width: usize, height: usize, tiles: usize) -> Self {
        let mut padded = (width, height);
        if !width.is_multiple_of(tiles) || !height.is_multiple_of(tiles) {
            // As in the original, a side that fits grows by a whole tile row.
            padded.0 += tiles - width % tiles;
            padded.1 += tiles - height % tiles;
        }
        Self {
            width,
            height,
            tile_width: padded.0 / tiles,
            tile_height: padded.1 / tiles,
        }
    }

    /// What each value becomes in one tile.
    fn table(&self, plane: &[u8], tile_x: usize, tile_y: usize, clip_limit: f64) -> [u8; VALUES] {
        let mut counts = [0_u32; VALUES];
        for y in tile_y * self.tile_height..(tile_y + 1) * self.tile_height {
            let row = mirrored(y, self.height) * self.width;
            for x in tile_x * self.tile_width..(tile_x + 1) * self.tile_width {
                counts[usize::from(plane[row + mirrored(x, self.width)])] += 1;
            }
        }
        let area = self.tile_width * self.tile_height;
        let limit = ((clip_limit * area as f64 / VALUES as f64) as u32).max(1);
        spread(&mut counts, limit);
        let scale = (VALUES - 1) as f32 / area as f32;
        let mut sum = 0;
        counts.map(|count| {
            sum += count;
            (sum as f32 * scale).round_ties_even().min(255.0) as u8
        })
    }
}

/// Cuts counts at `limit` and gives what was cut to all alike.
fn spread(counts: &mut [u32; VALUES], limit: u32) {
    let mut cut = 0;
    for count in counts.iter_mut() {
        cut += count.saturating_sub(limit);
        *count = (*count).min(limit);
    }
    let (each, rest) = (cut as usize / VALUES, cut as usize % VALUES);
    for count in counts.iter_mut() {
        *count += each as u32;
    }
    let step = VALUES / rest.max(1);
    for count in counts.iter_mut().step_by(step).take(rest) {
        *count += 1;
    }
}

/// The position that stands at `at` when `n` positions are continued as in a
/// mirror, without the edge itself.
fn mirrored(at: usize, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let period = 2 * (n - 1);
    let at = at % period;
    at.min(period - at)
}
