//! The scheduler with real processes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wrasse_service::{
    Error, Filter, FunctionWork, Functions, Job, JobId, Retry, Settings, State, Submission,
    TaskScheduler, Work, read_log,
};

/// Longer than anything takes, on a machine that others use too.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

struct World {
    folder: TempDir,
    runtime: Runtime,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            runtime,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self) -> Settings {
        let keeper = vec![env!("CARGO_BIN_EXE_wrasse-keeper").to_owned()];
        let mut settings = Settings::new(self.path("state"), keeper, "wrasse");
        settings.grace_ms = 300;
        settings
    }

    fn scheduler(&self, settings: Settings, functions: Functions) -> TaskScheduler {
        let _inside = self.runtime.enter();
        TaskScheduler::start(settings, functions).unwrap()
    }

    fn start(&self) -> TaskScheduler {
        self.scheduler(self.settings(), Functions::default())
    }

    fn submit(&self, scheduler: &TaskScheduler, submission: Submission) -> JobId {
        self.runtime
            .block_on(scheduler.submit(submission))
            .unwrap()
            .id
    }

    fn wait(&self, scheduler: &TaskScheduler, id: &JobId) -> Job {
        self.runtime.block_on(scheduler.wait(id, PATIENCE)).unwrap()
    }

    fn run(&self, scheduler: &TaskScheduler, submission: Submission) -> Job {
        let id = self.submit(scheduler, submission);
        self.wait(scheduler, &id)
    }

    /// Ends a scheduler as if its process were gone, except for its threads.
    fn end(&self, scheduler: TaskScheduler) {
        self.runtime.block_on(scheduler.shutdown());
    }

    fn pause(&self, ms: u64) {
        let pause = Duration::from_millis(ms);
        self.runtime
            .block_on(async { tokio::time::sleep(pause).await });
    }

    fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        for _ in 0..6_000 {
            if is_so() {
                return;
            }
            self.pause(10);
        }
        panic!("{what}: not within a minute");
    }
}

impl Drop for World {
    /// A test that failed leaves no process behind either.
    fn drop(&mut self) {
        for job in std::fs::read_dir(self.path("state/jobs"))
            .into_iter()
            .flatten()
            .flatten()
        {
            for launch in std::fs::read_dir(job.path())
                .into_iter()
                .flatten()
                .flatten()
            {
                let started = std::fs::read(launch.path().join("started")).unwrap_or_default();
                let started: serde_json::Value =
                    serde_json::from_slice(&started).unwrap_or_default();
                if let Some(pid) = started["pid"].as_i64()
                    && !launch.path().join("exit.json").exists()
                {
                    let pid = nix::unistd::Pid::from_raw(pid as i32);
                    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
                }
            }
        }
    }
}

fn shell(line: &str) -> Submission {
    let mut submission = Submission::command(["x"]);
    let Work::Command(command) = &mut submission.work else {
        unreachable!();
    };
    command.argv.clear();
    command.shell = Some(line.to_owned());
    submission
}

fn id(name: &str) -> JobId {
    name.parse().unwrap()
}

fn id_of_none() -> JobId {
    id("none")
}

