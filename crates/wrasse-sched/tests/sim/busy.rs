//! Workers are busy: a run takes little longer than its work.

use wrasse_sched::OpKind;

use crate::scenario::Effect;
use crate::world::World;
use crate::{BLOCK, Stage, calm, limits, op};

/// How much longer a run takes than its work does on all processors.
fn stretch(ops: Vec<Stage>, splits: Vec<u32>, cpus: i64, blocks: u64) -> f64 {
    // Three for each processor and operator: one runs, two wait.
    let in_flight = 3 * cpus as u32 * ops.len() as u32 + 1;
    let limits = limits(cpus, BLOCK * blocks, in_flight);
    let mut world = World::new(7, calm(ops, splits, limits));
    world.play();
    assert_eq!(world.out, world.expected());
    let ideal = world.busy as f64 / cpus as f64;
    world.now as f64 / ideal
}

pub(crate) fn source() -> Stage {
    (op(OpKind::Source, 1000), Effect::Keep, 100)
}

fn map(effect: Effect, duration: u64) -> Stage {
    (op(OpKind::Map, 1000), effect, duration)
}

#[test]
fn workers_are_busy_whatever_the_splits_are_like() {
    for cpus in [1, 2, 4, 8] {
        for (splits, shares) in [(1, 256), (8, 32), (64, 4), (256, 1)] {
            let took = stretch(vec![source()], vec![shares; splits], cpus, 1000);
            assert!(
                took < 1.25,
                "{cpus} cpus, {splits} splits of {shares}: {took:.2}"
            );
        }
    }
}

#[test]
fn workers_are_busy_in_pipelines_of_many_stages() {
    let pipelines: [(&str, Vec<Stage>); 4] = [
        (
            "a slow stage in the middle",
            vec![source(), map(Effect::Keep, 2_000), map(Effect::Keep, 50)],
        ),
        (
            "a slicer of a hundred",
            vec![
                source(),
                map(Effect::Slice(100), 100),
                map(Effect::Keep, 100),
            ],
        ),
        (
            "a filter that drops 99 %",
            vec![
                source(),
                map(Effect::Filter(100), 100),
                map(Effect::Keep, 100),
            ],
        ),
        (
            "fifteen stages",
            (0..15)
                .map(|i| {
                    if i == 0 {
                        source()
                    } else {
                        map(Effect::Keep, 100)
                    }
                })
                .collect(),
        ),
    ];
    for (name, ops) in pipelines {
        for cpus in [1, 2, 4] {
            let took = stretch(ops.clone(), vec![32; 8], cpus, 200);
            assert!(took < 1.3, "{name}, {cpus} cpus: {took:.2}");
        }
    }
}
