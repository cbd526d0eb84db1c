//! [`Axis`]: from values to places, in equal steps or, where a few values are far
//! out, in steps that grow.

use super::sketch::Sketch;

/// The horizontal axis of a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// Where steps grow: they do beyond about this value.
    grows_from: Option<f64>,
    /// Bars.
    pub(super) n_bins: usize,
}

/// Bars of a chart at most: on a phone each is still some pixels wide.
const BINS: usize = 60;

/// If the end is this many times the middle, steps grow.
const GROWS_FROM: f64 = 8.0;

/// Ticks are at least this share of the width apart.
const TICKS_APART: f64 = 0.07;

impl Axis {
    /// An axis for nearly all of the values: a few far out would leave no room
    /// for the others.
    pub(super) fn of(sketch: &Sketch) -> Option<Self> {
        let (min, max) = sketch.range()?;
        let (low, high) = (sketch.quantile(0.002)?, sketch.quantile(0.998)?);
        let middle = sketch.quantile(0.5)?;
        // A few values more, and the ends are the true ones.
        let span = high - low;
        let low = if low - min <= span * 0.1 { min } else { low };
        let high = if max - high <= span * 0.1 { max } else { high };
        let grows = low >= 0.0 && middle > 0.0 && high > GROWS_FROM * middle;
        let grows_from = grows.then_some(middle / 10.0);
        if sketch.is_whole() && high - low < BINS as f64 {
            // A bar a number.
            return Some(Self {
                low: low - 0.5,
                high: high + 0.5,
                grows_from: None,
                n_bins: (high - low) as usize + 1,
            });
        }
        if low >= high {
            let room = low.abs().max(1.0) / 2.0;
            return Some(Self {
                low: low - room,
                high: low + room,
                grows_from: None,
                n_bins: 1,
            });
        }
        // The greatest value lies within, not on the edge.
        let high = high + (high - low) * 0.0001;
        Some(Self {
            low,
            high,
            grows_from,
            n_bins: BINS,
        })
    }

    /// From 0 at the left to 1 at the right; outside of it, beyond.
    pub(super) fn place(&self, value: f64) -> f64 {
        let (value, span) = (value - self.low, self.high - self.low);
        match self.grows_from {
            Some(from) if value > 0.0 => (value / from).ln_1p() / (span / from).ln_1p(),
            _ => value / span,
        }
    }

    /// The value at a place.
    pub(super) fn value(&self, place: f64) -> f64 {
        let span = self.high - self.low;
        self.low
            + match self.grows_from {
                Some(from) => ((span / from).ln_1p() * place).exp_m1() * from,
                None => span * place,
            }
    }

    /// The values between bars.
    pub(super) fn edges(&self) -> impl Iterator<Item = f64> {
        (0..=self.n_bins).map(|i| self.value(i as f64 / self.n_bins as f64))
    }

    /// Whether steps grow from left to right.
    pub(super) fn grows(&self) -> bool {
        self.grows_from.is_some()
    }

    /// Values to write below the axis: round ones.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let candidates: Vec<f64> = match self.grows_from {
            Some(from) => {
                let powers = from.log10().floor() as i32..=self.high.log10().ceil() as i32;
                let tick = |power| [1.0, 3.0].map(|digit: f64| digit * 10f64.powi(power));
                std::iter::once(0.0).chain(powers.flat_map(tick)).collect()
            }
            None => {
                let rough = (self.high - self.low) / 6.0;
                let power = 10f64.powf(rough.log10().floor());
                let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
                let step = steps.into_iter().find(|step| *step >= rough);
                let step = step.unwrap_or(rough);
                let first = (self.low / step).ceil();
                (0..=12).map(|i| (first + f64::from(i)) * step).collect()
            }
        };
        let mut ticks: Vec<f64> = Vec::new();
        for tick in candidates {
            let apart = |last: &f64| self.place(tick) - self.place(*last) >= TICKS_APART;
            if (self.low..=self.high).contains(&tick) && ticks.last().is_none_or(apart) {
                ticks.push(tick);
            }
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(values: impl Iterator<Item = f64>) -> Axis {
        let mut sketch = Sketch::default();
        values.for_each(|value| sketch.add(value));
        Axis::of(&sketch).unwrap()
    }

    #[test]
    fn places_and_values_are_each_others_opposites() {
        let equal = axis((0..1000).map(|i| f64::from(i) / 1000.0));
        let growing = axis((0..1000).map(|i| f64::from(i).powi(4)));
        assert!(!equal.grows() && growing.grows());
        for axis in [equal, growing] {
            for i in 0..=10 {
                let place = f64::from(i) / 10.0;
                assert!((axis.place(axis.value(place)) - place).abs() < 1e-9);
            }
            assert!((2..=14).contains(&axis.ticks().len()), "{:?}", axis.ticks());
        }
    }

    #[test]
    fn few_whole_numbers_get_a_bar_each() {
        let axis = axis([3.0, 4.0, 4.0, 9.0].into_iter());
        assert_eq!(axis.n_bins, 7);
        assert_eq!(axis.edges().next(), Some(2.5));
    }

    #[test]
    fn one_value_lies_in_the_middle() {
        assert_eq!(axis([0.0].into_iter()).place(0.0), 0.5);
        assert_eq!(axis([0.25; 9].into_iter()).place(0.25), 0.5);
    }
}
