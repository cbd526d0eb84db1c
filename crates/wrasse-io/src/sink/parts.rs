//! [`PartsSink`]: lines of JSON in parts, of which only the lengths come here.
//!
//! The rows lie in objects of a cluster. This sink decides from the lengths of
//! the rows where parts end, as [`super::text::TextSink`] does, and has workers
//! write them; it gives them their names and says what is safe.
//!
//! ```text
//!   growing ──full──▶ closing ──written by a worker──▶ complete, with its name
//!      └─ segments, by workers, when its rows hold too much or at a commit
//! ```
//!
//! A commit waits for all files that were begun. What it says of the part that
//! grows is a list of segments. Files of which a commit speaks stay until the
//! next one has been recorded.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::hollow::Hollow;
use super::part_task::{PartTask, Run, StagedFile};
use super::place::{Place, remove};
use super::position::{read_position, write_position};
use super::target::{Compression, Shape, Target};
use super::text::{OpenPosition, Position};
use super::{Encoder, Finished, OutBlock, Part, Payload, Sink, SinkSpec};
use crate::Error;
use crate::source::Format;

/// Those who have the rows and can write them.
pub trait Hands: Send {
    /// Begins a task over these objects.
    ///
    /// # Errors
    ///
    /// If nobody is there any more.
    fn begin(&mut self, number: u64, task: &PartTask, objects: &[u64]) -> Result<(), Error>;

    /// A task that is done, and its file; waits for one if told to.
    ///
    /// # Errors
    ///
    /// If a task has failed.
    fn done(&mut self, waits: bool) -> Result<Option<(u64, StagedFile)>, Error>;

    /// An object is needed once more.
    fn hold(&mut self, object: u64);

    /// An object is needed once less.
    fn release(&mut self, object: u64);

    /// Bytes of all objects that are needed.
    fn held_bytes(&self) -> u64;

    /// How many tasks may be under way.
    fn tasks_max(&self) -> usize;
}

/// Has parts written by others.
pub(super) struct PartsSink {
    place: Place,
    /// The folder of unfinished parts, as others know it.
    folder: PathBuf,
    hands: Box<dyn Hands>,
    /// Bytes that objects may hold here.
    held_max: u64,
    /// The complete parts.
    parts: Vec<Part>,
    /// Full ones, in order.
    closing: VecDeque<Closing>,
    open: Option<Growing>,
    /// Tasks under way, with the objects they need.
    tasks: HashMap<u64, Vec<u64>>,
    n_tasks: u64,
    /// Files that no later commit speaks of; and those that the last one does
    /// not, either.
    unneeded: Vec<String>,
    removable: Vec<String>,
}

/// A part that grows.
#[derive(Default)]
struct Growing {
    rows: u64,
    row_bytes: u64,
    runs: Vec<Piece>,
    /// Bytes of rows that are in objects.
    loose_bytes: u64,
}

/// A part that is full.
struct Closing {
    rows: u64,
    runs: Vec<Piece>,
    task: Option<u64>,
    file: Option<StagedFile>,
}

/// Rows that follow one another.
enum Piece {
    Object(u64, Range<u64>),
    Segment(StagedFile),
    /// A segment that is being written by this task.
    Awaited(u64),
}

/// Opens a sink that has its parts written by `hands`, which hold `held_max` bytes
/// of rows or little more. None for an output that cannot be written so: one
/// file, tables, a store, or a part that a resumed run has begun here.
///
/// # Errors
///
/// As [`super::open_sink`].
pub fn open_parts(
    spec: &SinkSpec,
    resume_at: Option<&Value>,
    (hands, held_max): (Box<dyn Hands>, u64),
) -> Result<Option<Box<dyn Sink>>, Error> {
    if spec.format == Some(Format::Files) {
        return Ok(None);
    }
    let target = Target::of(spec)?;
    let is_parts = matches!(target.shape, Shape::Folder | Shape::Counted);
    if !is_parts || target.format != Format::Jsonl || target.remote {
        return Ok(None);
    }
    let position: Option<Position> = match resume_at {
        Some(position) => Some(read_position(position, &target)?),
        None => None,
    };
    let open = position
        .as_ref()
        .and_then(|position| position.open.as_ref());
    if open.is_some_and(|open| open.body.is_some()) {
        return Ok(None);
    }
    let n_committed = position.as_ref().map(|position| position.parts.len());
    let place = Place::open(target, &spec.staging, n_committed, spec.replace)?;
    let position = position.unwrap_or(Position {
        parts: Vec::new(),
        open: None,
    });
    place.check(&position.parts)?;
    place.sweep(&position.worker_files())?;
    let folder = std::path::absolute(place.parts())
        .map_err(|e| Error::io(spec.path.clone(), "has no absolute path", e))?;
    Ok(Some(Box::new(PartsSink {
        folder,
        place,
        hands,
        held_max,
        parts: position.parts,
        closing: VecDeque::new(),
        open: position.open.map(|open| Growing {
            rows: open.rows,
            row_bytes: open.row_bytes,
            runs: open.segments.into_iter().map(Piece::Segment).collect(),
            loose_bytes: 0,
        }),
        tasks: HashMap::new(),
        n_tasks: 0,
        unneeded: Vec::new(),
        removable: Vec::new(),
    })))
}

