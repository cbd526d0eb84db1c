//! `image_sharpness_mapper` sharpens soft images.

use image::RgbImage;
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::imaging::{blend, fields, gray, laplacian, rewrite, smooth};
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ImageSharpnessMapper>(
    "image_sharpness_mapper",
    "Sharpens a soft image, by as much as it is soft.",
)
.details(concat!(
    "Values are moved away from those of a slightly blurred copy by the factor 100 / (sharpness + 1). The \
     sharpness is the mean over all pixels of the Laplacian of gray, in which, as in the original, \
     what is negative counts as 0: only the dark side of an edge is seen. An image stays as it is \
     if the factor is 1 or less.\n\n",
    fields!()
))
.aliases(&["ImgSharpness"])
.origin("DataMate")
.examples(&[Example {
    about: "makes an edge steeper",
    params: "{}",
    input: &[r#"{"data": "Qk1CAAAAAAAAADYAAAAoAAAABAAAAAEAAAABABgAAAAAAAwAAAAAAAAAAAAAAAAAAAAAAAAAYGBgYGBgaGhwaGhw", "fileType": "bmp"}"#],
    output: &[r#"{"data": "Qk1CAAAAAAAAADYAAAAoAAAABAAAAAEAAAABABgAAAAAAAwAAAAAAAAAAAAAAAAAAAAAAAAAYGBgKSkAn5/eaGhw", "fileType": "bmp"}"#],
}]);

pub(crate) struct ImageSharpnessMapper;

impl Configured for ImageSharpnessMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl Mapper for ImageSharpnessMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        rewrite(sample, sharpened)
    }
}

fn sharpened(mut image: RgbImage) -> RgbImage {
    const WANTED: f64 = 100.0;
    let (mut sum, mut n) = (0_u64, 0_u64);
    laplacian(&gray(&image), |value| {
        sum += value.clamp(0, 255) as u64;
        n += 1;
    });
    let factor = WANTED / (sum as f64 / n as f64 + 1.0);
    if factor > 1.0 {
        let soft = smooth(&image);
        blend(&mut image, soft.iter().copied(), factor);
    }
    image
}
