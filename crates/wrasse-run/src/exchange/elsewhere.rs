//! [`ExchangeKeys`]: an exchange whose samples wait elsewhere. What comes here of
//! a block is what the decision needs: keys, or what is left of them, and where
//! samples are from, if that is to be told.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use wrasse_core::Origin;
use wrasse_op::{Decision, Keys as _};

use super::keys::KeyStore;
use super::ruling::{Kind, Ruling};
use super::settled::{Lot, Settled, by_operator, decide};
use super::shards::{Pieces, is_spread};
use super::spool::Spool;
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

/// Where samples are from, each as seen from the one before it.
fn pack_origins(origins: impl Iterator<Item = Origin>) -> Result<Vec<u8>, String> {
    let mut before = Origin::default();
    let mut packed = Vec::new();
    for origin in origins {
        let file = i64::from(origin.file) - i64::from(before.file);
        let position = origin.position.wrapping_sub(before.position) as i64;
        packed = postcard::to_extend(&(file, origin.piece, position), packed)
            .map_err(|error| error.to_string())?;
        before = origin;
    }
    Ok(packed)
}

fn unpack_origins(mut packed: &[u8], n: u32) -> Result<Vec<Origin>, String> {
    let mut before = Origin::default();
    let mut origins = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let ((file, piece, position), rest): ((i64, u32, i64), _) =
            postcard::take_from_bytes(packed).map_err(unreadable)?;
        packed = rest;
        before = Origin {
            file: (i64::from(before.file) + file) as u32,
            piece,
            position: before.position.wrapping_add(position as u64),
        };
        origins.push(before);
    }
    Ok(origins)
}

/// An exchange whose samples wait elsewhere.
#[derive(Debug)]
pub struct ExchangeKeys {
    /// The operator, as an index into the plan's.
    op: usize,
    /// Keys, or what is left of them where they are spread.
    keys: KeyStore,
    /// Where samples are from, block by block.
    origins: Spool,
    blocks: Vec<Known>,
    n_samples: u32,
    sample_bytes: u64,
    settled: Option<Settled>,
    at_hand: AtHand,
}

/// Where the samples of a few blocks are from: those looked at last.
type AtHand = RefCell<Vec<(usize, Vec<Origin>)>>;

/// Blocks of which it is at hand where samples are from.
const AT_HAND: usize = 64;

