//! `/api/v1`: what each route does. Their description is in [`crate::openapi`].

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use wrasse_service::{Filter, Job, JobId, State as JobState, Submission, read_log};

use crate::app::{Served, Shared};
use crate::body::{Body, Params};
use crate::problem::Problem;
use crate::{live, openapi, submit as submission, view};

type Answer<T = Json<Value>> = Result<T, Problem>;

/// Jobs in a list, if nobody says how many.
const LIST: usize = 100;
const LIST_MAX: usize = 1_000;
/// Bytes of a log in one answer, if nobody says how many.
const LOG_BYTES: usize = 64 << 10;
const LOG_BYTES_MAX: usize = 4 << 20;
/// Rejects in one answer, if nobody says how many.
const REJECTS: usize = 20;
const REJECTS_MAX: usize = 1_000;
/// A reject holds its row; one that is longer is not for a page.
const REJECT_BYTES_MAX: u64 = 1 << 20;
/// A wait that is longer is asked for again.
const WAIT_S_MAX: f64 = 60.0;

/// A name that cannot be one names nothing.
pub(crate) fn job_id(text: &str) -> Answer<JobId> {
    text.parse()
        .map_err(|_| Problem::missing("there is no job of this name"))
}

async fn found(served: &Served, id: &str) -> Answer<Job> {
    Ok(served.app.scheduler.job(&job_id(id)?).await?)
}

pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

pub(crate) async fn ready(State(served): Shared) -> Answer {
    match served.app.scheduler.statistics().store_error {
        None => Ok(Json(json!({ "status": "ready" }))),
        Some(error) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the store cannot be written: {error}"),
        )
        .with_header(header::RETRY_AFTER, "1")),
    }
}

pub(crate) async fn openapi() -> Json<Value> {
    Json(openapi::document())
}

pub(crate) async fn statistics(State(served): Shared) -> Json<Value> {
    Json(json!(served.app.scheduler.statistics()))
}

pub(crate) async fn operators(State(served): Shared) -> Json<Value> {
    Json(json!({ "operators": served.app.operators }))
}

