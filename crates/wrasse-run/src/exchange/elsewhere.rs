//! [`ExchangeKeys`]: an exchange whose samples wait elsewhere. What comes here of
//! a block is what the decision needs: keys, or what is left of them, and where
//! samples are from, if that is to be told.

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use wrasse_core::Origin;
use wrasse_op::Decision;

use super::arrivals::Arrivals;
use super::origins::{Origins, pack as pack_origins};
use super::ruling::{Kind, Ruling};
use super::settled::{Lot, Settled, by_operator, decide};
use super::shards::{Pieces, is_spread};
use super::{unreadable, unwritable};
use crate::Tally;
use crate::examples::{EXAMPLES, hash_of};
use crate::pass::{BlockState, Pass, pack_and_measure};

/// Blocks on their way to an exchange.
pub struct Waiting {
    /// The blocks, as [`crate::pack`] makes them.
    pub object: Vec<u8>,
    /// What the exchange is told of them, for [`ExchangeKeys::absorb`].
    pub notes: Vec<u8>,
    /// Pieces of their keys, by shard, if there are shards.
    pub pieces: Vec<Vec<u8>>,
}

/// What an exchange is told of a block.
#[derive(Serialize, Deserialize)]
struct Note {
    tally: Tally,
    n_samples: u32,
    /// The samples' bytes when packed.
    sample_bytes: u64,
    /// Where they are from, if that is to be told.
    origins: ByteBuf,
    keys: Vec<ByteBuf>,
}

impl Waiting {
    /// Packs blocks that go to the exchange at `op` of the plan, which has so many
    /// shards for keys that are cut.
    ///
    /// # Errors
    ///
    /// If a sample is of a kind that cannot leave its process.
    pub fn new(
        (pass, op): (&Pass, usize),
        blocks: &mut [BlockState],
        n_shards: u32,
    ) -> Result<Self, String> {
        let is_spread = is_spread(pass, op);
        let mut pieces = Pieces::new(if is_spread { n_shards } else { 0 });
        let mut keys = Vec::with_capacity(blocks.len());
        for block in blocks.iter_mut() {
            let taken = std::mem::take(&mut block.keys);
            keys.push(match is_spread {
                true => pieces.cut(pass, op, &taken)?,
                false => taken,
            });
        }
        let (object, sizes) = pack_and_measure(blocks)?;
        let tells_places = tells_places(pass);
        let note = |((block, keys), sample_bytes): ((&BlockState, Vec<Vec<u8>>), u64)| {
            let origins = block.samples.iter().map(|sample| sample.origin());
            Ok(Note {
                tally: block.tally.clone(),
                n_samples: block.samples.len() as u32,
                sample_bytes,
                origins: ByteBuf::from(match tells_places {
                    true => pack_origins(origins)?,
                    false => Vec::new(),
                }),
                keys: keys.into_iter().map(ByteBuf::from).collect(),
            })
        };
        let notes = blocks.iter().zip(keys).zip(sizes).map(note);
        let notes: Vec<Note> = notes.collect::<Result<_, String>>()?;
        Ok(Self {
            object,
            notes: postcard::to_allocvec(&notes).map_err(|error| error.to_string())?,
            pieces: pieces.finish(),
        })
    }
}

/// Whether anybody asks where duplicates and what they are duplicates of are from.
fn tells_places(pass: &Pass) -> bool {
    let settings = pass.settings();
    settings.clusters || settings.trace_dropped || settings.examples_share.is_some()
}

/// An exchange whose samples wait elsewhere.
#[derive(Debug)]
pub struct ExchangeKeys {
    /// Blocks, with what to read of `origins` for each. Where keys are spread, what
    /// is left of them.
    arrivals: Arrivals<Range<u64>>,
    origins: Origins,
}

/// What an exchange has taken in.
#[derive(Debug, Default)]
pub struct Absorbed {
    /// What was done to each block before.
    pub tallies: Vec<Tally>,
    /// The numbers of the samples.
    pub samples: Range<u32>,
}

impl ExchangeKeys {
    /// For the exchange at `op` of the plan; keeps up to `memory_max` bytes in
    /// memory, and beyond that all in files without a name in `dir`.
    pub fn new(op: usize, dir: &Path, memory_max: usize) -> Self {
        Self {
            arrivals: Arrivals::new(op, dir, memory_max / 4 * 3),
            origins: Origins::new(dir, memory_max / 4),
        }
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.arrivals.memory_bytes() + self.origins.memory_bytes()
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.arrivals.keys.disk_bytes() + self.origins.disk_bytes()
    }

    /// The operator, as an index into the plan's.
    pub fn op(&self) -> usize {
        self.arrivals.op
    }

    /// How many samples have come.
    pub fn n_samples(&self) -> u32 {
        self.arrivals.n_samples()
    }

    /// Is told of the next blocks in input order.
    ///
    /// # Errors
    ///
    /// If the disk is full, or there are more samples than numbers for them.
    pub fn absorb(&mut self, notes: &[u8]) -> Result<Absorbed, String> {
        let notes: Vec<Note> = postcard::from_bytes(notes).map_err(unreadable)?;
        let first = self.n_samples();
        let mut tallies = Vec::with_capacity(notes.len());
        for note in notes {
            let origins = self.origins.append(&note.origins).map_err(unwritable)?;
            self.arrivals
                .count(note.n_samples as usize, note.sample_bytes, origins)?;
            self.arrivals.keys.append(&note.keys).map_err(unwritable)?;
            tallies.push(note.tally);
        }
        Ok(Absorbed {
            tallies,
            samples: first..self.n_samples(),
        })
    }

