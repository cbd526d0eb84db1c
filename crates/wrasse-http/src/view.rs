//! Jobs as they are shown.

use serde_json::{Value, json};
use wrasse_service::{Job, Work};

/// All of a job.
pub(crate) fn job(job: &Job) -> Value {
    let mut view = summary(job);
    if let Value::Object(view) = &mut view {
        view.insert("submission".to_owned(), json!(job.submission));
        view.insert("result".to_owned(), job.result.clone());
    }
    view
}

/// What a list shows of it.
pub(crate) fn summary(job: &Job) -> Value {
    let work = match &job.submission.work {
        Work::Run(run) => run.path.as_ref().map(|path| path.display().to_string()),
        Work::Command(command) => Some(
            command
                .shell
                .clone()
                .unwrap_or_else(|| command.argv.join(" ")),
        ),
        Work::Function(function) => Some(function.name.clone()),
        Work::RayJob(job) => Some(job.entrypoint.clone()),
    };
    // A name for people; as long as fits on a line.
    let title = job.submission.title.clone().or(work).unwrap_or_default();
    json!({
        "id": job.id,
        "seq": job.seq,
        "title": title.chars().take(120).collect::<String>(),
        "kind": job.submission.work.kind(),
        "state": job.state,
        "partial": job.partial,
        "held": job.held,
        "cancelling": job.cancelling,
        "priority": job.submission.priority,
        "attempts": job.attempts,
        "attempts_max": job.submission.retry.attempts,
        "launches": job.launches,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "error": job.error,
    })
}
