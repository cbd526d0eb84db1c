//! [`Table`]: counts of runs, by open addressing.

use super::{Frequencies, Run};

/// Memory that is kept from text to text.
#[derive(Default)]
pub(super) struct Scratch {
    slots: Vec<Slot>,
    repeated: Vec<u32>,
    pending: Vec<Pending>,
}

impl Scratch {
    /// What one text may leave behind for the next: 1 MiB.
    const SLOTS_KEPT: usize = 1 << 17;

    pub(super) fn shrink(&mut self) {
        if self.slots.capacity() > Self::SLOTS_KEPT {
            *self = Self::default();
        }
    }
}

/// A place for one run.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// Where the run begins that was met first, plus 1; 0 if the slot is free.
    first: u32,
    /// How often the run was met after that.
    again: u32,
}

/// A run that found its slot taken.
#[derive(Clone, Copy, Default)]
struct Pending {
    slot: u32,
    start: u32,
    end: u32,
}

const PENDING: usize = 256;

/// Counts of runs: open addressing, at most half full in one part.
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    /// To be taken back after the last count.
    pub(super) scratch: Scratch,
    n_used: usize,
    n_runs: usize,
    shift: u32,
    overflows: bool,
}

impl<'a> Table<'a> {
    const LOG2_SLOTS_MIN: u32 = 6;

    pub(super) fn new(mut scratch: Scratch, n_runs: usize, bytes: &'a [u8]) -> Self {
        // Few collisions while it fits into the nearest cache, few misses then.
        let slots_per_run = if n_runs <= 1 << 14 { 4 } else { 2 };
        let log2_slots = (slots_per_run * n_runs).next_power_of_two().ilog2();
        let log2_slots = log2_slots.max(Self::LOG2_SLOTS_MIN);
        scratch.slots.clear();
        scratch.slots.resize(1 << log2_slots, Slot::default());
        scratch.repeated.clear();
        scratch.pending.resize(PENDING, Pending::default());
        Self {
            bytes,
            scratch,
            n_used: 0,
            n_runs: 0,
            shift: 64 - log2_slots,
            overflows: false,
        }
    }

    #[inline(always)]
    pub(super) fn count(&mut self, mut runs: impl Iterator<Item = Run>) {
        let mut n_met = PENDING;
        while n_met == PENDING {
            n_met = 0;
            let mut n_pending = 0;
            let Scratch { slots, pending, .. } = &mut self.scratch;
            let pending: &mut [Pending; PENDING] =
                pending.first_chunk_mut().expect("it has that length");
            for run in runs.by_ref().take(PENDING) {
                let at = (run.hash >> self.shift) as usize;
                let slot = &mut slots[at];
                let is_free = slot.first == 0;
                slot.first = if is_free {
                    run.start as u32 + 1
                } else {
                    slot.first
                };
                // Written in any case, counted if need be: no branch to
                // mispredict.
                pending[n_pending % PENDING] = Pending {
                    slot: at as u32,
                    start: run.start as u32,
                    end: run.end as u32,
                };
                n_pending += usize::from(!is_free);
                n_met += 1;
            }
            self.n_runs += n_met;
            self.n_used += n_met - n_pending;
            self.settle(n_pending);
        }
    }

    /// Finds the slots of the pending runs.
    #[inline(never)]
    fn settle(&mut self, n_pending: usize) {
        let Scratch {
            slots,
            repeated,
            pending,
        } = &mut self.scratch;
        if self.n_used + n_pending >= slots.len() {
            self.overflows = true;
            return;
        }
        let mask = slots.len() - 1;
        for run in &pending[..n_pending] {
            let (start, len) = (run.start as usize, (run.end - run.start) as usize);
            let mut at = run.slot as usize;
            loop {
                let slot = &mut slots[at];
                if slot.first == 0 {
                    slot.first = run.start + 1;
                    self.n_used += 1;
                    break;
                }
                if same(self.bytes, slot.first as usize - 1, start, len) {
                    if slot.again == 0 {
                        repeated.push(at as u32);
                    }
                    slot.again += 1;
                    break;
                }
                at = (at + 1) & mask;
            }
        }
    }

    /// Adds the counts; false if the table was too small for them.
    pub(super) fn finish(&self, counted: &mut Frequencies) -> bool {
        counted.total += self.n_runs;
        let Scratch {
            slots, repeated, ..
        } = &self.scratch;
        counted.few[1] += self.n_used - repeated.len();
        for at in repeated {
            counted.add(slots[*at as usize].again + 1);
        }
        !self.overflows
    }
}

/// Whether the `len` bytes at `a` equal those at `b`; like a comparison of
/// slices, but without a call for the usual ten bytes.
#[inline]
fn same(bytes: &[u8], a: usize, b: usize, len: usize) -> bool {
    let eight = |at: usize| bytes[at..].first_chunk::<8>();
    if (8..=16).contains(&len) {
        eight(a) == eight(b) && eight(a + len - 8) == eight(b + len - 8)
    } else {
        bytes[a..].starts_with(&bytes[b..b + len])
    }
}
