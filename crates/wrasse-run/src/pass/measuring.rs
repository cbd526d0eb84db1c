//! The measuring half of a recipe: every sample comes out as one row of what
//! was measured on it, and where it came from.
//!
//! Mappers and slicers work as in a run; filters measure and drop nothing. A
//! sample that fails, or is cut into pieces, has a row too, which says where it
//! ended. So a row holds all that the decisions of a run depend on.
//!
//! A stat that changes on the way (measured again behind a mapper) has a column
//! for each value: `text_len`, and `text_len@4` from step 4 on.

use serde_json::{Map, Value, json};
use wrasse_core::{Origin, Sample, SharedStr, Stat, Stats};
use wrasse_op::{OpKind, Operator, Outcome};

use super::flow::{Flow, attempt, since};
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
}

/// Characters of an excerpt: a few lines on a screen.
const EXCERPT_CHARS: usize = 240;

/// What becomes a row.
#[derive(Clone)]
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
    /// Takes a sample as read through all operators, and writes its row.
    pub(super) fn measure(
        &mut self,
        measuring: &Measuring,
        mut sample: Sample,
    ) -> Result<(), String> {
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
        self.put(&sample, &record)
    }

    /// A sample that ended at operator `at` goes past the others as it is.
    fn ended(&mut self, at: usize, sample: &Sample, record: &Record) -> Result<(), String> {
        let passed = at..self.part.operators.end;
        let operators = &self.pass.plan.operators()[passed.clone()];
        let tallies = &mut self.state.tally.operators[passed];
        for (operator, tally) in operators.iter().zip(tallies) {
            tally.rows_in += 1;
            tally.rows_out += 1;
            tally.sliced += u64::from(operator.spec().kind == OpKind::Slicer);
        }
        self.put(sample, record)
    }

    fn put(&mut self, sample: &Sample, record: &Record) -> Result<(), String> {
        let origin = sample.origin();
        let line = record.row(&file_name(&self.pass.inputs, origin), origin);
        let row = Sample::from_json(SharedStr::from(line.as_str()), origin)
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
