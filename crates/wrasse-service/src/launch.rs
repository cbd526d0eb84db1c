//! Jobs that are processes: from a job to a keeper, and from what the keeper
//! wrote to how the attempt ended.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::board::End;
use crate::keeper::{
    CHILD, Cause, EXIT, Exit, HOLD, LOCK, Process, SPEC, STARTED, STOP, Spec, write_whole,
};
use crate::ray;
use crate::settings::launch_dir;
use crate::{CommandWork, Existing, Job, JobId, RunWork, Settings, Work};

/// How a run tells where it stands, in a folder of the launch.
pub(crate) const LIVE: &str = "live";
/// Its final report, in that folder.
const REPORT: &str = "report.json";

/// What a run ends with that was interrupted after a commit.
const EXIT_INTERRUPTED: i32 = 130;
/// What a run ends with that came to its end with too many rejects, or a
/// damaged input.
const EXIT_REJECTS: i32 = 1;
/// What a run ends with that could not begin as asked.
const EXIT_USAGE: i32 = 2;

/// An end, and what came of the attempt.
pub(crate) type Outcome = (End, Option<Value>);

/// Starts a job's process and waits for its end.
pub(crate) fn launch(settings: &Settings, job: &Job) -> Outcome {
    let dir = launch_dir(&settings.jobs(), &job.id, job.launches);
    let begun = spec(settings, job, &dir).and_then(|spec| {
        std::fs::create_dir_all(dir.join(LIVE))?;
        write_whole(&dir.join(SPEC), &serde_json::to_vec(&spec)?)?;
        let (program, arguments) = settings
            .keeper
            .split_first()
            .ok_or_else(|| io::Error::other("no keeper is named"))?;
        Command::new(program)
            .args(arguments)
            .arg(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    });
    match begun {
        // Only its end matters here; how the job ended, it wrote down.
        Ok(mut keeper) => drop(keeper.wait()),
        Err(error) => {
            let error = format!("cannot begin: {error}");
            return (
                End::Failed {
                    error,
                    may_help: true,
                },
                None,
            );
        }
    }
    look(job, &dir)
}

/// Finds out what became of a job that an earlier scheduler started, and waits
/// for its end if it runs.
pub(crate) fn adopt(settings: &Settings, job: &Job) -> Outcome {
    look(job, &launch_dir(&settings.jobs(), &job.id, job.launches))
}

/// Waits until no keeper is left, then reads what it wrote.
fn look(job: &Job, dir: &Path) -> Outcome {
    match Taken::take(dir) {
        Ok(taken) => taken.outcome(job, dir),
        Err(error) => {
            let error = format!("cannot tell how it ended: {error}");
            (
                End::Failed {
                    error,
                    may_help: false,
                },
                None,
            )
        }
    }
}

/// A folder without a keeper; none can come while this is held.
struct Taken(#[expect(dead_code, reason = "it is locked as long as it is open")] File);

impl Taken {
    fn take(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => lock.lock()?,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Self(lock))
    }

    fn outcome(&self, job: &Job, dir: &Path) -> Outcome {
        let exit = std::fs::read(dir.join(EXIT)).ok();
        if let Some(exit) = exit.and_then(|bytes| serde_json::from_slice::<Exit>(&bytes).ok()) {
            return match &job.submission.work {
                Work::Run(_) => run_ended(&exit, dir),
                Work::RayJob(_) => ray::ended(&exit, dir),
                _ => command_ended(&exit),
            };
        }
        if !dir.join(STARTED).exists() {
            // If a keeper comes late, it finds that it is not wanted.
            return match write_whole(&dir.join(STARTED), b"null") {
                Ok(()) => (End::NeverBegan, None),
                Err(error) => {
                    let error = format!("{}: {error}", dir.display());
                    (
                        End::Failed {
                            error,
                            may_help: true,
                        },
                        None,
                    )
                }
            };
        }
        // The keeper was killed. What it kept must not go on unseen.
        if let Some(child) = Process::read(&dir.join(CHILD)) {
            child.signal_group(Signal::SIGKILL);
        }
        (End::Interrupted, None)
    }
}

/// Has the process of a launch ended.
pub(crate) fn stop(settings: &Settings, id: &JobId, launch: u32) -> io::Result<()> {
    let dir = launch_dir(&settings.jobs(), id, launch);
    std::fs::create_dir_all(&dir)?;
    File::create(dir.join(STOP))?;
    have_it_look(&dir);
    Ok(())
}

/// Has the process of a launch stand still, or go on.
pub(crate) fn hold(settings: &Settings, id: &JobId, launch: u32, held: bool) -> io::Result<()> {
    let dir = launch_dir(&settings.jobs(), id, launch);
    std::fs::create_dir_all(&dir)?;
    if held {
        File::create(dir.join(HOLD))?;
    } else {
        match std::fs::remove_file(dir.join(HOLD)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    have_it_look(&dir);
    Ok(())
}

fn have_it_look(dir: &Path) {
    // If it has not come so far, it looks before it starts anything.
    if let Some(keeper) = Process::read(&dir.join(STARTED)) {
        keeper.signal(Signal::SIGUSR1);
    }
}

fn spec(settings: &Settings, job: &Job, dir: &Path) -> io::Result<Spec> {
    let ms = |seconds: f64| (seconds * 1_000.0).ceil() as u64;
    let mut spec = Spec {
        argv: Vec::new(),
        cwd: None,
        env: [
            ("WRASSE_JOB_ID".to_owned(), job.id.to_string()),
            ("WRASSE_JOB_ATTEMPT".to_owned(), job.attempts.to_string()),
        ]
        .into(),
        env_remove: settings.env_remove.clone(),
        timeout_ms: None,
        grace_ms: settings.grace_ms,
        is_orderly: false,
        log_bytes: settings.log_bytes,
        log_files: settings.log_files,
        log_copy: None,
    };
    match &job.submission.work {
        Work::Command(command) => {
            let CommandWork {
                argv,
                shell,
                cwd,
                env,
                timeout_s,
                grace_s,
                log,
            } = command;
            spec.argv = match shell {
                Some(line) => ["/bin/sh", "-c", line].map(str::to_owned).into(),
                None => argv.clone(),
            };
            spec.cwd = cwd.clone();
            spec.env.extend(env.clone());
            spec.timeout_ms = timeout_s.map(ms);
            spec.grace_ms = grace_s.map_or(settings.grace_ms, ms);
            spec.log_copy = log.clone();
        }
        Work::Run(run) => {
            spec.argv = run_argv(settings, job, run, dir)?;
            spec.cwd = run.cwd.clone();
            spec.timeout_ms = run.timeout_s.map(ms);
            spec.is_orderly = true;
            spec.log_copy = run.log.clone();
        }
        Work::RayJob(work) => {
            ray::order(settings, job, work, dir)?;
            spec.argv = vec![
                settings.wrasse.display().to_string(),
                ray::FOLLOW.to_owned(),
                std::path::absolute(dir)?.display().to_string(),
            ];
            spec.timeout_ms = work.timeout_s.map(ms);
            // It asks the cluster to end the job, and waits until it has.
            spec.is_orderly = true;
            spec.log_copy = work.log.clone();
        }
        other => {
            let kind = other.kind();
            return Err(io::Error::other(format!("a {kind} is no process")));
        }
    }
    Ok(spec)
}

fn run_argv(settings: &Settings, job: &Job, run: &RunWork, dir: &Path) -> io::Result<Vec<String>> {
    let text = |path: &Path| path.display().to_string();
    let recipe = match (&run.recipe, &run.path) {
        (Some(recipe), _) => {
            // Of the job, not of the launch: whether a run can go on depends on it.
            let path = settings.jobs().join(job.id.as_str()).join("recipe.yaml");
            std::fs::create_dir_all(dir)?;
            write_whole(&path, recipe.as_bytes())?;
            std::path::absolute(path)?
        }
        (None, Some(path)) => path.clone(),
        (None, None) => return Err(io::Error::other("no recipe is named")),
    };
    let live = std::path::absolute(dir.join(LIVE))?;
    let mut argv = vec![text(&settings.wrasse), "run".to_owned(), text(&recipe)];
    // An earlier launch that came as far as to say where it stood has discarded
    // what there was; now there is only its own.
    let has_begun = (1..job.launches).any(|launch| {
        launch_dir(&settings.jobs(), &job.id, launch)
            .join(LIVE)
            .join("snapshot.json")
            .exists()
    });
    match run.existing {
        _ if has_begun => argv.push("--resume".to_owned()),
        Existing::Resume => argv.push("--resume".to_owned()),
        Existing::Restart => argv.push("--restart".to_owned()),
        Existing::Refuse => {}
    }
    for set in &run.set {
        argv.extend(["--set".to_owned(), set.clone()]);
    }
    if let Some(threads) = run.threads {
        argv.extend(["--threads".to_owned(), threads.to_string()]);
    }
    if let Some(memory) = &run.memory {
        argv.extend(["--memory".to_owned(), memory.clone()]);
    }
    if let Some(max) = &run.max_rejects {
        argv.extend(["--max-rejects".to_owned(), max.clone()]);
    }
    for (flag, is_set) in [
        ("--overwrite", run.overwrite),
        ("--trace-dropped", run.trace_dropped),
    ] {
        if is_set {
            argv.push(flag.to_owned());
        }
    }
    argv.extend(["--live".to_owned(), text(&live)]);
    Ok(argv)
}

fn command_ended(exit: &Exit) -> Outcome {
    let result = json!({
        "code": exit.code,
        "signal": exit.signal,
        "log_error": exit.log_error,
    });
    let error = match exit {
        Exit {
            cause: Cause::Ended,
            code: Some(0),
            ..
        } => {
            return (End::Completed { partial: false }, Some(result));
        }
        Exit {
            cause: Cause::TimedOut,
            ..
        } => "its time was up".to_owned(),
        Exit {
            cause: Cause::Stopped,
            ..
        } => "it was stopped".to_owned(),
        Exit {
            cause: Cause::Unstartable,
            error,
            ..
        } => {
            let error = error.clone().unwrap_or_default();
            return (
                End::Failed {
                    error,
                    may_help: false,
                },
                Some(result),
            );
        }
        Exit {
            code: Some(code), ..
        } => format!("exit code {code}"),
        Exit {
            signal: Some(signal),
            ..
        } => format!("ended by signal {}", signal_name(*signal)),
        _ => "it ended, and nobody knows how".to_owned(),
    };
    (
        End::Failed {
            error,
            may_help: true,
        },
        Some(result),
    )
}

/// What came of a run: by its report, if it came so far, else by its exit code.
fn run_ended(exit: &Exit, dir: &Path) -> Outcome {
    let report = std::fs::read(dir.join(LIVE).join(REPORT)).ok();
    let report: Option<Value> = report.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let result = json!({
        "code": exit.code,
        "signal": exit.signal,
        "report": report,
    });
    let count = |pointer: &str| {
        report
            .as_ref()
            .and_then(|report| report.pointer(pointer)?.as_u64())
            .unwrap_or(0)
    };
    let is_complete = report
        .as_ref()
        .is_some_and(|report| report["complete"] == Value::Bool(true));
    let partial = [
        "/rows/rejected",
        "/rows/unreadable",
        "/rows/unwritable",
        "/damages",
    ]
    .into_iter()
    .any(|pointer| count(pointer) > 0);
    let end = match (exit.cause, exit.code) {
        (Cause::Ended | Cause::Stopped | Cause::TimedOut, Some(0)) => End::Completed { partial },
        // The output is whole, as far as the input was.
        (_, Some(EXIT_REJECTS)) if is_complete && count("/damages") > 0 => {
            End::Completed { partial: true }
        }
        (Cause::TimedOut, _) => failed("its time was up", true),
        (_, Some(EXIT_INTERRUPTED)) => End::Interrupted,
        (Cause::Unstartable, _) => failed(
            exit.error.as_deref().unwrap_or("it cannot be started"),
            false,
        ),
        (_, Some(code)) => {
            let why = last_error(dir).unwrap_or_else(|| format!("exit code {code}"));
            failed(&why, code != EXIT_USAGE && code != EXIT_REJECTS)
        }
        (Cause::Stopped, None) => End::Interrupted,
        (_, None) => {
            let signal = exit
                .signal
                .map_or_else(|| "unknown".to_owned(), signal_name);
            failed(&format!("ended by signal {signal}"), true)
        }
    };
    (end, Some(result))
}

pub(crate) fn failed(error: &str, may_help: bool) -> End {
    End::Failed {
        error: error.to_owned(),
        may_help,
    }
}

/// The last line of a run's log that tells an error.
fn last_error(dir: &Path) -> Option<String> {
    /// An error of many findings is as long; more would be a dump.
    const TAIL: i64 = 16 << 10;
    let piece = crate::keeper::read_log(dir, -TAIL, TAIL as usize).ok()?;
    let text = String::from_utf8_lossy(&piece.bytes);
    let line = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("error: "))?;
    Some(line.to_owned())
}

pub(crate) fn signal_name(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.to_string())
}

/// The folder of a job's launch, for those who want to look at its log or live
/// state.
pub(crate) fn folder(settings: &Settings, id: &JobId, launch: u32) -> PathBuf {
    launch_dir(&settings.jobs(), id, launch)
}
