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

use super::frames::{FRAME_BYTES, Frames, FramesPosition};
use super::kind::Kind;
use super::place::{Place, ROWS};
use super::pool::default_threads;
use super::position::{read_position, write_position};
use super::rows::Piece;
use super::stage::{self, FrameAbout, FrameAt, StageFrames, append_lines, append_table};
use super::staged::{Staged, StagedPosition};
use super::table_parts::Segments;
use super::target::{Compression, Shape, Target};
use super::text::OpenPosition;
use super::{Conflict, Encoder, Finished, OutBlock, Part, Payload, Sink, SinkSpec, csv, parquet};
use crate::Error;
use crate::source::Format;

/// The column that stands for rows without any field, which a table cannot
/// hold otherwise.
pub(super) const NO_COLUMN: &str = "_";

/// Where the staged rows stood at a commit: in one file, or in those of workers.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Position {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<FramesPosition>,
    /// The list of segments that hold whole frames: see [`super::table_parts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) segments: Option<StagedPosition>,
    /// The frame after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) open: Option<OpenPosition>,
    /// What the columns of the whole frames hold.
    pub(super) columns: Kind,
}

/// Writes CSV or Parquet to one file or to parts.
pub(super) struct TableSink {
    place: Place,
    path: PathBuf,
    frames: StageFrames,
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
    let threads = default_threads();
    let over = |staged| {
        let (tails, frame_bytes) = (place.tails(0), frame_bytes(place.target()));
        Frames::new(staged, tails, frame_bytes, threads, stage::packer())
    };
    let Some(position) = position else {
        place.sweep(&[])?;
        let frames = over(Staged::create(path.clone())?);
        return Ok(TableSink {
            place,
            path,
            frames,
            columns: Kind::Null,
            n_joined: 0,
            threads,
        });
    };
    let segments = Segments::at(&place, &position)?;
    place.sweep(&segments.files(&position))?;
    let (mut frames, n_joined) = match &position.rows {
        Some(rows) => {
            let staged = Staged::reopen(path.clone(), &rows.staged)?;
            let known = stage::scan(&path, rows.staged.bytes)?;
            let n_joined = known.len();
            (over(staged).resume(rows, known)?, n_joined)
        }
        // Workers have begun: what they wrote is put together.
        None => {
            let mut staged = Staged::create(path.clone())?;
            segments.copy(&place, &mut staged)?;
            let known = stage::scan(&path, staged.sync()?.bytes)?;
            let n_joined = known.len();
            (over(staged).with(known), n_joined)
        }
    };
    for segment in position.open.iter().flat_map(|open| &open.segments) {
        for rows in segment.staged(&place.ground()?)? {
            stage::append_staged(&mut frames, rows)?;
        }
    }
    Ok(TableSink {
        place,
        path,
        frames,
        columns: position.columns,
        n_joined,
        threads,
    })
}

/// Bytes of rows with which a frame is full.
pub(super) fn frame_bytes(target: &Target) -> u64 {
    target.part_bytes.min(FRAME_BYTES)
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
            Payload::Lines(lines) => append_lines(&mut self.frames, lines.rows())?,
            Payload::Pieces(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Lines(lines) => append_lines(&mut self.frames, lines.rows())?,
                        Piece::Table(table) => append_table(&mut self.frames, table)?,
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
        let position = Position {
            rows: Some(rows),
            columns: self.columns.clone(),
            ..Position::default()
        };
        Ok(write_position(&position, self.place.target()))
    }

    fn finish(self: Box<Self>) -> Result<Finished, Error> {
        let mut this = *self;
        let (_, mut frames) = this.frames.complete(false)?;
        join_columns(&mut frames, &mut this.n_joined, &mut this.columns);
        let columns = columns_of(this.columns, frames.is_empty());
        let frames: Vec<FrameAt> = FrameAt::all(0, &frames).collect();
        let mut parts = Vec::new();
        for (index, frames) in cut(&frames, this.place.target().part_bytes)
            .into_iter()
            .enumerate()
        {
            let out = Staged::create(this.place.staged(index))?;
            let part = TablePart::new(this.place.target(), &columns, frames, this.threads.get());
            let end = part.write(vec![this.path.clone()], out)?;
            let path = match this.place.target().shape {
                Shape::Folder => this.place.publish(index, 0)?,
                _ => String::new(),
            };
            parts.push(Part {
                path,
                rows: part.rows(),
                bytes: end.bytes,
                xxh3: end.xxh3,
            });
        }
        let conflicts = conflicts(this.place.target(), &columns);
        match this.place.target().shape {
            Shape::Folder => {}
            Shape::Stdout => {
                for (index, part) in parts.iter_mut().enumerate() {
                    part.path = this.place.publish(index, 1)?;
                }
            }
            _ => this.place.publish_all(&mut parts)?,
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
pub(super) fn columns_of(kind: Kind, is_empty: bool) -> IndexMap<String, Kind> {
    match kind {
        Kind::Struct(columns) if !columns.is_empty() || is_empty => columns,
        _ if is_empty => IndexMap::new(),
        _ => IndexMap::from([(NO_COLUMN.to_owned(), Kind::Null)]),
    }
}

/// Columns whose type had to be widened.
pub(super) fn conflicts(target: &Target, columns: &IndexMap<String, Kind>) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    if target.format == Format::Parquet {
        for (name, kind) in columns {
            kind.conflicts(name, &mut conflicts);
        }
    }
    conflicts
}

/// A part of a table whose rows are all there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TablePart {
    format: Format,
    compression: Compression,
    columns: IndexMap<String, Kind>,
    frames: Vec<FrameAt>,
    threads: usize,
}

impl TablePart {
    pub(super) fn new(
        target: &Target,
        columns: &IndexMap<String, Kind>,
        frames: &[FrameAt],
        threads: usize,
    ) -> Self {
        Self {
            format: target.format,
            compression: target.compression,
            columns: columns.clone(),
            frames: frames.to_vec(),
            threads,
        }
    }

    /// With frames in files that are counted from `first` on.
    pub(super) fn of_files_from(mut self, first: usize) -> Self {
        for frame in &mut self.frames {
            frame.file -= first;
        }
        self
    }

    pub(super) fn rows(&self) -> u64 {
        self.frames.iter().map(|frame| frame.rows).sum()
    }

    /// Writes the part, of staged rows in these files.
    pub(super) fn write(&self, files: Vec<PathBuf>, out: Staged) -> Result<StagedPosition, Error> {
        let (frames, columns) = (&self.frames, &Arc::new(self.columns.clone()));
        let files = Arc::new(files);
        let threads = NonZeroUsize::new(self.threads).unwrap_or(NonZeroUsize::MIN);
        let style = |delimiter| csv::Style {
            delimiter,
            compression: self.compression,
        };
        match self.format {
            Format::Tsv => csv::write(&files, frames, columns, style(b'\t'), out, threads),
            Format::Csv => csv::write(&files, frames, columns, style(b','), out, threads),
            _ => parquet::write(&files, frames, columns, out, threads),
        }
    }
}

/// Cuts frames into parts, one at least.
pub(super) fn cut(frames: &[FrameAt], part_bytes: u64) -> Vec<&[FrameAt]> {
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
