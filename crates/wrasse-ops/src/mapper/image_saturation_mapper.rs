//! `image_saturation_mapper` makes pale images more colorful.

use image::RgbImage;
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::imaging::{blend, fields, gray, mean, rewrite};
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ImageSaturationMapper>(
    "image_saturation_mapper",
    "Makes a pale image more colorful, by as much as it is pale.",
)
.details(concat!(
    "Colors are moved away from their gray by the factor 130 / (mean saturation + 1), at least 1.1, or \
     at most 1.5 where the mean of red is 140 or more. Saturation is that of HSV, 0 to 255. An \
     image stays as it is if the factor is 1 or less, or if more than a tenth of its pixels are \
     gray.\n\n",
    fields!()
))
.aliases(&["ImgSaturation"])
.origin("DataMate")
.examples(&[Example {
    about: "deepens a pale color, and leaves grays",
    params: "{}",
    input: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAcGCAYHCAAAA=", "fileType": "bmp"}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAgICAcHBwAAA=", "fileType": "bmp"}"#],
    output: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAdVWVTW2NAAA=", "fileType": "bmp"}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAgICAcHBwAAA=", "fileType": "bmp"}"#],
}]);

pub(crate) struct ImageSaturationMapper;

impl Configured for ImageSaturationMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl Mapper for ImageSaturationMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        rewrite(sample, deepened)
    }
}

fn deepened(mut image: RgbImage) -> RgbImage {
    const GRAY_SHARE_MAX: f64 = 0.1;
    const WANTED_MEAN: f64 = 130.0;
    const LEAST_FACTOR: f64 = 1.1;
    const RED: f64 = 140.0;
    const RED_FACTOR_MAX: f64 = 1.5;
    let saturations: Vec<u8> = image.pixels().map(|pixel| saturation(pixel.0)).collect();
    let n_gray = saturations.iter().filter(|value| **value == 0).count();
    if n_gray as f64 / saturations.len() as f64 > GRAY_SHARE_MAX {
        return image;
    }
    let factor = WANTED_MEAN / (mean(&saturations) + 1.0);
    if factor <= 1.0 {
        return image;
    }
    let reds: Vec<u8> = image.pixels().map(|pixel| pixel.0[0]).collect();
    let factor = match mean(&reds) >= RED {
        true => factor.min(RED_FACTOR_MAX),
        false => factor.max(LEAST_FACTOR),
    };
    let grays = gray(&image);
    let grays = grays.iter().flat_map(|value| [*value; 3]);
    blend(&mut image, grays, factor);
    image
}

/// The saturation of a color, in OpenCV's whole numbers.
fn saturation(rgb: [u8; 3]) -> u8 {
    const BITS: u32 = 12;
    let most = u32::from(rgb[0].max(rgb[1]).max(rgb[2]));
    let least = u32::from(rgb[0].min(rgb[1]).min(rgb[2]));
    if most == 0 {
        return 0;
    }
    let inverse = (f64::from(255 << BITS) / f64::from(most)).round_ties_even() as u32;
    (((most - least) * inverse + (1 << (BITS - 1))) >> BITS) as u8
}
