//! The measuring half of a recipe: every sample comes out as one row of what
//! was measured on it, and where it came from.
//!
//! Mappers and slicers work as in a run; filters measure and drop nothing. A
//! sample that fails, or is cut into pieces, has a row too, which says where it
//! ended. So a row holds all that the decisions of a run depend on.
//!
//! A stat that changes on the way (measured again behind a mapper) has a column
//! for each value: `text_len`, and `text_len@4` from step 4 on. What another
//! program measures in step 4 is always in such columns, and `kept@4` says
//! whether its filter would keep the sample.
//!
//! Between stages, a sample carries what is known of it among its stats; what
//! has ended waits beside the samples for the stage that writes.

use serde_json::{Map, Value, json};
use wrasse_core::{Origin, Sample, SharedStr, Stat, Stats};
use wrasse_op::{OpKind, Operator, Outcome};

use super::flow::{Flow, attempt, since};
use super::outside::{Changes, Fate, FateEnd};
use crate::examples::{beginning, hash_of};
use crate::record::file_name;

/// How a recipe is measured.
#[derive(Clone, Debug)]
pub struct Measuring {
    /// The field whose beginning is kept as an excerpt.
    pub text_key: String,
    /// For each operator of the plan its number in the recipe, from 1.
    pub steps: Vec<u32>,
    /// The samples whose origin has a hash up to this one get an excerpt.
    pub excerpt_hash_max: u64,
}

/// The columns beside the stats, in this order; no stat has such a name.
pub mod columns {
    /// The input file.
    pub const FILE: &str = "origin_file";
    /// Byte offset or row number in it.
    pub const POSITION: &str = "origin_position";
    /// Number of the piece; 0 for a sample that was not cut.
    pub const PIECE: &str = "origin_piece";
    /// The step that made the piece; null for a sample as it was read.
    pub const FROM_STEP: &str = "origin_step";
    /// The step at which the sample ended before the last; else null.
    pub const END_STEP: &str = "end_step";
    /// Why: `sliced`, or the error.
    pub const END: &str = "end";
    /// The beginning of the text as it was read, of some samples.
    pub const EXCERPT: &str = "excerpt";
    /// All of them.
    pub const ALL: [&str; 7] = [FILE, POSITION, PIECE, FROM_STEP, END_STEP, END, EXCERPT];
    /// What [`END`] says of a sample that was cut.
    pub const SLICED: &str = "sliced";
    /// The stat of a filter that another program runs, see [`wrasse_op::KEPT`].
    pub use wrasse_op::KEPT;
    /// The name by which a worker tells whether its filter keeps a sample, and is
    /// told whether it did when the filter is to decide once more.
    pub const TOLD_KEPT: &str = "@kept";
}

/// The name that a sample carries its [`Record`] by; no stat has such a name.
const CARRIED: &str = "@record";

/// The row of a sample that ended in an earlier stage.
pub(crate) struct Ended {
    origin: Origin,
    row: String,
}

impl Ended {
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.row.capacity()
    }
}

/// By which rows are in order.
fn place(origin: Origin) -> (u32, u64, u32) {
    (origin.file, origin.position, origin.piece)
}

/// Characters of an excerpt: a few lines on a screen.
const EXCERPT_CHARS: usize = 240;

/// What becomes a row.
#[derive(Clone, Default)]
struct Record {
    excerpt: Option<String>,
    from_step: Option<u32>,
    end: Option<(u32, String)>,
    /// The last known values.
    known: Stats,
    /// Columns with their values.
    columns: Vec<(String, Stat)>,
}

impl Record {
    /// Takes over what has changed in the stats by step `step`.
    fn take(&mut self, step: u32, stats: &Stats) {
        for (name, stat) in stats.iter() {
            // Such a name can only come with the input; no filter has it.
            if name.contains('@') || columns::ALL.contains(&name) {
                continue;
            }
            let column = match self.known.get(name) {
                Some(known) if known == stat => continue,
                Some(_) => format!("{name}@{step}"),
                None => name.to_owned(),
            };
            self.known.set(name.to_owned(), stat.clone());
            self.columns.push((column, stat.clone()));
        }
    }

    /// Takes over what another program told in step `step`.
    fn take_told(&mut self, step: u32, mut told: Map<String, Value>) {
        let kept = told.remove(columns::TOLD_KEPT);
        for (name, value) in &told {
            if let Some(stat) = Stat::from_json(value)
                && !name.contains('@')
                && name != columns::KEPT
            {
                self.columns.push((format!("{name}@{step}"), stat.clone()));
                self.known.set(name.clone(), stat);
            }
        }
        if let Some(Value::Bool(kept)) = kept {
            let column = format!("{}@{step}", columns::KEPT);
            self.columns.push((column, Stat::Bool(kept)));
        }
    }

    /// Puts it among the stats of its sample, on the way to the next stage.
    fn carry(self, sample: &mut Sample) {
        let mut carried = vec![
            self.excerpt.map_or(Stat::Bool(false), Stat::Text),
            self.from_step
                .map_or(Stat::Bool(false), |step| Stat::Int(step.into())),
        ];
        for (name, stat) in self.columns {
            carried.extend([Stat::Text(name), stat]);
        }
        sample.stats_mut().set(CARRIED, Stat::List(carried));
    }

