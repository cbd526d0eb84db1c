//! [`Tally`]: the accounting of a run, and the identity that it must satisfy.

use serde::{Deserialize, Serialize};

/// What one operator did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpTally {
    /// Samples that came in.
    pub rows_in: u64,
    /// Bytes of the rows that came in, as they were read: a measure of the work,
    /// not of the texts. A piece of a slicer counts as its row does.
    pub bytes_in: u64,
    /// Samples that went on. For a slicer: pieces.
    pub rows_out: u64,
    /// Samples that a filter dropped.
    pub dropped: u64,
    /// Samples that a deduplicator dropped.
    pub duplicates: u64,
    /// Samples that a grouper merged into another one of their group.
    #[serde(default)]
    pub merged: u64,
    /// Samples that failed.
    pub rejected: u64,
    /// Samples that a slicer cut into pieces.
    pub sliced: u64,
    /// Samples that went on whole, of an operator that can do either.
    #[serde(default)]
    pub whole: u64,
    /// Samples that a selector let go on once more.
    #[serde(default)]
    pub again: u64,
    /// Samples that a mapper changed.
    pub changed: u64,
    /// Processor time in nanoseconds, extrapolated from every 16th sample.
    pub busy_ns: u64,
}

/// What a run, or a part of it, did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows read, bad ones included.
    pub rows_in: u64,
    /// Bytes of input accounted for, as stored.
    pub bytes_in: u64,
    /// Bytes of rows (text, not compressed) that were read.
    pub row_bytes_in: u64,
    /// Rows that could not become samples.
    pub unreadable: u64,
    /// Rows that the sink's format could not hold.
    pub unwritable: u64,
    /// Places where the input is damaged: what lies behind, up to the end of the
    /// split, is not counted.
    pub damages: u64,
    /// Rows written.
    pub rows_out: u64,
    /// Bytes of rows written, before compression.
    pub bytes_out: u64,
    /// Processor time of reading and parsing, in nanoseconds.
    pub read_ns: u64,
    /// Processor time of encoding, in nanoseconds.
    pub encode_ns: u64,
    /// The operators, in the order of the recipe.
    pub operators: Vec<OpTally>,
}

impl OpTally {
    /// Adds what was done to other samples.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine + theirs);
    }

    fn combine(&mut self, other: &Self, with: impl Fn(u64, u64) -> u64) {
        let each = |mine: &mut u64, theirs: u64| *mine = with(*mine, theirs);
        each(&mut self.rows_in, other.rows_in);
        each(&mut self.bytes_in, other.bytes_in);
        each(&mut self.rows_out, other.rows_out);
        each(&mut self.dropped, other.dropped);
        each(&mut self.duplicates, other.duplicates);
        each(&mut self.merged, other.merged);
        each(&mut self.rejected, other.rejected);
        each(&mut self.sliced, other.sliced);
        each(&mut self.whole, other.whole);
        each(&mut self.again, other.again);
        each(&mut self.changed, other.changed);
        each(&mut self.busy_ns, other.busy_ns);
    }
}

impl Tally {
    /// An empty tally for `n_operators` operators.
    pub fn new(n_operators: usize) -> Self {
        Self {
            operators: vec![OpTally::default(); n_operators],
            ..Self::default()
        }
    }

    /// Adds what another part of the run did.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine + theirs);
    }

    /// Takes away what was added before.
    pub fn take_away(&mut self, other: &Self) {
        self.combine(other, u64::saturating_sub);
    }

    fn combine(&mut self, other: &Self, with: impl Fn(u64, u64) -> u64) {
        let each = |mine: &mut u64, theirs: u64| *mine = with(*mine, theirs);
        each(&mut self.rows_in, other.rows_in);
        each(&mut self.bytes_in, other.bytes_in);
        each(&mut self.row_bytes_in, other.row_bytes_in);
        each(&mut self.unreadable, other.unreadable);
        each(&mut self.unwritable, other.unwritable);
        each(&mut self.damages, other.damages);
        each(&mut self.rows_out, other.rows_out);
        each(&mut self.bytes_out, other.bytes_out);
        each(&mut self.read_ns, other.read_ns);
        each(&mut self.encode_ns, other.encode_ns);
        if self.operators.len() < other.operators.len() {
            self.operators
                .resize(other.operators.len(), OpTally::default());
        }
        for (mine, theirs) in self.operators.iter_mut().zip(&other.operators) {
            mine.combine(theirs, &with);
        }
    }

    /// Samples that filters dropped.
    pub fn dropped(&self) -> u64 {
        self.operators.iter().map(|op| op.dropped).sum()
    }

    /// Samples that deduplicators dropped.
    pub fn duplicates(&self) -> u64 {
        self.operators.iter().map(|op| op.duplicates).sum()
    }

    /// Samples that groupers merged into others.
    pub fn merged(&self) -> u64 {
        self.operators.iter().map(|op| op.merged).sum()
    }

    /// Samples and rows that could not be processed.
    pub fn rejected(&self) -> u64 {
        let by_operators: u64 = self.operators.iter().map(|op| op.rejected).sum();
        by_operators + self.unreadable + self.unwritable
    }

    /// Samples that slicing added: pieces, less the samples that were cut; and
    /// those that a selector let go on once more.
    pub fn added_by_slicing(&self) -> i64 {
        let added = |op: &OpTally| match op.sliced {
            0 => op.again as i64,
            sliced => op.rows_out as i64 - (sliced + op.whole) as i64,
        };
        self.operators.iter().map(added).sum()
    }

    /// Checks that every sample is accounted for, per operator and in total:
    /// `in + added by slicing = out + dropped + duplicates + merged + rejected`.
    ///
    /// # Errors
    ///
    /// Which books do not balance: a bug, and reported as one.
    pub fn check(&self) -> Result<(), String> {
        let mut flowing = self.rows_in - self.unreadable;
        for (i, op) in self.operators.iter().enumerate() {
            let gone = op.dropped + op.duplicates + op.merged + op.rejected;
            let on = match op.sliced + op.whole {
                0 => op.rows_out.saturating_sub(op.again),
                on => on,
            };
            if op.rows_in != flowing || op.rows_in != on + gone {
                return Err(format!(
                    "operator {i}: {} came, {} were seen; {on} went on, {gone} are gone",
                    flowing, op.rows_in
                ));
            }
            flowing = op.rows_out;
        }
        if flowing != self.rows_out + self.unwritable {
            return Err(format!(
                "sink: {flowing} came, {} were written, {} refused",
                self.rows_out, self.unwritable
            ));
        }
        let came = self.rows_in as i64 + self.added_by_slicing();
        let gone = self.dropped() + self.duplicates() + self.merged() + self.rejected();
        let went = self.rows_out + gone;
        if came != went as i64 {
            return Err(format!("in total: {came} came, {went} are accounted for"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unbalanced_books_are_found() {
        let mut tally = Tally::new(2);
        tally.rows_in = 10;
        tally.unreadable = 1;
        tally.operators[0] = OpTally {
            rows_in: 9,
            rows_out: 7,
            dropped: 2,
            ..OpTally::default()
        };
        tally.operators[1] = OpTally {
            rows_in: 7,
            rows_out: 12,
            sliced: 6,
            rejected: 1,
            ..OpTally::default()
        };
        tally.rows_out = 12;
        assert_eq!(tally.check(), Ok(()));
        tally.rows_out = 11;
        assert!(tally.check().is_err());
        tally.rows_out = 12;
        tally.operators[0].rows_out = 8;
        assert!(tally.check().is_err());
    }
}
