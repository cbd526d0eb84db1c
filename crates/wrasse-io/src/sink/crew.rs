//! [`Crew`]: those who have the rows and write files of them.
//!
//! Rows lie in objects of a cluster, and only their lengths come here. A sink
//! gathers runs of them ([`Growing`]); a full one is a file that the crew writes.
//! One that is not full yet can be spooled: its rows go to a segment, which is read
//! back when it is full.
//!
//! ```text
//!   growing ──full──▶ closing ──written by a worker──▶ taken by the sink
//!      └─ segments, by workers, when its rows hold too much or at a commit
//! ```
//!
//! A commit waits for all files that were begun. Files of which a commit speaks
//! stay until the next one has been recorded.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::ground::Ground;
use super::hollow::Hollow;
use super::part_task::{Form, PartTask, Run, StagedFile, WrittenFile};
use super::place::Place;
use super::target::Target;
use super::text::OpenPosition;
use crate::Error;

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
    fn done(&mut self, waits: bool) -> Result<Option<(u64, WrittenFile)>, Error>;

    /// An object is needed once more.
    fn hold(&mut self, object: u64);

    /// An object is needed once less.
    fn release(&mut self, object: u64);

    /// Bytes of all objects that are needed.
    fn held_bytes(&self) -> u64;

    /// How many tasks may be under way beside those that work on samples.
    fn tasks_max(&self) -> usize;
}

/// Rows that follow one another.
enum Piece {
    Object(u64, Range<u64>),
    /// Those of the segment that this task writes.
    Segment(u64),
}

/// Rows that become a file.
#[derive(Default)]
pub(super) struct Growing {
    pub(super) rows: u64,
    pub(super) row_bytes: u64,
    runs: Vec<Piece>,
    /// Bytes of rows that are in objects.
    loose_bytes: u64,
}

/// A file that is to be written.
struct Closing {
    rows: u64,
    index: usize,
    form: Form,
    runs: Vec<Piece>,
    task: Option<u64>,
    file: Option<WrittenFile>,
}

/// A file that is written: its rows, and what it is.
pub(super) type Closed = (u64, WrittenFile);

/// Writes files of rows that lie elsewhere.
pub(super) struct Crew {
    ground: Ground,
    target: Target,
    hands: Box<dyn Hands>,
    /// Bytes that objects may hold.
    held_max: u64,
    /// What segments hold.
    segments_hold: Form,
    /// Full ones, in order.
    closing: VecDeque<Closing>,
    /// Files that were full so far, those before a resumed run included.
    n_closed: usize,
    /// Tasks under way, with the objects they need.
    tasks: HashMap<u64, Vec<u64>>,
    n_tasks: u64,
    /// Segments by their tasks.
    segments: HashMap<u64, StagedFile>,
    /// Whether all processors are free to write.
    is_end: bool,
    /// Files that no later commit speaks of; and those that the last one does
    /// not, either.
    unneeded: Vec<String>,
    removable: Vec<String>,
}

impl Crew {
    /// Those who write the files of `place`; `n_closed` are written.
    pub(super) fn new(
        place: &Place,
        (hands, held_max): (Box<dyn Hands>, u64),
        segments_hold: Form,
        n_closed: usize,
    ) -> Result<Self, Error> {
        let target = place.target().clone();
        Ok(Self {
            ground: place.ground()?,
            target,
            hands,
            held_max,
            segments_hold,
            closing: VecDeque::new(),
            n_closed,
            tasks: HashMap::new(),
            n_tasks: 0,
            segments: HashMap::new(),
            is_end: false,
            unneeded: Vec::new(),
            removable: Vec::new(),
        })
    }

    /// What grew at a commit.
    pub(super) fn resume(&mut self, at: OpenPosition) -> Growing {
        let mut growing = Growing {
            rows: at.rows,
            row_bytes: at.row_bytes,
            ..Growing::default()
        };
        for segment in at.segments {
            self.n_tasks += 1;
            self.segments.insert(self.n_tasks, segment);
            growing.runs.push(Piece::Segment(self.n_tasks));
        }
        growing
    }

