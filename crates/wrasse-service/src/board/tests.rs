//! The board, by hand and by chance.

use std::collections::BTreeMap;

use super::*;

fn id(name: &str) -> JobId {
    name.parse().unwrap()
}

fn ticket(name: &str, seq: u64) -> Ticket {
    Ticket {
        id: id(name),
        seq,
        priority: 0,
        retry: Retry::default(),
        is_resumable: false,
        after: BTreeSet::new(),
        state: State::Pending,
        attempts: 0,
        launches: 0,
        not_before: Millis(0),
        held: false,
        cancelling: false,
    }
}

fn failed(may_help: bool) -> End {
    End::Failed {
        error: "it broke".to_owned(),
        may_help,
    }
}

const DONE: End = End::Completed { partial: false };

/// A board with a clock that the test moves.
struct World {
    board: Board,
    now: Millis,
    seen: Vec<Effect>,
}

impl World {
    fn new(slots: usize) -> Self {
        Self {
            board: Board::new(slots),
            now: Millis(1_000_000),
            seen: Vec::new(),
        }
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.board.step(event, self.now, &mut effects);
        self.seen.extend(effects.clone());
        effects
    }

    fn end(&mut self, name: &str, end: End) -> Vec<Effect> {
        let launch = self.board.job(&id(name)).unwrap().launches;
        self.step(Event::Ended {
            id: id(name),
            launch,
            end,
        })
    }
}

fn started(effects: &[Effect]) -> Vec<String> {
    let start = |effect: &Effect| match effect {
        Effect::Start { id, .. } => Some(id.to_string()),
        _ => None,
    };
    effects.iter().filter_map(start).collect()
}

fn states(effects: &[Effect]) -> Vec<(String, State)> {
    let state = |effect: &Effect| match effect {
        Effect::Change(change) => Some((change.id.to_string(), change.state)),
        _ => None,
    };
    effects.iter().filter_map(state).collect()
}

#[test]
fn no_more_run_than_there_are_slots_and_the_first_goes_first() {
    let mut world = World::new(2);
    for (i, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        world.step(Event::Came(ticket(name, i as u64)));
    }
    assert_eq!(started(&world.seen), ["a", "b"]);
    assert_eq!(started(&world.end("b", DONE)), ["c"]);
    assert_eq!((world.board.n_running(), world.board.n_pending()), (2, 1));
}

#[test]
fn a_higher_priority_goes_first_and_runs_none_down() {
    let mut world = World::new(1);
    world.step(Event::Came(ticket("first", 0)));
    world.step(Event::Came(ticket("low", 1)));
    let mut high = ticket("high", 2);
    high.priority = 5;
    assert_eq!(started(&world.step(Event::Came(high))), [""; 0]);
    assert_eq!(started(&world.end("first", DONE)), ["high"]);
}

#[test]
fn a_failure_is_tried_again_after_a_wait_that_doubles() {
    let mut world = World::new(1);
    let mut job = ticket("a", 0);
    job.retry = Retry {
        attempts: 3,
        delay_ms: 100,
        delay_max_ms: 1_000,
    };
    world.step(Event::Came(job));
    for wait in [100, 200] {
        assert_eq!(started(&world.end("a", failed(true))), [""; 0]);
        assert_eq!(world.board.deadline(), Some(world.now.after(wait)));
        world.now = world.now.after(wait - 1);
        assert_eq!(started(&world.step(Event::Tick)), [""; 0]);
        world.now = world.now.after(1);
        assert_eq!(started(&world.step(Event::Tick)), ["a"]);
    }
    assert_eq!(
        states(&world.end("a", failed(true))),
        [("a".into(), State::Failed)]
    );
    assert!(world.board.job(&id("a")).is_none());
}

#[test]
fn what_cannot_help_is_not_tried_again() {
    let mut world = World::new(1);
    let mut job = ticket("a", 0);
    job.retry.attempts = 3;
    world.step(Event::Came(job));
    assert_eq!(
        states(&world.end("a", failed(false))),
        [("a".into(), State::Failed)]
    );
}

#[test]
fn an_interrupted_run_goes_on_and_an_interrupted_command_has_failed() {
    let mut world = World::new(2);
    let mut run = ticket("run", 0);
    run.is_resumable = true;
    world.step(Event::Came(run));
    world.step(Event::Came(ticket("command", 1)));
    let effects = world.end("run", End::Interrupted);
    let again = Effect::Start {
        id: id("run"),
        attempt: 1,
        launch: 2,
    };
    assert!(effects.contains(&again), "{effects:?}");
    let effects = world.end("command", End::Interrupted);
    assert_eq!(states(&effects), [("command".into(), State::Failed)]);
}

#[test]
fn what_never_began_begins_without_counting() {
    let mut world = World::new(1);
    world.step(Event::Came(ticket("a", 0)));
    let effects = world.end("a", End::NeverBegan);
    let again = Effect::Start {
        id: id("a"),
        attempt: 1,
        launch: 2,
    };
    assert!(effects.contains(&again), "{effects:?}");
}

