//! [`TableSink`]: rows into columns, in CSV or Parquet.
//!
//! Rows are staged as they come (see [`super::stage`]); what their columns hold
//! is gathered on the way and kept with each commit. The files are made when
//! all rows are there. A crash while they are made costs no more than making
//! them again.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::columnar::Table;
use super::frames::{FRAME_BYTES, Frames, FramesPosition};
use super::kind::Kind;
use super::place::{Place, ROWS};
use super::pool::default_threads;
use super::position::{read_position, write_position};
use super::rows::{Lines, Piece};
use super::stage::{self, FrameAbout, FrameAt, Stage};
use super::staged::{Staged, StagedPosition};
use super::target::{Shape, Target};
use super::{Encoder, Finished, OutBlock, Part, Payload, Sink, SinkSpec, csv, parquet};
use crate::Error;
use crate::source::Format;

/// The column that stands for rows without any field, which a table cannot
/// hold otherwise.
pub(super) const NO_COLUMN: &str = "_";

/// Where the staged rows stood at a commit.
#[derive(Serialize, Deserialize)]
struct Position {
    rows: FramesPosition,
    /// What the columns of the whole frames hold.
    columns: Kind,
}

/// Writes CSV or Parquet to one file or to parts.
pub(super) struct TableSink {
    place: Place,
    rows: Arc<PathBuf>,
    frames: Frames<Stage, FrameAbout>,
    columns: Kind,
    /// Frames whose columns are in `columns`.
    n_joined: usize,
    threads: NonZeroUsize,
}

/// Opens a sink for rows in columns.
pub(super) fn open(
    target: Target,
    spec: &SinkSpec,
    resume_at: Option<&Value>,
) -> Result<TableSink, Error> {
    let position: Option<Position> = match resume_at {
        Some(position) => Some(read_position(position, &target)?),
        None => None,
    };
    // No part is complete before the end.
    let place = Place::open(
        target,
        &spec.staging,
        position.as_ref().map(|_| 0),
        spec.replace,
    )?;
    let path = place.side_file(ROWS);
    let frame_bytes = place.target().part_bytes.min(FRAME_BYTES);
    let threads = default_threads();
    let staged = match &position {
        Some(position) => Staged::reopen(path.clone(), &position.rows.staged)?,
        None => Staged::create(path.clone())?,
    };
    let mut frames = Frames::new(
        staged,
        place.tails(0),
        frame_bytes,
        threads,
        stage::packer(),
    );
    let mut columns = Kind::Null;
    let mut n_joined = 0;
    if let Some(position) = position {
        let known = stage::scan(&path, position.rows.staged.bytes)?;
        n_joined = known.len();
        frames = frames.resume(&position.rows, known)?;
        columns = position.columns;
    }
    Ok(TableSink {
        place,
        rows: Arc::new(path),
        frames,
        columns,
        n_joined,
        threads,
    })
}

impl TableSink {
    fn append_lines(&mut self, lines: &Lines) -> Result<(), Error> {
        let mut rest = lines.rows();
        while rest.n_rows() > 0 {
            let (now, later) = rest.split_at_bytes(self.frames.room());
            self.frames.rows().push_lines(now);
            self.frames.cut_if_full()?;
            rest = later;
        }
        Ok(())
    }

    fn append_table(&mut self, table: Table) -> Result<(), Error> {
        let mut rest = Some(table).filter(|table| table.n_rows() > 0);
        while let Some(table) = rest {
            let (now, later) = table.split_at_bytes(self.frames.room());
            self.frames.rows().push_table(now);
            self.frames.cut_if_full()?;
            rest = later;
        }
        Ok(())
    }
}

impl Sink for TableSink {
    fn encoder(&self) -> Arc<dyn Encoder> {
        super::encoder(self.place.target().format, "")
    }

    fn set_threads(&mut self, threads: NonZeroUsize) {
        self.threads = threads;
        self.frames.set_threads(threads);
    }

