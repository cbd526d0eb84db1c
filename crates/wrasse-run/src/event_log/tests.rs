//! Tests of the event log.

use tempfile::TempDir;
use wrasse_sched::{Holder, OpConfig, OpKind, Place, Resources, Scheduler, Settings, WaitView};

use super::*;
use crate::{MemorySnapshot, Pace, StageSnapshot, StuckSnapshot, Tally};

/// A run of two stages as it stands after so many seconds.
fn snapshot(elapsed_s: f64) -> RunSnapshot {
    let limits = Limits {
        resources: Resources::millicpus(2000).with(Resource::BLOCKS, 1000),
        blocks_in_flight: 4,
        for_tasks: Resources::ZERO,
    };
    let op = |kind| OpConfig {
        kind,
        task: Resources::millicpus(1000),
        tasks_max: 1,
        output_bytes: 10,
        pool: None,
    };
    let ops = [op(OpKind::Source), op(OpKind::Map)];
    let scheduler = Scheduler::new(&ops, limits, Place::default(), Settings::default()).unwrap();
    let stage = |op, name: &str| StageSnapshot {
        name: name.to_owned(),
        view: scheduler.view(op),
    };
    let mut stages = vec![stage(0, "read"), stage(1, "filter")];
    for stage in &mut stages {
        stage.view.wait = None;
    }
    RunSnapshot {
        elapsed_s,
        tally: Tally::new(0),
        operators: Vec::new(),
        bytes_total: None,
        bytes_resumed: 0,
        bytes_fetched: None,
        tasks: 0,
        threads: 2,
        blocks: 0,
        waiting: 0,
        memory: MemorySnapshot::default(),
        waits_for: None,
        stages,
        pace: Pace::default(),
        now: Time((elapsed_s * 1e9) as u64),
        used: Resources::ZERO,
        limits,
        custom: Vec::new(),
        stuck: None,
    }
}

fn lines(folder: &TempDir, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_default())
        .collect()
}

fn events(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["event"].as_str().unwrap_or("?"))
        .collect()
}

#[test]
fn what_is_new_gets_a_line_once() {
    let folder = TempDir::new().unwrap();
    let mut log = EventLog::open(folder.path()).unwrap();
    let waiting = |elapsed_s, since_s: u64| {
        let mut now = snapshot(elapsed_s);
        now.stages[0].view.wait = Some(WaitView {
            reason: Wait::OutputBudget,
            since: Time(since_s * 1_000_000_000),
            holder: Some(1),
        });
        now
    };
    let mut stuck = waiting(6.5, 1);
    stuck.stuck = Some(StuckSnapshot {
        stage: "read".into(),
        task: None,
        runs: None,
        holder_task: None,
        waits_for: "output budget".to_owned(),
        holder: Some("filter".into()),
        lasts: Duration::from_secs(60),
        gives_up: false,
    });
    let mut smaller = snapshot(8.0);
    smaller.limits.resources[Resource::BLOCKS] = 995;
    let mut small = snapshot(9.0);
    small.limits.resources[Resource::BLOCKS] = 500;
    let seen = [
        snapshot(0.1),
        waiting(3.9, 1),
        waiting(4.1, 1),
        waiting(5.2, 1),
        stuck.clone(),
        stuck,
        snapshot(7.0),
        smaller,
        small.clone(),
        small,
    ];
    for (i, now) in seen.iter().enumerate() {
        log.see(now, i as f64).unwrap();
    }
    log.end(&seen[9], 20.0, "failed", Some("disk full"))
        .unwrap();
    let lines = lines(&folder, EventLog::NAME);
    let want = [
        "run_started",
        "wait",
        "snapshot",
        "no_progress",
        "wait_ended",
        "limits_changed",
        "run_ended",
    ];
    assert_eq!(events(&lines), want);
    assert_eq!(lines[1]["reason"], "output budget");
    assert_eq!(lines[1]["holder"], "filter");
    assert_eq!(lines[3]["holder"], "filter");
    assert_eq!(lines[4]["lasted_s"], 6.0);
    assert_eq!(lines[5]["limits"]["blocks"], 500.0);
    assert_eq!(lines[6]["error"], "disk full");
    assert_eq!(lines[6]["snapshot"]["limits"]["blocks"], 500.0);
    assert!(lines.iter().all(|line| line["version"] == 1));
}

#[test]
fn a_task_that_waits_for_long_is_told_once_whoever_holds_it() {
    let folder = TempDir::new().unwrap();
    let mut log = EventLog::open(folder.path()).unwrap();
    let waiting = |elapsed_s, holder: u32| {
        let mut now = snapshot(elapsed_s);
        let place = Place {
            split: holder,
            seq: 2,
        };
        now.stages[1].view.tasks_waiting[0] = Some(TaskWait {
            task: None,
            place: Place { split: 7, seq: 1 },
            reason: Wait::Order(place),
            since: Time(1_000_000_000),
            holder: Some(Holder {
                op: 0,
                place: Some(place),
                task: None,
            }),
        });
        now
    };
    let seen = [
        waiting(0.1, 3),
        waiting(4.9, 3),
        waiting(12.5, 4),
        waiting(13.5, 5),
        snapshot(14.0),
    ];
    for now in &seen {
        log.see(now, 0.0).unwrap();
    }
    let lines: Vec<Value> = lines(&folder, EventLog::NAME);
    let is_told = |line: &&Value| line["event"].as_str().unwrap().starts_with("task_wait");
    let told: Vec<&Value> = lines.iter().filter(is_told).collect();
    let [begun, ended] = told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(begun["elapsed_s"], 12.5);
    assert_eq!(begun["stage"], "filter");
    assert_eq!((&begun["split"], &begun["share"]), (&json!(7), &json!(1)));
    assert_eq!(begun["lasts_s"], 11.5);
    let holder = json!({ "stage": "read", "split": 4, "share": 2, "task": null });
    assert_eq!(begun["holder"], holder);
    assert_eq!(ended["event"], "task_wait_ended");
    assert_eq!(ended["lasts_s"], 13.0);
}

#[test]
fn a_torn_line_stays_alone() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(EventLog::NAME), "{\"event\": \"run_sta").unwrap();
    let mut log = EventLog::open(folder.path()).unwrap();
    log.see(&snapshot(0.0), 1.0).unwrap();
    assert_eq!(
        events(&lines(&folder, EventLog::NAME)),
        ["?", "run_started"]
    );
}

#[test]
fn the_log_is_bounded() {
    let folder = TempDir::new().unwrap();
    let mut log = EventLog::open(folder.path()).unwrap();
    log.bytes_max = 20_000;
    for i in 0..200 {
        log.see(&snapshot(f64::from(i) * 5.0), 0.0).unwrap();
    }
    let size = |name| std::fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(size(EventLog::NAME) <= 20_000 && size(EventLog::OLD_NAME) <= 20_000);
    let last = lines(&folder, EventLog::NAME).pop().unwrap();
    assert_eq!(last["elapsed_s"], 995.0);
}
