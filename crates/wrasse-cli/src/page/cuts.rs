//! Where a filter changes its mind: found by asking its own `keep`, so that it
//! holds for any filter, whatever its parameters are called.

use wrasse_core::{Stat, Stats};
use wrasse_op::Operator;

use super::sketch::{Sketch, key_of, value_of};

/// A value at which a filter changes its mind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    /// The bound.
    pub(crate) value: f64,
    /// Whether what is above is kept, or what is below.
    pub(crate) keeps_above: bool,
    /// Whether the bound itself is kept.
    pub(crate) is_kept: bool,
}

impl Cut {
    /// `≥ 5`, `< 0.3`: what is kept.
    pub(crate) fn words(&self) -> String {
        let sign = match (self.keeps_above, self.is_kept) {
            (true, true) => "≥",
            (true, false) => ">",
            (false, true) => "≤",
            (false, false) => "<",
        };
        format!("{sign} {}", super::number(self.value))
    }
}

/// Points of the distribution at which the filter is asked.
const PROBES: u32 = 200;

/// The cuts of `filter` along `stat`, its other values being those of `base`,
/// of a sample that it keeps.
pub(crate) fn cuts(filter: &Operator, stat: &str, base: &Stats, sketch: &Sketch) -> Vec<Cut> {
    let keeps = |key: i64| {
        let mut stats = base.clone();
        stats.set(stat.to_owned(), Stat::Float(value_of(key)));
        filter.keep(&stats) == Some(true)
    };
    let mut probes: Vec<i64> = (0..=PROBES)
        .filter_map(|i| sketch.quantile(f64::from(i) / f64::from(PROBES)))
        .chain((-9..=15).flat_map(|power| [10f64.powi(power), -10f64.powi(power)]))
        .chain([0.0, f64::MIN, f64::MAX])
        .map(key_of)
        .collect();
    probes.sort_unstable();
    probes.dedup();
    let mut cuts = Vec::new();
    for pair in probes.windows(2) {
        let (mut low, mut high) = (pair[0], pair[1]);
        let keeps_low = keeps(low);
        if keeps_low == keeps(high) {
            continue;
        }
        // Down to two numbers without another one between them.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match keeps(middle) == keeps_low {
                true => low = middle,
                false => high = middle,
            }
        }
        let (low, high) = (value_of(low), value_of(high));
        // The one that a person would have written.
        let is_low = low.to_string().len() <= high.to_string().len();
        cuts.push(Cut {
            value: if is_low { low } else { high },
            keeps_above: !keeps_low,
            is_kept: keeps_low == is_low,
        });
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wrasse_op::Common;

    fn words(name: &str, params: serde_json::Value, value: f64) -> Vec<String> {
        let catalog = wrasse_ops::catalog();
        let spec = catalog.find(name).unwrap();
        let filter = spec.build(&params, &Common::default()).unwrap();
        let mut sketch = Sketch::default();
        (0..50).for_each(|i| sketch.add(f64::from(i) * value));
        let base = Stats::default();
        cuts(&filter, spec.stats[0], &base, &sketch)
            .iter()
            .map(Cut::words)
            .collect()
    }

    #[test]
    fn cuts_are_the_bounds_that_the_recipe_says() {
        let len = |params| words("text_length_filter", params, 3.0);
        assert_eq!(len(json!({"min_len": 5, "max_len": 777})), ["≥ 5", "≤ 777"]);
        assert_eq!(
            len(json!({"min_len": 5, "max_len": 9, "min_closed_interval": false})),
            ["> 5", "≤ 9"]
        );
        assert_eq!(
            len(json!({"min_len": 5, "max_len": 9, "reversed_range": true})),
            ["≤ 5", "≥ 9"]
        );
        assert_eq!(
            words(
                "alphanumeric_filter",
                json!({"min_ratio": 0.25, "max_ratio": 0.7}),
                0.01
            ),
            ["≥ 0.25", "≤ 0.7"]
        );
    }
}
