//! `wrasse tune`: what other bounds would keep, from stats that are there.
//!
//! The operators' own `keep` decides on the stored values: the same decisions
//! as in a run. The text is not read.

use std::borrow::Cow;

use serde_json::{Value, json};
use wrasse_core::{Stat, Stats};
use wrasse_op::{Catalog, Operator};
use wrasse_run::stats_columns as columns;

use crate::Exit;
use crate::again::{DecidesAgain, Decisions};
use crate::analysis::{Analysis, find_steps};
use crate::args::{RecipeArgs, TuneArgs};
use crate::failure::{Failure, print, say};
use crate::load::{self, Loaded};
use crate::settings::processors;
use crate::stats_table::{StatsRow, StatsTable};
use crate::table::{Align, count, table};

pub(crate) fn tune(args: &TuneArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    let Loaded { recipe, python } = load::load(
        &RecipeArgs {
            recipe: args.recipe.clone(),
            set: args.set.clone(),
            python: args.python.clone(),
            text: None,
        },
        catalog,
        args.json,
    )?;
    let analysis = Analysis::read(&Analysis::beside(&args.stats))?;
    let steps = find_steps(&recipe, &analysis, catalog)?;
    let stats = StatsTable::open(&args.stats)?;
    let operators = || recipe.steps.iter().map(|step| &step.operator);
    let threads = args.threads.unwrap_or_else(processors);
    let numbered = || operators().enumerate().zip(&steps);
    let mut again = Vec::new();
    for ((i, operator), found) in numbered() {
        if let Some(found) = found
            && let Some(measured_with) = &found.measured_with
            && let Some(python) = &python
        {
            let filter = DecidesAgain {
                python,
                operator,
                step: i + 1,
                measured_as: found.number.into(),
                measured_with,
            };
            again.push((i + 1, filter.over(&stats, threads)?));
        }
    }
    let decider = Decider::new(
        &stats,
        numbered().map(|((i, operator), found)| {
            (i + 1, operator, found.as_ref().map(|found| found.number))
        }),
        again,
    );
    let decided = stats.gather(
        threads,
        || Decided::new(decider.filters.len()),
        |decided, row| {
            decider.decide(row, decided);
        },
        Decided::add,
    )?;
    let undecided: Vec<(usize, &str)> = operators()
        .zip(&steps)
        .enumerate()
        .filter(|(_, (_, step))| step.is_none())
        .map(|(i, (operator, _))| (i + 1, operator.name()))
        .collect();
    let told = Told {
        filters: &decider.filters,
        decided: &decided,
        unreadable: analysis.unreadable,
        undecided: &undecided,
    };
    match args.json {
        true => print(&format!("{:#}\n", told.json(&args.stats))),
        false => {
            for (step, name) in &undecided {
                say(&format!(
                    "not decided: step {step} (`{name}`), which stats do not tell of; \
                     counted as if it kept all"
                ));
            }
            print(&told.text())
        }
    }
}

/// A filter, and where its values are.
pub(crate) struct Filter<'a> {
    pub(crate) operator: &'a Operator,
    /// Its number in the recipe, from 1.
    pub(crate) step: usize,
    /// Its number in the recipe that was analyzed.
    measured_as: u64,
    /// For each of its stats the columns that it may be in, the last first.
    pub(crate) stats: Vec<(String, Vec<usize>)>,
    /// What it decided once more, if another program runs it and its parameters
    /// have changed.
    again: Option<Decisions>,
}

/// Decides on rows of stats as a run decides on samples.
pub(crate) struct Decider<'a> {
    pub(crate) filters: Vec<Filter<'a>>,
    /// The analyzed steps that are in the recipe.
    present: Vec<u64>,
    from_step: Option<usize>,
    end_step: Option<usize>,
    end: Option<usize>,
}