    /// Takes it out of the stats of its sample again.
    fn carried(sample: &mut Sample) -> Option<Self> {
        let Some(Stat::List(carried)) = sample.stats().get(CARRIED).cloned() else {
            return None;
        };
        sample.stats_mut().remove(CARRIED);
        let mut carried = carried.into_iter();
        let excerpt = match carried.next() {
            Some(Stat::Text(excerpt)) => Some(excerpt),
            _ => None,
        };
        let from_step = match carried.next() {
            Some(Stat::Int(step)) => u32::try_from(step).ok(),
            _ => None,
        };
        let (mut known, mut columns) = (Stats::default(), Vec::new());
        while let (Some(Stat::Text(column)), Some(stat)) = (carried.next(), carried.next()) {
            let name = column.rsplit_once('@').map_or(&*column, |(name, _)| name);
            known.set(name.to_owned(), stat.clone());
            columns.push((column, stat));
        }
        Some(Self {
            excerpt,
            from_step,
            end: None,
            known,
            columns,
        })
    }

    fn row(&self, file: &str, origin: Origin) -> String {
        let end = self.end.as_ref();
        let about: [Value; 7] = [
            json!(file),
            json!(origin.position),
            json!(origin.piece),
            json!(self.from_step),
            json!(end.map(|(step, _)| step)),
            json!(end.map(|(_, why)| why)),
            json!(self.excerpt),
        ];
        let about = columns::ALL
            .iter()
            .map(|name| (*name).to_owned())
            .zip(about);
        let stats = self.columns.iter();
        let stats = stats.map(|(name, stat)| (name.clone(), finite(stat).to_json()));
        Value::Object(about.chain(stats).collect::<Map<_, _>>()).to_string()
    }
}

/// JSON has no infinity; the largest number is on the same side of any bound.
fn finite(stat: &Stat) -> Stat {
    match stat {
        Stat::Float(value) if value.is_infinite() => Stat::Float(f64::MAX.copysign(*value)),
        other => other.clone(),
    }
}

