//! [`Writer`]: takes blocks in input order and makes them safe.
//!
//! One owner, usually a thread of its own. For each block it appends the rows
//! to the sink and the records to the journals; now and then it *commits*:
//!
//! 1. the sink syncs its rows, the journals their records;
//! 2. a line in the manifest, synced, says how far everything is safe.
//!
//! After a crash, everything is cut back to the last such line.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use wrasse_io::{Finished, Inputs, Sink, SinkSpec, clear_staging};
use wrasse_op::Fingerprint;

use crate::clusters::{Deduplicator, join};
use crate::manifest::Journal;
use crate::{BlockState, Commit, Done, Error, Examples, RunDir, Seen, Tally};

/// How many rejects fail a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum MaxRejects {
    /// Any number is fine.
    #[default]
    Unlimited,
    /// More than this many.
    Count(u64),
    /// More than this share of the rows read, in percent.
    Percent(f64),
}

/// How the writing ended.
pub struct Written {
    /// Set if the output is complete.
    pub finished: Option<Finished>,
    /// The accounting of what was written.
    pub tally: Tally,
    /// What operators did, shown on a few samples.
    pub examples: Examples,
}

impl MaxRejects {
    /// Whether a run that has come to its end rejected too much.
    pub fn is_exceeded(self, tally: &Tally) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Count(max) => tally.rejected() > max,
            Self::Percent(max) => tally.rejected() as f64 * 100.0 > max * tally.rows_in as f64,
        }
    }
}

/// What a writer must know to say who duplicates whom.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// The deduplicators by gate; nothing where samples wait for all others.
    pub deduplicators: Vec<Option<Deduplicator>>,
    /// The input files.
    pub inputs: Arc<Inputs>,
}

/// How a writer works.
#[derive(Clone, Copy, Debug)]
pub struct WriterSettings {
    /// Commit after this many bytes of output.
    pub commit_bytes: u64,
    /// Commit after this much time, if there is something to commit.
    pub commit_every: Duration,
    /// How many rejects fail the run.
    pub max_rejects: MaxRejects,
}

impl Default for WriterSettings {
    /// A sync costs tens of milliseconds on a slow disk: every few seconds is
    /// often enough to lose little and rare enough to cost nothing.
    fn default() -> Self {
        Self {
            commit_bytes: 256 << 20,
            commit_every: Duration::from_secs(3),
            max_rejects: MaxRejects::Unlimited,
        }
    }
}

/// What the writer says after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Go on.
    Written,
    /// The limit on rejects is passed: end the run.
    TooManyRejects,
}

/// Takes blocks in input order. See the module's documentation.
pub struct Writer {
    sink: Box<dyn Sink>,
    spec: SinkSpec,
    dir: Option<RunDir>,
    rejects: Option<Journal>,
    dropped: Option<Journal>,
    /// Opened when there is something to write.
    told: Option<Journal>,
    clusters: Option<Journal>,
    copies: Vec<Journal>,
    fingerprints: Vec<Journal>,
    gates: Gates,
    settings: WriterSettings,
    tally: Tally,
    examples: Examples,
    /// Operators that have other examples than at the last commit.
    new_examples: BTreeSet<usize>,
    next: (u32, u32),
    /// Whether something was written of what comes from `next`: there is no
    /// stopping in the middle.
    is_within: bool,
    uncommitted: u64,
    last_commit: Instant,
}

