//! The page of an analysis: for each stat how it is distributed, what a bound
//! would keep, and samples on both sides of the recipe's own bounds.
//!
//! The stats are read twice: for the distributions, which tell where the bounds
//! are, and for the samples beside them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wrasse_core::{Stat, Stats};
use wrasse_run::stats_columns as columns;

use super::cuts::{Cut, cuts};
use super::sketch::{Sketch, key_of};
use super::{chart, escape, html_table, number, percent};
use crate::failure::Failure;
use crate::stats_table::{StatsRow, StatsTable};
use crate::table::count;
use crate::tune::{Decided, Decider, Fate, Filter};

/// Samples on each side of a bound.
const EXAMPLES: usize = 3;
/// Different labels that are counted; what has more is no label.
const LABELS_MAX: usize = 10_000;
/// Labels that are shown.
const LABELS_SHOWN: usize = 15;

/// What an analysis found.
pub(crate) struct Found<'a> {
    /// The recipe's file.
    pub(crate) recipe: &'a str,
    pub(crate) table: &'a StatsTable,
    pub(crate) decider: &'a Decider<'a>,
    /// Steps that were left out: number, name, reason.
    pub(crate) left_out: &'a [(u32, String, String)],
    pub(crate) unreadable: u64,
    pub(crate) threads: usize,
}

/// The origin of a sample, by which they are in order.
type Place = (String, u64, u64);

/// What was seen of one stat.
#[derive(Clone, Default)]
struct Seen {
    numbers: Sketch,
    labels: BTreeMap<String, u64>,
    too_many_labels: bool,
}

/// What the first reading gathers.
#[derive(Default)]
struct First {
    decided: Decided,
    /// By filter, then by stat.
    seen: Vec<Vec<Seen>>,
    /// The same of the samples that it keeps, if another program runs it: what else
    /// it would keep only that program knows.
    seen_kept: Vec<Vec<Seen>>,
    /// By filter the values of a sample that it keeps: the first by place.
    kept: Vec<Option<(Place, Stats)>>,
}

/// A sample beside a bound.
#[derive(Clone, PartialEq, PartialOrd)]
struct Example {
    distance: f64,
    place: Place,
    value: f64,
    excerpt: String,
}

/// A bound with the samples beside it.
#[derive(Clone)]
struct Beside {
    cut: Cut,
    kept: Vec<Example>,
    dropped: Vec<Example>,
}

/// The page.
pub(crate) fn render(found: &Found<'_>) -> Result<String, Failure> {
    let first = found.first()?;
    let bounds = found.bounds(&first);
    let beside = found.second(&bounds)?;
    let mut body = found.overview(&first.decided);
    for (i, filter) in found.decider.filters.iter().enumerate() {
        let by = &first.decided.filters[i];
        let _ = write!(
            body,
            "<h2 id=\"step-{0}\">Step {0}: <code>{1}</code></h2>\n\
             <p>{2} samples come, {3} are dropped ({4}). Were it the only filter, it would drop {5}.</p>\n",
            filter.step,
            escape(filter.operator.name()),
            count(by.rows_in),
            count(by.dropped),
            percent(by.dropped, by.rows_in),
            count(by.dropped_alone),
        );
        for (j, (name, _)) in filter.stats.iter().enumerate() {
            let base = first.kept[i].as_ref().map(|(_, stats)| stats);
            found.stat(
                &mut body,
                filter,
                name,
                (&first.seen[i][j], &first.seen_kept[i][j]),
                base,
                &beside[i][j],
            );
        }
        if filter.stats.is_empty() {
            body.push_str("<p>No sample came so far: nothing was measured.</p>\n");
        }
    }
    Ok(super::page(
        &format!("What {} measures", found.recipe),
        &body,
    ))
}

