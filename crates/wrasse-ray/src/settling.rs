//! What a worker does for an exchange: it weighs pieces of keys, does to blocks
//! what was decided on them, and picks samples and puts them together where they
//! go on in another order.

use std::sync::{Arc, PoisonError};

use wrasse_op::Rewrite;
use wrasse_plan::End;
use wrasse_run::{
    BlockState, Packing, Part, Ruling, Run, Waiting, pack, pick, put_together, settle, unpack,
    weigh,
};

use crate::wire::{Meta, encode};
use crate::worker::{Output, WorkerJob};

/// Blocks on their way into an object.
pub(crate) struct Gathered {
    blocks: Blocks,
    /// What is told of those that are packed.
    meta: Meta,
    /// How many they are.
    pub(crate) n: usize,
}

enum Blocks {
    /// On their way to the exchange at this operator, for which they are packed together.
    Waiting(usize, Vec<BlockState>),
    Packed(Packing),
}

impl Gathered {
    /// Takes the next block.
    pub(crate) fn push(&mut self, block: BlockState) -> Result<(), String> {
        self.n += 1;
        match &mut self.blocks {
            Blocks::Waiting(_, blocks) => blocks.push(block),
            Blocks::Packed(packing) => {
                packing.push(&block)?;
                self.meta.add(&block);
            }
        }
        Ok(())
    }
}

impl WorkerJob {
    /// An output of a task: blocks on their way to whatever comes next.
    pub(crate) fn output(&self, gathered: Gathered) -> Result<Output, String> {
        let Gathered {
            mut meta, blocks, ..
        } = gathered;
        let (object, pieces) = match blocks {
            Blocks::Waiting(op, mut blocks) => {
                let waiting = Waiting::new((&self.pass, op), &mut blocks, self.n_shards)?;
                blocks.iter().for_each(|block| meta.add(block));
                meta.notes = Some(waiting.notes);
                (waiting.object, waiting.pieces)
            }
            Blocks::Packed(packing) => {
                let (object, hollow) = packing.finish();
                meta.hollow = hollow;
                (object, Vec::new())
            }
        };
        meta.bytes = object.len() as u64;
        Ok(Output {
            meta: encode(&meta)?,
            object,
            pieces,
        })
    }

    /// Nothing yet, on its way from this part of the plan; about so many bytes come.
    pub(crate) fn gathered(&self, part: &Part, room: usize) -> Gathered {
        let end = self.pass.plan().stages()[part.stage].end;
        let blocks = match (end, part.ends_stage) {
            (End::Exchange(op), true) => Blocks::Waiting(op, Vec::new()),
            _ => Blocks::Packed(Packing::new(room, self.writes)),
        };
        Gathered {
            blocks,
            meta: Meta::default(),
            n: 0,
        }
    }

    /// Weighs pieces of the keys of the exchange at `op`: those of each object, with
    /// the number of its first sample.
    pub(crate) fn weigh(
        &self,
        op: usize,
        firsts: &[u32],
        (n_samples, memory): (u32, u64),
        sources: &[&[u8]],
    ) -> Result<Vec<u8>, String> {
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        let mut piece = |at: usize| {
            let piece = sources.get(at).ok_or("an object is missing")?;
            Ok(piece.to_vec())
        };
        weigh((&self.pass, op), firsts, &mut piece, (n_samples, memory))
    }

    /// Does to the blocks of an object, without the first ones, what the exchange at
    /// `op` has decided; nothing, if that was done. Behind the object may be what
    /// samples are rewritten by.
    pub(crate) fn settle(
        &self,
        op: usize,
        skip: u32,
        rulings: Option<&[Ruling]>,
        sources: &[&[u8]],
    ) -> Result<Vec<BlockState>, String> {
        let object = sources.first().ok_or("a task without its input")?;
        let mut blocks = unpack(object)?;
        blocks.drain(..blocks.len().min(skip as usize));
        let Some(rulings) = rulings else {
            return Ok(blocks);
        };
        if rulings.len() != blocks.len() {
            return Err("what was decided is about other blocks".to_owned());
        }
        let rewrite = match sources.get(1) {
            Some(packed) => Some(self.rewrite(op, packed)?),
            None => None,
        };
        for (block, ruling) in blocks.iter_mut().zip(rulings) {
            settle((&self.pass, op), ruling, rewrite.as_deref(), block)?;
        }
        Ok(blocks)
    }

    /// What samples are rewritten by: the same for all blocks of a run.
    fn rewrite(&self, op: usize, packed: &[u8]) -> Result<Arc<dyn Rewrite>, String> {
        let mut known = self.rewrites.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rewrite) = known.get(&op) {
            return Ok(Arc::clone(rewrite));
        }
        let operator = &self.pass.plan().operators()[op];
        let exchange = operator.exchange().ok_or("not an exchange")?;
        let rewrite = exchange.unpack_rewrite(packed);
        let rewrite: Arc<dyn Rewrite> =
            Arc::from(rewrite.map_err(|error| format!("operator `{}`: {error}", operator.name()))?);
        known.insert(op, Arc::clone(&rewrite));
        Ok(rewrite)
    }

    /// Picks samples of an object: what is left of its blocks, and the samples for
    /// each share.
    pub(crate) fn pick(
        &self,
        op: usize,
        rulings: &[Ruling],
        which: &[Vec<u32>],
        sources: &[&[u8]],
    ) -> Result<Output, String> {
        let blocks = unpack(sources.first().ok_or("a task without its input")?)?;
        let pieces = pick(&blocks, which)?;
        drop(blocks);
        let rest = self.settle(op, 0, Some(rulings), sources)?;
        Ok(Output {
            object: pack(&rest)?,
            meta: Vec::new(),
            pieces,
        })
    }

    /// Puts samples together that were picked of objects.
    pub(crate) fn put_together(
        &self,
        op: usize,
        runs: &[Run],
        sources: &[&[u8]],
    ) -> Result<Vec<BlockState>, String> {
        put_together((&self.pass, op), runs, sources)
    }
}
