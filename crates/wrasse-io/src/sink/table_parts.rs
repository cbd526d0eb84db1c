//! [`TableParts`]: CSV or Parquet that others write, of which only the lengths of
//! the rows come here.
//!
//! As in [`super::table`], rows are staged in frames until all were seen. Here
//! workers stage them: some whole frames are a segment, a file. Where frames end
//! follows from the lengths, and what columns hold is told with each segment. At
//! the end, each part is a task over its frames.
//!
//! The frame that grows is spooled at a commit, and read back when it is whole. The
//! list of segments grows to as many as there are; it lies in a file of its own, of
//! which commits tell the length.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde_json::Value;

use super::crew::{Closed, Crew, Growing, Hands};
use super::fault::fault;
use super::kind::Kind;
use super::part_task::{Form, WrittenFile};
use super::place::{Place, SEGMENTS};
use super::position::{read_position, write_position};
use super::stage::FrameAt;
use super::staged::{Staged, StagedPosition, check_whole};
use super::table::{Position, TablePart, columns_of, conflicts, cut, frame_bytes};
use super::target::Target;
use super::text::OpenPosition;
use super::{Encoder, Finished, OutBlock, Part, Sink, SinkSpec};
use crate::Error;

/// Bytes of rows of a segment, where there is room: a task costs its driver about
/// a millisecond, and so many bytes take some tenths of a second to stage.
const SEGMENT_BYTES: u64 = 64 << 20;

/// The segments of a commit: what is known of each file, but for its columns.
#[derive(Default)]
pub(super) struct Segments(Vec<WrittenFile>);

impl Segments {
    /// Those of `position`.
    pub(super) fn at(place: &Place, position: &Position) -> Result<Self, Error> {
        let Some(list) = &position.segments else {
            return Ok(Self::default());
        };
        let path = place.side_file(SEGMENTS);
        let mut bytes =
            fs::read(&path).map_err(|e| fault(&path, "cannot read the list of segments", e))?;
        bytes.truncate(list.bytes as usize);
        check_whole(&path, &bytes, list)?;
        let lines = serde_json::Deserializer::from_slice(&bytes).into_iter();
        let segments = lines.collect::<Result<_, _>>();
        let segments = segments
            .map_err(|e| Error::io(path.display().to_string(), "cannot be read", e.into()))?;
        Ok(Self(segments))
    }

    /// The files that are needed to go on from `position`.
    pub(super) fn files<'a>(&'a self, position: &'a Position) -> Vec<&'a str> {
        let segments = self.0.iter().map(|segment| segment.file.name.as_str());
        let open = position.open.iter().flat_map(OpenPosition::worker_files);
        segments.chain(open).collect()
    }

    /// Appends what they hold to one file.
    pub(super) fn copy(&self, place: &Place, to: &mut Staged) -> Result<(), Error> {
        let ground = place.ground()?;
        self.0
            .iter()
            .try_for_each(|segment| to.write(&segment.file.bytes(&ground)?))
    }
}

/// Has a table written by others.
pub(super) struct TableParts {
    place: Place,
    crew: Crew,
    frame_bytes: u64,
    segment_bytes: u64,
    /// The frame that grows.
    open: Growing,
    /// Whole frames that are in no segment yet.
    whole: Growing,
    /// The list of segments, the names of their files, and their frames.
    list: Staged,
    files: Vec<String>,
    frames: Vec<FrameAt>,
    columns: Kind,
}

/// Opens a sink that has a table written by `hands`; none if a resumed run has begun
/// here.
pub(super) fn open(
    target: Target,
    spec: &SinkSpec,
    resume_at: Option<&Value>,
    (hands, held_max): (Box<dyn Hands>, u64),
) -> Result<Option<Box<dyn Sink>>, Error> {
    let position: Option<Position> = match resume_at {
        Some(position) => Some(read_position(position, &target)?),
        None => None,
    };
    if position.as_ref().is_some_and(|at| at.rows.is_some()) {
        return Ok(None);
    }
    // No part is complete before the end.
    let n_committed = position.as_ref().map(|_| 0);
    let place = Place::open(target, &spec.staging, n_committed, spec.replace)?;
    let mut position = position.unwrap_or_default();
    let segments = Segments::at(&place, &position)?;
    place.has_workers()?;
    place.sweep(&segments.files(&position))?;
    let frame_bytes = frame_bytes(place.target());
    let n_closed = segments.0.len();
    let hands = (hands, held_max);
    let mut crew = Crew::new(&place, hands, Form::Stage(frame_bytes), n_closed)?;
    let list = place.side_file(SEGMENTS);
    let mut sink = TableParts {
        open: position
            .open
            .take()
            .map(|open| crew.resume(open))
            .unwrap_or_default(),
        whole: Growing::default(),
        list: match &position.segments {
            Some(at) => Staged::reopen(list, at)?,
            None => Staged::create(list)?,
        },
        files: Vec::new(),
        frames: Vec::new(),
        columns: position.columns,
        frame_bytes,
        segment_bytes: SEGMENT_BYTES.min(held_max / 4),
        crew,
        place,
    };
    for segment in segments.0 {
        sink.know(segment);
    }
    Ok(Some(Box::new(sink)))
}