/// What was decided, in numbers.
#[derive(Default)]
pub(crate) struct Decided {
    pub(crate) rows_in: u64,
    pub(crate) kept: u64,
    pub(crate) sliced: u64,
    pub(crate) pieces: u64,
    pub(crate) rejected: u64,
    /// Samples that failed at a step that is no longer there: what would become
    /// of them was not measured.
    pub(crate) unknown: u64,
    pub(crate) filters: Vec<DecidedBy>,
}

/// What one filter decided.
#[derive(Clone, Default)]
pub(crate) struct DecidedBy {
    pub(crate) rows_in: u64,
    pub(crate) dropped: u64,
    /// Samples that it could not measure.
    pub(crate) rejected: u64,
    /// What it would drop if it were the only filter.
    pub(crate) dropped_alone: u64,
}

/// What becomes of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Dropped,
    Sliced,
    Rejected,
    Unknown,
    /// A piece of a sample that is dropped before it is cut.
    NotThere,
}

impl<'a> Decider<'a> {
    /// `steps` are operators, each with its number in the recipe and in the
    /// one that was analyzed; `again`, by number in the recipe, what some of them
    /// have decided once more.
    pub(crate) fn new(
        table: &StatsTable,
        steps: impl Iterator<Item = (usize, &'a Operator, Option<u32>)>,
        mut again: Vec<(usize, Decisions)>,
    ) -> Self {
        let mut filters = Vec::new();
        let mut present = Vec::new();
        for (step, operator, measured_as) in steps {
            let Some(measured_as) = measured_as.map(u64::from) else {
                continue;
            };
            present.push(measured_as);
            if operator.keep(&Stats::default()).is_some() {
                filters.push(Filter {
                    operator,
                    step,
                    measured_as,
                    stats: columns_of(table, operator, measured_as),
                    again: { again.iter().position(|(its, _)| *its == step) }
                        .map(|at| again.swap_remove(at).1),
                });
            }
        }
        Self {
            filters,
            present,
            from_step: table.column(columns::FROM_STEP),
            end_step: table.column(columns::END_STEP),
            end: table.column(columns::END),
        }
    }

    /// Decides on one sample, and counts it.
    pub(crate) fn decide(&self, row: &StatsRow<'_>, decided: &mut Decided) -> Fate {
        let fate = self.fate(row, &mut decided.filters);
        match fate {
            Fate::NotThere => return fate,
            Fate::Kept => decided.kept += 1,
            Fate::Dropped => {}
            Fate::Sliced => decided.sliced += 1,
            Fate::Rejected => decided.rejected += 1,
            Fate::Unknown => decided.unknown += 1,
        }
        match self.count(row, self.from_step) {
            None => decided.rows_in += 1,
            Some(_) => decided.pieces += 1,
        }
        fate
    }

    fn fate(&self, row: &StatsRow<'_>, counts: &mut [DecidedBy]) -> Fate {
        let from = self.count(row, self.from_step).unwrap_or(0);
        let end = self.count(row, self.end_step);
        let before_cut = |filter: &&Filter<'_>| filter.measured_as < from;
        if from > 0 && !self.filters.iter().filter(before_cut).all(|f| f.keeps(row)) {
            return Fate::NotThere;
        }
        let mut is_dropped = false;
        for (filter, by) in self.filters.iter().zip(counts) {
            let is_behind_end = end.is_some_and(|end| end < filter.measured_as);
            if filter.measured_as < from || is_behind_end {
                continue;
            }
            let fails_here = end == Some(filter.measured_as);
            let keeps = fails_here || filter.keeps(row);
            by.rows_in += u64::from(!is_dropped);
            by.rejected += u64::from(!is_dropped && fails_here);
            by.dropped += u64::from(!is_dropped && !keeps);
            by.dropped_alone += u64::from(!keeps);
            is_dropped |= !keeps;
        }
        match end {
            _ if is_dropped => Fate::Dropped,
            None => Fate::Kept,
            Some(_) if self.is_sliced(row) => Fate::Sliced,
            Some(end) if self.present.contains(&end) => Fate::Rejected,
            Some(_) => Fate::Unknown,
        }
    }

    /// The filters that have measured a sample, by index.
    pub(crate) fn measured(&self, row: &StatsRow<'_>) -> impl Iterator<Item = usize> {
        let from = self.count(row, self.from_step).unwrap_or(0);
        let end = self.count(row, self.end_step).unwrap_or(u64::MAX);
        let filters = self.filters.iter().enumerate();
        filters
            .filter(move |(_, filter)| (from..end).contains(&filter.measured_as))
            .map(|(i, _)| i)
    }

    fn is_sliced(&self, row: &StatsRow<'_>) -> bool {
        self.end.and_then(|end| row.text(end)) == Some(columns::SLICED)
    }

    fn count(&self, row: &StatsRow<'_>, column: Option<usize>) -> Option<u64> {
        column.and_then(|column| row.count(column))
    }
}

impl Filter<'_> {
    /// Whether it keeps the sample of a row.
    pub(crate) fn keeps(&self, row: &StatsRow<'_>) -> bool {
        match &self.again {
            Some(again) => again.keeps(row),
            None => self.operator.keep(&self.values(row)).unwrap_or(true),
        }
    }

