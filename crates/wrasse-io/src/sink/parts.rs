//! [`PartsSink`]: lines of JSON in parts, of which only the lengths come here.
//!
//! The rows lie in objects of a cluster. This sink decides from the lengths of
//! the rows where parts end, as [`super::text::TextSink`] does, and has workers
//! write them ([`super::crew`]); it gives them their names and says what is safe.
//! What it says of the part that grows is a list of segments.

use std::num::NonZeroUsize;
use std::sync::Arc;

use serde_json::Value;

use super::crew::{Closed, Crew, Growing, Hands};
use super::part_task::Form;
use super::place::Place;
use super::position::{read_position, write_position};
use super::target::{Compression, Shape, Target};
use super::text::Position;
use super::{Encoder, Finished, OutBlock, Part, Sink, SinkSpec, table_parts};
use crate::Error;
use crate::source::Format;

/// Bytes of rows in the largest part that a store is asked to copy: S3 copies objects
/// of 5 GiB at the most.
const STORE_PART_BYTES_MAX: u64 = 4 << 30;

/// Has parts written by others.
pub(super) struct PartsSink {
    place: Place,
    crew: Crew,
    /// The complete parts.
    parts: Vec<Part>,
    open: Growing,
}

/// Opens a sink that has its parts written by `hands`, which hold `held_max` bytes
/// of rows or little more and, if `shared`, have the same folders. None for an
/// output that cannot be written so: one file of lines, a file for each sample, in a
/// store anything but parts of a folder, or what a resumed run has begun here.
///
/// # Errors
///
/// As [`super::open_sink`].
pub fn open_parts(
    spec: &SinkSpec,
    resume_at: Option<&Value>,
    hands: (Box<dyn Hands>, u64),
    shared: bool,
) -> Result<Option<Box<dyn Sink>>, Error> {
    if spec.format == Some(Format::Files) {
        return Ok(None);
    }
    let target = Target::of(spec)?;
    let is_reached = match target.remote {
        true => target.shape == Shape::Folder && target.part_bytes <= STORE_PART_BYTES_MAX,
        false => shared,
    };
    if !is_reached {
        return Ok(None);
    }
    match (target.format, target.shape) {
        (_, Shape::Stdout) | (Format::Jsonl, Shape::File) => Ok(None),
        (Format::Jsonl, _) => open_lines(target, spec, resume_at, hands),
        _ => table_parts::open(target, spec, resume_at, hands),
    }
}

fn open_lines(
    target: Target,
    spec: &SinkSpec,
    resume_at: Option<&Value>,
    hands: (Box<dyn Hands>, u64),
) -> Result<Option<Box<dyn Sink>>, Error> {
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
    place.has_workers()?;
    place.sweep(&position.worker_files())?;
    let segments_hold = Form::Lines(Compression::None);
    let mut crew = Crew::new(&place, hands, segments_hold, position.parts.len())?;
    let open = position.open.map(|open| crew.resume(open));
    Ok(Some(Box::new(PartsSink {
        place,
        crew,
        parts: position.parts,
        open: open.unwrap_or_default(),
    })))
}

impl PartsSink {
    /// The part that grows is full.
    fn close(&mut self) {
        let form = Form::Lines(self.place.target().compression);
        self.crew.close(std::mem::take(&mut self.open), form);
    }

    /// Gives names to parts that are written.
    fn accept(&mut self, written: Vec<Closed>) -> Result<(), Error> {
        for (rows, file) in written {
            let part = self.place.accept(self.parts.len(), rows, &file)?;
            self.parts.push(part);
        }
        Ok(())
    }
}

impl Sink for PartsSink {
    fn encoder(&self) -> Arc<dyn Encoder> {
        super::encoder(Format::Jsonl, "")
    }

    fn set_threads(&mut self, _: NonZeroUsize) {}

    fn append(&mut self, block: OutBlock) -> Result<(), Error> {
        let rows = block.into_hollow()?;
        let part_bytes = self.place.target().part_bytes;
        let mut at = 0;
        while at < rows.lengths.len() {
            at += self.crew.take(&mut self.open, (&rows, at), part_bytes);
            if self.open.row_bytes >= part_bytes {
                self.close();
            }
        }
        if self.crew.is_much(&self.open) {
            self.crew.spool(&mut self.open)?;
        }
        let open = &mut self.open;
        let written = self.crew.bound(&mut |crew| crew.spool(open))?;
        self.accept(written)
    }

    fn memory_bytes(&self) -> usize {
        0
    }

    fn commit(&mut self) -> Result<Value, Error> {
        self.crew.begin_commit()?;
        self.crew.spool(&mut self.open)?;
        let written = self.crew.settle()?;
        self.accept(written)?;
        let is_open = self.open.rows > 0;
        let position = Position {
            parts: self.parts.clone(),
            open: is_open.then(|| self.crew.position(&self.open)),
        };
        self.crew.end_commit();
        Ok(write_position(&position, self.place.target()))
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, Error> {
        // An output without rows is a file without rows, not no file.
        if self.open.rows > 0 || self.crew.n_closed() == 0 {
            self.close();
        }
        self.crew.end();
        let written = self.crew.settle()?;
        self.accept(written)?;
        self.place.publish_all(&mut self.parts)?;
        Ok(Finished {
            parts: self.parts,
            conflicts: Vec::new(),
        })
    }
}
