//! `image_contrast_mapper` raises the contrast of flat images.

use image::RgbImage;
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::imaging::{Lab, equalize, fields, rewrite};
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ImageContrastMapper>(
    "image_contrast_mapper",
    "Raises the contrast of an image that has little.",
)
.details(concat!(
    "The lightness (L of CIE L*a*b*) is equalized by histograms of 16 x 16 tiles, cut at twice their mean \
     (CLAHE). An image whose values have a standard deviation of 99.5 or more, as the mean of its \
     three channels, stays as it is. Values are those of OpenCV, but for about one in 10,000, \
     which may differ by 2.\n\n",
    fields!()
))
.aliases(&["ImgContrast"])
.origin("DataMate")
.examples(&[Example {
    about: "an image of fewer pixels than tiles turns white, one with contrast stays",
    params: "{}",
    input: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAYGBgcHBwAAA=", "fileType": "bmp"}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA////AAA=", "fileType": "bmp"}"#],
    output: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAA////////AAA=", "fileType": "bmp"}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA////AAA=", "fileType": "bmp"}"#],
}]);

pub(crate) struct ImageContrastMapper {
    lab: Lab,
}

impl Configured for ImageContrastMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self { lab: Lab::new() })
    }
}

impl Mapper for ImageContrastMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        rewrite(sample, |image| self.equalized(image))
    }
}

impl ImageContrastMapper {
    fn equalized(&self, mut image: RgbImage) -> RgbImage {
        const WANTED: f64 = 100.0;
        const TILES: usize = 16;
        const CLIP_LIMIT: f64 = 2.0;
        if WANTED / (deviation(&image) + 0.5) <= 1.0 {
            return image;
        }
        for pixel in image.pixels_mut() {
            pixel.0 = self.lab.rgb_to_lab(pixel.0);
        }
        let mut lightness: Vec<u8> = image.pixels().map(|pixel| pixel.0[0]).collect();
        equalize(&mut lightness, image.width() as usize, TILES, CLIP_LIMIT);
        for (pixel, lightness) in image.pixels_mut().zip(lightness) {
            let [_, a, b] = pixel.0;
            pixel.0 = self.lab.lab_to_rgb([lightness, a, b]);
        }
        image
    }
}

/// The standard deviation of each channel, as the mean over channels.
fn deviation(image: &RgbImage) -> f64 {
    let n = f64::from(image.width()) * f64::from(image.height());
    let channel = |channel: usize| {
        let (mut sum, mut squares) = (0_u64, 0_u64);
        for pixel in image.pixels() {
            let value = u64::from(pixel.0[channel]);
            sum += value;
            squares += value * value;
        }
        let mean = sum as f64 / n;
        (squares as f64 / n - mean * mean).max(0.0).sqrt()
    };
    (0..3).map(channel).sum::<f64>() / 3.0
}
