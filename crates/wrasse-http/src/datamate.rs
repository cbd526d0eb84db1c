//! DataMate's routes, as its backend calls them: a task is a folder with a
//! `process.yaml`.
//!
//! Bodies are as there, errors too (`code`, `message`, `success`); but an error
//! has a status that says so, a task is found by whoever asks for it, and a
//! task that is stopped is.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wrasse_service::{
    Error, Existing, Job, JobId, Millis, RunWork, State as JobState, Submission, Work,
};

use crate::app::{Served, Shared};
use crate::body::Body;
use crate::problem::Problem;

/// DataMate's codes.
const UNKNOWN: u32 = 1;
const PARAMETER: u32 = 2;
const NO_FILE: u32 = 1_000;
const NOT_SUBMITTED: u32 = 1_001;

/// More names in one question are none of a page's.
const NAMES_MAX: usize = 10_000;

/// An error as DataMate has them.
pub(crate) struct Refusal(StatusCode, u32, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let body = json!({ "code": code, "message": message, "success": false });
        (status, Json(body)).into_response()
    }
}

impl Refusal {
    fn of(code: u32, problem: &Problem) -> Self {
        Self(problem.status(), code, problem.detail().to_owned())
    }
}

fn parse(id: &str) -> Result<JobId, Refusal> {
    id.parse()
        .map_err(|error| Refusal(StatusCode::BAD_REQUEST, PARAMETER, error))
}

fn success(message: String) -> Json<Value> {
    Json(json!({ "status": "Success", "message": message }))
}

pub(crate) async fn submit(
    State(served): Shared,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let id = parse(&id)?;
    let Some(flows) = &served.app.flows else {
        let message = "no folder of flows is configured (`--flows`)".to_owned();
        return Err(Refusal(StatusCode::NOT_FOUND, NO_FILE, message));
    };
    let flow = flows.join(id.as_str());
    let scheduler = &served.app.scheduler;
    let not_submitted = |error: Error| Refusal::of(NOT_SUBMITTED, &error.into());
    match scheduler.job(&id).await {
        // Sent twice, it runs once.
        Ok(job) if !job.state.is_final() => {}
        Ok(_) => match scheduler.retry(&id).await {
            Ok(()) | Err(Error::Conflict(_)) => {}
            Err(error) => return Err(not_submitted(error)),
        },
        Err(Error::Unknown(_)) => {
            let submission = checked(&served, id.clone(), flow).await?;
            scheduler.submit(submission).await.map_err(not_submitted)?;
        }
        Err(error) => return Err(not_submitted(error)),
    }
    Ok(success(format!("{id} has been submitted")))
}

async fn checked(served: &Arc<Served>, id: JobId, flow: PathBuf) -> Result<Submission, Refusal> {
    let path = flow.join("process.yaml");
    let mut submission = Submission::new(Work::Run(RunWork {
        path: Some(path.clone()),
        log: Some(flow.join("output.log")),
        existing: Existing::Resume,
        ..RunWork::default()
    }))
    .named(id);
    let served = Arc::clone(served);
    let checked = tokio::task::spawn_blocking(move || {
        if !path.is_file() {
            let message = format!("{} does not exist", path.display());
            return Err(Refusal(StatusCode::NOT_FOUND, NO_FILE, message));
        }
        let rules = served.rules();
        rules
            .confine(&mut submission)
            .map_err(|problem| Refusal::of(NOT_SUBMITTED, &problem))?;
        Ok(submission)
    });
    checked.await.map_err(|_| {
        Refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            UNKNOWN,
            "a bug: it panicked".to_owned(),
        )
    })?
}

pub(crate) async fn status(
    State(served): Shared,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = parse(&id)?;
    match served.app.scheduler.job(&id).await {
        Ok(job) => {
            let mut view = task(&job);
            view.remove("result");
            Ok(Json(Value::Object(view)).into_response())
        }
        Err(Error::Unknown(_)) => {
            let message = format!("{id} is not known");
            let body = json!({ "status": "NOT_FOUND", "message": message });
            Ok((StatusCode::NOT_FOUND, Json(body)).into_response())
        }
        Err(error) => Err(Refusal::of(UNKNOWN, &error.into())),
    }
}

pub(crate) async fn stop(
    State(served): Shared,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let id = parse(&id)?;
    match served.app.scheduler.cancel(&id).await {
        Ok(()) => Ok(success(format!("{id} has been stopped"))),
        Err(error) => Err(Refusal::of(UNKNOWN, &error.into())),
    }
}

#[derive(Deserialize)]
pub(crate) struct Names {
    task_ids: Vec<String>,
}

pub(crate) async fn list(
    State(served): Shared,
    body: Result<Body<Names>, Problem>,
) -> Result<Json<Value>, Refusal> {
    let Body(names) = body.map_err(|problem| Refusal::of(PARAMETER, &problem))?;
    if names.task_ids.len() > NAMES_MAX {
        let message = format!("`task_ids` names more than {NAMES_MAX} tasks");
        return Err(Refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            PARAMETER,
            message,
        ));
    }
    let mut tasks = Vec::new();
    for name in names.task_ids {
        let view = match name.parse() {
            Ok(id) => match served.app.scheduler.job(&id).await {
                Ok(job) => Value::Object(task(&job)),
                Err(Error::Unknown(_)) => Value::Null,
                Err(error) => return Err(Refusal::of(UNKNOWN, &error.into())),
            },
            // What cannot be a name is none.
            Err(_) => Value::Null,
        };
        tasks.push(Value::Object([(name, view)].into_iter().collect()));
    }
    Ok(Json(Value::Array(tasks)))
}

/// A job as DataMate sees a task.
fn task(job: &Job) -> Map<String, Value> {
    let time = |at: Option<Millis>| at.map(iso);
    let progress = if job.state == JobState::Completed {
        100.0
    } else {
        0.0
    };
    let view = json!({
        "task_id": job.id,
        "status": job.state,
        "result": job.result,
        "error": job.error,
        "created_at": iso(job.created_at),
        "started_at": time(job.started_at),
        "completed_at": time(job.ended_at),
        "progress": progress,
        "partial": job.partial,
    });
    match view {
        Value::Object(view) => view,
        _ => Map::new(),
    }
}

/// A moment as ISO 8601 has it, in UTC.
fn iso(at: Millis) -> String {
    let (days, ms) = (at.0 / 86_400_000, at.0 % 86_400_000);
    let (year, month, day) = civil(days);
    let (s, ms) = (ms / 1_000, ms % 1_000);
    let (hour, minute, second) = (s / 3_600, s / 60 % 60, s % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}+00:00")
}

/// The date of a day since 1970, by the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years begin in March, so that the day that comes and goes is the last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        assert_eq!(iso(Millis(0)), "1970-01-01T00:00:00.000+00:00");
        assert_eq!(
            iso(Millis(951_782_400_000)),
            "2000-02-29T00:00:00.000+00:00"
        );
        assert_eq!(
            iso(Millis(1_767_225_599_999)),
            "2025-12-31T23:59:59.999+00:00"
        );
        assert_eq!(
            iso(Millis(4_107_542_400_000)),
            "2100-03-01T00:00:00.000+00:00"
        );
    }
}
