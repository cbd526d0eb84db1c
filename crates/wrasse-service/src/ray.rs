//! Jobs of Ray: what the process is told that follows one, and what it tells.
//!
//! A job of Ray is kept like any other process: the process submits it, says
//! what its log says, and has it stopped when it is asked to end. So logs, time
//! limits, cancelling and restarts are those of all jobs. It lies in
//! `wrasse-http`, and shares the folder of the launch with us:
//!
//! | file | by | says |
//! |---|---|---|
//! | `ray.json` | scheduler | the job, with the name it has on the cluster ([`RayOrder`]) |
//! | `ray-submitted` | process | the cluster has had the job |
//! | `ray-end.json` | process | what became of it ([`RayEnd`]) |
//!
//! The name is chosen before anything is begun. A launch that follows one which
//! did not learn the job's end takes its name: the job is found again, and not
//! submitted twice.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::board::End;
use crate::keeper::{Cause, Exit, write_whole};
use crate::launch::{Outcome, failed, signal_name};
use crate::settings::launch_dir;
use crate::{Job, RayWork, Settings};

/// The command of `wrasse` that follows a job.
pub(crate) const FOLLOW: &str = "follow-ray-job";

/// A log that grows at least once an hour is that of a job that lives.
const STALL_S: f64 = 3_600.0;

/// What is to be submitted and followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RayOrder {
    /// The cluster's dashboard.
    pub address: String,
    /// The job's name there.
    pub submission_id: String,
    /// An earlier launch has found it there: it is not to be submitted again.
    pub is_resumed: bool,
    /// Seconds without a sign of life after which it is stopped.
    pub stall_s: f64,
    /// The job.
    pub work: RayWork,
}

/// What became of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RayEnd {
    /// Its last state, in Ray's words; none if that was not learned.
    pub status: Option<String>,
    /// Why it was not learned, or what the cluster says of the end.
    pub message: Option<String>,
    /// The exit code of the entry point.
    pub exit_code: Option<i64>,
    /// Whether it was stopped because it had stalled.
    pub is_stalled: bool,
    /// Whether the cluster refused it: tried again, it would again.
    pub is_refused: bool,
}

impl RayOrder {
    /// What a folder says.
    ///
    /// # Errors
    ///
    /// If it says nothing, or nothing that can be read.
    pub fn read(dir: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(dir.join(ORDER))?)?)
    }

    /// Notes that the cluster has the job.
    ///
    /// # Errors
    ///
    /// If it cannot be noted.
    pub fn note_submitted(dir: &Path) -> io::Result<()> {
        std::fs::File::create(dir.join(SUBMITTED))?.sync_all()
    }
}

impl RayEnd {
    /// Writes it down.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        write_whole(&dir.join(END), &serde_json::to_vec(self)?)
    }

    fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(dir.join(END)).ok()?).ok()
    }
}

const ORDER: &str = "ray.json";
const SUBMITTED: &str = "ray-submitted";
const END: &str = "ray-end.json";

/// Writes down what a launch is to do.
pub(crate) fn order(settings: &Settings, job: &Job, work: &RayWork, dir: &Path) -> io::Result<()> {
    let address = work.address.as_ref().or(settings.ray_address.as_ref());
    let address = address.ok_or_else(|| io::Error::other("no Ray cluster is named"))?;
    let earlier = job.launches.checked_sub(1).and_then(|launch| {
        let dir = launch_dir(&settings.jobs(), &job.id, launch);
        let is_open = RayEnd::read(&dir).is_none_or(|end| end.status.is_none() && !end.is_refused);
        let order = RayOrder::read(&dir).ok().filter(|_| is_open)?;
        let is_submitted = order.is_resumed || dir.join(SUBMITTED).exists();
        Some((order.submission_id, is_submitted))
    });
    let (submission_id, is_resumed) = match earlier {
        Some(earlier) => earlier,
        // Of this job alone, of all the services that a cluster has jobs from.
        None => {
            let (id, at, launch) = (&job.id, job.created_at.0, job.launches);
            (format!("wrasse-{id}-{at:x}-{launch}"), false)
        }
    };
    let order = RayOrder {
        address: address.clone(),
        submission_id,
        is_resumed,
        stall_s: work.stall_s.unwrap_or(STALL_S),
        work: work.clone(),
    };
    std::fs::create_dir_all(dir)?;
    write_whole(&dir.join(ORDER), &serde_json::to_vec(&order)?)
}