impl Found<'_> {
    fn first(&self) -> Result<First, Failure> {
        let filters = &self.decider.filters;
        let nothing_seen = || -> Vec<Vec<Seen>> {
            let of = |filter: &Filter<'_>| vec![Seen::default(); filter.stats.len()];
            filters.iter().map(of).collect()
        };
        let new = || First {
            decided: Decided::new(filters.len()),
            seen: nothing_seen(),
            seen_kept: nothing_seen(),
            kept: vec![None; filters.len()],
        };
        let each = |first: &mut First, row: &StatsRow<'_>| {
            if self.decider.decide(row, &mut first.decided) == Fate::NotThere {
                return;
            }
            for i in self.decider.measured(row) {
                let stats = filters[i].values(row);
                for (seen, (name, _)) in first.seen[i].iter_mut().zip(&filters[i].stats) {
                    if let Some(stat) = stats.get(name) {
                        seen.add(stat);
                    }
                }
                if filters[i].operator.keep(&stats) == Some(true) {
                    if filters[i].operator.runs_outside().is_some() {
                        let seen = first.seen_kept[i].iter_mut().zip(&filters[i].stats);
                        for (seen, (name, _)) in seen {
                            stats.get(name).into_iter().for_each(|stat| seen.add(stat));
                        }
                    }
                    let place = self.place(row);
                    if first.kept[i]
                        .as_ref()
                        .is_none_or(|(first, _)| place < *first)
                    {
                        first.kept[i] = Some((place, stats));
                    }
                }
            }
        };
        let merge = |all: &mut First, other: First| {
            all.decided.add(other.decided);
            for (mine, theirs) in [
                (&mut all.seen, other.seen),
                (&mut all.seen_kept, other.seen_kept),
            ] {
                let pairs = mine.iter_mut().flatten();
                pairs
                    .zip(theirs.into_iter().flatten())
                    .for_each(|(mine, theirs)| mine.join(theirs));
            }
            for (mine, theirs) in all.kept.iter_mut().zip(other.kept) {
                let is_first =
                    |theirs: &(Place, Stats)| mine.as_ref().is_none_or(|mine| theirs.0 < mine.0);
                if theirs.as_ref().is_some_and(is_first) {
                    *mine = theirs;
                }
            }
        };
        self.table.gather(self.threads, new, each, merge)
    }

    /// By filter and stat, the bounds. Without a sample that is kept, nothing is
    /// known of them.
    fn bounds(&self, first: &First) -> Vec<Vec<Vec<Cut>>> {
        let filters = self.decider.filters.iter();
        filters
            .zip(first.seen.iter().zip(&first.kept))
            .map(|(filter, (seen, kept))| {
                let stats = filter.stats.iter().zip(seen);
                stats
                    .map(|((name, _), seen)| match kept {
                        Some((_, base)) if seen.numbers.n() > 0 => {
                            cuts(filter.operator, name, base, &seen.numbers)
                        }
                        _ => Vec::new(),
                    })
                    .collect()
            })
            .collect()
    }

    fn second(&self, bounds: &[Vec<Vec<Cut>>]) -> Result<Vec<Vec<Vec<Beside>>>, Failure> {
        let beside = |cut: &Cut| Beside {
            cut: *cut,
            kept: Vec::new(),
            dropped: Vec::new(),
        };
        let new = || -> Vec<Vec<Vec<Beside>>> {
            let stats = |stats: &Vec<Vec<Cut>>| {
                let cuts = |cuts: &Vec<Cut>| cuts.iter().map(beside).collect();
                stats.iter().map(cuts).collect()
            };
            bounds.iter().map(stats).collect()
        };
        let excerpt = self.table.column(columns::EXCERPT);
        let each = |all: &mut Vec<Vec<Vec<Beside>>>, row: &StatsRow<'_>| {
            let Some(excerpt) = excerpt.and_then(|column| row.text(column)) else {
                return;
            };
            for i in self.decider.measured(row) {
                let filter = &self.decider.filters[i];
                for (stat, beside) in filter.stats.iter().zip(&mut all[i]) {
                    let value = crate::tune::value(row, &stat.1);
                    let Some(value) = value.and_then(|stat| stat.as_f64()) else {
                        continue;
                    };
                    for beside in beside {
                        beside.offer(value, excerpt, || self.place(row));
                    }
                }
            }
        };
        let merge = |all: &mut Vec<Vec<Vec<Beside>>>, other: Vec<Vec<Vec<Beside>>>| {
            let mine = all.iter_mut().flatten().flatten();
            for (mine, theirs) in mine.zip(other.into_iter().flatten().flatten()) {
                mine.kept.extend(theirs.kept);
                mine.dropped.extend(theirs.dropped);
                mine.nearest();
            }
        };
        self.table.gather(self.threads, new, each, merge)
    }

    fn place(&self, row: &StatsRow<'_>) -> Place {
        let column = |name: &str| self.table.column(name);
        let number = |name: &str| column(name).and_then(|column| row.count(column));
        let file = column(columns::FILE).and_then(|column| row.text(column));
        (
            file.unwrap_or_default().to_owned(),
            number(columns::POSITION).unwrap_or(0),
            number(columns::PIECE).unwrap_or(0),
        )
    }

    fn overview(&self, decided: &Decided) -> String {
        let dropped: u64 = decided.filters.iter().map(|by| by.dropped).sum();
        let rejected = decided.rejected + self.unreadable;
        let came = decided.rows_in + self.unreadable;
        let mut out = format!(
            "<p>{} samples were read{}. With the bounds of this recipe, {} are kept, {} dropped \
             and {} rejected.</p>\n",
            count(came),
            match decided.sliced {
                0 => String::new(),
                sliced => format!(
                    " and {} of them cut into {} pieces",
                    count(sliced),
                    count(decided.pieces)
                ),
            },
            count(decided.kept),
            count(dropped),
            count(rejected),
        );
        let mut shares = vec![("kept".to_owned(), decided.kept, true)];
        let mut rows = Vec::new();
        for (filter, by) in self.decider.filters.iter().zip(&decided.filters) {
            let name = filter.operator.name();
            shares.push((format!("{} {name}", filter.step), by.dropped, false));
            rows.push(vec![
                format!(
                    "<a href=\"#step-{0}\">{0} <code>{1}</code></a>",
                    filter.step,
                    escape(name)
                ),
                count(by.rows_in),
                count(by.dropped),
                percent(by.dropped, by.rows_in),
                count(by.dropped_alone),
            ]);
        }
        shares.push(("rejected".to_owned(), rejected, false));
        let all = shares.iter().map(|(_, n, _)| n).sum();
        out.push_str(&chart::shares("What becomes of the samples", all, &shares));
        out.push_str(&html_table(
            "Filters, in the order of the recipe",
            &["filter", "come", "dropped", "share", "dropped if alone"],
            1,
            &rows,
        ));
        if !self.left_out.is_empty() {
            out.push_str("<p>Left out of the analysis:</p>\n<ul>\n");
            for (step, name, why) in self.left_out {
                let _ = writeln!(
                    out,
                    "<li>step {step}, <code>{}</code>: {}</li>",
                    escape(name),
                    escape(why)
                );
            }
            out.push_str("</ul>\n");
        }
        out
    }

    fn stat(
        &self,
        out: &mut String,
        filter: &Filter<'_>,
        name: &str,
        (seen, seen_kept): (&Seen, &Seen),
        base: Option<&Stats>,
        beside: &[Beside],
    ) {
        let is_outside = filter.operator.runs_outside().is_some();
        let numbers = &seen.numbers;
        let _ = writeln!(out, "<h3><code>{}</code></h3>", escape(name));
        let keeps = |stat: Stat| {
            if is_outside {
                return seen_kept.spans(&stat);
            }
            let mut stats = base.cloned().unwrap_or_default();
            stats.set(name.to_owned(), stat);
            base.is_some() && filter.operator.keep(&stats) == Some(true)
        };
        if !seen.labels.is_empty() {
            out.push_str(&labels(name, seen, |label| {
                keeps(Stat::Text(label.to_owned()))
            }));
        }
        if numbers.n() == 0 {
            if seen.labels.is_empty() {
                out.push_str("<p>No sample has a value.</p>\n");
            }
            return;
        }
        let cuts: Vec<Cut> = beside.iter().map(|beside| beside.cut).collect();
        let words: Vec<String> = cuts.iter().map(|cut| escape(&cut.words())).collect();
        let _ = match (words.is_empty(), base) {
            (false, _) => writeln!(out, "<p>Kept: {}.</p>", words.join(", ")),
            (true, None) => writeln!(out, "<p>No sample is kept.</p>"),
            (true, Some(_)) if is_outside => writeln!(
                out,
                "<p>What it keeps, the filter decides itself{}.</p>",
                match seen_kept.numbers.range() {
                    Some((least, greatest)) => format!(
                        "; samples that it kept have {} to {}",
                        number(least),
                        number(greatest)
                    ),
                    None => String::new(),
                }
            ),
            (true, Some(_)) => writeln!(out, "<p>Kept: any value.</p>"),
        };
        let title = format!("{name}: samples by value, and what bounds would keep");
        out.push_str(&chart::distribution(&title, numbers, &cuts, |value| {
            keeps(Stat::Float(value))
        }));
        out.push_str(&quantiles(numbers));
        for beside in beside {
            out.push_str(&beside.html(numbers));
        }
    }
}

