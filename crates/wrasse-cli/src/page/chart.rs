//! Charts as inline SVG: a histogram with the keep rates below it, and shares.

use std::fmt::Write as _;

use super::axis::Axis;
use super::cuts::Cut;
use super::sketch::Sketch;
use super::{escape, number, percent};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
/// Room above the bars for the bounds' names.
const TOP: f64 = 22.0;
const BARS: f64 = 150.0;
const GAP: f64 = 40.0;
const RATES: f64 = 110.0;
const BOTTOM: f64 = 26.0;

/// A histogram of `sketch`, below it what a minimum or a maximum at each value
/// would keep, and the bounds across both. `keeps` tells whether a value is
/// kept.
pub(crate) fn distribution(
    title: &str,
    sketch: &Sketch,
    cuts: &[Cut],
    keeps: impl Fn(f64) -> bool,
) -> String {
    let Some(axis) = Axis::of(sketch) else {
        return String::new();
    };
    let x = |value: f64| LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT);
    let height = TOP + BARS + GAP + RATES + BOTTOM;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n",
        escape(title)
    );
    bars(&mut svg, &axis, sketch, &keeps);
    rates(&mut svg, &axis, sketch);
    for base in [TOP + BARS, TOP + BARS + GAP + RATES] {
        let _ = writeln!(
            svg,
            "<path class=\"axis\" d=\"M{LEFT} {base}H{}\"/>",
            WIDTH - RIGHT
        );
        for tick in axis.ticks() {
            let _ = writeln!(
                svg,
                "<text class=\"dim\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{}\">{}</text>",
                x(tick),
                base + 15.0,
                number(tick)
            );
        }
    }
    for cut in cuts {
        if !(0.0..=1.0).contains(&axis.place(cut.value)) {
            continue;
        }
        let at = x(cut.value);
        let anchor = if at > WIDTH / 2.0 { "end" } else { "start" };
        let bottom = TOP + BARS + GAP + RATES;
        let _ = writeln!(
            svg,
            "<path class=\"bound\" d=\"M{at:.1} {TOP}V{bottom}\"/>\
             <text class=\"bound\" text-anchor=\"{anchor}\" x=\"{at:.1}\" y=\"14\">keeps {}</text>",
            escape(&cut.words())
        );
    }
    svg.push_str("</svg>\n");
    let outside = sketch.n() - within(&axis, sketch).iter().sum::<u64>();
    let scale = match axis.grows() {
        true => "; steps grow to the right",
        false => "",
    };
    let outside = match outside {
        0 => String::new(),
        n => format!("; {n} samples lie outside of the chart"),
    };
    format!(
        "<figure>\n{svg}<figcaption>Above: samples by value, dropped ones as outlines{scale}{outside}. \
         Below: the share that would be kept with a minimum here (solid) or a maximum here \
         (dashed).</figcaption>\n</figure>\n"
    )
}

/// How many values fall into each bar.
fn within(axis: &Axis, sketch: &Sketch) -> Vec<u64> {
    let mut bins = vec![0; axis.n_bins];
    for (value, n) in sketch.values() {
        let place = axis.place(value) * axis.n_bins as f64;
        if place >= 0.0
            && let Some(bin) = bins.get_mut(place as usize)
        {
            *bin += n;
        }
    }
    bins
}

fn bars(svg: &mut String, axis: &Axis, sketch: &Sketch, keeps: &impl Fn(f64) -> bool) {
    let bins = within(axis, sketch);
    let most = bins.iter().copied().max().unwrap_or(1).max(1);
    let edges: Vec<f64> = axis.edges().collect();
    let width = (WIDTH - LEFT - RIGHT) / axis.n_bins as f64;
    for (i, n) in bins.iter().enumerate().filter(|(_, n)| **n > 0) {
        let (low, high) = (edges[i], edges[i + 1]);
        let kept = keeps(axis.value((i as f64 + 0.5) / axis.n_bins as f64));
        // Few samples among many can be seen.
        let tall = (*n as f64 / most as f64 * BARS).max(1.5);
        let _ = writeln!(
            svg,
            "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\">\
             <title>{} to {}: {n} ({})</title></rect>",
            if kept { "kept" } else { "dropped" },
            LEFT + i as f64 * width + 0.5,
            TOP + BARS - tall,
            (width - 1.0).max(0.5),
            number(low),
            number(high),
            if kept { "kept" } else { "dropped" },
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"dim\" text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text>",
        LEFT - 6.0,
        TOP + 10.0,
        number(most as f64)
    );
}

fn rates(svg: &mut String, axis: &Axis, sketch: &Sketch) {
    let top = TOP + BARS + GAP;
    let y = |share: f64| top + (1.0 - share) * RATES;
    for (share, label) in [(1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")] {
        let _ = writeln!(
            svg,
            "<path class=\"axis\" d=\"M{LEFT} {0:.1}H{1}\"/>\
             <text class=\"dim\" text-anchor=\"end\" x=\"{2}\" y=\"{3:.1}\">{label}</text>",
            y(share),
            WIDTH - RIGHT,
            LEFT - 6.0,
            y(share) + 4.0
        );
    }
    let mut values = sketch.values().peekable();
    let mut below = 0;
    let points = 2 * axis.n_bins.max(30);
    let (mut least, mut most) = (String::new(), String::new());
    for i in 0..=points {
        let place = i as f64 / points as f64;
        let bound = axis.value(place);
        while let Some((_, n)) = values.next_if(|(value, _)| *value < bound) {
            below += n;
        }
        let share = below as f64 / sketch.n().max(1) as f64;
        let x = LEFT + place * (WIDTH - LEFT - RIGHT);
        let step = if i == 0 { 'M' } else { 'L' };
        let _ = write!(least, "{step}{x:.1} {:.1}", y(1.0 - share));
        let _ = write!(most, "{step}{x:.1} {:.1}", y(share));
    }
    let _ = writeln!(
        svg,
        "<path class=\"least\" d=\"{least}\"><title>kept with a minimum here</title></path>\n\
         <path class=\"most\" d=\"{most}\"><title>kept with a maximum here</title></path>"
    );
}

/// Named counts as bars from the left, each with its share.
pub(crate) fn shares(title: &str, of: u64, rows: &[(String, u64, bool)]) -> String {
    const ROW: f64 = 22.0;
    const NAMES: f64 = 250.0;
    const VALUES: f64 = 130.0;
    let height = rows.len() as f64 * ROW + 4.0;
    let mut svg = format!(
        "<figure><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n",
        escape(title)
    );
    for (i, (name, n, kept)) in rows.iter().enumerate() {
        let y = i as f64 * ROW;
        let width = *n as f64 / of.max(1) as f64 * (WIDTH - NAMES - VALUES);
        let _ = writeln!(
            svg,
            "<text text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>\
             <rect class=\"{}\" x=\"{NAMES}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{}\"/>\
             <text class=\"dim\" x=\"{:.1}\" y=\"{:.1}\">{} ({})</text>",
            NAMES - 8.0,
            y + 15.0,
            escape(name),
            if *kept { "kept" } else { "dropped" },
            y + 4.0,
            ROW - 8.0,
            NAMES + width + 6.0,
            y + 15.0,
            crate::table::count(*n),
            percent(*n, of),
        );
    }
    svg.push_str("</svg></figure>\n");
    svg
}