impl TableParts {
    fn know(&mut self, segment: WrittenFile) {
        let frames = FrameAt::all(self.files.len(), &segment.frames);
        self.frames.extend(frames);
        self.files.push(segment.file.name);
    }

    /// Takes segments that are written into the list.
    fn accept(&mut self, written: Vec<Closed>) -> Result<(), Error> {
        for (_, mut segment) in written {
            for frame in &mut segment.frames {
                self.columns.join(std::mem::take(&mut frame.columns));
            }
            let mut line = serde_json::to_vec(&segment).expect("a segment is JSON");
            line.push(b'\n');
            self.list.write(&line)?;
            self.know(segment);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Error> {
        let written = self.crew.settle()?;
        self.accept(written)
    }

    /// What is to be done for a part of these frames.
    fn form(&self, part: TablePart, frames: &[FrameAt]) -> Form {
        let (first, end) = match frames {
            [first, .., last] => (first.file, last.file + 1),
            [only] => (only.file, only.file + 1),
            [] => (0, 0),
        };
        Form::Table {
            part: part.of_files_from(first),
            segments: self.files[first..end].to_vec(),
        }
    }
}

/// Has whole frames written as a segment, if there are some.
fn close(crew: &mut Crew, whole: &mut Growing, frame_bytes: u64) {
    if whole.rows > 0 {
        crew.close(std::mem::take(whole), Form::Stage(frame_bytes));
    }
}

impl Sink for TableParts {
    fn encoder(&self) -> Arc<dyn Encoder> {
        super::encoder(self.place.target().format, "")
    }

    fn set_threads(&mut self, _: NonZeroUsize) {}

    fn append(&mut self, block: OutBlock) -> Result<(), Error> {
        let rows = block.into_hollow()?;
        let mut at = 0;
        while at < rows.lengths.len() {
            at += self
                .crew
                .take(&mut self.open, (&rows, at), self.frame_bytes);
            if self.open.row_bytes >= self.frame_bytes {
                self.crew
                    .join(&mut self.whole, std::mem::take(&mut self.open));
            }
            if self.whole.row_bytes >= self.segment_bytes {
                close(&mut self.crew, &mut self.whole, self.frame_bytes);
            }
        }
        let (open, whole, frame_bytes) = (&mut self.open, &mut self.whole, self.frame_bytes);
        let written = self.crew.bound(&mut |crew| {
            close(crew, whole, frame_bytes);
            crew.spool(open)
        })?;
        self.accept(written)
    }

    fn memory_bytes(&self) -> usize {
        self.list.memory_bytes() + self.frames.capacity() * size_of::<FrameAt>()
    }

    fn commit(&mut self) -> Result<Value, Error> {
        self.crew.begin_commit()?;
        close(&mut self.crew, &mut self.whole, self.frame_bytes);
        self.crew.spool(&mut self.open)?;
        self.settle()?;
        let segments: StagedPosition = self.list.sync()?;
        let is_open = self.open.rows > 0;
        let position = Position {
            segments: Some(segments),
            open: is_open.then(|| self.crew.position(&self.open)),
            columns: self.columns.clone(),
            rows: None,
        };
        self.crew.end_commit();
        Ok(write_position(&position, self.place.target()))
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, Error> {
        // The last frame ends with the rows.
        self.crew
            .join(&mut self.whole, std::mem::take(&mut self.open));
        close(&mut self.crew, &mut self.whole, self.frame_bytes);
        self.settle()?;
        let columns = columns_of(std::mem::take(&mut self.columns), self.frames.is_empty());
        let parts = cut(&self.frames, self.place.target().part_bytes);
        self.crew.end();
        let threads = self.crew.threads(parts.len());
        for frames in parts {
            let part = TablePart::new(self.place.target(), &columns, frames, threads);
            let rows = part.rows();
            let mut growing = Growing::default();
            growing.rows = rows;
            let form = self.form(part, frames);
            self.crew.close(growing, form);
        }
        let mut parts: Vec<Part> = Vec::new();
        for (rows, file) in self.crew.settle()? {
            parts.push(self.place.accept(parts.len(), rows, &file)?);
        }
        self.place.publish_all(&mut parts)?;
        Ok(Finished {
            parts,
            conflicts: conflicts(self.place.target(), &columns),
        })
    }
}
