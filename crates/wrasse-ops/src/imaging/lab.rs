//! CIE L*a*b* in three bytes, in the whole numbers of OpenCV (`COLOR_RGB2Lab`
//! and back, for sRGB and a white of D65): L is scaled to 0..=255, a and b are
//! moved by 128.
//!
//! Its cube roots are approximate, ours are not: of 100,000 random colors about 10
//! differ, by 1 in a or b.

/// Bits of the fraction of color matrices.
const MATRIX_BITS: u32 = 12;
/// Bits of the fraction of linear light, on the way to Lab.
const LIGHT_BITS: u32 = 3;
/// Bits of the fraction of cube roots, on the way to Lab.
const ROOT_BITS: u32 = MATRIX_BITS + LIGHT_BITS;
/// Bits of the fraction on the way back.
const BACK_BITS: u32 = 14;
const BACK: i32 = 1 << BACK_BITS;
/// Bits of linear light on the way back.
const BACK_LIGHT_BITS: u32 = 12;
/// The least that a root can be on the way back.
const ROOT_MIN: i32 = -8145;

const TO_XYZ: [[f64; 3]; 3] = [
    [0.412453, 0.357580, 0.180423],
    [0.212671, 0.715160, 0.072169],
    [0.019334, 0.119193, 0.950227],
];
const FROM_XYZ: [[f64; 3]; 3] = [
    [3.240479, -1.53715, -0.498535],
    [-0.969256, 1.875991, 0.041556],
    [0.055648, -0.204043, 1.057311],
];
const WHITE: [f64; 3] = [0.950456, 1.0, 1.088754];

/// The tables of both ways; 200 KiB.
pub(crate) struct Lab {
    light: Vec<i32>,
    roots: Vec<i32>,
    to_xyz: [[i32; 3]; 3],
    /// For each L: Y and its root.
    y: Vec<(i32, i32)>,
    cubes: Vec<i32>,
    from_xyz: [[i32; 3]; 3],
    from_light: Vec<u8>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let matrix = |of: &dyn Fn(usize, usize) -> f64| {
            std::array::from_fn(|i| {
                std::array::from_fn(|j| round(f64::from(1 << MATRIX_BITS) * of(i, j)))
            })
        };
        let light_max = f64::from(255 << LIGHT_BITS);
        let light = |i: i32| {
            let x = f64::from(i) / 255.0;
            let light = match x <= 0.04045 {
                true => x / 12.92,
                false => ((x + 0.055) / 1.055).powf(2.4),
            };
            round(light_max * light)
        };
        let root = |i: i32| {
            let x = f64::from(i) / light_max;
            let root = match x < 216.0 / 24389.0 {
                true => x * 841.0 / 108.0 + 16.0 / 116.0,
                false => x.cbrt(),
            };
            round(f64::from(1 << ROOT_BITS) * root)
        };
        let back = f64::from(BACK);
        let y = |i: i32| {
            let l = f64::from(i) * 100.0 / 255.0;
            let (y, root) = if l <= 8.0 {
                let y = l * 27.0 / 24389.0;
                (y, 16.0 / 116.0 + y * 841.0 / 108.0)
            } else {
                let root = (l + 16.0) / 116.0;
                (root.powi(3), root)
            };
            (round(back * y), round(back * root))
        };
        let cube = |i: i32| match i <= 3390 {
            true => i * 108 / 841 - BACK * 16 / 116 * 108 / 841,
            false => i * i / BACK * i / BACK,
        };
        let from_light = |i: i32| {
            let x = f64::from(i) / f64::from(1 << BACK_LIGHT_BITS);
            let value = match x <= 0.0031308 {
                true => x * 12.92,
                false => x.powf(1.0 / 2.4) * 1.055 - 0.055,
            };
            round(255.0 * value).clamp(0, 255) as u8
        };
        Self {
            light: (0..256).map(light).collect(),
            roots: (0..(256 * 3 / 2) << LIGHT_BITS).map(root).collect(),
            to_xyz: matrix(&|i, j| TO_XYZ[i][j] / WHITE[i]),
            y: (0..256).map(y).collect(),
            cubes: (ROOT_MIN..ROOT_MIN + BACK * 9 / 4).map(cube).collect(),
            from_xyz: matrix(&|i, j| FROM_XYZ[i][j] * WHITE[j]),
            from_light: (0..1 << BACK_LIGHT_BITS).map(from_light).collect(),
        }
    }

    pub(crate) fn rgb_to_lab(&self, rgb: [u8; 3]) -> [u8; 3] {
        let light = rgb.map(|value| self.light[usize::from(value)]);
        let [x, y, z] = self.to_xyz.map(|row| {
            let at = scaled(dot(row, light), MATRIX_BITS);
            self.roots[at.clamp(0, self.roots.len() as i32 - 1) as usize]
        });
        const L_SCALE: i32 = (116 * 255 + 50) / 100;
        const L_SHIFT: i32 = -((16 * 255 * (1 << ROOT_BITS) + 50) / 100);
        let middle = 128 << ROOT_BITS;
        [
            L_SCALE * y + L_SHIFT,
            500 * (x - y) + middle,
            200 * (y - z) + middle,
        ]
        .map(|value| scaled(value, ROOT_BITS).clamp(0, 255) as u8)
    }

    pub(crate) fn lab_to_rgb(&self, [l, a, b]: [u8; 3]) -> [u8; 3] {
        let (y, root) = self.y[usize::from(l)];
        let a = ((5 * i32::from(a) * 53687 + (1 << 7)) >> 13) - 128 * BACK / 500;
        let b = ((i32::from(b) * 41943 + (1 << 4)) >> 9) - 128 * BACK / 200 + 1;
        let cube = |root: i32| {
            let at = (root - ROOT_MIN).clamp(0, self.cubes.len() as i32 - 1);
            self.cubes[at as usize]
        };
        let xyz = [cube(root + a), y, cube(root - b)];
        self.from_xyz.map(|row| {
            let at = scaled(dot(row, xyz), MATRIX_BITS + BACK_BITS - BACK_LIGHT_BITS);
            self.from_light[at.clamp(0, self.from_light.len() as i32 - 1) as usize]
        })
    }
}

fn dot(row: [i32; 3], column: [i32; 3]) -> i32 {
    row[0] * column[0] + row[1] * column[1] + row[2] * column[2]
}

/// `value / 2^bits`, rounded.
fn scaled(value: i32, bits: u32) -> i32 {
    (value + (1 << (bits - 1))) >> bits
}

fn round(value: f64) -> i32 {
    value.round_ties_even() as i32
}
