//! Pools of workers: how they grow, what they leave to others, and what does not
//! fit.

use wrasse_sched::{OpKind, Place, PoolConfig, Resource, Resources, Scheduler, Settings, admit};

use crate::busy::source;
use crate::scenario::Effect;
use crate::world::World;
use crate::{BLOCK, calm, limits, op};

#[test]
fn a_pool_grows_as_its_queue_needs_and_ends_with_nothing() {
    let mut pool = op(OpKind::Map, 0);
    pool.pool = Some(PoolConfig {
        worker: Resources::ZERO.with(Resource::GPU, 1000),
        workers_min: 1,
        workers_max: 8,
        slots: 2,
    });
    let ops = vec![source(), (pool, Effect::Keep, 2_000)];
    let mut world = World::new(3, calm(ops, vec![16; 8], limits(4, BLOCK * 100, 40)));
    world.keep_log = true;
    world.play();
    assert_eq!(world.out, world.expected());
    let scaled: Vec<u32> = world
        .log
        .iter()
        .filter_map(|command| match command {
            wrasse_sched::Command::ScalePool { workers, .. } => Some(*workers),
            _ => None,
        })
        .collect();
    // Four devices: four workers at the most. No thrash.
    assert_eq!(scaled.iter().max(), Some(&4), "{scaled:?}");
    assert!(scaled.len() < 20, "{scaled:?}");
}

#[test]
fn workers_of_pools_leave_room_for_tasks() {
    let mut pool = op(OpKind::Map, 0);
    pool.pool = Some(PoolConfig {
        worker: Resources::millicpus(500),
        workers_min: 1,
        workers_max: 100,
        slots: 1,
    });
    let ops = vec![
        source(),
        (pool, Effect::Keep, 20_000),
        (pool, Effect::Keep, 20_000),
    ];
    for (for_tasks, most) in [(0, 8), (1000, 6)] {
        let mut scenario = calm(ops.clone(), vec![4; 32], limits(4, BLOCK * 1000, 400));
        scenario.limits.for_tasks = Resources::millicpus(for_tasks);
        let mut world = World::new(11, scenario);
        world.keep_log = true;
        world.play();
        assert_eq!(world.out, world.expected());
        let mut asked = [0; 3];
        let mut at_once = 0;
        for command in &world.log {
            match command {
                wrasse_sched::Command::ScalePool { op, workers } => asked[*op] = *workers,
                wrasse_sched::Command::StopWorker { op, .. } => asked[*op] -= 1,
                _ => {}
            }
            at_once = at_once.max(asked[1] + asked[2]);
        }
        assert_eq!(at_once, most, "with {for_tasks} for tasks");
    }
}

#[test]
fn pools_before_and_behind_an_exchange_take_turns() {
    let mut pool = op(OpKind::Map, 0);
    pool.pool = Some(PoolConfig {
        worker: Resources::ZERO.with(Resource::GPU, 1400),
        workers_min: 2,
        workers_max: 2,
        slots: 1,
    });
    let mut exchange = op(OpKind::Exchange, 0);
    exchange.task = Resources::ZERO;
    let stage = |config| (config, Effect::Keep, 50);
    let ops = vec![source(), stage(pool), stage(exchange), stage(pool)];
    for for_tasks in [0, 1000] {
        let mut scenario = calm(ops.clone(), vec![4; 8], limits(4, BLOCK * 100, 40));
        scenario.limits.for_tasks = Resources::ZERO.with(Resource::GPU, for_tasks);
        let mut world = World::new(5, scenario);
        world.keep_log = true;
        world.play();
        assert_eq!(world.out, world.expected());
        // There is room for two of four.
        let (mut asked, mut most) = ([0; 4], [0; 4]);
        for command in &world.log {
            match command {
                wrasse_sched::Command::ScalePool { op, workers } => asked[*op] = *workers,
                wrasse_sched::Command::StopWorker { op, .. } => asked[*op] -= 1,
                _ => {}
            }
            assert!(asked[1] + asked[3] <= 2, "{asked:?}");
            most = [0, 1, 2, 3].map(|op| asked[op].max(most[op]));
        }
        assert_eq!(most, [0, 2, 0, 2], "with {for_tasks} for tasks");
    }
}

#[test]
fn needs_that_do_not_fit_are_refused_before_the_run() {
    let mut pool = op(OpKind::Map, 0);
    pool.pool = Some(PoolConfig {
        worker: Resources::millicpus(2000),
        workers_min: 1,
        workers_max: 1,
        slots: 1,
    });
    let ops = [op(OpKind::Source, 1000), pool];
    let start = Place::default();
    let settings = Settings::default();
    let refusal = Scheduler::new(&ops, limits(2, 1000, 10), start, settings);
    let refusal = refusal.expect_err("two workers' processors and one to read do not fit");
    assert_eq!((refusal.sum, refusal.limit), (3000, 2000));
    assert!(Scheduler::new(&ops, limits(3, 1000, 10), start, settings).is_ok());
    assert_eq!(admit(&Resources::ZERO, &[]), Ok(()));
}