    /// All blocks have come: decides, with about `memory` bytes to use, and
    /// says how many splits the output has: one for each block, and then runs of
    /// about `block_bytes`. `evidence` is that of all shards, if there are any.
    ///
    /// # Errors
    ///
    /// If the operator cannot decide, or its decision makes no sense.
    pub fn close(
        &mut self,
        pass: &Pass,
        memory: usize,
        block_bytes: u64,
        evidence: Option<&[Vec<u8>]>,
    ) -> Result<u32, String> {
        self.origins.seal().map_err(unwritable)?;
        let op = self.arrivals.op;
        self.arrivals
            .close(pass, block_bytes, |keys| match evidence {
                None => decide(pass, op, keys, memory),
                Some(evidence) => by_operator(pass, op, |exchange| {
                    let spread = exchange.spread();
                    let spread = spread.ok_or_else(|| wrasse_op::OpError::fatal("not spread"))?;
                    spread.join(keys, evidence)
                }),
            })
    }

    /// How many blocks have come: so many splits of the output are what is left
    /// of them.
    pub fn n_blocks(&self) -> u32 {
        self.arrivals.blocks().len() as u32
    }

    /// How many splits are runs of samples that were chosen.
    pub fn n_runs(&self) -> u32 {
        self.settled().map_or(0, |settled| settled.runs.len()) as u32
    }

    /// Whether samples go on in the order and the blocks that they came in: there
    /// are no runs then.
    pub fn is_in_order(&self) -> bool {
        self.settled().map_or(true, Settled::is_in_order)
    }

    /// What samples are rewritten by, if they are.
    pub fn rewrite(&self) -> Option<Vec<u8>> {
        match &self.settled().ok()?.decision {
            Decision::Rewrite(rewrite) => Some(rewrite.pack()),
            _ => None,
        }
    }

    pub(super) fn settled(&self) -> Result<&Settled, String> {
        self.arrivals.settled()
    }

    /// What was decided on a block.
    ///
    /// # Errors
    ///
    /// If it cannot be read where samples are from.
    pub fn ruling(&self, pass: &Pass, block: u32) -> Result<Ruling, String> {
        let settled = self.settled()?;
        let at = block as usize;
        let block = self
            .arrivals
            .blocks()
            .get(at)
            .ok_or("there is no such block")?;
        let mut ruling = Ruling {
            kind: match &settled.decision {
                Decision::Same(_) => Kind::Duplicates,
                Decision::Order(_) | Decision::Groups(_) => Kind::LeftOut,
                Decision::Rewrite(_) => Kind::Rewritten,
            },
            goes_on: Vec::new(),
            originals: Vec::new(),
            lines: Vec::new(),
        };
        if ruling.kind == Kind::Rewritten {
            return Ok(ruling);
        }
        ruling.goes_on = vec![0; (block.n_samples as usize).div_ceil(8)];
        let mut duplicates = Vec::new();
        for i in 0..block.n_samples {
            let number = block.first + i;
            match settled.lot(number) {
                Lot::Stays | Lot::Chosen => ruling.goes_on[i as usize / 8] |= 1 << (i % 8),
                Lot::Duplicate => duplicates.push(i),
                Lot::LeftOut | Lot::Rewritten(_) => {}
            }
            if let Some(line) = settled.line(number, |i| self.origin(i))? {
                ruling.lines.push((i, line));
            }
        }
        self.leave_untold(pass, at, &mut duplicates)?;
        for i in duplicates {
            let original = self.origin(settled.original(block.first + i))?;
            ruling.originals.push((i, original));
        }
        Ok(ruling)
    }

    /// Leaves those duplicates of a block of which it must be told what they are
    /// duplicates of: all, if they are traced, and otherwise possible examples.
    fn leave_untold(
        &self,
        pass: &Pass,
        block: usize,
        duplicates: &mut Vec<u32>,
    ) -> Result<(), String> {
        if pass.settings().trace_dropped {
            return Ok(());
        }
        if pass.settings().examples_share.is_none() {
            duplicates.clear();
            return Ok(());
        }
        if duplicates.len() <= EXAMPLES {
            return Ok(());
        }
        // Those with the lowest hashes are kept, wherever they are.
        let mut hashes = self.with_origins(block, |origins| {
            let hash = |i: &u32| hash_of(origins[*i as usize]);
            duplicates.iter().map(hash).collect::<Vec<u64>>()
        })?;
        let every = hashes.clone();
        hashes.sort_unstable();
        let mut all = every.iter();
        duplicates.retain(|_| all.next().is_some_and(|hash| *hash <= hashes[EXAMPLES - 1]));
        Ok(())
    }

    /// Where a sample came from.
    fn origin(&self, i: u32) -> Result<Origin, String> {
        let (at, block) = self.arrivals.block_of(i)?;
        let in_block = (i - block.first) as usize;
        let origin = self.with_origins(at, |origins| origins.get(in_block).copied())?;
        origin.ok_or_else(|| "there is no such sample".to_owned())
    }

    fn with_origins<T>(
        &self,
        block: usize,
        look: impl FnOnce(&[Origin]) -> T,
    ) -> Result<T, String> {
        let of = &self.arrivals.blocks()[block];
        self.origins.with((block, of.n_samples), &of.place, look)
    }
}
