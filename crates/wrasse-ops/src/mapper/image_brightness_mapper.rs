//! `image_brightness_mapper` makes dark images brighter.

use image::RgbImage;
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::imaging::{fields, gray, mean, rewrite};
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ImageBrightnessMapper>(
    "image_brightness_mapper",
    "Makes a dark image brighter, by as much as it is dark.",
)
.details(concat!(
    "An image whose mean gray is at most 35% of white gets a gamma of 1.5. A brighter one is multiplied \
     by 140 / (mean gray + 1), at least 1.1, unless that is 1 or less: then it stays as it is.\n\n",
    fields!()
))
.aliases(&["ImgBrightness"])
.origin("DataMate")
.examples(&[Example {
    about: "brightens a dark image by its gamma, and leaves a bright one",
    params: "{}",
    input: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAMCAQQEBAAAA=", "fileType": "bmp"}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAwMDAoKCgAAA=", "fileType": "bmp"}"#],
    output: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAUz8oZWVlAAA=", "fileType": "bmp"}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAwMDAoKCgAAA=", "fileType": "bmp"}"#],
}]);

pub(crate) struct ImageBrightnessMapper {
    gamma: [u8; 256],
}

impl Configured for ImageBrightnessMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            gamma: std::array::from_fn(brightened),
        })
    }
}

impl Mapper for ImageBrightnessMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        rewrite(sample, |image| self.brighter(image))
    }
}

impl ImageBrightnessMapper {
    fn brighter(&self, mut image: RgbImage) -> RgbImage {
        const DARK: f64 = 0.35;
        const WANTED_MEAN: f64 = 140.0;
        const LEAST_FACTOR: f64 = 1.1;
        let mean = mean(&gray(&image));
        if mean / 255.0 <= DARK {
            for value in image.iter_mut() {
                *value = self.gamma[usize::from(*value)];
            }
            return image;
        }
        let factor = WANTED_MEAN / (mean + 1.0);
        if factor > 1.0 {
            let factor = factor.max(LEAST_FACTOR);
            for value in image.iter_mut() {
                *value = (f64::from(*value) * factor).min(255.0) as u8;
            }
        }
        image
    }
}

/// `255 * (value / 255)^(2/3)`, rounded down: the largest number whose cube is
/// at most `255 * value^2`.
fn brightened(value: usize) -> u8 {
    let cube = 255 * value * value;
    (0..=u8::MAX)
        .rev()
        .find(|root| usize::from(*root).pow(3) <= cube)
        .unwrap_or(0)
}
