//! [`TextSink`]: lines of JSON into files.

use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::{Body, BodyPosition};
use super::part_task::StagedFile;
use super::place::Place;
use super::pool::default_threads;
use super::position::{read_position, write_position};
use super::target::{Shape, Target};
use super::{Encoder, Finished, OutBlock, Part, Payload, Sink, SinkSpec};
use crate::Error;
use crate::source::Format;

/// Where the output stood at a commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Position {
    /// The complete parts.
    pub(super) parts: Vec<Part>,
    /// The part that grows.
    pub(super) open: Option<OpenPosition>,
}

/// Where a part in the making stood. It has a body, or segments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OpenPosition {
    pub(super) rows: u64,
    pub(super) row_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<BodyPosition>,
    /// What workers have written of it, in order: see [`super::crew`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) segments: Vec<StagedFile>,
}

impl OpenPosition {
    /// The files of workers that are needed to go on from here.
    pub(super) fn worker_files(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|file| file.name.as_str())
    }
}

impl Position {
    /// The files of workers that are needed to go on from here.
    pub(super) fn worker_files(&self) -> Vec<&str> {
        let open = self.open.iter();
        open.flat_map(OpenPosition::worker_files).collect()
    }
}

/// Writes lines of JSON, plain or compressed, to one file or to parts.
pub(super) struct TextSink {
    place: Place,
    /// The complete parts.
    parts: Vec<Part>,
    open: Option<Open>,
    /// Complete parts that the last commit covered.
    n_covered: usize,
    /// Complete parts of which nothing is kept for earlier commits.
    n_released: usize,
    threads: NonZeroUsize,
}

/// The part that grows.
struct Open {
    rows: u64,
    /// Bytes of its rows, uncompressed.
    row_bytes: u64,
    body: Body,
}

impl TextSink {
    /// Starts a new output.
    pub(super) fn create(place: Place) -> Self {
        Self {
            place,
            parts: Vec::new(),
            open: None,
            n_covered: 0,
            n_released: 0,
            threads: default_threads(),
        }
    }

    /// Starts the part after the complete ones, if none grows.
    fn open_part(&mut self) -> Result<&mut Open, Error> {
        match self.open {
            Some(ref mut open) => Ok(open),
            None => {
                let body = Body::create(&self.place, self.parts.len(), self.threads)?;
                Ok(self.open.insert(Open {
                    rows: 0,
                    row_bytes: 0,
                    body,
                }))
            }
        }
    }

    /// Completes the part that grows.
    fn complete_part(&mut self) -> Result<(), Error> {
        let Some(Open { rows, body, .. }) = self.open.take() else {
            return Ok(());
        };
        let end = body.complete()?;
        let index = self.parts.len();
        let path = match self.place.target().shape {
            Shape::Folder => self.place.publish(index, 0)?,
            Shape::Stdout => "-".to_owned(),
            Shape::File | Shape::Counted => String::new(),
        };
        self.parts.push(Part {
            path,
            rows,
            bytes: end.bytes,
            xxh3: end.xxh3,
        });
        Ok(())
    }
}

impl Sink for TextSink {
    fn encoder(&self) -> Arc<dyn Encoder> {
        super::encoder(Format::Jsonl, "")
    }

    fn set_threads(&mut self, threads: NonZeroUsize) {
        self.threads = threads;
        if let Some(open) = &mut self.open {
            open.body.set_threads(threads);
        }
    }

    fn append(&mut self, block: OutBlock) -> Result<(), Error> {
        let Payload::Lines(lines) = block.0 else {
            unreachable!("the encoder of this sink makes lines");
        };
        let part_bytes = self.place.target().part_bytes;
        let mut rest = lines.rows();
        while rest.n_rows() > 0 {
            let open = self.open_part()?;
            let (now, later) = rest.split_at_bytes(part_bytes - open.row_bytes);
            open.rows += now.n_rows() as u64;
            open.row_bytes += now.bytes().len() as u64;
            open.body.append(now)?;
            if open.row_bytes >= part_bytes {
                self.complete_part()?;
            }
            rest = later;
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.open
            .as_ref()
            .map_or(0, |open| open.body.memory_bytes())
    }

    fn commit(&mut self) -> Result<Value, Error> {
        self.place.release(self.n_released..self.n_covered)?;
        self.n_released = self.n_covered;
        self.n_covered = self.parts.len();
        let open = match &mut self.open {
            None => None,
            Some(open) => Some(OpenPosition {
                rows: open.rows,
                row_bytes: open.row_bytes,
                body: Some(open.body.sync()?),
                segments: Vec::new(),
            }),
        };
        let position = Position {
            parts: self.parts.clone(),
            open,
        };
        Ok(write_position(&position, self.place.target()))
    }

    fn finish(mut self: Box<Self>) -> Result<Finished, Error> {
        if self.parts.is_empty() {
            // An output without rows is a file without rows, not no file.
            self.open_part()?;
        }
        self.complete_part()?;
        self.place.publish_all(&mut self.parts)?;
        Ok(Finished {
            parts: self.parts,
            conflicts: Vec::new(),
        })
    }
}

/// Opens a sink for lines of JSON.
pub(super) fn open(
    target: Target,
    spec: &SinkSpec,
    resume_at: Option<&Value>,
) -> Result<TextSink, Error> {
    let Some(position) = resume_at else {
        let place = Place::open(target, &spec.staging, None, spec.replace)?;
        place.sweep(&[])?;
        return Ok(TextSink::create(place));
    };
    let position: Position = read_position(position, &target)?;
    let place = Place::open(
        target,
        &spec.staging,
        Some(position.parts.len()),
        spec.replace,
    )?;
    place.check(&position.parts)?;
    place.sweep(&position.worker_files())?;
    let threads = default_threads();
    let open = match &position.open {
        None => None,
        Some(open) => Some(Open {
            rows: open.rows,
            row_bytes: open.row_bytes,
            body: reopen(&place, position.parts.len(), threads, open)?,
        }),
    };
    Ok(TextSink {
        n_covered: position.parts.len(),
        n_released: 0,
        threads,
        place,
        parts: position.parts,
        open,
    })
}

/// Goes on with a part, or puts together what workers have written of it.
fn reopen(
    place: &Place,
    index: usize,
    threads: NonZeroUsize,
    open: &OpenPosition,
) -> Result<Body, Error> {
    if let Some(at) = &open.body {
        return Body::reopen(place, index, threads, at);
    }
    let mut body = Body::create(place, index, threads)?;
    for segment in &open.segments {
        body.append(segment.lines(&place.ground()?)?.rows())?;
    }
    Ok(body)
}
