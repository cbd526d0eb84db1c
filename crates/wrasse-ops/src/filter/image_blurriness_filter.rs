//! `image_blurriness_filter` drops blurred images.

use wrasse_op::{Common, Configured, Example, Filter, OpError, OpSpec, ParamError, Sample, Stats};

use crate::imaging::{Method, fields, gray, laplacian_variance, load, resize};

const STAT: &str = "laplacian_variance";

pub(crate) const SPEC: OpSpec = OpSpec::filter::<ImageBlurrinessFilter>(
    "image_blurriness_filter",
    "Keeps samples whose image is sharp.",
    &[STAT],
)
.details(concat!(
    "Measured is the variance of the Laplacian of gray, at 112 x 112 pixels: the less, the more \
     blurred. An image whose value is the threshold itself is dropped. The original drops an image \
     by emptying `data`.\n\n",
    fields!()
))
.aliases(&["ImgBlurredImagesCleaner"])
.decided_by(&["blurredThreshold"])
.origin("DataMate")
.examples(&[Example {
    about: "keeps an edge and drops a surface",
    params: r#"{"blurredThreshold": 0.5}"#,
    input: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA////AAA=", "fileType": "bmp"}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAgICAgYGBAAA=", "fileType": "bmp"}"#],
    output: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAA////AAA=", "fileType": "bmp"}"#],
}]);

/// Parameters of `image_blurriness_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(non_snake_case, reason = "DataMate's names")]
pub(crate) struct Params {
    /// Images with a variance above this are kept.
    blurredThreshold: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            blurredThreshold: 1000.0,
        }
    }
}

pub(crate) struct ImageBlurrinessFilter {
    threshold: f64,
    recompute: bool,
}

impl Configured for ImageBlurrinessFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            threshold: params.blurredThreshold,
            recompute: common.recompute_stats,
        })
    }
}

impl Filter for ImageBlurrinessFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        const COMPARED: u32 = 112;
        if !self.recompute && sample.stats().get(STAT).is_some() {
            return Ok(());
        }
        let image = load(sample)?;
        let small = resize(&image, COMPARED, COMPARED, Method::Linear);
        let variance = laplacian_variance(&gray(&small));
        sample.stats_mut().set(STAT, variance);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        stats
            .number(STAT)
            .is_some_and(|variance| variance > self.threshold)
    }
}