/// What came of a launch.
pub(crate) fn ended(exit: &Exit, dir: &Path) -> Outcome {
    let end = RayEnd::read(dir);
    let order = RayOrder::read(dir).ok();
    let result = json!({
        "submission_id": order.as_ref().map(|order| &order.submission_id),
        "address": order.as_ref().map(|order| &order.address),
        "status": end.as_ref().and_then(|end| end.status.as_ref()),
        "message": end.as_ref().and_then(|end| end.message.as_ref()),
        "code": end.as_ref().and_then(|end| end.exit_code),
        "log_error": exit.log_error,
    });
    (end_of(exit, end.unwrap_or_default()), Some(clean(result)))
}

fn end_of(exit: &Exit, end: RayEnd) -> End {
    let message = end.message.unwrap_or_default();
    match (end.status.as_deref(), exit) {
        (Some("SUCCEEDED"), _) => End::Completed { partial: false },
        (Some(_), _) if end.is_stalled => failed(&message, true),
        (
            _,
            Exit {
                cause: Cause::TimedOut,
                ..
            },
        ) => failed("its time was up", true),
        // Whoever stopped it there had a reason.
        (Some("STOPPED"), _) => failed("it was stopped on the cluster", false),
        (Some(status), _) if message.is_empty() => failed(&format!("the job is {status}"), true),
        (Some(_), _) => failed(&message, true),
        (None, _) if !message.is_empty() => failed(&message, !end.is_refused),
        (
            None,
            Exit {
                cause: Cause::Stopped,
                ..
            },
        ) => End::Interrupted,
        (
            None,
            Exit {
                error: Some(error), ..
            },
        ) => failed(error, false),
        (
            None,
            Exit {
                signal: Some(signal),
                ..
            },
        ) => failed(
            &format!(
                "who follows it was ended by signal {}",
                signal_name(*signal)
            ),
            true,
        ),
        (None, _) => failed("who follows it ended without a word", true),
    }
}

/// Without what is not known.
fn clean(mut value: Value) -> Value {
    if let Value::Object(map) = &mut value {
        map.retain(|_, value| !value.is_null());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(cause: Cause) -> Exit {
        Exit {
            cause,
            code: Some(0),
            signal: None,
            error: None,
            log_error: None,
        }
    }

    fn end(status: Option<&str>, message: Option<&str>) -> RayEnd {
        RayEnd {
            status: status.map(str::to_owned),
            message: message.map(str::to_owned),
            ..RayEnd::default()
        }
    }

    #[test]
    fn ends_are_told_as_they_were() {
        let completed = End::Completed { partial: false };
        let cases = [
            (
                Cause::Ended,
                end(Some("SUCCEEDED"), None),
                completed.clone(),
            ),
            // It came to its end while it was asked to.
            (Cause::TimedOut, end(Some("SUCCEEDED"), None), completed),
            (
                Cause::TimedOut,
                end(Some("STOPPED"), None),
                failed("its time was up", true),
            ),
            (
                Cause::Ended,
                end(Some("STOPPED"), None),
                failed("it was stopped on the cluster", false),
            ),
            (
                Cause::Ended,
                end(Some("FAILED"), Some("no memory")),
                failed("no memory", true),
            ),
            (
                Cause::Ended,
                end(None, Some("no answer")),
                failed("no answer", true),
            ),
            (Cause::Stopped, RayEnd::default(), End::Interrupted),
        ];
        for (cause, told, expected) in cases {
            assert_eq!(end_of(&exit(cause), told.clone()), expected, "{told:?}");
        }
    }
}
