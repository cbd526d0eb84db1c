//! [`Origins`]: where samples that wait elsewhere are from.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::path::Path;

use wrasse_core::Origin;

use super::spool::Spool;
use super::unreadable;

/// Blocks of which it is at hand where samples are from.
const AT_HAND: usize = 64;

/// Where samples are from, block by block.
#[derive(Debug)]
pub(super) struct Origins {
    spool: Spool,
    /// Those of the blocks looked at last.
    at_hand: RefCell<Vec<(usize, Vec<Origin>)>>,
}

impl Origins {
    /// Keeps up to `memory_max` bytes in memory, and beyond that all in a file in
    /// `dir`.
    pub(super) fn new(dir: &Path, memory_max: usize) -> Self {
        Self {
            spool: Spool::new(dir.to_owned(), memory_max),
            at_hand: RefCell::default(),
        }
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.spool.memory_bytes()
    }

    /// Bytes on disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.spool.disk_bytes()
    }

    /// Takes those of a block, packed; says where they lie.
    pub(super) fn append(&mut self, packed: &[u8]) -> io::Result<Range<u64>> {
        let start = self.spool.len();
        self.spool.append(packed)?;
        Ok(start..self.spool.len())
    }

    /// All have come.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        self.spool.seal()
    }

    /// Has `look` look at those of a block, which has so many samples and lies at
    /// `place`.
    pub(super) fn with<T>(
        &self,
        (block, n_samples): (usize, u32),
        place: &Range<u64>,
        look: impl FnOnce(&[Origin]) -> T,
    ) -> Result<T, String> {
        let mut at_hand = self.at_hand.borrow_mut();
        if let Some((_, origins)) = at_hand.iter().find(|(at, _)| *at == block) {
            return Ok(look(origins));
        }
        let mut packed = vec![0; (place.end - place.start) as usize];
        self.spool
            .read(place.start, &mut packed)
            .map_err(|error| format!("where samples are from cannot be read: {error}"))?;
        let origins = unpack(&packed, n_samples)?;
        let found = look(&origins);
        if at_hand.len() >= AT_HAND {
            at_hand.remove(0);
        }
        at_hand.push((block, origins));
        Ok(found)
    }
}

/// Where samples are from, each as seen from the one before it.
pub(super) fn pack(origins: impl Iterator<Item = Origin>) -> Result<Vec<u8>, String> {
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

fn unpack(mut packed: &[u8], n: u32) -> Result<Vec<Origin>, String> {
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
