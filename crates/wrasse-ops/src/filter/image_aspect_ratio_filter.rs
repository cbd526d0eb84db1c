//! `image_aspect_ratio_filter` keeps samples by the width of their images over the height.

use wrasse_op::{
    Common, Configured, Example, Filter, Interval, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

use crate::imaging::{AnyOrAll, EachImage};

const STAT: &str = "aspect_ratios";

pub(crate) const SPEC: OpSpec = OpSpec::filter::<ImageAspectRatioFilter>(
    "image_aspect_ratio_filter",
    "Keeps samples whose images are neither too narrow nor too wide.",
    &[STAT],
)
.details(
    "The ratio is width / height, as the image is shown (a photo that was taken upright counts \
     as upright). A sample without images stays.\n\n\
     Only headers are read (PNG, JPEG, WebP, GIF, BMP), so an image whose pixels are damaged is \
     measured where the original fails. Paths are taken from the folder in which Wrasse runs. \
     Bytes in `image_bytes`, as base64, go before paths.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "drops a sample whose only image is a line of pixels",
    params: r#"{"max_ratio": 2}"#,
    input: &[
        r#"{"images": [], "id": 1}"#,
        r#"{"images": ["a.gif"], "image_bytes": ["R0lGODlhAwABAIAAAAAAAP///yH5BAAAAAAALAAAAAADAAEAAAIChFEAOw=="], "id": 2}"#,
    ],
    output: &[r#"{"images": [], "id": 1}"#],
}]);

/// Parameters of `image_aspect_ratio_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The smallest ratio to keep; no limit if null.
    min_ratio: Option<f64>,
    /// The largest ratio to keep; no limit if null.
    max_ratio: Option<f64>,
    /// Whether `any` or `all` images of a sample must lie within the range.
    any_or_all: AnyOrAll,
    /// The field that lists paths of images.
    image_key: String,
    /// The field that lists the bytes of the same images, as base64.
    image_bytes_key: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_ratio: Some(0.333),
            max_ratio: Some(3.0),
            any_or_all: AnyOrAll::Any,
            image_key: "images".to_owned(),
            image_bytes_key: "image_bytes".to_owned(),
        }
    }
}

pub(crate) struct ImageAspectRatioFilter {
    range: Interval,
    images: EachImage,
}

impl Configured for ImageAspectRatioFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let keys = (params.image_key, params.image_bytes_key);
        let images = EachImage::new(params.any_or_all, keys, common);
        Ok(Self {
            range: common.interval(params.min_ratio, params.max_ratio),
            images,
        })
    }
}

impl Filter for ImageAspectRatioFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        self.images.measure(sample, [STAT], |images| {
            let ratio = |(width, height)| [Stat::Float(f64::from(width) / f64::from(height))];
            Ok(images.shapes()?.into_iter().map(ratio).collect())
        })
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.images.keeps(stats, [STAT], [self.range])
    }
}
