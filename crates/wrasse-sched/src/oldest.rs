//! [`Oldest`]: of those that leave in input order, who waits longest.
//!
//! Who comes later and leaves earlier than another never waits longest: it need
//! not be remembered. So what is remembered is in order of arrival and in input
//! order alike; it grows at one end, shrinks at the other, and its first is the
//! one that waits longest.

use crate::Time;
use crate::chunks::Queue;
use crate::operator::Queued;

#[derive(Debug, Default)]
pub(crate) struct Oldest {
    queue: Queue<(Queued, Time)>,
    last: Option<Queued>,
}

impl Oldest {
    pub(crate) fn arrive(&mut self, queued: Queued, now: Time) {
        if self.last.is_none_or(|last| last < queued) {
            self.last = Some(queued);
            self.queue.push_back((queued, now));
        }
    }

    pub(crate) fn leave(&mut self, queued: Queued) {
        while self.queue.front().is_some_and(|first| first.0 <= queued) {
            self.queue.pop_front();
        }
        self.last = self.last.filter(|last| *last > queued);
    }

    /// Who waits, and since when. Of one place, an output may have left that is
    /// still told: the order of these is only close to the input order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Queued, Time)> {
        self.queue.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use crate::slab::Slab;

    #[test]
    fn the_first_is_always_the_one_that_waits_longest() {
        let (mut oldest, mut waiting, mut dice) = (Oldest::default(), Vec::new(), 7_u64);
        let token = Slab::default().insert(());
        let mut coming: Vec<u32> = (0..500).collect();
        let mut next = 0;
        for now in 0..2_000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (dice >> 40) as usize % coming.len().clamp(1, 40);
            if !coming.is_empty() {
                let split = coming.remove(at);
                let place = Place { split, seq: 0 };
                let queued = Queued {
                    place,
                    born: 0,
                    token,
                };
                oldest.arrive(queued, Time(now));
                waiting.push(queued);
            }
            let is_next = |queued: &Queued| queued.place.split == next;
            if dice >> 63 == 0
                && let Some(at) = waiting.iter().position(is_next)
            {
                oldest.leave(waiting.remove(at));
                next += 1;
            }
            let first = oldest.iter().next().map(|first| first.0);
            assert_eq!(first, waiting.first().copied(), "at {now}");
        }
        assert!(next > 400);
    }
}
