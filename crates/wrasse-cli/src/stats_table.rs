//! [`StatsTable`]: the stats that `wrasse analyze` wrote, read row by row.
//!
//! Columns are read as they are asked for. Readers of several threads each
//! gather what they want of their share; what is gathered must not depend on
//! the order of rows, so that any number of threads gives the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use wrasse_core::{ByteCount, Cell, Columns, Stat};
use wrasse_io::{Format, Inputs, ReadLimits, Row, SourceSpec, Split, discover, open, splits};
use wrasse_run::stats_columns;

use crate::failure::Failure;

/// Bytes of rows that a thread holds at a time.
const BLOCK_BYTES: usize = 4 << 20;
/// Far more than a row of stats has: the limit of a run's rows.
const ROW_BYTES_MAX: usize = 64 << 20;

/// A file of stats.
pub(crate) struct StatsTable {
    path: String,
    inputs: Arc<Inputs>,
    splits: Vec<Split>,
    names: Vec<String>,
}

/// One row of it.
pub(crate) struct StatsRow<'a> {
    batch: &'a dyn Columns,
    row: usize,
    /// The number of its split.
    pub(crate) split: usize,
    /// Its number in the split.
    pub(crate) number: usize,
}

impl StatsTable {
    /// Opens the stats in `path`.
    pub(crate) fn open(path: &str) -> Result<Self, Failure> {
        let unreadable = |error: wrasse_io::Error| {
            let cause = error
                .source
                .as_ref()
                .map_or(String::new(), |e| format!(": {e}"));
            Failure::usage(format!("cannot read {path}: {}{cause}", error.message))
                .with_hint("`wrasse analyze recipe.yaml` writes stats")
        };
        let inputs = discover(&SourceSpec {
            paths: vec![path.to_owned()],
            format: Some(Format::Parquet),
            suffixes: Vec::new(),
            text_key: "text".to_owned(),
            fields: Default::default(),
            exclude: Vec::new(),
        })
        .map_err(unreadable)?;
        // A split a row group.
        let splits = splits(&inputs, ByteCount(1)).map_err(unreadable)?;
        let mut table = Self {
            path: path.to_owned(),
            inputs: Arc::new(inputs),
            splits,
            names: Vec::new(),
        };
        let mut names = Vec::new();
        if !table.splits.is_empty() {
            table.rows(0, &mut |row| {
                names = row.batch.names().to_vec();
                false
            })?;
        }
        if !names.is_empty() {
            for needed in stats_columns::ALL {
                if !names.iter().any(|name| name == needed) {
                    return Err(Failure::usage(format!(
                        "{path} has no column `{needed}`: these are not stats"
                    ))
                    .with_hint("`wrasse analyze recipe.yaml` writes stats"));
                }
            }
        }
        table.names = names;
        Ok(table)
    }

    /// The columns of stats, in order: `text_len`, and `text_len@4` for what was
    /// measured again in step 4.
    pub(crate) fn stats(&self) -> impl Iterator<Item = &str> {
        let is_stat = |name: &&String| !stats_columns::ALL.contains(&name.as_str());
        self.names.iter().filter(is_stat).map(String::as_str)
    }

    /// The number of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Gathers over all rows, on `threads` threads. `new` makes what a thread
    /// gathers in, `merge` joins what two have gathered.
    pub(crate) fn gather<A: Send>(
        &self,
        threads: usize,
        new: impl Fn() -> A + Sync,
        each: impl Fn(&mut A, &StatsRow<'_>) + Sync,
        merge: impl Fn(&mut A, A) + Sync,
    ) -> Result<A, Failure> {
        let next = AtomicUsize::new(0);
        let gathered: Mutex<Result<A, Failure>> = Mutex::new(Ok(new()));
        let work = || {
            let mut mine = new();
            let mut read = Ok(());
            loop {
                let split = next.fetch_add(1, Ordering::Relaxed);
                if split >= self.splits.len() {
                    break;
                }
                read = self.rows(split, &mut |row| {
                    each(&mut mine, row);
                    true
                });
                if read.is_err() {
                    break;
                }
            }
            let Ok(mut all) = gathered.lock() else {
                return;
            };
            match (&mut *all, read) {
                (Ok(all), Ok(())) => merge(all, mine),
                (Ok(_), Err(error)) => *all = Err(error),
                (Err(_), _) => {}
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(self.splits.len()) {
                scope.spawn(work);
            }
            work();
        });
        gathered
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// How many splits there are.
    pub(crate) fn n_splits(&self) -> usize {
        self.splits.len()
    }

    /// Shows the rows of a split, in order, until `each` has enough.
    pub(crate) fn rows(
        &self,
        split: usize,
        each: &mut dyn FnMut(&StatsRow<'_>) -> bool,
    ) -> Result<(), Failure> {
        let damaged =
            |error: wrasse_io::Error| Failure::usage(format!("{}: {}", self.path, error.message));
        let limits = ReadLimits {
            block_bytes: BLOCK_BYTES,
            row_bytes_max: ROW_BYTES_MAX,
        };
        let mut reader = open(&self.inputs, &self.splits[split], limits).map_err(damaged)?;
        let mut number = 0;
        while let Some(block) = reader.next_block().map_err(damaged)? {
            for row in block.rows() {
                let sample = match row {
                    Row::Sample(sample) => sample,
                    Row::Bad(bad) => {
                        return Err(Failure::usage(format!(
                            "{}, row {}: {}",
                            self.path, bad.origin.position, bad.reason
                        )));
                    }
                };
                let Some((batch, row)) = sample.columns() else {
                    return Err(Failure::usage(format!("{} has no columns", self.path)));
                };
                let batch = batch.as_ref();
                let row = StatsRow {
                    batch,
                    row,
                    split,
                    number,
                };
                if !each(&row) {
                    return Ok(());
                }
                number += 1;
            }
        }
        Ok(())
    }
}

impl StatsRow<'_> {
    /// A value of any kind; `None` if there is none.
    pub(crate) fn stat(&self, column: usize) -> Option<Stat> {
        match self.batch.cell(column, self.row) {
            Cell::Null | Cell::NotUtf8 => None,
            Cell::Text(text) => Some(Stat::Text(text.to_owned())),
            Cell::Other(_) => {
                let mut json = Vec::with_capacity(24);
                self.batch.write_json(column, self.row, &mut json);
                let value: Value = serde_json::from_slice(&json).ok()?;
                Stat::from_json(&value)
            }
        }
    }

    /// A string.
    pub(crate) fn text(&self, column: usize) -> Option<&str> {
        match self.batch.cell(column, self.row) {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A count.
    pub(crate) fn count(&self, column: usize) -> Option<u64> {
        match self.stat(column)? {
            Stat::Int(n) => u64::try_from(n).ok(),
            _ => None,
        }
    }
}