    /// The values that it decided by.
    pub(crate) fn values(&self, row: &StatsRow<'_>) -> Stats {
        let mut stats = Stats::default();
        for (name, columns) in &self.stats {
            if let Some(stat) = value(row, columns) {
                stats.set(self.name_of(name), stat);
            }
        }
        stats
    }

    /// The name as the operator has it, without a copy if it can be.
    fn name_of(&self, name: &str) -> Cow<'static, str> {
        let known = self.operator.spec().stats;
        match known.iter().find(|known| **known == name) {
            Some(known) => Cow::Borrowed(known),
            None => Cow::Owned(name.to_owned()),
        }
    }
}

/// The value in the first of the columns that has one.
pub(crate) fn value(row: &StatsRow<'_>, columns: &[usize]) -> Option<Stat> {
    columns.iter().find_map(|column| row.stat(*column))
}

/// A name without the numbers in it.
fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| !c.is_ascii_digit())
}

/// The columns that hold what an operator decided by in step `step`.
pub(crate) fn columns_of(
    table: &StatsTable,
    operator: &Operator,
    step: u64,
) -> Vec<(String, Vec<usize>)> {
    let mut stats: Vec<(String, Vec<(u64, usize)>)> = Vec::new();
    let wanted = operator.spec().stats;
    // With lengths of the user's own, stats have other numbers in their names.
    let has_lengths = !operator.spec().decided_by_second.is_empty();
    let is_of = |one: &str, name: &str| match has_lengths {
        true => letters(one).eq(letters(name)),
        false => one == name,
    };
    let is_outside = operator.runs_outside().is_some();
    for column in table.stats() {
        let (name, since) = match column.rsplit_once('@') {
            Some((name, since)) => match since.parse::<u64>() {
                Ok(since) => (name, since),
                Err(_) => (column, 0),
            },
            None => (column, 0),
        };
        // An operator that does not say what it measures may need any. What one
        // that another program runs has measured has columns of its own.
        let is_its = match is_outside {
            true => since == step,
            false => {
                let is_wanted = wanted.is_empty() || wanted.iter().any(|one| is_of(one, name));
                since <= step && is_wanted && name != columns::KEPT
            }
        };
        if !is_its {
            continue;
        }
        let Some(at) = table.column(column) else {
            continue;
        };
        match stats.iter_mut().find(|(known, _)| known == name) {
            Some((_, columns)) => columns.push((since, at)),
            None => stats.push((name.to_owned(), vec![(since, at)])),
        }
    }
    stats
        .into_iter()
        .map(|(name, mut columns)| {
            columns.sort_unstable_by(|one, other| other.cmp(one));
            (name, columns.into_iter().map(|(_, at)| at).collect())
        })
        .collect()
}

