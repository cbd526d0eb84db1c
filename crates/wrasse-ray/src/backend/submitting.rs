//! Commands to run something, as tasks of Ray's or turns of the threads here.

use std::ops::Range;
use std::sync::Arc;

use wrasse_job::Step;
use wrasse_run::{Error, Part};
use wrasse_sched::{Event, Input, OpIdx, Place, TaskId, WorkerId};

use super::suspects::killer;
use super::{Doing, RETRIES, Ray, Running};
use crate::gates::News;
use crate::ordering::{ReadBack, Streams, Turn};
use crate::outputs::reads_in_pieces;
use crate::protocol::Say;
use crate::stream::Wanted;
use crate::wire::{Spec, Work, encode};

impl Ray<'_> {
    pub(super) fn submit(
        &mut self,
        task: TaskId,
        op: OpIdx,
        input: Input,
        (skip_outputs, poisoned_after): (u32, u32),
        worker: Option<WorkerId>,
    ) -> Result<(), Error> {
        let pipeline = self.pipeline;
        self.known.push_back(Event::TaskStarted { task });
        if let Input::Split(place) = input {
            self.state.opened = self.state.opened.max(place.split + 1);
        }
        match (&pipeline.steps[op], input) {
            (Step::Read(part), Input::Split(place)) if self.is_streamed(place) => {
                if let Some((object, _)) = self.come(place) {
                    let spec = self.over_stream(part, skip_outputs);
                    let on = (Some(object), None);
                    return self.send(task, op, Doing::Read(place), &spec, on);
                }
                self.runs(task, op, Doing::Read(place), None);
                let rows_max = self.books.rows_left;
                if let Some(stream) = &self.stream {
                    drop(stream.wanted.send(Wanted { task, rows_max }));
                }
                Ok(())
            }
            (Step::Read(part), Input::Split(place)) => {
                let (splits, skip) = self.share(place, !pipeline.has_exchange());
                let splits = self.splits[splits.start as usize..splits.end as usize].to_vec();
                let of = (self.inputs, splits.as_slice());
                let streams = reads_in_pieces(pipeline, part, of, self.target);
                let spec = Spec {
                    part: part.clone(),
                    work: Work::Read {
                        splits,
                        skip,
                        rows_max: self.books.rows_left,
                    },
                    output_bytes: streams.then_some(self.target),
                    skip_outputs,
                };
                self.send(task, op, Doing::Read(place), &spec, (None, None))
            }
            (Step::Run(part) | Step::Outside(part), Input::Block { data, rows, .. }) => {
                let block = &self.state.blocks[&data];
                let object = block.object;
                let spec = Spec {
                    part: part.clone(),
                    work: Work::Blocks {
                        verdict: block.verdict.clone(),
                        rows: rows.map(|rows| rows.from..rows.to),
                        poisoned_after,
                    },
                    output_bytes: self.grows(part).then_some(self.target),
                    skip_outputs,
                };
                self.send(task, op, Doing::Block(data), &spec, (Some(object), worker))
            }
            (Step::Gate(gate), Input::Block { data, .. }) => {
                self.runs(task, op, Doing::Block(data), None);
                let fingerprints = Arc::clone(&self.state.blocks[&data].holds.fingerprints);
                drop(self.turns.send(Turn::Gate(News::Object {
                    task,
                    gate: *gate,
                    fingerprints,
                })));
                Ok(())
            }
            (Step::Exchange(exchange, _), Input::Block { data, .. }) => {
                self.runs(task, op, Doing::Block(data), None);
                let block = &self.state.blocks[&data];
                // What was decided at a gate was heeded where keys were taken.
                debug_assert!(block.verdict.is_none());
                drop(self.turns.send(Turn::Absorb {
                    task,
                    exchange: *exchange,
                    object: block.object,
                    notes: block.holds.notes.clone().unwrap_or_default(),
                }));
                // It is needed for longer than the scheduler needs it.
                *self.state.objects.entry(block.object).or_default() += 1;
                Ok(())
            }
            (Step::Exchange(exchange, part), Input::Split(place)) => {
                let doing = Doing::ReadBack(place);
                let number = self.number();
                let streams = Streams {
                    output_bytes: self.grows(part).then_some(self.target),
                    retries: self.retries(op, doing),
                };
                self.runs(task, op, doing, Some(number));
                drop(self.turns.send(Turn::ReadBack(ReadBack {
                    task,
                    number,
                    op,
                    part: part.clone(),
                    exchange: *exchange,
                    share: place.split,
                    streams,
                    skip_outputs,
                    pieces: self.pieces(part),
                })));
                Ok(())
            }
            (step, input) => unreachable!("{step:?} does not work on {input:?}"),
        }
    }

    fn is_streamed(&self, place: Place) -> bool {
        let stream = self.stream.as_ref();
        stream.is_some_and(|stream| stream.shares.contains(&place.split))
    }

    /// What has come of standard input for a share: an object, with so many samples.
    pub(super) fn come(&self, place: Place) -> Option<(u64, u32)> {
        let stream = self.stream.as_ref()?;
        stream.objects.get(&place.split).copied()
    }

    /// What is to be done with a share of standard input: it was read here.
    pub(super) fn over_stream(&self, part: &Part, skip_outputs: u32) -> Spec {
        Spec {
            part: part.clone(),
            work: Work::Blocks {
                verdict: None,
                rows: None,
                poisoned_after: 0,
            },
            output_bytes: self.grows(part).then_some(self.target),
            skip_outputs,
        }
    }

    /// The splits of a share, without those that a resumed run has written, and
    /// how many blocks of the first one (of an exchange: splits) that has
    /// written too.
    pub(super) fn share(&self, place: Place, resumes: bool) -> (Range<u32>, u32) {
        let mut splits = self.shares.splits(place.split);
        let mut skip = 0;
        if resumes && splits.contains(&self.start.split) {
            (splits.start, skip) = (self.start.split, self.start.seq);
        }
        (splits, skip)
    }

    /// Whether a part puts out more than it takes in.
    fn grows(&self, part: &Part) -> bool {
        self.pipeline.slices(part)
    }

    /// In how many pieces keys are cut where a part ends.
    fn pieces(&self, part: &Part) -> u32 {
        match part.ends_stage {
            true => self.pieces[part.stage],
            false => 0,
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.state.numbered += 1;
        self.state.numbered
    }

    fn retries(&self, op: OpIdx, doing: Doing) -> i32 {
        // An input that may kill its workers is searched through quickly.
        match self.state.killers.contains_key(&(op, killer(doing))) {
            true => 0,
            false => RETRIES,
        }
    }

    fn runs(&mut self, task: TaskId, op: OpIdx, work: Doing, number: Option<u64>) {
        if let Some(number) = number {
            self.state.numbers.insert(number, task);
        }
        let running = Running {
            op,
            work,
            number,
            worker: None,
            waiting: None,
            returned: None,
            last_use_of: None,
            has_put_out: false,
        };
        self.state.running.insert(task, running);
    }

    pub(super) fn send(
        &mut self,
        task: TaskId,
        op: OpIdx,
        doing: Doing,
        spec: &Spec,
        (object, worker): (Option<u64>, Option<WorkerId>),
    ) -> Result<(), Error> {
        let number = self.number();
        let retries = self.retries(op, doing);
        self.runs(task, op, doing, Some(number));
        if let Some(running) = self.state.running.get_mut(&task) {
            running.worker = worker;
        }
        self.say_submit((number, retries), op, spec, (object, worker))
    }

    pub(super) fn say_submit(
        &self,
        (number, retries): (u64, i32),
        op: OpIdx,
        spec: &Spec,
        (object, worker): (Option<u64>, Option<WorkerId>),
    ) -> Result<(), Error> {
        let bytes = encode(spec).map_err(Error::failed)?;
        let submit = Say::Submit {
            task: number,
            spec: bytes.len(),
            objects: object.as_slice(),
            piece: None,
            pieces: self.pieces(&spec.part),
            streams: spec.output_bytes.is_some(),
            needs: &self.ledger.needs[op],
            actor: worker.map(|worker| worker.0),
            retries,
            name: &self.pipeline.names[op],
        };
        self.link.say(&[submit], &[&bytes])
    }
}