impl Seen {
    fn add(&mut self, stat: &Stat) {
        match stat {
            Stat::Int(_) | Stat::Float(_) => {
                if let Some(value) = stat.as_f64() {
                    self.numbers.add(value);
                }
            }
            Stat::Text(label) | Stat::Json(label) => {
                let label: String = label.chars().take(40).collect();
                *self.labels.entry(label).or_default() += 1;
                self.shrink();
            }
            Stat::Bool(holds) => {
                *self.labels.entry(holds.to_string()).or_default() += 1;
            }
            Stat::List(list) => list.iter().for_each(|stat| self.add(stat)),
        }
    }

    /// Whether a value is among these: between the numbers, or one of the labels.
    fn spans(&self, stat: &Stat) -> bool {
        match stat {
            Stat::Text(label) => self.labels.contains_key(label),
            stat => { stat.as_f64().zip(self.numbers.range()) }
                .is_some_and(|(value, (least, greatest))| least <= value && value <= greatest),
        }
    }

    fn join(&mut self, other: Self) {
        self.numbers.join(other.numbers);
        self.too_many_labels |= other.too_many_labels;
        for (label, n) in other.labels {
            *self.labels.entry(label).or_default() += n;
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        self.too_many_labels |= self.labels.len() > LABELS_MAX;
        if self.too_many_labels {
            self.labels.clear();
        }
    }
}

impl Beside {
    fn offer(&mut self, value: f64, excerpt: &str, place: impl FnOnce() -> Place) {
        let cut = &self.cut;
        let is_at = value == cut.value;
        let is_kept = match is_at {
            true => cut.is_kept,
            false => (value > cut.value) == cut.keeps_above,
        };
        let side = match is_kept {
            true => &mut self.kept,
            false => &mut self.dropped,
        };
        let distance = (value - cut.value).abs();
        let farthest = side.last().map(|last| last.distance);
        if side.len() >= EXAMPLES && farthest.is_some_and(|farthest| distance > farthest) {
            return;
        }
        side.push(Example {
            distance,
            place: place(),
            value,
            excerpt: excerpt.to_owned(),
        });
        self.nearest();
    }

