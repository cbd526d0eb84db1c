//! Gates: objects go on with what was decided on their samples.
//!
//! A gate that knows by itself decides at once. One that has to ask lets an object go
//! on undecided, so that the next one can be asked about meanwhile: to the scheduler
//! the object's metadata is missing until the answers are there.

use std::sync::Arc;

use wrasse_run::Tally;
use wrasse_sched::{BlockId, Event, OpIdx, TaskId};

use super::{Block, Doing, Ray, Running};
use crate::gates::News;
use crate::ordering::Turn;
use crate::protocol::Hear;
use crate::wire::Verdict;

/// An object on which a gate has not decided, although its task is done.
pub(super) struct Undecided {
    gate: OpIdx,
    data: u64,
    /// The scheduler's name of it, when it has asked.
    block: Option<BlockId>,
}

impl Ray<'_> {
    /// A gate has asked about an object.
    pub(super) fn asked(&mut self, task: TaskId) {
        let Some((gate, block, tally)) = self.before(task) else {
            return;
        };
        let data = self.keep(task, block, tally, None);
        let undecided = Undecided {
            gate,
            data,
            block: None,
        };
        self.state.undecided.insert(task, undecided);
        self.drained(task);
    }

    /// The gate that a task is, and what came to it: an object, without a verdict, and
    /// what was done to that.
    fn before(&mut self, task: TaskId) -> Option<(OpIdx, Block, Tally)> {
        let running = self.state.running.get(&task)?;
        let &Running {
            op,
            work: Doing::Block(data),
            ..
        } = running
        else {
            return None;
        };
        let tally = self.books.in_flight.remove(&data).unwrap_or_default();
        Some((op, self.state.blocks[&data].undecided(), tally))
    }

    /// The scheduler asks what an object holds that went on undecided.
    pub(super) fn wonders(&mut self, block: BlockId, data: u64) {
        let mut undecided = self.state.undecided.values_mut();
        match undecided.find(|undecided| undecided.data == data) {
            Some(undecided) => undecided.block = Some(block),
            None => self.tell_metadata(block, data),
        }
    }

    /// A gate has decided on an object: how many samples it lets on.
    pub(super) fn judged(&mut self, task: TaskId, verdict: Verdict, kept: u64) {
        if let Some(undecided) = self.state.undecided.remove(&task) {
            let Undecided { gate, data, block } = undecided;
            let Some(held) = self.state.blocks.get_mut(&data) else {
                // Nobody waits for it any more.
                return;
            };
            let mut tally = self.books.in_flight.remove(&data).unwrap_or_default();
            held.settle(verdict, kept, &mut tally, self.pipeline.gate_operator(gate));
            self.books.in_flight.insert(data, tally);
            if let Some(block) = block {
                self.tell_metadata(block, data);
            }
            return;
        }
        let Some((gate, mut block, mut tally)) = self.before(task) else {
            return;
        };
        block.settle(verdict, kept, &mut tally, self.pipeline.gate_operator(gate));
        let metadata = block.holds.metadata();
        self.keep(task, block, tally, Some(metadata));
        self.drained(task);
    }

    /// Tells those who keep the gates' fingerprints what the gateway has said.
    pub(super) fn tell_gates(&self, heard: Hear, bytes: Vec<u8>) {
        let news = News::Heard(heard, bytes);
        drop(self.turns.send(Turn::Gate(news)));
    }

    fn tell_metadata(&mut self, block: BlockId, data: u64) {
        let metadata = self
            .state
            .blocks
            .get(&data)
            .map(|block| block.holds.metadata());
        self.known
            .push_back(Event::MetadataReady { block, metadata });
    }
}

impl Block {
    /// The same object, for another name.
    fn undecided(&self) -> Self {
        Self {
            object: self.object,
            verdict: None,
            said: None,
            reads: false,
            holds: self.holds.clone(),
        }
    }

    /// Takes the verdict of a gate, which the plan's `operator` is.
    fn settle(&mut self, verdict: Verdict, kept: u64, tally: &mut Tally, operator: Option<usize>) {
        let holds = &mut self.holds;
        let n = holds.fingerprints.len() as u64;
        if let Some(operator) = operator.and_then(|at| tally.operators.get_mut(at)) {
            operator.rows_out += kept;
            operator.duplicates += n - kept;
        }
        if holds.is_encoded {
            tally.rows_out = kept;
        } else {
            holds.rows = kept as u32;
        }
        self.verdict = Some(verdict);
        holds.fingerprints = Arc::default();
    }
}