/// A block that waits elsewhere.
#[derive(Clone, Debug)]
struct Known {
    /// The number of its first sample.
    first: u32,
    n_samples: u32,
    /// Where its samples are from: what to read.
    origins: Range<u64>,
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
            op,
            keys: KeyStore::new(dir.to_owned(), memory_max / 4 * 3),
            origins: Spool::new(dir.to_owned(), memory_max / 4),
            blocks: Vec::new(),
            n_samples: 0,
            sample_bytes: 0,
            settled: None,
            at_hand: AtHand::default(),
        }
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.keys.memory_bytes()
            + self.origins.memory_bytes()
            + self.blocks.len() * size_of::<Known>()
            + self.settled.as_ref().map_or(0, Settled::memory_bytes)
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.keys.disk_bytes() + self.origins.disk_bytes()
    }

    /// The operator, as an index into the plan's.
    pub fn op(&self) -> usize {
        self.op
    }

    /// How many samples have come.
    pub fn n_samples(&self) -> u32 {
        self.n_samples
    }

    /// Is told of the next blocks in input order.
    ///
    /// # Errors
    ///
    /// If the disk is full, or there are more samples than numbers for them.
    pub fn absorb(&mut self, notes: &[u8]) -> Result<Absorbed, String> {
        let notes: Vec<Note> = postcard::from_bytes(notes).map_err(unreadable)?;
        let first = self.n_samples;
        let mut tallies = Vec::with_capacity(notes.len());
        for note in notes {
            let origins = self.origins.len();
            self.origins.append(&note.origins).map_err(unwritable)?;
            self.blocks.push(Known {
                first: self.n_samples,
                n_samples: note.n_samples,
                origins: origins..self.origins.len(),
            });
            self.n_samples = self
                .n_samples
                .checked_add(note.n_samples)
                .ok_or("an exchange takes up to 4,294,967,295 samples")?;
            self.sample_bytes += note.sample_bytes;
            self.keys.append(&note.keys).map_err(unwritable)?;
            tallies.push(note.tally);
        }
        Ok(Absorbed {
            tallies,
            samples: first..self.n_samples,
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
        self.keys.seal().map_err(unwritable)?;
        self.origins.seal().map_err(unwritable)?;
        debug_assert_eq!(self.keys.len(), self.n_samples);
        let decision = match evidence {
            None => decide(pass, self.op, &self.keys, memory)?,
            Some(evidence) => by_operator(pass, self.op, |exchange| {
                let spread = exchange.spread();
                let spread = spread.ok_or_else(|| wrasse_op::OpError::fatal("not spread"))?;
                spread.join(&self.keys, evidence)
            })?,
        };
        self.keys.clear();
        let samples = (self.n_samples, self.sample_bytes);
        let settled = Settled::new((pass, self.op), decision, samples, block_bytes)?;
        let n_splits = self.blocks.len() + settled.runs.len();
        self.settled = Some(settled);
        u32::try_from(n_splits).map_err(|_| "an exchange has too many blocks".to_owned())
    }

    /// How many blocks have come: so many splits of the output are what is left
    /// of them.
    pub fn n_blocks(&self) -> u32 {
        self.blocks.len() as u32
    }

    /// How many splits are runs of samples that were chosen.
    pub fn n_runs(&self) -> u32 {
        let runs = self
            .settled
            .as_ref()
            .map_or(0, |settled| settled.runs.len());
        runs as u32
    }

    /// Whether samples go on in the order and the blocks that they came in: there
    /// are no runs then.
    pub fn is_in_order(&self) -> bool {
        self.settled.as_ref().is_none_or(Settled::is_in_order)
    }

    /// What samples are rewritten by, if they are.
    pub fn rewrite(&self) -> Option<Vec<u8>> {
        match &self.settled.as_ref()?.decision {
            Decision::Rewrite(rewrite) => Some(rewrite.pack()),
            _ => None,
        }
    }

    pub(super) fn settled(&self) -> Result<&Settled, String> {
        self.settled
            .as_ref()
            .ok_or_else(|| "the exchange is not closed".to_owned())
    }

    /// What was decided on a block.
    ///
    /// # Errors
    ///
    /// If it cannot be read where samples are from.
    pub fn ruling(&self, pass: &Pass, block: u32) -> Result<Ruling, String> {
        let settled = self.settled()?;
        let at = block as usize;
        let block = self.blocks.get(at).ok_or("there is no such block")?;
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
        let at = self.blocks.partition_point(|block| block.first <= i);
        let at = at.checked_sub(1).ok_or("there is no such sample")?;
        let in_block = (i - self.blocks[at].first) as usize;
        let origin = self.with_origins(at, |origins| origins.get(in_block).copied())?;
        origin.ok_or_else(|| "there is no such sample".to_owned())
    }

    fn with_origins<T>(
        &self,
        block: usize,
        look: impl FnOnce(&[Origin]) -> T,
    ) -> Result<T, String> {
        let mut at_hand = self.at_hand.borrow_mut();
        if let Some((_, origins)) = at_hand.iter().find(|(at, _)| *at == block) {
            return Ok(look(origins));
        }
        let Known {
            origins, n_samples, ..
        } = &self.blocks[block];
        let mut packed = vec![0; (origins.end - origins.start) as usize];
        self.origins
            .read(origins.start, &mut packed)
            .map_err(|error| format!("where samples are from cannot be read: {error}"))?;
        let origins = unpack_origins(&packed, *n_samples)?;
        let found = look(&origins);
        if at_hand.len() >= AT_HAND {
            at_hand.remove(0);
        }
        at_hand.push((block, origins));
        Ok(found)
    }
}
