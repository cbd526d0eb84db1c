//! Virtual time: how long a run takes, next to how long its work takes.
//!
//! Reading a block costs 1, processing it 9. Readers of a split are used by one
//! worker at a time; the rest of the work can be shared out freely. A policy
//! that reads too far ahead fills the room with blocks that wait for the front,
//! and then goes on one block at a time.

use std::collections::BTreeMap;

use wrasse_sched::{BlockId, Command, Event, Limits, Scheduler};

const READ: u64 = 1;
const PROCESS: u64 = 9;

/// The time that a run over `splits` splits of `blocks` blocks takes.
fn makespan(workers: usize, splits: u32, blocks: u32) -> u64 {
    let limits = Limits {
        workers,
        memory_bytes: u64::MAX,
        blocks_in_flight: workers * 3 + 1,
    };
    let start = BlockId { split: 0, seq: 0 };
    let mut scheduler = Scheduler::new(splits, 0, start, 1, limits);
    let mut agenda: BTreeMap<(u64, usize), Event> = BTreeMap::new();
    let mut commands = Vec::new();
    let (mut now, mut n) = (0, 0);
    scheduler.start(&mut commands);
    loop {
        let mut at = 0;
        while at < commands.len() {
            let mut later = |delay: u64, event: Event| {
                n += 1;
                agenda.insert((now + delay, n), event);
            };
            match commands[at] {
                Command::Read { block } if block.seq < blocks => {
                    let (bytes, more) = (1, block.seq + 1 < blocks);
                    later(READ, Event::BlockRead { block, bytes, more });
                    later(
                        READ + PROCESS,
                        Event::StageDone {
                            block,
                            stage: 0,
                            bytes,
                        },
                    );
                }
                Command::Read { block } => {
                    later(
                        READ,
                        Event::SplitEnded {
                            split: block.split,
                            n_blocks: block.seq,
                        },
                    );
                }
                Command::Write { block } => scheduler.step(Event::Written { block }, &mut commands),
                Command::Finish => return now,
                Command::Run { .. } | Command::Pass { .. } => unreachable!("there is no gate"),
            }
            at += 1;
        }
        commands.clear();
        let ((time, _), event) = agenda.pop_first().expect("something is under way");
        now = time;
        scheduler.step(event, &mut commands);
    }
}

#[test]
fn workers_are_busy_whatever_the_splits_are_like() {
    for workers in [1, 2, 4, 8] {
        for (splits, blocks) in [(1, 256), (8, 32), (64, 4), (256, 1)] {
            let took = makespan(workers, splits, blocks);
            let work = u64::from(splits * blocks) * (READ + PROCESS);
            let ideal = work / workers as u64;
            assert!(
                took * 4 <= ideal * 5,
                "{workers} workers, {splits} splits of {blocks} blocks: {took}, ideal {ideal}"
            );
        }
    }
}
