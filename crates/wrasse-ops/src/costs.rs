//! What operators cost: figures of `cargo xtask bench ops --record`, which
//! writes them to `costs.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What operators cost, and where that was measured.
#[derive(Debug, Deserialize)]
pub struct Costs {
    /// The day, as `2026-11-21`.
    pub date: String,
    /// The processor.
    pub machine: String,
    /// The texts.
    pub corpus: String,
    /// By the operator's name. Operators that do not work on texts are not in
    /// it.
    pub operators: BTreeMap<String, Cost>,
}

/// What one operator costs, with its defaults or parameters that are usual.
#[derive(Debug, Deserialize)]
pub struct Cost {
    /// Megabytes of text that it takes in a second of processor time, on one
    /// thread, decoded before and with nothing that other operators derived.
    pub mb_per_cpu_s: f64,
    /// The same of the operator that it is modeled on, if that was at hand.
    pub original_mb_per_cpu_s: Option<f64>,
}

/// The figures of this version's operators.
pub fn costs() -> &'static Costs {
    static COSTS: LazyLock<Costs> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../costs.json")).expect("a test reads it")
    });
    &COSTS
}

impl Costs {
    /// The cost of an operator in words, if it was measured.
    pub fn told(&self, name: &str) -> Option<String> {
        let cost = self.operators.get(name)?;
        let original = cost
            .original_mb_per_cpu_s
            .map_or_else(String::new, |mb| format!("; the original {}", rounded(mb)));
        Some(format!(
            "{} MB of text per CPU-second{original} ({}, {})",
            rounded(cost.mb_per_cpu_s),
            self.machine,
            self.date
        ))
    }
}

/// A figure to two digits: more of it is noise.
pub fn rounded(figure: f64) -> String {
    match figure {
        f if f >= 10.0 => {
            let unit = 10_f64.powf(f.log10().floor() - 1.0);
            format!("{:.0}", (f / unit).round() * unit)
        }
        f if f >= 1.0 => format!("{f:.1}"),
        f => format!("{f:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cost_is_that_of_an_operator() {
        let catalog = crate::catalog();
        assert!(costs().operators.len() > 60);
        for (name, cost) in &costs().operators {
            assert!(
                catalog.find(name).is_some_and(|spec| spec.name == name),
                "{name}"
            );
            assert!(cost.mb_per_cpu_s > 0.0, "{name}");
        }
    }

    #[test]
    fn figures_have_two_digits() {
        let figures = [12_047.0, 1_250.0, 152.4, 99.6, 9.96, 1.04, 0.123];
        let told = figures.map(rounded);
        assert_eq!(told, ["12000", "1300", "150", "100", "10.0", "1.0", "0.12"]);
    }
}