impl Writer {
    /// A writer at the beginning of a run or at a commit of an earlier one.
    /// Without a run directory (output to a pipe) nothing is recorded and
    /// commits do nothing.
    ///
    /// # Errors
    ///
    /// If the journals cannot be opened.
    #[expect(
        clippy::disallowed_methods,
        reason = "commits are timed; the bytes do not depend on it"
    )]
    pub fn new(
        (sink, spec): (Box<dyn Sink>, SinkSpec),
        dir: Option<RunDir>,
        at: Option<&Commit>,
        n_operators: usize,
        gates: Gates,
        settings: WriterSettings,
    ) -> Result<Self, Error> {
        let journal = |path, bytes| Journal::open(path, bytes);
        let mut writer = Self {
            sink,
            spec,
            rejects: None,
            dropped: None,
            told: None,
            clusters: None,
            copies: Vec::new(),
            fingerprints: Vec::new(),
            gates,
            settings,
            tally: at.map_or_else(|| Tally::new(n_operators), |at| at.tally.clone()),
            examples: Examples::default(),
            new_examples: BTreeSet::new(),
            next: at.map_or((0, 0), |at| at.next),
            is_within: false,
            uncommitted: 0,
            last_commit: Instant::now(),
            dir: None,
        };
        for (op, examples) in at.into_iter().flat_map(|at| &at.examples) {
            *writer.examples.at(*op) = examples.clone();
        }
        if let Some(dir) = &dir {
            writer.rejects = Some(journal(dir.rejects(), at.map_or(0, |at| at.rejects))?);
            writer.dropped = Some(journal(dir.dropped(), at.map_or(0, |at| at.dropped))?);
            let told = at.map_or(0, |at| at.told);
            if dir.told().exists() {
                writer.told = Some(journal(dir.told(), told)?);
            }
            writer.clusters = Some(journal(dir.clusters(), at.map_or(0, |at| at.clusters))?);
            for gate in 0..writer.gates.deduplicators.len() {
                let copied = at.and_then(|at| at.copies.get(gate).copied());
                let copies = journal(dir.copies(gate), copied.unwrap_or(0))?;
                writer.copies.push(copies);
                let seen = at
                    .and_then(|at| at.fingerprints.get(gate).copied())
                    .unwrap_or(0);
                let bytes = seen * size_of::<Fingerprint>() as u64;
                writer
                    .fingerprints
                    .push(journal(dir.fingerprints(gate), bytes)?);
            }
        }
        writer.dir = dir;
        Ok(writer)
    }

    /// What the gates had seen at the commit that this writer began with: to be
    /// read before anything is written.
    pub fn seen(&self) -> Seen {
        Seen::new(self.fingerprints.iter().map(Journal::extent))
    }

    /// What operators did to what is written, shown on a few samples.
    pub fn examples(&self) -> &Examples {
        &self.examples
    }

    /// What is written, in order.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Appends a block.
    ///
    /// # Errors
    ///
    /// If the disk is full or the sink refuses.
    pub fn write(&mut self, mut block: BlockState) -> Result<Outcome, Error> {
        if let Some(rows) = block.take_encoded() {
            block.tally.bytes_out = rows.row_bytes() as u64;
            self.sink.append(rows)?;
        }
        if let Some(rejects) = &mut self.rejects {
            rejects.append(&block.rejects.into_bytes())?;
        }
        if let Some(dropped) = &mut self.dropped {
            dropped.append(&block.dropped.into_bytes())?;
        }
        let told = block.told.into_bytes();
        if let Some(dir) = self.dir.as_ref().filter(|_| !told.is_empty()) {
            if self.told.is_none() {
                self.told = Some(Journal::open(dir.told(), 0)?);
            }
            if let Some(journal) = &mut self.told {
                journal.append(&told)?;
            }
        }
        if let Some(clusters) = &mut self.clusters {
            clusters.append(&block.clusters.into_bytes())?;
        }
        for (journal, copies) in self.copies.iter_mut().zip(&block.copies) {
            journal.append(copies.bytes())?;
        }
        for (journal, fresh) in self.fingerprints.iter_mut().zip(&block.fresh) {
            let bytes: Vec<u8> = fresh.iter().flat_map(|print| print.to_le_bytes()).collect();
            journal.append(&bytes)?;
        }
        self.tally.add(&block.tally);
        self.new_examples.extend(self.examples.add(block.examples));
        self.is_within = true;
        self.uncommitted += block.tally.bytes_out + 1;
        // A share is known only at the end; a count is passed when it is.
        let count_passed = matches!(self.settings.max_rejects, MaxRejects::Count(_))
            && self.settings.max_rejects.is_exceeded(&self.tally);
        Ok(if count_passed {
            Outcome::TooManyRejects
        } else {
            Outcome::Written
        })
    }

    /// Everything that comes from before `next` was written: the run could be
    /// resumed here. Now and then, it is made safe.
    ///
    /// # Errors
    ///
    /// If the disk is full or the sink refuses.
    #[expect(
        clippy::disallowed_methods,
        reason = "commits are timed; the bytes do not depend on it"
    )]
    pub fn advance(&mut self, next: (u32, u32)) -> Result<(), Error> {
        self.next = next;
        self.is_within = false;
        if self.uncommitted >= self.settings.commit_bytes
            || Instant::now() - self.last_commit >= self.settings.commit_every
        {
            self.commit()?;
        }
        Ok(())
    }

    /// Makes everything up to here safe, unless this is in the middle of what
    /// comes from one place of the input.
    ///
    /// # Errors
    ///
    /// If the disk is full or the sink refuses.
    #[expect(
        clippy::disallowed_methods,
        reason = "commits are timed; the bytes do not depend on it"
    )]
    pub fn commit(&mut self) -> Result<(), Error> {
        let Some(dir) = &mut self.dir else {
            return Ok(());
        };
        if self.uncommitted == 0 || self.is_within {
            return Ok(());
        }
        let sink: Value = self.sink.commit()?;
        let sync = |journal: &Option<Journal>| journal.as_ref().map_or(Ok(0), Journal::sync);
        let commit = Commit {
            next: self.next,
            sink,
            rejects: sync(&self.rejects)?,
            dropped: sync(&self.dropped)?,
            told: sync(&self.told)?,
            clusters: sync(&self.clusters)?,
            copies: self
                .copies
                .iter()
                .map(Journal::sync)
                .collect::<Result<_, Error>>()?,
            fingerprints: self
                .fingerprints
                .iter()
                .map(|journal| Ok(journal.sync()? / size_of::<Fingerprint>() as u64))
                .collect::<Result<_, Error>>()?,
            tally: self.tally.clone(),
            examples: std::mem::take(&mut self.new_examples)
                .into_iter()
                .map(|op| (op, self.examples.at(op).clone()))
                .collect(),
        };
        dir.manifest().commit(&commit)?;
        self.uncommitted = 0;
        self.last_commit = Instant::now();
        Ok(())
    }

    /// Finds the clusters of the gates. A crash on the way does no harm: what is
    /// written here is behind the last commit.
    fn join_copies(&mut self) -> Result<(), Error> {
        let (Some(dir), Some(clusters)) = (&self.dir, &mut self.clusters) else {
            return Ok(());
        };
        for (gate, copies) in self.gates.deduplicators.iter().zip(&self.copies) {
            let (Some(gate), Some(file)) = (gate, copies.file()) else {
                continue;
            };
            let n = self.tally.operators[gate.step - 1].duplicates;
            if n == 0 {
                continue;
            }
            let mut failed = None;
            let result = join(gate, &self.gates.inputs, file, dir.path(), n, &mut |line| {
                clusters.append(line).map_err(|error| {
                    failed = Some(error);
                    std::io::Error::other("see the error before")
                })
            });
            if let Some(error) = failed {
                return Err(error);
            }
            result.map_err(|error| Error::io("cannot find clusters of duplicates", error))?;
        }
        clusters.sync()?;
        Ok(())
    }

    /// Ends the writing: completes the output if all of it was written, and
    /// otherwise makes safe what there is.
    ///
    /// # Errors
    ///
    /// As [`Writer::finish`] and [`Writer::commit`].
    pub fn end(mut self, is_all: bool) -> Result<Written, Error> {
        if is_all {
            let (finished, tally, examples) = self.finish()?;
            return Ok(Written {
                finished: Some(finished),
                tally,
                examples,
            });
        }
        self.commit()?;
        Ok(Written {
            finished: None,
            tally: self.tally,
            examples: self.examples,
        })
    }

    /// Completes the output: every part gets its final name.
    ///
    /// # Errors
    ///
    /// If the books do not balance (a bug), the disk is full or the sink
    /// refuses.
    pub fn finish(mut self) -> Result<(Finished, Tally, Examples), Error> {
        self.tally
            .check()
            .map_err(|what| Error::failed(format!("the books do not balance: {what}")))?;
        self.uncommitted += 1;
        self.is_within = false;
        self.commit()?;
        self.join_copies()?;
        let finished = self.sink.finish()?;
        if let Some(dir) = &mut self.dir {
            dir.manifest().done(Done {
                tally: self.tally.clone(),
                parts: finished.parts.clone(),
                examples: self.examples.clone(),
            })?;
            // What is left there was needed to finish once more, had the line
            // above not been written. If it cannot be removed it does no harm.
            let _ = clear_staging(&self.spec);
            dir.remove_staging();
        }
        Ok((finished, self.tally, self.examples))
    }
}
