//! The executor with a backend of a few lines: tasks that take a moment on
//! threads, and metadata that has to be fetched.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "the executor lives in real time, and so do its tests"
)]

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use wrasse_run::{Backend, Error, FetchMode, Fetcher, Guard, Pace, Running, Watch, execute};
use wrasse_sched::{
    Command, Event, FailureClass, Input, Limits, Metadata, OpConfig, OpKind, Place, Resource,
    Resources, Scheduler, Settings,
};

/// How long it takes to learn what a block holds.
const FETCH: Duration = Duration::from_millis(20);

/// The block whose metadata cannot be had.
const LOST: u64 = 1_000;

struct Threads {
    events: Receiver<Event>,
    tell: Sender<Event>,
    fetcher: Fetcher<u64>,
    /// Splits whose task fails at first, or for good.
    fails: fn(u32, u32) -> Option<FailureClass>,
    attempts: Vec<u32>,
    emitted: Vec<Place>,
    named: u64,
}

fn threads(mode: FetchMode, n: u32, fails: fn(u32, u32) -> Option<FailureClass>) -> Threads {
    let (tell, events) = channel();
    let answer = tell.clone();
    let fetch = |data: &u64| {
        std::thread::sleep(FETCH);
        assert!(*data != LOST, "what a fetch dies of is its block's failure");
        Some(Metadata {
            bytes: 10,
            rows: 1,
            holder: None,
        })
    };
    let answer = move |block, _, metadata| {
        let _ = answer.send(Event::MetadataReady { block, metadata });
    };
    Threads {
        events,
        tell,
        fetcher: Fetcher::new(mode, fetch, answer).unwrap(),
        fails,
        attempts: vec![0; n as usize],
        emitted: Vec::new(),
        named: 0,
    }
}

impl Backend for Threads {
    fn obey(&mut self, command: Command) -> Result<(), Error> {
        match command {
            Command::Submit {
                task,
                input: Input::Split(place),
                ..
            } => {
                self.attempts[place.split as usize] += 1;
                let failure = (self.fails)(place.split, self.attempts[place.split as usize]);
                let tell = self.tell.clone();
                self.named += 1;
                let data = self.named;
                std::thread::spawn(move || {
                    let _ = tell.send(Event::TaskStarted { task });
                    std::thread::sleep(Duration::from_millis(1));
                    if let Some(class) = failure {
                        let _ = tell.send(Event::TaskFailed { task, class });
                        return;
                    }
                    let _ = tell.send(Event::BlockReady {
                        task,
                        data,
                        metadata: None,
                    });
                    let _ = tell.send(Event::TaskDrained { task });
                });
            }
            Command::FetchMetadata { block, data } => self.fetcher.fetch(block, data),
            Command::Emit { block, place, .. } => {
                self.emitted.push(place);
                let _ = self.tell.send(Event::OutputTaken { block });
            }
            _ => {}
        }
        Ok(())
    }

    fn poll(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        let wait = deadline.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(wait) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Error::failed("nobody is there")),
        }
    }
}

/// Changes the mode in the middle of the run, if asked to.
struct Switch(Option<FetchMode>);

impl Watch<Threads> for Switch {
    fn look(&mut self, run: &Running<'_>, backend: &mut Threads) -> Result<Option<Event>, Error> {
        if run.scheduler.view(0).metrics.tasks_finished >= 3
            && let Some(mode) = self.0.take()
        {
            backend.fetcher.set_mode(mode);
        }
        Ok(None)
    }
}

fn run(
    backend: &mut Threads,
    n: u32,
    switch: Option<FetchMode>,
) -> (Result<Pace, Error>, Duration) {
    let op = OpConfig {
        kind: OpKind::Source,
        task: Resources::millicpus(1000),
        tasks_max: u32::MAX,
        output_bytes: 10,
        pool: None,
    };
    let limits = Limits {
        resources: Resources::millicpus(4000).with(Resource::BLOCKS, 1000),
        blocks_in_flight: 100,
        for_tasks: Resources::ZERO,
    };
    let start = Place::default();
    let mut scheduler = Scheduler::new(&[op], limits, start, Settings::default()).unwrap();
    let first = Event::SplitsFound {
        op: 0,
        n,
        last: true,
    };
    let began = Instant::now();
    let pace = execute(
        &mut scheduler,
        backend,
        &mut Switch(switch),
        &Guard::default(),
        first,
    );
    (pace, began.elapsed())
}

fn places(n: u32) -> Vec<Place> {
    (0..n).map(|split| Place { split, seq: 0 }).collect()
}

#[test]
fn both_modes_give_the_same_and_neither_keeps_the_loop_waiting() {
    let never = |_, _| None;
    let mut inline = threads(FetchMode::Inline, 12, never);
    let (pace, _) = run(&mut inline, 12, None);
    assert_eq!(inline.emitted, places(12));
    // Inline, the loop itself waits for each fetch: that is what it is.
    let pace = pace.unwrap();
    assert!(pace.busy >= FETCH * 12, "{pace:?}");

    let mut background = threads(FetchMode::Background, 12, never);
    let (pace, took) = run(&mut background, 12, None);
    assert_eq!(background.emitted, places(12));
    let pace = pace.unwrap();
    // One thread fetches one after the other; the loop sleeps meanwhile.
    assert!(took >= FETCH * 12, "{took:?}");
    assert!(pace.blocked > pace.busy, "{pace:?}");

    let mut switched = threads(FetchMode::Inline, 12, never);
    let (pace, _) = run(&mut switched, 12, Some(FetchMode::Background));
    assert!(pace.is_ok());
    assert_eq!(switched.emitted, places(12));
}

#[test]
fn what_fails_for_a_moment_is_tried_again() {
    let once = |split, attempt| (split == 2 && attempt == 1).then_some(FailureClass::Transient);
    let mut backend = threads(FetchMode::Background, 5, once);
    let (pace, took) = run(&mut backend, 5, None);
    assert!(pace.is_ok(), "{:?}", pace.err());
    assert_eq!(backend.emitted, places(5));
    assert_eq!(backend.attempts, [1, 1, 2, 1, 1]);
    // Not before the back-off, which is half of 100 ms at the least.
    assert!(took >= Duration::from_millis(50), "{took:?}");
}

#[test]
fn what_fails_for_good_ends_the_run() {
    let always = |split, _| (split == 2).then_some(FailureClass::Transient);
    let mut backend = threads(FetchMode::Background, 5, always);
    let (pace, _) = run(&mut backend, 5, None);
    let error = pace.unwrap_err().to_string();
    assert!(error.contains("3 times"), "{error}");
    assert_eq!(backend.emitted, places(2));
}

#[test]
fn metadata_that_cannot_be_had_is_a_failure_of_its_block() {
    for mode in [FetchMode::Inline, FetchMode::Background] {
        let mut backend = threads(mode, 5, |_, _| None);
        backend.named = LOST - 3;
        let (pace, _) = run(&mut backend, 5, None);
        let error = pace.unwrap_err().to_string();
        let told = "the metadata of a block of `operator 0`, task ";
        assert!(
            error.starts_with(told) && error.contains("in 3 attempts"),
            "{error}"
        );
        // Those before it are out, if they were.
        let n = backend.emitted.len() as u32;
        assert!(n < 5 && backend.emitted == places(n));
    }
}