    fn nearest(&mut self) {
        for side in [&mut self.kept, &mut self.dropped] {
            side.sort_by(|one, other| {
                let key = |example: &Example| key_of(example.distance);
                (key(one), &one.place).cmp(&(key(other), &other.place))
            });
            side.truncate(EXAMPLES);
        }
    }

    fn html(&self, numbers: &Sketch) -> String {
        if self.kept.is_empty() && self.dropped.is_empty() {
            return String::new();
        }
        let below = numbers.below(self.cut.value);
        let mut out = format!(
            "<details>\n<summary>Samples at the bound {} <span class=\"dim\">({} of all are below \
             {})</span></summary>\n",
            escape(&self.cut.words()),
            percent(below, numbers.n()),
            number(self.cut.value)
        );
        for (title, side) in [("kept", &self.kept), ("dropped", &self.dropped)] {
            for example in side {
                let (file, position, piece) = &example.place;
                let piece = match piece {
                    0 => String::new(),
                    piece => format!(" piece {piece}"),
                };
                let _ = write!(
                    out,
                    "<p><span class=\"tag\">{title}</span> {} <span class=\"dim\">{}:{position}{piece}</span></p>\n\
                     <pre dir=\"auto\">{}</pre>\n",
                    number(example.value),
                    escape(file),
                    escape(&example.excerpt)
                );
            }
        }
        out.push_str("</details>\n");
        out
    }
}

fn quantiles(numbers: &Sketch) -> String {
    const SHARES: [(&str, f64); 9] = [
        ("least", 0.0),
        ("1 %", 0.01),
        ("5 %", 0.05),
        ("25 %", 0.25),
        ("median", 0.5),
        ("75 %", 0.75),
        ("95 %", 0.95),
        ("99 %", 0.99),
        ("greatest", 1.0),
    ];
    let mut header = vec!["samples"];
    let mut row = vec![count(numbers.n())];
    for (name, share) in SHARES {
        header.push(name);
        let value = match share {
            0.0 => numbers.range().map(|(least, _)| least),
            1.0 => numbers.range().map(|(_, greatest)| greatest),
            share => numbers.quantile(share),
        };
        row.push(value.map_or_else(String::new, number));
    }
    let caption = match numbers.is_exact() {
        true => "Quantiles: so many samples have this value or less",
        false => "Quantiles, to a thousandth: so many samples have this value or less",
    };
    html_table(caption, &header, 0, &[row])
}

fn labels(name: &str, seen: &Seen, keeps: impl Fn(&str) -> bool) -> String {
    if seen.too_many_labels {
        return "<p>Too many different values to show.</p>\n".to_owned();
    }
    let of = seen.labels.values().sum();
    let mut rows: Vec<(String, u64, bool)> = seen
        .labels
        .iter()
        .map(|(label, n)| (label.clone(), *n, keeps(label)))
        .collect();
    rows.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let rest = rows.split_off(rows.len().min(LABELS_SHOWN));
    if !rest.is_empty() {
        let n = rest.iter().map(|(_, n, _)| n).sum();
        rows.push((format!("{} others", rest.len()), n, false));
    }
    chart::shares(&format!("{name}: samples by value"), of, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_lists_are_counted() {
        let mut seen = Seen::default();
        for i in 0..20 {
            seen.add(&Stat::Text(format!("lang-{}", i % 18)));
        }
        seen.add(&Stat::List(vec![Stat::Int(3), Stat::Float(0.5)]));
        assert_eq!(seen.numbers.n(), 2);
        let chart = labels("lang", &seen, |label| label == "lang-0");
        assert!(
            chart.contains(">lang-0</text><rect class=\"kept\""),
            "{chart}"
        );
        assert!(
            chart.contains(">lang-1</text><rect class=\"dropped\""),
            "{chart}"
        );
        assert!(chart.contains(">3 others</text>"), "{chart}");
    }

    #[test]
    fn too_many_labels_are_none_in_any_order() {
        let label = |i: usize| Stat::Text(i.to_string());
        let (mut all, mut half) = (Seen::default(), Seen::default());
        (0..=LABELS_MAX).for_each(|i| all.add(&label(i)));
        (0..=LABELS_MAX / 2).for_each(|i| half.add(&label(i)));
        half.join(all.clone());
        assert!(half.too_many_labels && half.labels.is_empty());
        all.join(Seen::default());
        assert!(all.too_many_labels && all.labels.is_empty());
    }
}
