//! `image_shape_filter` keeps samples by width and height of their images.

use wrasse_op::{
    Common, Configured, Example, Filter, Interval, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

use crate::imaging::{AnyOrAll, EachImage};
use crate::whole::{range, whole};

const WIDTH: &str = "image_width";
const HEIGHT: &str = "image_height";

pub(crate) const SPEC: OpSpec = OpSpec::filter::<ImageShapeFilter>(
    "image_shape_filter",
    "Keeps samples whose images are neither too small nor too large.",
    &[WIDTH, HEIGHT],
)
.details(
    "Width and height are pixels, as the image is shown (a photo that was taken upright counts \
     as upright). An image counts if both lie within their ranges; with `reversed_range`, if both \
     lie outside. A sample without images stays.\n\n\
     Only headers are read (PNG, JPEG, WebP, GIF, BMP, TIFF), so an image whose pixels are damaged is \
     measured where the original fails. Paths are taken from the folder in which Wrasse runs. \
     Bytes in `image_bytes`, as base64, go before paths.",
)
.decided_by(&["any_or_all"])
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "drops a sample whose image is one pixel high",
    params: r#"{"min_height": 2}"#,
    input: &[
        r#"{"images": [], "id": 1}"#,
        r#"{"images": ["a.gif"], "image_bytes": ["R0lGODlhAwABAIAAAAAAAP///yH5BAAAAAAALAAAAAADAAEAAAIChFEAOw=="], "id": 2}"#,
    ],
    output: &[r#"{"images": [], "id": 1}"#],
}]);

/// Parameters of `image_shape_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The smallest width to keep, in pixels; no limit if null.
    #[serde(deserialize_with = "whole")]
    min_width: Option<i64>,
    /// The largest width to keep, in pixels; no limit if null.
    #[serde(deserialize_with = "whole")]
    max_width: Option<i64>,
    /// The smallest height to keep, in pixels; no limit if null.
    #[serde(deserialize_with = "whole")]
    min_height: Option<i64>,
    /// The largest height to keep, in pixels; no limit if null.
    #[serde(deserialize_with = "whole")]
    max_height: Option<i64>,
    /// Whether `any` or `all` images of a sample must lie within the ranges.
    any_or_all: AnyOrAll,
    /// The field that lists paths of images.
    image_key: String,
    /// The field that lists the bytes of the same images, as base64.
    image_bytes_key: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_width: Some(1),
            max_width: None,
            min_height: Some(1),
            max_height: None,
            any_or_all: AnyOrAll::Any,
            image_key: "images".to_owned(),
            image_bytes_key: "image_bytes".to_owned(),
        }
    }
}

pub(crate) struct ImageShapeFilter {
    width: Interval,
    height: Interval,
    images: EachImage,
}

impl Configured for ImageShapeFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let keys = (params.image_key, params.image_bytes_key);
        let images = EachImage::new(params.any_or_all, keys, common);
        Ok(Self {
            width: range(common, params.min_width, params.max_width),
            height: range(common, params.min_height, params.max_height),
            images,
        })
    }
}

impl Filter for ImageShapeFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        self.images.measure(sample, [WIDTH, HEIGHT], |images| {
            let shapes = images.shapes()?.into_iter();
            let of_shape = |(width, height)| [width, height].map(|n| Stat::Int(i64::from(n)));
            Ok(shapes.map(of_shape).collect())
        })
    }

    fn keep(&self, stats: &Stats) -> bool {
        let ranges = [self.width, self.height];
        self.images.keeps(stats, [WIDTH, HEIGHT], ranges)
    }
}
