//! Which rows are tried again, and how, when a worker has died over a batch.

/// Rows of a job, from the first to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// The number of the job.
    pub(crate) job: u64,
    /// The first row.
    pub(crate) from: u32,
    /// The row behind the last.
    pub(crate) to: u32,
    /// Workers that died over a batch with these rows in it.
    pub(crate) kills: u32,
}

/// Workers that a row may cost. The second dies over this row alone: nothing
/// else can be to blame.
pub(crate) const KILLS_MAX: u32 = 2;

/// What is done about a batch that a worker has died over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// These are tried, in this order.
    Try(Vec<Range>),
    /// The only row is rejected.
    Reject,
}

/// `at` is the row that the worker was at, if that is known. Then it is tried
/// alone, between the rows before and behind it; otherwise the batch is halved.
pub(crate) fn narrow(range: Range, at: Option<u32>) -> Next {
    let kills = range.kills + 1;
    let part = |from, to, kills| Range {
        from,
        to,
        kills,
        ..range
    };
    if range.to - range.from <= 1 {
        return match kills >= KILLS_MAX {
            true => Next::Reject,
            false => Next::Try(vec![part(range.from, range.to, kills)]),
        };
    }
    let parts = match at.filter(|at| (range.from..range.to).contains(at)) {
        Some(at) => vec![
            part(range.from, at, 0),
            part(at, at + 1, kills),
            part(at + 1, range.to, 0),
        ],
        None => {
            let middle = range.from + (range.to - range.from) / 2;
            vec![
                part(range.from, middle, kills),
                part(middle, range.to, kills),
            ]
        }
    };
    Next::Try(
        parts
            .into_iter()
            .filter(|part| part.from < part.to)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Range = Range {
        job: 7,
        from: 0,
        to: 100,
        kills: 0,
    };

    /// Tries rows as the driver does; what was rejected, and how many died.
    fn play(poisonous: &[u32], knows: bool) -> (Vec<u32>, u32) {
        let mut todo = vec![WHOLE];
        let (mut rejected, mut died) = (Vec::new(), 0);
        let mut passed = Vec::new();
        while let Some(range) = todo.pop() {
            let first = (range.from..range.to).find(|row| poisonous.contains(row));
            let Some(first) = first else {
                passed.extend(range.from..range.to);
                continue;
            };
            died += 1;
            match narrow(range, knows.then_some(first)) {
                Next::Reject => rejected.push(range.from),
                Next::Try(parts) => todo.extend(parts.into_iter().rev()),
            }
        }
        passed.extend(&rejected);
        passed.sort_unstable();
        assert_eq!(passed, (0..100).collect::<Vec<_>>(), "every row ends once");
        (rejected, died)
    }

    #[test]
    fn the_poisonous_rows_and_no_others_are_rejected() {
        for poisonous in [&[][..], &[0], &[99], &[50], &[3, 4, 97], &[49, 50]] {
            for knows in [true, false] {
                assert_eq!(play(poisonous, knows).0, poisonous);
            }
        }
    }

    #[test]
    fn who_knows_the_row_loses_two_workers_over_it() {
        assert_eq!(play(&[50], true).1, 2);
        assert!(play(&[50], false).1 <= 8);
    }
}