#[test]
fn the_end_of_an_earlier_launch_is_no_end() {
    let mut world = World::new(1);
    world.step(Event::Came(ticket("a", 0)));
    world.end("a", End::NeverBegan);
    let late = Event::Ended {
        id: id("a"),
        launch: 1,
        end: DONE,
    };
    assert_eq!(world.step(late), []);
    assert_eq!(world.board.n_running(), 1);
}

#[test]
fn a_cancelled_job_keeps_its_slot_until_it_is_gone() {
    let mut world = World::new(1);
    world.step(Event::Came(ticket("a", 0)));
    world.step(Event::Came(ticket("b", 1)));
    let effects = world.step(Event::CancelAsked(id("a")));
    assert!(effects.contains(&Effect::Stop(id("a"))));
    assert_eq!(started(&effects), [""; 0]);
    let effects = world.end("a", failed(true));
    assert_eq!(states(&effects)[0], ("a".into(), State::Cancelled));
    assert_eq!(started(&effects), ["b"]);
}

#[test]
fn what_completes_before_it_is_stopped_is_completed() {
    let mut world = World::new(1);
    world.step(Event::Came(ticket("a", 0)));
    world.step(Event::CancelAsked(id("a")));
    assert_eq!(
        states(&world.end("a", DONE)),
        [("a".into(), State::Completed)]
    );
}

#[test]
fn a_job_waits_for_those_it_needs_and_fails_with_them() {
    let mut world = World::new(4);
    world.step(Event::Came(ticket("a", 0)));
    world.step(Event::Came(ticket("b", 1)));
    let mut c = ticket("c", 2);
    c.after = [id("a"), id("b"), id("long-completed")].into();
    world.step(Event::Came(c));
    let mut d = ticket("d", 3);
    d.after = [id("c")].into();
    world.step(Event::Came(d));
    assert_eq!(started(&world.end("a", DONE)), [""; 0]);
    let effects = world.end("b", failed(true));
    assert_eq!(
        states(&effects),
        [
            ("b", State::Failed),
            ("c", State::Failed),
            ("d", State::Failed)
        ]
        .map(|(name, state)| (name.to_owned(), state))
    );
    assert_eq!(world.board.n_pending(), 0);
}

#[test]
fn a_cancelled_job_takes_those_along_that_need_it() {
    let mut world = World::new(1);
    world.step(Event::Came(ticket("a", 0)));
    let mut b = ticket("b", 1);
    b.after = [id("a")].into();
    world.step(Event::Came(b));
    world.step(Event::CancelAsked(id("a")));
    let effects = world.end("a", End::Interrupted);
    let Some(Effect::Change(last)) = effects.last() else {
        panic!("{effects:?}");
    };
    assert_eq!((&last.id, last.state), (&id("b"), State::Failed));
    assert_eq!(
        last.error.as_deref(),
        Some("not started: `a`, which it needs, was cancelled")
    );
}

#[test]
fn a_held_job_rests() {
    let mut world = World::new(1);
    let mut job = ticket("a", 0);
    job.held = true;
    assert_eq!(started(&world.step(Event::Came(job))), [""; 0]);
    assert_eq!(
        started(&world.step(Event::HoldAsked(id("a"), false))),
        ["a"]
    );
    let effects = world.step(Event::HoldAsked(id("a"), true));
    assert!(effects.contains(&Effect::Hold(id("a"), true)));
    assert_eq!(world.step(Event::HoldAsked(id("a"), true)), []);
    assert_eq!(states(&world.step(Event::CancelAsked(id("a")))).len(), 1);
}

#[test]
fn a_held_run_makes_room_and_goes_on_later() {
    let mut world = World::new(1);
    let mut run = ticket("run", 0);
    run.is_resumable = true;
    world.step(Event::Came(run));
    world.step(Event::Came(ticket("other", 1)));
    let effects = world.step(Event::HoldAsked(id("run"), true));
    assert!(effects.contains(&Effect::Stop(id("run"))));
    assert_eq!(started(&world.end("run", End::Interrupted)), ["other"]);
    world.end("other", DONE);
    let effects = world.step(Event::HoldAsked(id("run"), false));
    let again = Effect::Start {
        id: id("run"),
        attempt: 1,
        launch: 2,
    };
    assert!(effects.contains(&again), "{effects:?}");
}

#[test]
fn a_closed_board_starts_nothing_and_fewer_slots_end_nothing() {
    let mut world = World::new(2);
    world.step(Event::Open(false));
    world.step(Event::Came(ticket("a", 0)));
    world.step(Event::Came(ticket("b", 1)));
    world.step(Event::Came(ticket("c", 2)));
    assert_eq!(started(&world.seen), [""; 0]);
    assert_eq!(started(&world.step(Event::Open(true))), ["a", "b"]);
    world.step(Event::Slots(1));
    assert_eq!(world.board.n_running(), 2);
    assert_eq!(started(&world.end("a", DONE)), [""; 0]);
    assert_eq!(started(&world.step(Event::Slots(2))), ["c"]);
}

