//! What filters of images do alike: they measure each image of a sample, and
//! then one of them or all must lie within a range.

use serde::Deserialize;
use wrasse_op::{Common, Interval, OpError, Sample, Stat, Stats};

use super::listed::{Images, Keys};

/// Which images of a sample must lie within the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AnyOrAll {
    /// One of them is enough.
    #[default]
    Any,
    /// Every one.
    All,
}

impl AnyOrAll {
    /// Whether a sample stays whose stats `names` have a value for each image (or other
    /// file): those of one must lie within their ranges. A sample without any stays.
    pub(crate) fn keeps<const N: usize>(
        self,
        stats: &Stats,
        names: [&str; N],
        ranges: [Interval; N],
    ) -> bool {
        let lists = names.map(|name| numbers(stats, name));
        let n = lists.iter().map(Vec::len).min().unwrap_or(0);
        let keeps = |i: usize| {
            let mut each = lists.iter().zip(&ranges);
            each.all(|(values, range)| range.keeps(values[i]))
        };
        n == 0
            || match self {
                Self::Any => (0..n).any(keeps),
                Self::All => (0..n).all(keeps),
            }
    }
}

/// The images of samples, each measured.
pub(crate) struct EachImage {
    keys: Keys,
    any_or_all: AnyOrAll,
    recompute: bool,
}

impl EachImage {
    /// Images are listed by `images` (paths) and `bytes`.
    pub(crate) fn new(
        any_or_all: AnyOrAll,
        (images, bytes): (String, String),
        common: &Common,
    ) -> Self {
        Self {
            keys: Keys { images, bytes },
            any_or_all,
            recompute: common.recompute_stats,
        }
    }

    /// Sets the stats `names` to lists of what `values` finds of each image, unless
    /// they are there.
    pub(crate) fn measure<const N: usize>(
        &self,
        sample: &mut Sample,
        names: [&'static str; N],
        values: impl FnOnce(&Images) -> Result<Vec<[Stat; N]>, OpError>,
    ) -> Result<(), OpError> {
        let is_known = |name: &&str| sample.stats().get(name).is_some();
        if !self.recompute && names.iter().all(is_known) {
            return Ok(());
        }
        let values = values(&Images::of(sample, &self.keys)?)?;
        for (i, name) in names.into_iter().enumerate() {
            let list = values.iter().map(|of_image| of_image[i].clone()).collect();
            sample.stats_mut().set(name, Stat::List(list));
        }
        Ok(())
    }

    /// Whether a sample stays: the values of the stats `names` of an image must lie
    /// within their ranges.
    pub(crate) fn keeps<const N: usize>(
        &self,
        stats: &Stats,
        names: [&str; N],
        ranges: [Interval; N],
    ) -> bool {
        self.any_or_all.keeps(stats, names, ranges)
    }
}

/// The values of a stat that has one for each image.
fn numbers(stats: &Stats, name: &str) -> Vec<f64> {
    match stats.get(name) {
        Some(Stat::List(list)) => list.iter().filter_map(Stat::as_f64).collect(),
        _ => Vec::new(),
    }
}
