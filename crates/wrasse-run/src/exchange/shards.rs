//! Keys that are cut into pieces and weighed shard by shard, see
//! [`wrasse_op::Spread`].
//!
//! A piece is written as (number of the sample, from the one before it)
//! (length) (bytes).

use std::cell::RefCell;

use wrasse_op::{Keys, OpError};

use super::settled::by_operator;
use crate::pass::Pass;

/// Whether the keys of the exchange at `op` of the plan are cut.
pub fn is_spread(pass: &Pass, op: usize) -> bool {
    let exchange = pass.plan().operators()[op].exchange();
    exchange.is_some_and(|exchange| exchange.spread().is_some())
}

/// Pieces of the keys of an object's samples, by shard.
pub(super) struct Pieces {
    shards: Vec<Shard>,
    /// Samples so far.
    n: u32,
}

#[derive(Clone, Default)]
struct Shard {
    bytes: Vec<u8>,
    /// The sample behind the last one that has a piece here.
    next: u32,
    /// A piece that is being made.
    piece: Vec<u8>,
}

impl Pieces {
    pub(super) fn new(n_shards: u32) -> Self {
        Self {
            shards: vec![Shard::default(); n_shards as usize],
            n: 0,
        }
    }

    /// Cuts the keys of the next samples; what is left of each.
    pub(super) fn cut(
        &mut self,
        pass: &Pass,
        op: usize,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Vec<u8>>, String> {
        by_operator(pass, op, |exchange| {
            let spread = exchange.spread();
            let spread = spread.ok_or_else(|| OpError::fatal("its keys are not cut"))?;
            let n_shards = self.shards.len() as u32;
            let mut rests = Vec::with_capacity(keys.len());
            for key in keys {
                let mut rest = Vec::new();
                let shards = &mut self.shards;
                let mut put = |shard: u32, piece: &[u8]| {
                    shards[shard as usize].piece.extend_from_slice(piece);
                };
                spread.cut(key, n_shards, &mut put, &mut rest);
                rests.push(rest);
                for shard in &mut self.shards {
                    shard.end_piece(self.n);
                }
                self.n += 1;
            }
            Ok(rests)
        })
    }

    pub(super) fn finish(self) -> Vec<Vec<u8>> {
        self.shards.into_iter().map(|shard| shard.bytes).collect()
    }
}

impl Shard {
    fn end_piece(&mut self, sample: u32) {
        if self.piece.is_empty() {
            return;
        }
        write_number(sample - self.next, &mut self.bytes);
        write_number(self.piece.len() as u32, &mut self.bytes);
        self.bytes.append(&mut self.piece);
        self.next = sample + 1;
    }
}

/// Seven bits a byte, the lowest first.
fn write_number(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The pieces of one shard, of all samples: an object after the other.
struct ShardKeys<'a> {
    /// The number of each object's first sample.
    firsts: &'a [u32],
    n_samples: u32,
    bytes: u64,
    object: RefCell<ObjectAt<'a>>,
}

/// Gives an object's pieces by its number.
type ObjectAt<'a> = &'a mut dyn FnMut(usize) -> Result<Vec<u8>, String>;

impl<'a> ShardKeys<'a> {
    fn new(firsts: &'a [u32], n_samples: u32, object: ObjectAt<'a>) -> Result<Self, String> {
        let mut bytes = 0;
        for at in 0..firsts.len() {
            bytes += object(at)?.len() as u64;
        }
        Ok(Self {
            firsts,
            n_samples,
            bytes,
            object: RefCell::new(object),
        })
    }
}

impl Keys for ShardKeys<'_> {
    fn len(&self) -> u32 {
        self.n_samples
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn scan(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<(), OpError> {
        let cut = || OpError::fatal("pieces of keys are cut short");
        for (at, first) in self.firsts.iter().enumerate() {
            // One at a time: all together they may be large.
            let bytes = (self.object.borrow_mut())(at).map_err(OpError::fatal)?;
            let (mut rest, mut sample) = (&bytes[..], *first);
            while !rest.is_empty() {
                sample += read_number(&mut rest).ok_or_else(cut)?;
                let n = read_number(&mut rest).ok_or_else(cut)?;
                let (piece, behind) = rest.split_at_checked(n as usize).ok_or_else(cut)?;
                each(sample, piece);
                (sample, rest) = (sample + 1, behind);
            }
        }
        Ok(())
    }
}

/// Weighs the pieces of one shard for the exchange at `op` of the plan, of which
/// there are `n_samples` in all, with about `memory` bytes to use: what was found.
/// `firsts` has the number of the first sample of each object, which `object` gives,
/// as often as it is asked.
///
/// # Errors
///
/// If the pieces make no sense: the run cannot go on.
pub fn weigh(
    (pass, op): (&Pass, usize),
    firsts: &[u32],
    object: &mut dyn FnMut(usize) -> Result<Vec<u8>, String>,
    (n_samples, memory): (u32, usize),
) -> Result<Vec<u8>, String> {
    let keys = ShardKeys::new(firsts, n_samples, object)?;
    by_operator(pass, op, |exchange| {
        let spread = exchange.spread();
        let spread = spread.ok_or_else(|| OpError::fatal("its keys are not cut"))?;
        let mut evidence = Vec::new();
        spread.weigh(&keys, memory, &mut evidence)?;
        Ok(evidence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_find_their_samples_again() {
        let mut shard = Shard::default();
        let samples = [0, 1, 5, 300, 70_000];
        for sample in samples {
            shard.piece = vec![7; sample as usize % 200 + 1];
            shard.end_piece(sample);
            shard.end_piece(sample + 1);
        }
        let mut object = |_| Ok(shard.bytes.clone());
        let keys = ShardKeys::new(&[10, 100_000], 200_000, &mut object).unwrap();
        assert_eq!(keys.bytes(), 2 * shard.bytes.len() as u64);
        let mut found = Vec::new();
        keys.scan(&mut |i, piece| found.push((i, piece.len())))
            .unwrap();
        let want = |first: u32| samples.map(|i| (first + i, i as usize % 200 + 1));
        assert_eq!(found, [want(10), want(100_000)].concat());
        let mut cut = |_| Ok(vec![3, 5, 1, 1]);
        let keys = ShardKeys::new(&[0], 9, &mut cut).unwrap();
        assert!(keys.scan(&mut |_, _| ()).is_err());
    }
}