impl PartsSink {
    /// Appends some rows of an object, at most those that fill the part.
    fn take(&mut self, rows: &Hollow, from: usize) -> usize {
        let part_bytes = self.place.target().part_bytes;
        let open = self.open.get_or_insert_default();
        let room = part_bytes - open.row_bytes;
        let mut bytes = 0;
        let lengths = rows.lengths[from..].iter().take_while(|length| {
            let goes_in = bytes < room;
            bytes += if goes_in { **length } else { 0 };
            goes_in
        });
        let n = lengths.count();
        open.rows += n as u64;
        open.row_bytes += bytes;
        open.loose_bytes += bytes;
        let first = rows.first + from as u64;
        let end = first + n as u64;
        match open.runs.last_mut() {
            Some(Piece::Object(object, range)) if *object == rows.object && range.end == first => {
                range.end = end;
            }
            _ => {
                self.hands.hold(rows.object);
                open.runs.push(Piece::Object(rows.object, first..end));
            }
        }
        if open.row_bytes >= part_bytes {
            self.close();
        }
        n
    }

    /// The part that grows is full.
    fn close(&mut self) {
        self.closing.extend(self.open.take().map(|open| Closing {
            rows: open.rows,
            runs: open.runs,
            task: None,
            file: None,
        }));
    }

    /// Has the rows of the part that grows written as a segment.
    fn spool(&mut self) -> Result<(), Error> {
        let index = self.parts.len() + self.closing.len();
        let Some(open) = self.open.as_mut().filter(|open| open.loose_bytes > 0) else {
            return Ok(());
        };
        open.loose_bytes = 0;
        let is_loose = |piece: &Piece| matches!(piece, Piece::Object(..));
        let n_written = open.runs.iter().position(is_loose).unwrap_or(0);
        let loose = open.runs.split_off(n_written);
        self.n_tasks += 1;
        open.runs.push(Piece::Awaited(self.n_tasks));
        self.begin(self.n_tasks, index, Compression::None, &loose)
    }

    fn begin(
        &mut self,
        number: u64,
        index: usize,
        compression: Compression,
        pieces: &[Piece],
    ) -> Result<(), Error> {
        let mut objects = Vec::new();
        let mut runs = Vec::new();
        for piece in pieces {
            runs.push(match piece {
                Piece::Object(object, rows) => {
                    objects.push(*object);
                    Run::Object(rows.clone())
                }
                Piece::Segment(file) => Run::Segment(file.clone()),
                Piece::Awaited(_) => unreachable!("a part is begun when its segments are there"),
            });
        }
        let task = self.task(index, compression, runs);
        self.hands.begin(number, &task, &objects)?;
        self.tasks.insert(number, objects);
        Ok(())
    }

    fn task(&self, index: usize, compression: Compression, runs: Vec<Run>) -> PartTask {
        PartTask {
            folder: self.folder.clone(),
            name: self.place.target().worker_name(index),
            compression,
            runs,
        }
    }

    /// Begins full parts whose segments are there, and gives those their names
    /// that are written.
    fn go_on(&mut self) -> Result<(), Error> {
        while let Some(part) = self.closing.front_mut()
            && let Some(file) = part.file.take()
        {
            let rows = part.rows;
            let segments = self.closing.pop_front().into_iter();
            self.unneeded.extend(
                segments
                    .flat_map(|part| part.runs)
                    .filter_map(Piece::file_name),
            );
            self.accept(rows, file)?;
        }
        let compression = self.place.target().compression;
        for at in 0..self.closing.len() {
            if self.tasks.len() >= self.hands.tasks_max() {
                break;
            }
            let part = &mut self.closing[at];
            let is_ready = |piece: &Piece| !matches!(piece, Piece::Awaited(_));
            if part.task.is_some() || !part.runs.iter().all(is_ready) {
                continue;
            }
            self.n_tasks += 1;
            part.task = Some(self.n_tasks);
            let runs = std::mem::take(&mut part.runs);
            self.begin(self.n_tasks, self.parts.len() + at, compression, &runs)?;
            self.closing[at].runs = runs;
        }
        Ok(())
    }