    /// Appends some rows of an object, at most those with which there are `limit`
    /// bytes; how many they were.
    pub(super) fn take(
        &mut self,
        growing: &mut Growing,
        (rows, from): (&Hollow, usize),
        limit: u64,
    ) -> usize {
        let room = limit - growing.row_bytes;
        let mut bytes = 0;
        let lengths = rows.lengths[from..].iter().take_while(|length| {
            let goes_in = bytes < room;
            bytes += if goes_in { **length } else { 0 };
            goes_in
        });
        let n = lengths.count();
        let first = rows.first + from as u64;
        self.hands.hold(rows.object);
        self.join(
            growing,
            Growing {
                rows: n as u64,
                row_bytes: bytes,
                runs: vec![Piece::Object(rows.object, first..first + n as u64)],
                loose_bytes: bytes,
            },
        );
        n
    }

    /// Appends what follows.
    pub(super) fn join(&mut self, growing: &mut Growing, more: Growing) {
        growing.rows += more.rows;
        growing.row_bytes += more.row_bytes;
        growing.loose_bytes += more.loose_bytes;
        for piece in more.runs {
            match (growing.runs.last_mut(), &piece) {
                (Some(Piece::Object(object, range)), Piece::Object(next, more))
                    if object == next && range.end == more.start =>
                {
                    range.end = more.end;
                    self.hands.release(*next);
                }
                _ => growing.runs.push(piece),
            }
        }
    }

    /// Has a file written of what has grown.
    pub(super) fn close(&mut self, growing: Growing, form: Form) {
        self.closing.push_back(Closing {
            rows: growing.rows,
            index: self.n_closed,
            form,
            runs: growing.runs,
            task: None,
            file: None,
        });
        self.n_closed += 1;
    }

    /// Whether the rows of what grows fill half of what objects may hold, and somebody
    /// is free to write them.
    pub(super) fn is_much(&self, growing: &Growing) -> bool {
        growing.loose_bytes >= self.held_max / 2 && self.tasks.len() < self.tasks_max()
    }

    /// Has the rows of what grows written as a segment.
    pub(super) fn spool(&mut self, growing: &mut Growing) -> Result<(), Error> {
        if growing.loose_bytes == 0 {
            return Ok(());
        }
        growing.loose_bytes = 0;
        let is_loose = |piece: &Piece| matches!(piece, Piece::Object(..));
        let n_written = growing.runs.iter().position(is_loose).unwrap_or(0);
        let loose = growing.runs.split_off(n_written);
        let form = self.segments_hold.clone();
        let task = self.begin((self.n_closed, form), &loose)?;
        growing.runs.push(Piece::Segment(task));
        Ok(())
    }