impl Flow<'_> {
    /// Takes a sample through the operators of the stage, and writes its row if
    /// there are no others.
    pub(super) fn measure(
        &mut self,
        measuring: &Measuring,
        mut sample: Sample,
    ) -> Result<(), String> {
        if let Some(record) = Record::carried(&mut sample) {
            return self.measure_from(measuring, self.part.operators.start, sample, record);
        }
        let gets_excerpt = hash_of(sample.origin()) <= measuring.excerpt_hash_max;
        let excerpt = gets_excerpt
            .then(|| sample.text(&measuring.text_key).ok())
            .flatten()
            .map(|text| beginning(text.as_str(), EXCERPT_CHARS).to_owned());
        let record = Record {
            excerpt,
            from_step: None,
            end: None,
            known: Stats::default(),
            columns: Vec::new(),
        };
        self.measure_from(measuring, self.part.operators.start, sample, record)
    }

    fn measure_from(
        &mut self,
        measuring: &Measuring,
        first: usize,
        mut sample: Sample,
        mut record: Record,
    ) -> Result<(), String> {
        for at in first..self.part.operators.end {
            let pass = self.pass;
            let operator = &pass.plan.operators()[at];
            let step = measuring.steps.get(at).copied().unwrap_or(0);
            let revision = sample.revision();
            let mut pieces = Vec::new();
            let clock = self.clock();
            let result = attempt(Operator::measure, operator, &mut sample, &mut pieces);
            let busy = since(clock);
            let tally = &mut self.state.tally.operators[at];
            tally.bytes_in += sample.work_bytes() as u64;
            tally.busy_ns += busy;
            match result {
                Ok(Outcome::Kept | Outcome::Dropped) => {
                    tally.rows_in += 1;
                    tally.rows_out += 1;
                    tally.changed += u64::from(sample.revision() != revision);
                    // What filters decide by, and no earlier values.
                    if operator.keep(&Stats::default()).is_some() {
                        record.take(step, sample.stats());
                    }
                }
                Ok(Outcome::Sliced(n)) => {
                    tally.rows_out += n as u64;
                    for piece in pieces {
                        let record = Record {
                            from_step: Some(step),
                            ..record.clone()
                        };
                        self.measure_from(measuring, at + 1, piece, record)?;
                    }
                    record.end = Some((step, columns::SLICED.to_owned()));
                    return self.ended(at, &sample, &record);
                }
                Err(error) => {
                    // What the run cannot go on after ends it here, too.
                    self.fatal(operator, &error)?;
                    record.end = Some((step, error.message));
                    return self.ended(at, &sample, &record);
                }
            }
        }
        if self.builder.is_none() {
            record.carry(&mut sample);
            self.write(sample);
            return Ok(());
        }
        let row = self.row(&sample, &record);
        self.put(row)
    }

    /// Books what another program, which has the operator of the stage, made of
    /// a sample.
    pub(super) fn measured_outside(
        &mut self,
        measuring: &Measuring,
        mut sample: Sample,
        fates: Vec<Fate>,
    ) {
        let at = self.part.operators.start;
        let step = measuring.steps.get(at).copied().unwrap_or(0);
        let record = Record::carried(&mut sample).unwrap_or_default();
        let is_cut = fates.is_empty() || fates.iter().any(|fate| fate.piece.is_some());
        let tally = &mut self.state.tally.operators[at];
        tally.rows_in += 1;
        tally.rows_out += fates.len() as u64 + u64::from(is_cut);
        tally.sliced += u64::from(is_cut);
        tally.whole += u64::from(!is_cut);
        if is_cut {
            let mut record = record.clone();
            record.end = Some((step, columns::SLICED.to_owned()));
            self.pass_by(at + 1);
            self.state.ended.push_back(self.row(&sample, &record));
        }
        for fate in fates {
            let (mut sample, mut record) = (sample.clone(), record.clone());
            if let Some(piece) = fate.piece {
                sample.set_piece(piece);
                record.from_step = Some(step);
            }
            match fate.end {
                FateEnd::On(changes) | FateEnd::Dropped { changes, .. } => {
                    let Changes { fields, mut stats } = changes;
                    record.take_told(step, stats.clone());
                    stats.remove(columns::TOLD_KEPT);
                    Changes { fields, stats }.apply(&mut sample);
                    sample.forget_derived();
                    record.carry(&mut sample);
                    self.state.samples.push(sample);
                }
                FateEnd::Rejected { error, .. } => {
                    record.end = Some((step, error));
                    self.pass_by(at + 1);
                    self.state.ended.push_back(self.row(&sample, &record));
                }
            }
        }
    }

    /// A sample that ended at operator `at` goes past that and the others.
    fn ended(&mut self, at: usize, sample: &Sample, record: &Record) -> Result<(), String> {
        self.pass_by(at);
        let row = self.row(sample, record);
        self.put(row)
    }

    /// Counts a sample that goes past operator `at` and those behind it as it is.
    fn pass_by(&mut self, at: usize) {
        let operators = &self.pass.plan.operators()[at..];
        let tallies = &mut self.state.tally.operators[at..];
        for (operator, tally) in operators.iter().zip(tallies) {
            let is_outside = operator.runs_outside().is_some();
            tally.rows_in += 1;
            tally.rows_out += 1;
            tally.whole += u64::from(is_outside);
            tally.sliced += u64::from(!is_outside && operator.spec().kind == OpKind::Slicer);
        }
    }

    fn row(&self, sample: &Sample, record: &Record) -> Ended {
        let origin = sample.origin();
        let row = record.row(&file_name(&self.pass.inputs, origin), origin);
        Ended { origin, row }
    }

    /// Writes a row, or lets it wait for the stage that writes.
    fn put(&mut self, row: Ended) -> Result<(), String> {
        if self.builder.is_none() {
            self.state.ended.push_back(row);
            return Ok(());
        }
        self.put_ended(Some(row.origin))?;
        self.write_row(&row)
    }

    /// Writes what ended in earlier stages and comes before `origin`; all of it
    /// without one.
    pub(super) fn put_ended(&mut self, origin: Option<Origin>) -> Result<(), String> {
        let is_next =
            |ended: &Ended| origin.is_none_or(|origin| place(ended.origin) <= place(origin));
        while self.builder.is_some() && self.state.ended.front().is_some_and(is_next) {
            let Some(row) = self.state.ended.pop_front() else {
                break;
            };
            self.write_row(&row)?;
        }
        Ok(())
    }

    /// Puts what ended in earlier stages into the order of the input.
    pub(super) fn sort_ended(&mut self) {
        if self.builder.is_some() {
            let ended = self.state.ended.make_contiguous();
            ended.sort_by_key(|ended| place(ended.origin));
        }
    }

    fn write_row(&mut self, row: &Ended) -> Result<(), String> {
        let row = Sample::from_json(SharedStr::from(row.row.as_str()), row.origin)
            .map_err(|error| format!("a row of stats is no sample: {error}"))?;
        self.write(row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_changes_gets_a_column_for_each_value() {
        let mut record = Record {
            excerpt: None,
            from_step: None,
            end: None,
            known: Stats::default(),
            columns: Vec::new(),
        };
        let mut stats = Stats::default();
        stats.set("n", 3usize);
        record.take(1, &stats);
        record.take(2, &stats);
        stats.set("n", 4usize);
        stats.set("x", f64::NEG_INFINITY);
        stats.set("n@1", 7usize);
        stats.set(columns::END, 7usize);
        record.take(5, &stats);
        let row: Value = serde_json::from_str(&record.row("a", Origin::default())).unwrap();
        assert_eq!(row["n"], 3);
        assert_eq!(row["n@5"], 4);
        assert_eq!(row["x"], f64::MIN);
        assert_eq!(row.as_object().unwrap().len(), columns::ALL.len() + 3);
    }
}
