//! Shards that die at any moment decide like one set.

use wrasse_run::FingerprintSet;

use super::*;

/// Numbers that look like chance, and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as usize) % n
    }

    /// One of `n` fingerprints, spread over all bits.
    fn print(&mut self, n: usize) -> Fingerprint {
        (self.roll(n) as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

/// An actor: what it knows, and what it was asked and has not answered.
struct Actor {
    life: u32,
    seen: FingerprintSet,
    asked: VecDeque<Vec<Fingerprint>>,
}

/// Everything that is outside.
struct World {
    actors: Vec<Actor>,
    kept: Vec<Vec<Fingerprint>>,
    decided: Vec<(usize, Vec<bool>)>,
    /// Answers of lives that have ended, which come late.
    late: Vec<(usize, u32, Vec<bool>)>,
    forgets: bool,
}

impl World {
    fn obey(&mut self, out: &mut Vec<Do<usize>>) {
        for what in out.drain(..) {
            match what {
                Do::Begin { shard, life } => {
                    self.actors[shard] = Actor {
                        life,
                        seen: FingerprintSet::default(),
                        asked: VecDeque::new(),
                    };
                }
                Do::Teach {
                    shard,
                    life,
                    from,
                    n,
                } => {
                    let actor = &mut self.actors[shard];
                    assert_eq!(actor.life, life);
                    let from = from as usize;
                    if !self.forgets {
                        let is_new = actor.seen.judge(&self.kept[shard][from..from + n]);
                        assert!(is_new.iter().all(|is_new| *is_new), "it knew that");
                    }
                    actor.asked.push_back(Vec::new());
                }
                Do::Judge {
                    shard,
                    life,
                    prints,
                } => {
                    let actor = &mut self.actors[shard];
                    assert_eq!(actor.life, life);
                    actor.asked.push_back(prints);
                }
                Do::Keep { shard, prints } => self.kept[shard].extend(prints),
                Do::Decided { name, keep } => self.decided.push((name, keep)),
            }
        }
    }

    fn answer(&mut self, at: usize) -> Option<(u32, Vec<bool>)> {
        let actor = &mut self.actors[at];
        let prints = actor.asked.pop_front()?;
        assert!(actor.asked.is_empty(), "one question at a time");
        Some((actor.life, actor.seen.judge(&prints)))
    }
}

/// Whether a run with this seed gives what one set gives.
fn agrees(seed: u64, forgets: bool) -> bool {
    let mut dice = Dice(seed);
    let n = 1 + dice.roll(4);
    let mut kept = vec![Vec::new(); n];
    let mut whole = FingerprintSet::default();
    for _ in 0..dice.roll(300) {
        let print = dice.print(400);
        if whole.insert(print) {
            kept[owner(print, n)].push(print);
        }
    }
    let known: Vec<u64> = kept.iter().map(|kept| kept.len() as u64).collect();
    let actor = || Actor {
        life: u32::MAX,
        seen: FingerprintSet::default(),
        asked: VecDeque::new(),
    };
    let mut world = World {
        actors: (0..n).map(|_| actor()).collect(),
        kept,
        decided: Vec::new(),
        late: Vec::new(),
        forgets,
    };
    let mut out = Vec::new();
    let mut shards = Shards::new(&known, &mut out);
    let mut expected = Vec::new();
    // At last all questions are answered.
    for step in 0..600 {
        world.obey(&mut out);
        let at = dice.roll(n);
        match dice.roll(10) {
            0..3 if expected.len() < 60 => {
                let prints = Arc::new(
                    (0..dice.roll(9))
                        .map(|_| dice.print(400))
                        .collect::<Vec<_>>(),
                );
                let name = expected.len();
                expected.push((name, whole.judge(&prints)));
                shards.ask(name, prints, &mut out);
            }
            3 if step < 400 => {
                let life = world.actors[at].life;
                if dice.roll(2) == 0
                    && let Some((life, is_new)) = world.answer(at)
                {
                    world.late.push((at, life, is_new));
                }
                if shards.lost(at, life, &mut out).is_err() {
                    return true;
                }
            }
            4 if !world.late.is_empty() => {
                let (at, life, is_new) = world.late.swap_remove(0);
                shards.answered(at, life, &is_new, &mut out);
                shards.lost(at, life, &mut out).unwrap();
            }
            _ => {
                if let Some((life, is_new)) = world.answer(at) {
                    shards.answered(at, life, &is_new, &mut out);
                }
            }
        }
    }
    world.obey(&mut out);
    world.decided == expected
}

#[test]
fn shards_that_die_decide_like_one_set() {
    for seed in 0..300 {
        assert!(agrees(seed, false), "seed {seed}");
    }
    // What would come of actors that are not taught.
    assert!((0..20).any(|seed| !agrees(seed, true)));
}

#[test]
fn one_that_dies_before_it_judges_anything_dies_for_good() {
    let mut out = Vec::new();
    let mut shards = Shards::new(&[0, 0], &mut out);
    shards.ask((), Arc::new(vec![1, 2]), &mut out);
    for life in 0..DEATHS_MAX - 1 {
        assert_eq!(shards.lost(0, life, &mut out), Ok(()));
    }
    // The end of one that is over already.
    assert_eq!(shards.lost(0, 0, &mut out), Ok(()));
    assert_eq!(shards.lost(0, DEATHS_MAX - 1, &mut out), Err(Dies));
}

#[test]
fn shards_are_of_one_size_and_each_has_all_parts_of_a_set() {
    let mut dice = Dice(1);
    let mut counts = [0_u32; 3];
    let mut highest = std::collections::BTreeSet::new();
    for _ in 0..30_000 {
        let print = dice.print(usize::MAX);
        let at = owner(print, 3);
        counts[at] += 1;
        if at == 2 {
            highest.insert(print >> 120);
        }
    }
    assert!(
        counts.iter().all(|n| (9_000..11_000).contains(n)),
        "{counts:?}"
    );
    assert_eq!(highest.len(), 256);
}
