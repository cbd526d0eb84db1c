//! A worker's answer: what became of samples, with changed columns in its file.
//! `python/wrasse/worker/columns.py` is the other side.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use wrasse_run::{Changes, Fate, FateEnd, Made, NewValue, OpTally, Told};

use crate::wire::{Done, Dropped, OutColumn, PROGRESS_BYTES, Part};

/// What became of `n` rows, from a worker's answer and its file.
///
/// # Errors
///
/// If the answer makes no sense.
pub(crate) fn decode(done: Done, n: u32, file: &File) -> io::Result<Made> {
    let n_operators = done.counts.len();
    let parents = parents(file, &done, n)?;
    let mut changes = changes(file, done.columns, done.rows)?;
    for (row, stats) in done.stats {
        let changes = changes.get_mut(row).ok_or_else(|| wrong("the stats"))?;
        changes.stats = stats;
    }
    let pieces = pieces(file, done.pieces, done.rows)?;
    let on = parents.into_iter().zip(pieces).zip(changes);
    let on = on.map(|((sample, piece), changes)| Fate {
        sample,
        piece,
        end: FateEnd::On(changes),
    });
    let mut fates: Vec<Fate> = on.collect();
    fates.extend(dropped(file, done.dropped, done.gone)?);
    let failed = done.failed.into_iter();
    fates.extend(failed.map(|(sample, operator, error, trace, piece)| Fate {
        sample,
        piece,
        end: FateEnd::Rejected {
            operator,
            error,
            trace: Some(trace),
            attempts: 1,
        },
    }));
    let knows = |fate: &Fate| match &fate.end {
        FateEnd::On(_) => true,
        FateEnd::Dropped { operator, .. } | FateEnd::Rejected { operator, .. } => {
            *operator < n_operators
        }
    };
    if !fates.iter().all(|fate| fate.sample < n && knows(fate)) {
        return Err(wrong("a drop or a failure"));
    }
    let told = done.told.into_iter();
    let told = told.map(|(sample, operator, kind, record)| Told {
        sample,
        operator,
        kind,
        record,
    });
    let told: Vec<Told> = told.collect();
    let knows = |one: &Told| one.sample < n && one.operator < n_operators;
    if !told.iter().all(knows) {
        return Err(wrong("a record"));
    }
    fates.sort_by_key(|fate| fate.sample);
    Ok(Made {
        fates,
        counts: done.counts.into_iter().map(tally).collect(),
        told,
    })
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(format!("{what} of its answer makes no sense"))
}

/// The sample that each row is of.
fn parents(file: &File, done: &Done, n: u32) -> io::Result<Vec<u32>> {
    match done.parents {
        None if done.rows == n as usize => Ok((0..n).collect()),
        None => Err(wrong("the number of rows")),
        Some(part) => numbers(file, part)?
            .map(|parent| u32::try_from(parent).ok().filter(|parent| *parent < n))
            .collect::<Option<_>>()
            .filter(|parents: &Vec<u32>| parents.len() == done.rows)
            .ok_or_else(|| wrong("the origin of rows")),
    }
}

/// Which piece of its sample each row is.
fn pieces(file: &File, part: Option<Part>, rows: usize) -> io::Result<Vec<Option<u32>>> {
    let Some(part) = part else {
        return Ok(vec![None; rows]);
    };
    let pieces = numbers(file, part)?.map(|piece| u32::try_from(piece).ok());
    let pieces: Vec<Option<u32>> = pieces.collect();
    match pieces.len() == rows {
        true => Ok(pieces),
        false => Err(wrong("the pieces")),
    }
}

/// What was dropped; `gone` is what was done before to those that are pieces.
fn dropped(file: &File, dropped: Vec<Dropped>, gone: Vec<OutColumn>) -> io::Result<Vec<Fate>> {
    let is_piece = |dropped: &&Dropped| dropped.3.is_some();
    let n_pieces = dropped.iter().filter(is_piece).count();
    let mut gone = changes(file, gone, n_pieces)?.into_iter();
    let fate = |(sample, operator, stats, piece): Dropped| Fate {
        sample,
        piece,
        end: FateEnd::Dropped {
            operator,
            changes: Changes {
                stats,
                ..piece.and_then(|_| gone.next()).unwrap_or_default()
            },
        },
    };
    Ok(dropped.into_iter().map(fate).collect())
}

/// How often an operator did what.
fn tally(count: [u64; 7]) -> OpTally {
    let [
        rows_in,
        rows_out,
        dropped,
        rejected,
        sliced,
        changed,
        busy_ns,
    ] = count;
    OpTally {
        rows_in,
        rows_out,
        dropped,
        rejected,
        sliced,
        // What neither went nor was cut.
        whole: rows_in.saturating_sub(dropped + rejected + sliced),
        changed,
        busy_ns,
        ..OpTally::default()
    }
}

/// What was done to each row.
fn changes(file: &File, columns: Vec<OutColumn>, rows: usize) -> io::Result<Vec<Changes>> {
    let mut changes = Vec::new();
    changes.resize_with(rows, Changes::default);
    for column in columns {
        read_column(file, column, &mut changes)?;
    }
    Ok(changes)
}

fn read_column(file: &File, column: OutColumn, changes: &mut [Changes]) -> io::Result<()> {
    let wrong = || io::Error::other(format!("the column `{}` makes no sense", column.name));
    let kinds = read(file, column.kinds)?;
    let ends: Vec<i64> = numbers(file, column.offsets)?.collect();
    let data = String::from_utf8(read(file, column.data)?).map_err(|_| wrong())?;
    if kinds.len() != changes.len() || ends.len() != kinds.len() + 1 {
        return Err(wrong());
    }
    let name: Arc<str> = column.name.as_str().into();
    for (row, kind) in kinds.into_iter().enumerate() {
        let value = || {
            let (begin, end) = (usize::try_from(ends[row]), usize::try_from(ends[row + 1]));
            data.get(begin.ok()?..end.ok()?)
        };
        let new = match kind {
            0 => continue,
            1 => NewValue::Text(value().ok_or_else(wrong)?.to_owned()),
            2 => NewValue::Json(value().ok_or_else(wrong)?.into()),
            _ => NewValue::Removed,
        };
        changes[row].fields.push((Arc::clone(&name), new));
    }
    Ok(())
}

fn read(file: &File, (at, len): Part) -> io::Result<Vec<u8>> {
    // What is not there is not made room for.
    if at.saturating_add(len).saturating_add(PROGRESS_BYTES) > file.metadata()?.len() {
        return Err(io::Error::other("a part of its answer is missing"));
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, PROGRESS_BYTES + at)?;
    Ok(bytes)
}

fn numbers(file: &File, part: Part) -> io::Result<impl Iterator<Item = i64>> {
    let bytes = read(file, part)?;
    let numbers: Vec<i64> = bytes
        .chunks_exact(8)
        .map(|eight| i64::from_ne_bytes(eight.try_into().unwrap_or_default()))
        .collect();
    Ok(numbers.into_iter())
}
