//! `image_shape_filter` keeps samples by width and height of their images.

use wrasse_op::{
    Common, Configured, Example, Filter, Interval, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

use crate::imaging::{AnyOrAll, Images, Keys, numbers};
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
     Only headers are read (PNG, JPEG, WebP, GIF, BMP), so an image whose pixels are damaged is \
     measured where the original fails. Paths are taken from the folder in which Wrasse runs. \
     Bytes in `image_bytes`, as base64, go before paths.",
)
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
    any_or_all: AnyOrAll,
    keys: Keys,
    recompute: bool,
}

impl Configured for ImageShapeFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            width: range(common, params.min_width, params.max_width),
            height: range(common, params.min_height, params.max_height),
            any_or_all: params.any_or_all,
            keys: Keys {
                images: params.image_key,
                bytes: params.image_bytes_key,
            },
            recompute: common.recompute_stats,
        })
    }
}

impl Filter for ImageShapeFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        let known = |name: &&str| sample.stats().get(name).is_some();
        if !self.recompute && [WIDTH, HEIGHT].iter().all(known) {
            return Ok(());
        }
        let shapes = Images::of(sample, &self.keys)?.shapes()?;
        let list = |of: fn(&(u32, u32)) -> u32| {
            let values = shapes.iter().map(|shape| Stat::Int(i64::from(of(shape))));
            Stat::List(values.collect())
        };
        let stats = sample.stats_mut();
        stats.set(WIDTH, list(|shape| shape.0));
        stats.set(HEIGHT, list(|shape| shape.1));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let shapes = numbers(stats, WIDTH)
            .into_iter()
            .zip(numbers(stats, HEIGHT));
        self.any_or_all.decide(
            shapes.map(|(width, height)| self.width.keeps(width) && self.height.keeps(height)),
        )
    }
}
