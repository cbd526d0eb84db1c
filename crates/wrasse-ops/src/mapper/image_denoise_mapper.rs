//! `image_denoise_mapper` takes single odd pixels out of noisy images.

use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::imaging::{Method, fields, median, resize, rewrite};

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ImageDenoiseMapper>(
    "image_denoise_mapper",
    "Takes single odd pixels out of a noisy image.",
)
.details(concat!(
    "Each value becomes the median of the 3 x 3 values around it, if the ratio of signal to noise is \
     below the threshold; noise is what the median takes away, both at 112 x 112 pixels.\n\n\
     The original squares in 8 bits, so that most of each square is lost, and calls images noisy \
     that are not, and the other way round. That is kept; `exact_snr` computes the ratio as it is \
     meant.\n\n",
    fields!()
))
.aliases(&["ImgDenoise"])
.origin("DataMate")
.examples(&[Example {
    about: "takes a white dot out of a surface",
    params: r#"{"denoise_threshold": 60}"#,
    input: &[r#"{"data": "Qk1aAAAAAAAAADYAAAAoAAAAAwAAAAMAAAABABgAAAAAACQAAAAAAAAAAAAAAAAAAAAAAAAAQEBAQEBAQEBAAAAAQEBA////QEBAAAAAQEBAQEBAQEBAAAAA", "fileType": "bmp"}"#],
    output: &[r#"{"data": "Qk1aAAAAAAAAADYAAAAoAAAAAwAAAAMAAAABABgAAAAAACQAAAAAAAAAAAAAAAAAAAAAAAAAQEBAQEBAQEBAAAAAQEBAQEBAQEBAAAAAQEBAQEBAQEBAAAAA", "fileType": "bmp"}"#],
}]);

/// Parameters of `image_denoise_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Images with a ratio of signal to noise below this are changed, in dB.
    denoise_threshold: f64,
    /// Compute the ratio without the overflow of the original.
    exact_snr: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            denoise_threshold: 8.0,
            exact_snr: false,
        }
    }
}

pub(crate) struct ImageDenoiseMapper {
    threshold: f64,
    is_exact: bool,
}

impl Configured for ImageDenoiseMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            threshold: params.denoise_threshold,
            is_exact: params.exact_snr,
        })
    }
}

impl Mapper for ImageDenoiseMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        const COMPARED: u32 = 112;
        rewrite(sample, |image| {
            let clean = median(&image);
            let small = |image| resize(image, COMPARED, COMPARED, Method::Linear);
            match self.ratio(&small(&image), &small(&clean)) < self.threshold {
                true => clean,
                false => image,
            }
        })
    }
}

impl ImageDenoiseMapper {
    /// Signal to noise, in dB; infinite or no number without noise.
    fn ratio(&self, image: &[u8], clean: &[u8]) -> f64 {
        let square = |value: u8| match self.is_exact {
            true => u64::from(value).pow(2),
            false => u64::from(value.wrapping_mul(value)),
        };
        let difference = |(a, b): (&u8, &u8)| match self.is_exact {
            true => a.abs_diff(*b),
            false => a.wrapping_sub(*b),
        };
        let signal: u64 = image.iter().map(|value| square(*value)).sum();
        let pairs = image.iter().zip(clean);
        let noise: u64 = pairs.map(difference).map(square).sum();
        10.0 * (signal as f64 / noise as f64).log10()
    }
}