    fn accept(&mut self, rows: u64, file: StagedFile) -> Result<(), Error> {
        let index = self.parts.len();
        self.place.take_in(index, &file.name).map_err(|error| {
            error.with_hint(
                "a worker has written it: where the workers of a cluster are other machines, \
                 pass --ray-shared-paths only if the folder is the same on all of them",
            )
        })?;
        let path = match self.place.target().shape {
            Shape::Folder => self.place.publish(index, 0)?,
            _ => String::new(),
        };
        self.parts.push(Part {
            path,
            rows,
            bytes: file.bytes,
            xxh3: file.xxh3,
        });
        Ok(())
    }

    /// Takes in what is written. Whether there was anything.
    fn collect(&mut self, waits: bool) -> Result<bool, Error> {
        self.go_on()?;
        let Some((number, file)) = self.hands.done(waits && !self.tasks.is_empty())? else {
            return Ok(false);
        };
        for object in self.tasks.remove(&number).unwrap_or_default() {
            self.hands.release(object);
        }
        if let Some(part) = self
            .closing
            .iter_mut()
            .find(|part| part.task == Some(number))
        {
            part.file = Some(file);
        } else {
            let closing = self.closing.iter_mut().flat_map(|part| &mut part.runs);
            let open = self.open.iter_mut().flat_map(|open| &mut open.runs);
            let awaited = closing
                .chain(open)
                .find(|piece| matches!(piece, Piece::Awaited(task) if *task == number));
            if let Some(piece) = awaited {
                *piece = Piece::Segment(file);
            }
        }
        self.go_on()?;
        Ok(true)
    }

    /// Waits until all is written that was begun or is full.
    fn settle(&mut self) -> Result<(), Error> {
        self.go_on()?;
        while !self.tasks.is_empty() {
            self.collect(true)?;
        }
        Ok(())
    }
}

impl Piece {
    fn file_name(self) -> Option<String> {
        match self {
            Self::Segment(file) => Some(file.name),
            _ => None,
        }
    }
}

impl Sink for PartsSink {
    fn encoder(&self) -> Arc<dyn Encoder> {
        super::encoder(Format::Jsonl, "")
    }

    fn set_threads(&mut self, _: NonZeroUsize) {}

    fn append(&mut self, block: OutBlock) -> Result<(), Error> {
        let Payload::Hollow(rows) = block.0 else {
            return Err(Error::new("", "rows have come to who writes none"));
        };
        let mut at = 0;
        while at < rows.lengths.len() {
            at += self.take(&rows, at);
        }
        let loose = self.open.as_ref().map_or(0, |open| open.loose_bytes);
        if loose >= self.held_max / 2 {
            self.spool()?;
        }
        while self.collect(false)? {}
        while self.hands.held_bytes() > self.held_max {
            if self.tasks.is_empty() {
                self.spool()?;
            }
            if !self.collect(true)? {
                break;
            }
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        0
    }

    fn commit(&mut self) -> Result<Value, Error> {
        for name in std::mem::take(&mut self.removable) {
            remove(&self.place.parts().join(name))?;
        }
        self.spool()?;
        self.settle()?;
        let segments = |runs: &[Piece]| {
            let files = runs.iter().filter_map(|piece| match piece {
                Piece::Segment(file) => Some(file.clone()),
                _ => None,
            });
            files.collect()
        };
        let position = Position {
            parts: self.parts.clone(),
            open: self.open.as_ref().map(|open| OpenPosition {
                rows: open.rows,
                row_bytes: open.row_bytes,
                body: None,
                segments: segments(&open.runs),
            }),
        };
        self.removable = std::mem::take(&mut self.unneeded);
        Ok(write_position(&position, self.place.target()))
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, Error> {
        self.close();
        self.settle()?;
        if self.parts.is_empty() {
            // An output without rows is a file without rows, not no file.
            let empty = self.task(0, self.place.target().compression, Vec::new());
            let file = empty.write(&mut || Ok(Vec::new()))?;
            self.accept(0, file)?;
        }
        self.place.publish_all(&mut self.parts)?;
        Ok(Finished {
            parts: self.parts,
            conflicts: Vec::new(),
        })
    }
}