    fn append(&mut self, block: OutBlock) -> Result<(), Error> {
        match block.0 {
            Payload::Files(_) | Payload::Hollow(_) => {
                unreachable!("no encoder of this sink makes such")
            }
            Payload::Lines(lines) => self.append_lines(&lines)?,
            Payload::Pieces(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Lines(lines) => self.append_lines(&lines)?,
                        Piece::Table(table) => self.append_table(table)?,
                    }
                }
            }
        }
        join_columns(
            self.frames.frames_mut(),
            &mut self.n_joined,
            &mut self.columns,
        );
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.frames.memory_bytes()
    }

    fn commit(&mut self) -> Result<Value, Error> {
        let rows = self.frames.sync()?;
        join_columns(
            self.frames.frames_mut(),
            &mut self.n_joined,
            &mut self.columns,
        );
        let columns = self.columns.clone();
        Ok(write_position(
            &Position { rows, columns },
            self.place.target(),
        ))
    }

    fn finish(self: Box<Self>) -> Result<Finished, Error> {
        let mut this = *self;
        let (_, mut frames) = this.frames.complete(false)?;
        join_columns(&mut frames, &mut this.n_joined, &mut this.columns);
        let mut output = Output {
            columns: Arc::new(columns_of(this.columns, &frames)),
            place: this.place,
            rows: this.rows,
            threads: this.threads,
        };
        let frames = FrameAt::all(&frames);
        let parts = output.write(&frames)?;
        let mut conflicts = Vec::new();
        if output.place.target().format == Format::Parquet {
            for (name, kind) in output.columns.iter() {
                kind.conflicts(name, &mut conflicts);
            }
        }
        Ok(Finished { parts, conflicts })
    }
}

fn join_columns(frames: &mut [FrameAbout], n_joined: &mut usize, columns: &mut Kind) {
    for frame in &mut frames[*n_joined..] {
        columns.join(std::mem::take(&mut frame.columns));
    }
    *n_joined = frames.len();
}

/// The columns of the output.
fn columns_of(kind: Kind, frames: &[FrameAbout]) -> IndexMap<String, Kind> {
    match kind {
        Kind::Struct(columns) if !columns.is_empty() || frames.is_empty() => columns,
        _ if frames.is_empty() => IndexMap::new(),
        _ => IndexMap::from([(NO_COLUMN.to_owned(), Kind::Null)]),
    }
}

/// The files of an output whose rows are all there.
struct Output {
    place: Place,
    rows: Arc<PathBuf>,
    columns: Arc<IndexMap<String, Kind>>,
    threads: NonZeroUsize,
}

impl Output {
    fn write(&mut self, frames: &[FrameAt]) -> Result<Vec<Part>, Error> {
        let cuts = cut(frames, self.place.target().part_bytes);
        let mut parts = Vec::with_capacity(cuts.len());
        for (index, frames) in cuts.iter().enumerate() {
            let end = self.write_part(index, frames)?;
            let path = match self.place.target().shape {
                Shape::Folder => self.place.publish(index, 0)?,
                _ => String::new(),
            };
            parts.push(Part {
                path,
                rows: frames.iter().map(|frame| frame.rows).sum(),
                bytes: end.bytes,
                xxh3: end.xxh3,
            });
        }
        if self.place.target().shape != Shape::Folder {
            for (index, part) in parts.iter_mut().enumerate() {
                part.path = self.place.publish(index, cuts.len())?;
            }
        }
        Ok(parts)
    }

    fn write_part(&self, index: usize, frames: &[FrameAt]) -> Result<StagedPosition, Error> {
        let out = Staged::create(self.place.staged(index))?;
        let Self {
            rows,
            columns,
            threads,
            ..
        } = self;
        let target = self.place.target();
        let style = |delimiter| csv::Style {
            delimiter,
            compression: target.compression,
        };
        match target.format {
            Format::Tsv => csv::write(rows, frames, columns, style(b'\t'), out, *threads),
            Format::Csv => csv::write(rows, frames, columns, style(b','), out, *threads),
            _ => parquet::write(rows, frames, columns, out, *threads),
        }
    }
}

/// Cuts frames into parts, one at least.
fn cut(frames: &[FrameAt], part_bytes: u64) -> Vec<&[FrameAt]> {
    if frames.is_empty() {
        return vec![frames];
    }
    let mut bytes = 0;
    let parts = frames.chunk_by(|frame, _| {
        bytes += frame.row_bytes;
        let goes_on = bytes < part_bytes;
        if !goes_on {
            bytes = 0;
        }
        goes_on
    });
    parts.collect()
}