impl Decided {
    pub(crate) fn new(n_filters: usize) -> Self {
        Self {
            filters: vec![DecidedBy::default(); n_filters],
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.rows_in += other.rows_in;
        self.kept += other.kept;
        self.sliced += other.sliced;
        self.pieces += other.pieces;
        self.rejected += other.rejected;
        self.unknown += other.unknown;
        for (mine, theirs) in self.filters.iter_mut().zip(other.filters) {
            mine.rows_in += theirs.rows_in;
            mine.dropped += theirs.dropped;
            mine.rejected += theirs.rejected;
            mine.dropped_alone += theirs.dropped_alone;
        }
    }
}

impl DecidedBy {
    fn rows_out(&self) -> u64 {
        self.rows_in - self.dropped - self.rejected
    }
}

/// What a user is told.
struct Told<'a> {
    filters: &'a [Filter<'a>],
    decided: &'a Decided,
    unreadable: u64,
    undecided: &'a [(usize, &'a str)],
}

impl Told<'_> {
    fn rows_in(&self) -> u64 {
        self.decided.rows_in + self.unreadable
    }

    fn dropped(&self) -> u64 {
        self.decided.filters.iter().map(|by| by.dropped).sum()
    }

    fn rejected(&self) -> u64 {
        self.decided.rejected + self.unreadable
    }

    fn text(&self) -> String {
        let share = |part: u64, of: u64| match of {
            0 => "-".to_owned(),
            of => format!("{:.1} %", part as f64 * 100.0 / of as f64),
        };
        let rows: Vec<Vec<String>> = self
            .filters
            .iter()
            .zip(&self.decided.filters)
            .map(|(filter, by)| {
                vec![
                    filter.step.to_string(),
                    filter.operator.name().to_owned(),
                    count(by.rows_in),
                    count(by.rows_out()),
                    count(by.dropped),
                    share(by.dropped, by.rows_in),
                    count(by.dropped_alone),
                ]
            })
            .collect();
        let header = [
            ("step", Align::Right),
            ("filter", Align::Left),
            ("in", Align::Right),
            ("out", Align::Right),
            ("drops", Align::Right),
            ("share", Align::Right),
            ("drops alone", Align::Right),
        ];
        let decided = self.decided;
        let mut total = format!("{} in", count(self.rows_in()));
        if decided.sliced > 0 {
            let pieces = decided.pieces as i64 - decided.sliced as i64;
            let sign = if pieces < 0 { '-' } else { '+' };
            total.push_str(&format!(
                " {sign} {} by slicing",
                count(pieces.unsigned_abs())
            ));
        }
        total.push_str(&format!(
            " = {} kept + {} dropped + {} rejected",
            count(decided.kept),
            count(self.dropped()),
            count(self.rejected())
        ));
        if decided.unknown > 0 {
            total.push_str(&format!(" + {} unknown", count(decided.unknown)));
        }
        let kept_of = self.rows_in() + decided.pieces - decided.sliced.min(decided.pieces);
        format!(
            "{}{total}\nkeeps {}\n",
            table(&header, &rows),
            share(decided.kept, kept_of)
        )
    }

    fn json(&self, stats: &str) -> Value {
        let decided = self.decided;
        let filters = self.filters.iter().zip(&decided.filters);
        json!({
            "version": 1,
            "stats": stats,
            "rows": {
                "in": self.rows_in(),
                "added_by_slicing": decided.pieces as i64 - decided.sliced as i64,
                "kept": decided.kept,
                "dropped": self.dropped(),
                "rejected": self.rejected(),
                "unknown": decided.unknown,
            },
            "filters": filters.map(|(filter, by)| json!({
                "step": filter.step,
                "name": filter.operator.name(),
                "in": by.rows_in,
                "out": by.rows_out(),
                "dropped": by.dropped,
                "rejected": by.rejected,
                "dropped_alone": by.dropped_alone,
            })).collect::<Vec<_>>(),
            "not_decided": self.undecided.iter().map(|(step, name)| json!({
                "step": step, "name": name,
            })).collect::<Vec<_>>(),
        })
    }
}