fn log(scheduler: &TaskScheduler, job: &Job) -> String {
    let piece = read_log(&scheduler.folder(job), 0, 1 << 20).unwrap();
    String::from_utf8(piece.bytes).unwrap()
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Whether a process is there and more than a zombie.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_command_runs_and_its_words_are_kept() {
    let world = World::new();
    let scheduler = world.start();
    let job = world.run(
        &scheduler,
        Submission::command(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"]),
    );
    assert_eq!(
        (job.state, job.error.as_deref()),
        (State::Failed, Some("exit code 3"))
    );
    assert_eq!(job.result["code"], 3);
    assert_eq!(log(&scheduler, &job), "out\nerr\n");
    let job = world.run(
        &scheduler,
        Submission::command(["/bin/echo", "a b", "$HOME", "*"]),
    );
    assert_eq!(
        (job.state, log(&scheduler, &job).as_str()),
        (State::Completed, "a b $HOME *\n")
    );
    let job = world.run(&scheduler, Submission::command(["/no/such/program"]));
    assert!(job.error.unwrap().contains("/no/such/program"));
    let job = world.run(&scheduler, shell("kill -9 $$"));
    assert_eq!(job.error.as_deref(), Some("ended by signal SIGKILL"));
    let states: Vec<_> = world
        .runtime
        .block_on(scheduler.history(&job.id))
        .unwrap()
        .iter()
        .map(|step| step.state)
        .collect();
    assert_eq!(states, [State::Pending, State::Running, State::Failed]);
    world.end(scheduler);
}

#[test]
fn no_more_run_at_once_than_were_allowed() {
    let world = World::new();
    let mut settings = world.settings();
    settings.max_concurrent = 3;
    let scheduler = world.scheduler(settings, Functions::default());
    let marks = world.path("marks");
    let line = format!("echo + >> {0}; sleep 0.05; echo - >> {0}", marks.display());
    let ids: Vec<_> = (0..20)
        .map(|_| world.submit(&scheduler, shell(&line)))
        .collect();
    for id in &ids {
        assert_eq!(world.wait(&scheduler, id).state, State::Completed);
    }
    let (mut running, mut most) = (0, 0);
    for mark in lines(&marks) {
        running += if mark == "+" { 1 } else { -1 };
        most = most.max(running);
    }
    assert_eq!((running, most), (0, 3));
    world.until("all are counted", || scheduler.statistics().completed == 20);
    assert_eq!(scheduler.statistics().total, 20);
    world.end(scheduler);
}

#[test]
fn a_cancelled_command_and_all_it_started_are_gone_within_the_grace() {
    let world = World::new();
    let scheduler = world.start();
    let pids = world.path("pids");
    // Ignores the signal, and so do its children, one of which fled its group.
    let line = format!(
        "trap '' TERM; echo $$ >> {0}; (trap '' TERM; echo $BASHPID >> {0}; sleep 1000) & \
         setsid sh -c 'trap \"\" TERM; echo $$ >> {0}; while :; do sleep 1; done' & wait; sleep 1000",
        pids.display()
    );
    let id = world.submit(&scheduler, Submission::command(["/bin/bash", "-c", &line]));
    world.until("three processes", || lines(&pids).len() == 3);
    let pids = lines(&pids);
    assert!(pids.iter().all(|pid| is_alive(pid)));
    world.runtime.block_on(scheduler.cancel(&id)).unwrap();
    let job = world.wait(&scheduler, &id);
    assert_eq!(job.state, State::Cancelled);
    assert!(!pids.iter().any(|pid| is_alive(pid)), "{pids:?}");
    // Cancelled again, it stays as it is.
    world.runtime.block_on(scheduler.cancel(&id)).unwrap();
    assert!(matches!(
        world.runtime.block_on(scheduler.cancel(&id_of_none())),
        Err(Error::Unknown(_))
    ));
    world.end(scheduler);
}

#[test]
fn what_a_command_leaves_behind_is_ended() {
    let world = World::new();
    let scheduler = world.start();
    let pid = world.path("pid");
    let line = format!("sleep 1000 & echo $! > {}", pid.display());
    let job = world.run(&scheduler, shell(&line));
    assert_eq!(job.state, State::Completed);
    assert!(!is_alive(&lines(&pid)[0]));
    world.end(scheduler);
}

#[test]
fn a_command_is_ended_when_its_time_is_up() {
    let world = World::new();
    let scheduler = world.start();
    let mut submission = shell("trap '' TERM; while :; do sleep 0.1; done");
    if let Work::Command(command) = &mut submission.work {
        command.timeout_s = Some(0.2);
    }
    let job = world.run(&scheduler, submission);
    assert_eq!(
        (job.state, job.error.as_deref()),
        (State::Failed, Some("its time was up"))
    );
    assert_eq!(job.result["signal"], 9);
    world.end(scheduler);
}

#[test]
fn failures_are_tried_again() {
    let world = World::new();
    let scheduler = world.start();
    let count = world.path("count");
    let line = format!(
        "echo $WRASSE_JOB_ATTEMPT >> {0}; test $(wc -l < {0}) -ge 3",
        count.display()
    );
    let mut submission = shell(&line);
    submission.retry = Retry {
        attempts: 5,
        delay_ms: 10,
        delay_max_ms: 20,
    };
    let job = world.run(&scheduler, submission);
    assert_eq!((job.state, job.attempts), (State::Completed, 3));
    assert_eq!(lines(&count), ["1", "2", "3"]);
    // By hand, too.
    world.runtime.block_on(scheduler.retry(&job.id)).unwrap();
    let job = world.wait(&scheduler, &job.id);
    assert_eq!(
        (job.state, job.attempts, job.launches),
        (State::Completed, 1, 4)
    );
    world.end(scheduler);
}

#[test]
fn jobs_wait_for_others_and_go_by_priority() {
    let world = World::new();
    let mut settings = world.settings();
    settings.max_concurrent = 1;
    let scheduler = world.scheduler(settings, Functions::default());
    let order = world.path("order");
    let say = |name: &str| shell(&format!("echo {name} >> {}", order.display())).named(id(name));
    world.runtime.block_on(scheduler.set_open(false)).unwrap();
    let mut last = say("last");
    last.priority = 9;
    last.after = vec![id("low")];
    let mut high = say("high");
    high.priority = 5;
    assert!(matches!(
        world.runtime.block_on(scheduler.submit(last.clone())),
        Err(Error::Refused(_))
    ));
    for submission in [say("low"), high, last] {
        world.submit(&scheduler, submission);
    }
    world.runtime.block_on(scheduler.set_open(true)).unwrap();
    world.wait(&scheduler, &id("last"));
    assert_eq!(lines(&order), ["high", "low", "last"]);
    world.end(scheduler);
}

#[test]
fn a_command_can_stand_still() {
    let world = World::new();
    let scheduler = world.start();
    let ticks = world.path("ticks");
    let line = format!(
        "while :; do echo x >> {}; sleep 0.02; done",
        ticks.display()
    );
    let id = world.submit(&scheduler, shell(&line));
    world.until("a tick", || !lines(&ticks).is_empty());
    world.runtime.block_on(scheduler.hold(&id, true)).unwrap();
    world.until("no ticks", || {
        let before = lines(&ticks).len();
        world.pause(300);
        lines(&ticks).len() == before
    });
    let before = lines(&ticks).len();
    world.runtime.block_on(scheduler.hold(&id, false)).unwrap();
    world.until("ticks", || lines(&ticks).len() > before);
    world.runtime.block_on(scheduler.hold(&id, true)).unwrap();
    world.runtime.block_on(scheduler.cancel(&id)).unwrap();
    assert_eq!(world.wait(&scheduler, &id).state, State::Cancelled);
    world.end(scheduler);
}

#[test]
fn functions_are_called_and_stopped() {
    let world = World::new();
    let functions = Functions::default()
        .with("double", async |args: serde_json::Value| {
            args.as_i64()
                .map(|n| json!(n * 2))
                .ok_or_else(|| "no number".to_owned())
        })
        .with("forever", async |_| std::future::pending().await)
        .with("panic", async |_| panic!("it does"));
    let scheduler = world.scheduler(world.settings(), functions);
    let call = |name: &str, args| {
        Submission::new(Work::Function(FunctionWork {
            name: name.to_owned(),
            args,
            timeout_s: None,
        }))
    };
    let job = world.run(&scheduler, call("double", json!(21)));
    assert_eq!((job.state, job.result), (State::Completed, json!(42)));
    let job = world.run(&scheduler, call("double", json!("x")));
    assert_eq!(
        (job.state, job.error.as_deref()),
        (State::Failed, Some("no number"))
    );
    let job = world.run(&scheduler, call("panic", json!(null)));
    assert_eq!(job.error.as_deref(), Some("it panicked"));
    let forever = world.submit(&scheduler, call("forever", json!(null)));
    let timed_out = world
        .runtime
        .block_on(scheduler.wait(&forever, Some(Duration::from_millis(50))));
    assert!(matches!(timed_out, Err(Error::TimedOut(_))));
    world.runtime.block_on(scheduler.cancel(&forever)).unwrap();
    assert_eq!(world.wait(&scheduler, &forever).state, State::Cancelled);
    let unknown = world
        .runtime
        .block_on(scheduler.submit(call("none", json!(null))));
    assert!(matches!(unknown, Err(Error::Refused(_))));
    let future = scheduler.submit_future(Some(id("f")), async { Ok(json!("done")) });
    world.runtime.block_on(future).unwrap();
    assert_eq!(world.wait(&scheduler, &id("f")).result, json!("done"));
    world.end(scheduler);
}

#[test]
fn the_same_submission_twice_is_one_job() {
    let world = World::new();
    let scheduler = world.start();
    let submit = |submission| world.runtime.block_on(scheduler.submit(submission));
    assert!(submit(shell("true").named(id("a"))).unwrap().is_new);
    assert!(!submit(shell("true").named(id("a"))).unwrap().is_new);
    world.wait(&scheduler, &id("a"));
    assert!(!submit(shell("true").named(id("a"))).unwrap().is_new);
    assert!(matches!(
        submit(shell("false").named(id("a"))),
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        submit(shell("true").named(id("job-7"))),
        Err(Error::Refused(_))
    ));
    world.runtime.block_on(scheduler.delete(&id("a"))).unwrap();
    assert!(matches!(
        world.runtime.block_on(scheduler.job(&id("a"))),
        Err(Error::Unknown(_))
    ));
    assert!(submit(shell("false").named(id("a"))).unwrap().is_new);
    world.wait(&scheduler, &id("a"));
    world.end(scheduler);
}

#[test]
fn one_folder_is_one_schedulers() {
    let world = World::new();
    let scheduler = world.start();
    let _inside = world.runtime.enter();
    let second = TaskScheduler::start(world.settings(), Functions::default());
    assert!(matches!(second.err(), Some(Error::Conflict(_))));
    world.end(scheduler);
}

#[test]
fn a_restart_loses_nothing_and_runs_nothing_twice() {
    let world = World::new();
    let mut settings = world.settings();
    settings.max_concurrent = 2;
    let scheduler = world.scheduler(settings.clone(), Functions::default());
    let (marks, gate) = (world.path("marks"), world.path("gate"));
    let line = |name: &str| {
        format!(
            "echo {name} >> {}; while ! test -e {}; do sleep 0.01; done; exit 5",
            marks.display(),
            gate.display()
        )
    };
    // Two run, two wait; of those that run, one ends while nobody looks.
    let names = ["a", "b", "c", "d"];
    for name in names {
        world.submit(&scheduler, shell(&line(name)).named(id(name)));
    }
    world.until("two run", || lines(&marks).len() == 2);
    world.end(scheduler);
    std::fs::write(&gate, "").unwrap();
    let scheduler = world.scheduler(settings, Functions::default());
    for name in names {
        let job = world.wait(&scheduler, &id(name));
        assert_eq!(
            (job.state, &job.result["code"]),
            (State::Failed, &json!(5)),
            "{name}"
        );
        assert_eq!((job.attempts, job.launches), (1, 1), "{name}");
    }
    let mut marks = lines(&marks);
    marks.sort();
    assert_eq!(marks, names);
    let failed = Filter {
        state: Some(State::Failed),
        limit: 10,
        ..Filter::default()
    };
    assert_eq!(
        world
            .runtime
            .block_on(scheduler.jobs(failed))
            .unwrap()
            .len(),
        4
    );
    world.end(scheduler);
}

#[test]
fn a_killed_keeper_is_told_and_what_it_kept_does_not_go_on() {
    let world = World::new();
    let scheduler = world.start();
    let pids = world.path("pids");
    let line = format!(
        "echo $$ $PPID >> {}; while :; do sleep 0.05; done",
        pids.display()
    );
    let id = world.submit(&scheduler, shell(&line));
    world.until("it runs", || !lines(&pids).is_empty());
    let both = lines(&pids)[0].clone();
    let (child, keeper) = both.split_once(' ').unwrap();
    std::process::Command::new("kill")
        .args(["-9", keeper])
        .status()
        .unwrap();
    let job = world.wait(&scheduler, &id);
    assert_eq!(job.state, State::Failed);
    assert!(job.error.unwrap().contains("interrupted"));
    world.until("the child is gone", || !is_alive(child));
    world.end(scheduler);
}

#[test]
fn a_job_that_was_to_start_when_all_died_starts_once() {
    let world = World::new();
    let scheduler = world.start();
    world.runtime.block_on(scheduler.set_open(false)).unwrap();
    let marks = world.path("marks");
    let name = id("a");
    world.submit(
        &scheduler,
        shell(&format!("echo x >> {}", marks.display())).named(name.clone()),
    );
    world.end(scheduler);
    // As if it had been written that it starts, and then nothing more.
    let database = rusqlite::Connection::open(world.settings().database()).unwrap();
    let update = "UPDATE jobs SET state = 'running', attempts = 1, launches = 1";
    database.execute(update, []).unwrap();
    drop(database);
    let scheduler = world.start();
    let job = world.wait(&scheduler, &name);
    assert_eq!(
        (job.state, job.attempts, job.launches),
        (State::Completed, 1, 2)
    );
    // A keeper that comes late does nothing.
    let late = world.path("state/jobs/a/1");
    let keeper = env!("CARGO_BIN_EXE_wrasse-keeper");
    assert!(
        std::process::Command::new(keeper)
            .arg(&late)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(lines(&marks), ["x"]);
    world.end(scheduler);
}