    /// Keeps what objects hold within bounds, and has what grows spooled if they hold
    /// too much; the files that are written by now.
    pub(super) fn bound(
        &mut self,
        spool: &mut dyn FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<Vec<Closed>, Error> {
        while self.collect(false)? {}
        while self.hands.held_bytes() > self.held_max {
            if self.tasks.is_empty() {
                spool(self)?;
            }
            if !self.collect(true)? {
                break;
            }
        }
        Ok(self.written())
    }

    /// Waits until all is written that was begun or is full.
    pub(super) fn settle(&mut self) -> Result<Vec<Closed>, Error> {
        self.go_on()?;
        while !self.tasks.is_empty() {
            self.collect(true)?;
        }
        Ok(self.written())
    }

    /// Files that were full so far.
    pub(super) fn n_closed(&self) -> usize {
        self.n_closed
    }

    /// All samples are done: whoever works writes.
    pub(super) fn end(&mut self) {
        self.is_end = true;
    }

    /// How many threads each of `n` files may have that are left to be written.
    pub(super) fn threads(&self, n: usize) -> usize {
        (self.tasks_max() / n.max(1)).clamp(1, 4)
    }

    fn tasks_max(&self) -> usize {
        self.hands.tasks_max() * if self.is_end { 2 } else { 1 }
    }

    /// Where what grows stands, when all is settled.
    pub(super) fn position(&self, growing: &Growing) -> OpenPosition {
        let segments = growing.runs.iter().filter_map(|piece| match piece {
            Piece::Segment(task) => self.segments.get(task).cloned(),
            Piece::Object(..) => None,
        });
        OpenPosition {
            rows: growing.rows,
            row_bytes: growing.row_bytes,
            body: None,
            segments: segments.collect(),
        }
    }

    /// Begins a commit: the one before was recorded.
    pub(super) fn begin_commit(&mut self) -> Result<(), Error> {
        for name in std::mem::take(&mut self.removable) {
            self.ground.remove(&name)?;
        }
        Ok(())
    }

    /// A commit was made.
    pub(super) fn end_commit(&mut self) {
        self.removable = std::mem::take(&mut self.unneeded);
    }

    fn begin(&mut self, (index, form): (usize, Form), pieces: &[Piece]) -> Result<u64, Error> {
        let mut objects = Vec::new();
        let mut runs = Vec::new();
        for piece in pieces {
            runs.push(match piece {
                Piece::Object(object, rows) => {
                    objects.push(*object);
                    Run::Object(rows.clone())
                }
                Piece::Segment(task) => Run::Segment(self.segments[task].clone()),
            });
        }
        let task = PartTask {
            ground: self.ground.clone(),
            name: self.target.worker_name(index),
            form,
            runs,
        };
        self.n_tasks += 1;
        self.hands.begin(self.n_tasks, &task, &objects)?;
        self.tasks.insert(self.n_tasks, objects);
        Ok(self.n_tasks)
    }

    /// Begins full files whose segments are there.
    fn go_on(&mut self) -> Result<(), Error> {
        for at in 0..self.closing.len() {
            if self.tasks.len() >= self.tasks_max() {
                break;
            }
            let part = &mut self.closing[at];
            let segments = &self.segments;
            let is_ready = |piece: &Piece| match piece {
                Piece::Object(..) => true,
                Piece::Segment(task) => segments.contains_key(task),
            };
            if part.task.is_some() || !part.runs.iter().all(is_ready) {
                continue;
            }
            let runs = std::mem::take(&mut part.runs);
            let what = (part.index, part.form.clone());
            let task = self.begin(what, &runs)?;
            self.closing[at].task = Some(task);
            self.closing[at].runs = runs;
        }
        Ok(())
    }

    /// The next full files that are written, in order.
    fn written(&mut self) -> Vec<Closed> {
        let mut written = Vec::new();
        while self.closing.front().is_some_and(|part| part.file.is_some()) {
            let Some(part) = self.closing.pop_front() else {
                break;
            };
            for piece in part.runs {
                if let Piece::Segment(task) = piece {
                    let segment = self.segments.remove(&task);
                    self.unneeded.extend(segment.map(|file| file.name));
                }
            }
            written.extend(part.file.map(|file| (part.rows, file)));
        }
        written
    }

    /// Takes in what is written. Whether there was anything.
    fn collect(&mut self, waits: bool) -> Result<bool, Error> {
        self.go_on()?;
        let Some((number, written)) = self.hands.done(waits && !self.tasks.is_empty())? else {
            return Ok(false);
        };
        for object in self.tasks.remove(&number).unwrap_or_default() {
            self.hands.release(object);
        }
        let mut closing = self.closing.iter_mut();
        match closing.find(|part| part.task == Some(number)) {
            Some(part) => part.file = Some(written),
            None => drop(self.segments.insert(number, written.file)),
        }
        self.go_on()?;
        Ok(true)
    }
}