pub(crate) async fn operator(State(served): Shared, Path(name): Path<String>) -> Answer {
    let found = served
        .app
        .operators
        .iter()
        .find(|one| one["name"] == name.as_str());
    found
        .map(|one| Json(one.clone()))
        .ok_or_else(|| Problem::missing("there is no operator of this name"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToCheck {
    recipe: String,
    #[serde(default)]
    set: Vec<String>,
}

pub(crate) async fn check(State(served): Shared, Body(body): Body<ToCheck>) -> Answer {
    let checked = blocking(move || {
        Ok(submission::check_recipe(
            &body.recipe,
            &body.set,
            &served.app.catalog,
        ))
    });
    Ok(Json(checked.await?))
}

/// Runs what may wait for a disk.
async fn blocking<T: Send + 'static>(
    what: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    tokio::task::spawn_blocking(what)
        .await
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a bug: it panicked"))?
}

pub(crate) async fn queue(State(served): Shared) -> Json<Value> {
    Json(queue_json(&served))
}

fn queue_json(served: &Served) -> Value {
    let now = served.app.scheduler.statistics();
    json!({
        "max_concurrent": now.max_concurrent,
        "open": now.is_open,
        "drained": !now.is_open && now.running == 0,
        "pending": now.pending,
        "running": now.running,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Queue {
    max_concurrent: Option<usize>,
    open: Option<bool>,
}

pub(crate) async fn set_queue(State(served): Shared, Body(body): Body<Queue>) -> Answer {
    let scheduler = &served.app.scheduler;
    if let Some(slots) = body.max_concurrent {
        if !(1..=openapi::SLOTS_MAX).contains(&slots) {
            return Err(Problem::senseless(format!(
                "`max_concurrent` is from 1 to {}",
                openapi::SLOTS_MAX
            )));
        }
        scheduler.set_max_concurrent(slots).await?;
    }
    if let Some(open) = body.open {
        scheduler.set_open(open).await?;
    }
    Ok(Json(queue_json(&served)))
}

pub(crate) async fn submit(
    State(served): Shared,
    Body(mut body): Body<Submission>,
) -> Answer<Response> {
    let checker = std::sync::Arc::clone(&served);
    let body = blocking(move || {
        checker.rules().confine(&mut body)?;
        Ok(body)
    })
    .await?;
    let scheduler = &served.app.scheduler;
    let submitted = scheduler.submit(body).await?;
    let job = scheduler.job(&submitted.id).await?;
    let status = match submitted.is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let location = format!("/api/v1/jobs/{}", submitted.id);
    Ok((
        status,
        [(header::LOCATION, location)],
        Json(view::job(&job)),
    )
        .into_response())
}

#[derive(Deserialize)]
pub(crate) struct Listed {
    state: Option<JobState>,
    kind: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

pub(crate) async fn list(State(served): Shared, Params(asked): Params<Listed>) -> Answer {
    let limit = within("limit", asked.limit, LIST, LIST_MAX)?;
    if let Some(kind) = &asked.kind
        && !wrasse_service::Work::KINDS.contains(&kind.as_str())
    {
        return Err(Problem::bad(format!(
            "`kind` is one of {}",
            wrasse_service::Work::KINDS.join(", ")
        )));
    }
    let before = asked.before.map(u64::try_from).transpose();
    let filter = Filter {
        state: asked.state,
        kind: asked.kind,
        before: before.map_err(|_| Problem::bad("`before` is not below 0"))?,
        limit,
    };
    let jobs = served.app.scheduler.jobs(filter).await?;
    let next = match jobs.len() == limit {
        true => jobs.last().map(|job| job.seq),
        false => None,
    };
    let jobs: Vec<_> = jobs.iter().map(view::summary).collect();
    Ok(Json(json!({ "jobs": jobs, "next": next })))
}

/// A number that was asked for, from 1 to `max`.
fn within(name: &str, asked: Option<usize>, usual: usize, max: usize) -> Answer<usize> {
    match asked.unwrap_or(usual) {
        n if (1..=max).contains(&n) => Ok(n),
        _ => Err(Problem::bad(format!("`{name}` is from 1 to {max}"))),
    }
}

pub(crate) async fn job(State(served): Shared, Path(id): Path<String>) -> Answer {
    Ok(Json(view::job(&found(&served, &id).await?)))
}

pub(crate) async fn delete(State(served): Shared, Path(id): Path<String>) -> Answer<StatusCode> {
    served.app.scheduler.delete(&job_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resources {
    threads: Option<u32>,
    memory: Option<String>,
}

pub(crate) async fn change(
    State(served): Shared,
    Path(id): Path<String>,
    Body(body): Body<Resources>,
) -> Answer {
    let id = job_id(&id)?;
    if let Some(threads) = body.threads
        && !(1..=openapi::THREADS_MAX).contains(&threads)
    {
        return Err(Problem::senseless(format!(
            "`threads` is from 1 to {}",
            openapi::THREADS_MAX
        )));
    }
    if let Some(memory) = &body.memory {
        submission::check_size(memory)?;
    }
    let scheduler = &served.app.scheduler;
    scheduler
        .set_resources(&id, body.threads, body.memory)
        .await?;
    Ok(Json(view::job(&scheduler.job(&id).await?)))
}

pub(crate) async fn cancel(State(served): Shared, Path(id): Path<String>) -> Answer<Response> {
    let id = job_id(&id)?;
    served.app.scheduler.cancel(&id).await?;
    accepted(&served, &id).await
}

pub(crate) async fn hold(State(served): Shared, Path(id): Path<String>) -> Answer<Response> {
    let id = job_id(&id)?;
    served.app.scheduler.hold(&id, true).await?;
    accepted(&served, &id).await
}

pub(crate) async fn release(State(served): Shared, Path(id): Path<String>) -> Answer<Response> {
    let id = job_id(&id)?;
    served.app.scheduler.hold(&id, false).await?;
    accepted(&served, &id).await
}

pub(crate) async fn retry(State(served): Shared, Path(id): Path<String>) -> Answer<Response> {
    let id = job_id(&id)?;
    served.app.scheduler.retry(&id).await?;
    accepted(&served, &id).await
}

async fn accepted(served: &Served, id: &JobId) -> Answer<Response> {
    let job = served.app.scheduler.job(id).await?;
    Ok((StatusCode::ACCEPTED, Json(view::job(&job))).into_response())
}

pub(crate) async fn history(State(served): Shared, Path(id): Path<String>) -> Answer {
    let job = found(&served, &id).await?;
    let history = served.app.scheduler.history(&job.id).await?;
    Ok(Json(json!({ "history": history })))
}

#[derive(Deserialize)]
pub(crate) struct Wait {
    timeout_s: Option<f64>,
}

pub(crate) async fn wait(
    State(served): Shared,
    Path(id): Path<String>,
    Params(asked): Params<Wait>,
) -> Answer {
    let id = job_id(&id)?;
    let timeout_s = asked.timeout_s.unwrap_or(WAIT_S_MAX);
    if !(0.0..=WAIT_S_MAX).contains(&timeout_s) {
        return Err(Problem::bad(format!(
            "`timeout_s` is from 0 to {WAIT_S_MAX}"
        )));
    }
    let scheduler = &served.app.scheduler;
    let timeout = Duration::from_secs_f64(timeout_s);
    match scheduler.wait(&id, Some(timeout)).await {
        Ok(job) => Ok(Json(view::job(&job))),
        // As it stands; who asks sees that it has not come to its end.
        Err(wrasse_service::Error::TimedOut(_)) => Ok(Json(view::job(&scheduler.job(&id).await?))),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn events(State(served): Shared, Path(id): Path<String>) -> Answer<Response> {
    let job = found(&served, &id).await?;
    Ok(live::job(served.app.scheduler.clone(), job.id))
}

pub(crate) async fn all_events(State(served): Shared) -> Response {
    live::all(served.app.scheduler.clone())
}

#[derive(Deserialize)]
pub(crate) struct Log {
    offset: Option<i64>,
    limit: Option<usize>,
    launch: Option<u32>,
}

pub(crate) async fn logs(
    State(served): Shared,
    Path(id): Path<String>,
    Params(asked): Params<Log>,
) -> Answer<Response> {
    let mut job = found(&served, &id).await?;
    let limit = within("limit", asked.limit, LOG_BYTES, LOG_BYTES_MAX)?;
    if let Some(launch) = asked.launch {
        if !(1..=job.launches).contains(&launch) {
            return Err(Problem::missing(format!("there was no launch {launch}")));
        }
        job.launches = launch;
    }
    let folder = served.app.scheduler.folder(&job);
    let piece = blocking(move || Ok(read_log(&folder, asked.offset.unwrap_or(0), limit)?)).await?;
    let next = piece.offset + piece.bytes.len() as u64;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (
            HeaderName::from_static("x-log-offset"),
            piece.offset.to_string(),
        ),
        (HeaderName::from_static("x-log-next"), next.to_string()),
    ];
    Ok((headers, piece.bytes).into_response())
}

/// A file that a run writes for us.
async fn live_file(served: &Served, id: &str, name: &'static str) -> Answer<(Job, Value)> {
    let job = found(served, id).await?;
    let path = served.app.scheduler.live(&job).join(name);
    let value = blocking(move || {
        let bytes =
            std::fs::read(path).map_err(|_| Problem::missing("the job has not come so far"))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    });
    Ok((job, value.await?))
}

pub(crate) async fn snapshot(State(served): Shared, Path(id): Path<String>) -> Answer {
    Ok(Json(live_file(&served, &id, "snapshot.json").await?.1))
}

pub(crate) async fn report(State(served): Shared, Path(id): Path<String>) -> Answer {
    let job = found(&served, &id).await?;
    match job.result.get("report") {
        Some(report) if !report.is_null() => Ok(Json(report.clone())),
        _ => Err(Problem::missing("the job has no report")),
    }
}

#[derive(Deserialize)]
pub(crate) struct Rejects {
    offset: Option<usize>,
    limit: Option<usize>,
}

pub(crate) async fn rejects(
    State(served): Shared,
    Path(id): Path<String>,
    Params(asked): Params<Rejects>,
) -> Answer {
    let limit = within("limit", asked.limit, REJECTS, REJECTS_MAX)?;
    let (_, run) = live_file(&served, &id, "run.json").await?;
    let path = place(&served, &run, "rejects")?;
    blocking(move || {
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(_) => return Ok(Json(json!({ "rejects": [], "next": null }))),
        };
        let first = asked.offset.unwrap_or(0);
        let (rejects, has_more) = lines(file, first, limit)?;
        let next = has_more.then_some(first + rejects.len());
        Ok(Json(json!({ "rejects": rejects, "next": next })))
    })
    .await
}

/// Lines of JSON, from number `first` on; whether there are more.
fn lines(file: std::fs::File, first: usize, n: usize) -> Answer<(Vec<Value>, bool)> {
    let mut reader = BufReader::new(file);
    let mut found = Vec::new();
    let mut line = Vec::new();
    for i in 0.. {
        line.clear();
        reader
            .by_ref()
            .take(REJECT_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        let is_whole = line.ends_with(b"\n");
        if !is_whole {
            reader.skip_until(b'\n')?;
        }
        if i >= first + n {
            return Ok((found, true));
        }
        if i >= first {
            found.push(match serde_json::from_slice(&line) {
                Ok(value) => value,
                Err(_) if is_whole => json!({ "error": "a line that is no JSON" }),
                Err(_) => json!({ "error": "a line that is too long to be shown" }),
            });
        }
    }
    Ok((found, false))
}

/// A place that a run told of, if it is still one that jobs may use.
fn place(served: &Served, run: &Value, name: &str) -> Answer<PathBuf> {
    let told = run[name]
        .as_str()
        .ok_or_else(|| Problem::missing("the job has none"))?;
    let roots = &served.app.roots;
    roots
        .path(FilePath::new(told), roots.first())
        .map_err(Problem::forbidden)
}

pub(crate) async fn page(State(served): Shared, Path(id): Path<String>) -> Answer<Response> {
    let (_, run) = live_file(&served, &id, "run.json").await?;
    let path = place(&served, &run, "page")?;
    let text = blocking(move || {
        std::fs::read(path).map_err(|_| Problem::missing("the page is not written yet"))
    })
    .await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // It was made of data: it must not be able to do anything here.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ),
    ];
    Ok((headers, text).into_response())
}
