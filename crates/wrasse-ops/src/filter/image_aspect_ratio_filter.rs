//! `image_aspect_ratio_filter` keeps samples by the width of their images over the height.

use wrasse_op::{
    Common, Configured, Example, Filter, Interval, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

use crate::imaging::{AnyOrAll, Images, Keys};

const STAT: &str = "aspect_ratios";

pub(crate) const SPEC: OpSpec = OpSpec::filter::<ImageAspectRatioFilter>(
    "image_aspect_ratio_filter",
    "Keeps samples whose images are neither too narrow nor too wide.",
    &[STAT],
)
.details(
    "The ratio is width / height, as the image is shown (a photo that was taken upright counts \
     as upright). A sample without images stays.\n\n\
     Only headers are read (PNG, JPEG, WebP, GIF, BMP, TIFF), so an image whose pixels are damaged is \
     measured where the original fails. Paths are taken from the folder in which Wrasse runs. \
     Bytes in `image_bytes`, as base64, go before paths.",
)
.decided_by(&["any_or_all"])
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
    /// The smallest ratio to keep.
    min_ratio: f64,
    /// The largest ratio to keep.
    max_ratio: f64,
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
            min_ratio: 0.333,
            max_ratio: 3.0,
            any_or_all: AnyOrAll::Any,
            image_key: "images".to_owned(),
            image_bytes_key: "image_bytes".to_owned(),
        }
    }
}

pub(crate) struct ImageAspectRatioFilter {
    range: Interval,
    any_or_all: AnyOrAll,
    keys: Keys,
    recompute: bool,
}

impl Configured for ImageAspectRatioFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            range: common.interval(Some(params.min_ratio), Some(params.max_ratio)),
            any_or_all: params.any_or_all,
            keys: Keys {
                images: params.image_key,
                bytes: params.image_bytes_key,
            },
            recompute: common.recompute_stats,
        })
    }
}

impl Filter for ImageAspectRatioFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        if !self.recompute && sample.stats().get(STAT).is_some() {
            return Ok(());
        }
        let shapes = Images::of(sample, &self.keys)?.shapes()?;
        let ratio = |(width, height)| Stat::Float(f64::from(width) / f64::from(height));
        let ratios = shapes.into_iter().map(ratio).collect();
        sample.stats_mut().set(STAT, Stat::List(ratios));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.any_or_all.keeps(self.range, stats, STAT)
    }
}