/// A generator of numbers, the same for the same seed (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Everything at random: jobs come, end in every way, are cancelled and held,
/// and the whole board is lost and restored from what was stored.
#[test]
fn every_job_ends_once_whatever_happens() {
    for seed in 1..=200 {
        play(seed);
    }
}

fn play(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let slots = 1 + chance.below(4) as usize;
    let mut world = World::new(slots);
    // What a store would hold.
    let mut stored: BTreeMap<JobId, Ticket> = BTreeMap::new();
    let mut finals: BTreeMap<JobId, State> = BTreeMap::new();
    let (mut n, wanted) = (0, 30);
    for round in 0..5_000 {
        if n == wanted && stored.is_empty() {
            break;
        }
        let is_late = round > 2_000;
        let names: Vec<_> = stored.keys().cloned().collect();
        let some = |chance: &mut Chance| {
            (!names.is_empty()).then(|| names[chance.below(names.len() as u64) as usize].clone())
        };
        let event = match chance.below(12) {
            0 | 1 if n < wanted => {
                let mut job = ticket(&format!("j{n}"), n);
                n += 1;
                job.priority = chance.below(3) as i32;
                job.retry.attempts = 1 + chance.below(3) as u32;
                job.is_resumable = chance.below(2) == 0;
                job.after = some(&mut chance).into_iter().collect();
                stored.insert(job.id.clone(), job.clone());
                Event::Came(job)
            }
            2 => match some(&mut chance) {
                Some(id) => Event::CancelAsked(id),
                None => Event::Tick,
            },
            3 => match some(&mut chance) {
                Some(id) => Event::HoldAsked(id, !is_late && chance.below(2) == 0),
                None => Event::Tick,
            },
            4 => Event::Open(is_late || chance.below(3) > 0),
            5 if chance.below(10) == 0 => {
                world.board = Board::new(slots);
                // Those that run are told first, in one way or another.
                world.step(Event::Open(false));
                let mut all: Vec<_> = stored.values().cloned().collect();
                all.sort_by_key(|job| job.seq);
                for mut job in all {
                    job.after.retain(|other| stored.contains_key(other));
                    let effects = world.step(Event::Came(job));
                    keep(&effects, &mut stored, &mut finals, seed);
                }
                Event::Tick
            }
            6 | 7 => {
                world.now = world.now.after(chance.below(20_000));
                Event::Tick
            }
            _ => match some(&mut chance) {
                Some(id) => Event::Ended {
                    launch: stored[&id].launches,
                    id,
                    end: match chance.below(6) {
                        0 => End::Interrupted,
                        1 => End::NeverBegan,
                        2 => failed(true),
                        3 => failed(false),
                        _ => DONE,
                    },
                },
                None => Event::Tick,
            },
        };
        let effects = world.step(event);
        keep(&effects, &mut stored, &mut finals, seed);
        let board = &world.board;
        let n_running = board
            .jobs
            .values()
            .filter(|job| job.state == State::Running)
            .count();
        assert_eq!(board.running, n_running, "seed {seed}");
        assert!(n_running <= slots, "seed {seed}");
        for job in board.jobs.values() {
            let ready = board
                .ready
                .contains(&(Reverse(job.priority), job.seq, job.id.clone()));
            let delayed = board
                .delayed
                .contains(&(job.not_before, job.seq, job.id.clone()));
            let is_free = job.state == State::Pending && !job.held && job.after.is_empty();
            assert_eq!(is_free, ready ^ delayed, "seed {seed}: {job:?}");
            assert_eq!(
                stored.get(&job.id).map(|one| one.state),
                Some(job.state),
                "seed {seed}"
            );
        }
    }
    assert_eq!(
        finals.len() as u64,
        n,
        "seed {seed}: {:?}",
        world.board.jobs
    );
}

fn keep(
    effects: &[Effect],
    stored: &mut BTreeMap<JobId, Ticket>,
    finals: &mut BTreeMap<JobId, State>,
    seed: u64,
) {
    for effect in effects {
        let Effect::Change(change) = effect else {
            continue;
        };
        let job = stored.get_mut(&change.id);
        let job = job.unwrap_or_else(|| panic!("seed {seed}: {} has ended", change.id));
        job.state = change.state;
        job.attempts = change.attempts;
        job.launches = change.launches;
        job.not_before = change.not_before;
        job.held = change.held;
        job.cancelling = change.cancelling;
        assert!(job.attempts <= job.retry.attempts, "seed {seed}");
        if change.state.is_final() {
            stored.remove(&change.id);
            assert_eq!(
                finals.insert(change.id.clone(), change.state),
                None,
                "seed {seed}"
            );
        }
    }
}
