//! [`follow_ray_job`]: the process that stands for a job of a Ray cluster.
//!
//! It submits the job, repeats its log, and ends with it; asked to end, it has
//! the cluster stop the job and waits until it has. A keeper keeps it, as the
//! processes of other jobs (see `wrasse-service`, `ray.rs`).

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};
use wrasse_service::{RayEnd, RayOrder};

use crate::client::{Reply, Wire};

/// An answer takes no longer, unless something is wrong.
const ANSWER: Duration = Duration::from_secs(30);
/// A cluster that has not answered for so long does not come back soon.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks: at first, so that short jobs are short, and later.
const LOOK_FIRST: Duration = Duration::from_millis(250);
const LOOK_MOST: Duration = Duration::from_secs(2);
/// A job that was sent, and has not arrived after so many looks, does not.
const ARRIVAL_LOOKS: u32 = 8;
/// A log comes as a whole each time: of the time, not more than a share of this
/// is spent on it.
const LOG_SHARE: u32 = 10;
/// What is told of an end; more is in the log.
const MESSAGE_CHARS: usize = 500;

/// Follows the job that `dir` describes to its end, and writes down what became
/// of it; what the job says goes to standard output.
///
/// # Errors
///
/// If the folder describes none, or nothing can be written.
pub fn follow_ray_job(dir: &Path, token: Option<String>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(follow(dir, token))
}

async fn follow(dir: &Path, token: Option<String>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let order = RayOrder::read(dir)?;
    let wire = match Wire::new(&order.address, token) {
        Ok(wire) => wire,
        Err(error) => return refused(error).write(dir),
    };
    let mut job = RayJob {
        dir,
        order: &order,
        wire,
        was_there: order.is_resumed,
        is_sent: false,
        log_bytes: 0,
        log_due: Instant::now(),
    };
    let ended = tokio::select! {
        ended = job.attend() => Some(ended?),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let end = match ended {
        Some(end) if end.is_stalled => {
            let stopped = job.stop(end.message.clone()).await?;
            RayEnd {
                message: end.message,
                is_stalled: true,
                ..stopped
            }
        }
        Some(end) => end,
        None => job.stop(None).await?,
    };
    end.write(dir)
}

/// A job, as the cluster tells of it.
struct Info {
    status: String,
    message: Option<String>,
    exit_code: Option<i64>,
}

impl Info {
    fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "SUCCEEDED" | "FAILED" | "STOPPED")
    }

    fn end(self) -> RayEnd {
        RayEnd {
            status: Some(self.status),
            message: self.message,
            exit_code: self.exit_code,
            ..RayEnd::default()
        }
    }
}

struct RayJob<'a> {
    dir: &'a Path,
    order: &'a RayOrder,
    wire: Wire,
    /// Whether the cluster has had it.
    was_there: bool,
    /// Whether it is on its way there.
    is_sent: bool,
    /// How much of its log was said.
    log_bytes: usize,
    /// When the log may be asked for again.
    log_due: Instant,
}

impl RayJob<'_> {
    /// Submits the job if the cluster does not have it, and follows it.
    async fn attend(&mut self) -> io::Result<RayEnd> {
        let mut look = LOOK_FIRST;
        let mut answered = Instant::now();
        let mut moved = answered;
        let mut status = String::new();
        loop {
            let said = self.log_bytes;
            let trouble = match self.info().await {
                Ok(Some(info)) => {
                    answered = Instant::now();
                    self.note_there()?;
                    self.repeat_log(info.is_over()).await?;
                    if info.is_over() {
                        return Ok(info.end());
                    }
                    // Where the cluster has no room for it, it may wait.
                    if info.status != status || said != self.log_bytes || info.status == "PENDING" {
                        moved = Instant::now();
                        look = LOOK_FIRST.max(look / 2);
                    }
                    status = info.status;
                    None
                }
                Ok(None) if self.was_there => {
                    return Ok(RayEnd {
                        status: Some("LOST".to_owned()),
                        message: Some("the cluster no longer knows the job".to_owned()),
                        ..RayEnd::default()
                    });
                }
                // With its name: if it comes twice, the cluster takes it once.
                Ok(None) => match self.submit().await {
                    Ok(()) => {
                        answered = Instant::now();
                        continue;
                    }
                    Err(Trouble::Refused(error)) => match self.info().await {
                        Ok(None) => return Ok(refused(error)),
                        // An earlier one came through, or nobody knows.
                        _ => Some(error),
                    },
                    Err(Trouble::Other(error)) => Some(error),
                },
                Err(error) => Some(error),
            };
            if let Some(error) = trouble
                && answered.elapsed() >= PATIENCE
            {
                let id = &self.order.submission_id;
                let message = match self.was_there {
                    true => format!("{error}; `{id}` may still run there"),
                    false => error,
                };
                return Ok(unknown(format!("the cluster at {message}")));
            }
            if moved.elapsed().as_secs_f64() >= self.order.stall_s {
                return Ok(RayEnd {
                    is_stalled: true,
                    message: Some(format!(
                        "stalled: it has said nothing for {} s",
                        self.order.stall_s
                    )),
                    ..RayEnd::default()
                });
            }
            sleep(look).await;
            look = (look * 2).min(LOOK_MOST);
        }
    }

    /// Has the cluster stop the job, and waits until it has. Whoever waits for
    /// this process has a limit to that, and kills it then.
    async fn stop(&mut self, why: Option<String>) -> io::Result<RayEnd> {
        let id = self.order.submission_id.clone();
        let why = why.map(|why| format!("{why}; ")).unwrap_or_default();
        unknown(format!(
            "{why}the cluster did not say that it has stopped `{id}`, which may still run there"
        ))
        .write(self.dir)?;
        let mut missing = 0;
        loop {
            let asked = self.ask("POST", &format!("{id}/stop"), None).await;
            match (asked, self.info().await) {
                // What is on its way may still arrive.
                (Ok(_), Ok(None)) if !self.is_sent || missing == ARRIVAL_LOOKS => {
                    return Ok(RayEnd::default());
                }
                (Ok(_), Ok(None)) => missing += 1,
                (_, Ok(Some(info))) if info.is_over() => {
                    self.repeat_log(true).await?;
                    return Ok(info.end());
                }
                _ => {}
            }
            sleep(LOOK_FIRST).await;
        }
    }

    fn note_there(&mut self) -> io::Result<()> {
        if !self.was_there {
            RayOrder::note_submitted(self.dir)?;
            self.was_there = true;
        }
        Ok(())
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, String> {
        let path = format!("/api/jobs/{path}");
        self.wire.ask(method, &path, body, ANSWER).await
    }

    async fn submit(&mut self) -> Result<(), Trouble> {
        let work = &self.order.work;
        let mut body = json!({
            "entrypoint": work.entrypoint,
            "submission_id": self.order.submission_id,
            "runtime_env": work.runtime_env,
            "metadata": work.metadata,
        });
        for (key, amount) in [
            ("entrypoint_num_cpus", work.num_cpus),
            ("entrypoint_num_gpus", work.num_gpus),
        ] {
            if let Some(amount) = amount {
                body[key] = amount.into();
            }
        }
        self.is_sent = true;
        let reply = self.ask("POST", "", Some(&body)).await;
        let reply = reply.map_err(Trouble::Other)?;
        self.is_sent = false;
        match reply.status {
            200..300 => Ok(()),
            400..500 => Err(Trouble::Refused(format!(
                "the cluster does not take the job: {}",
                words(&reply)
            ))),
            status => Err(Trouble::Other(format!(
                "{} answered {status}: {}",
                self.order.address,
                words(&reply)
            ))),
        }
    }

    async fn info(&self) -> Result<Option<Info>, String> {
        let reply = self.ask("GET", &self.order.submission_id, None).await?;
        let json = reply.json();
        let status = json["status"].as_str();
        match (reply.status, status) {
            (404, _) => Ok(None),
            (200, Some(status)) => Ok(Some(Info {
                status: status.to_owned(),
                message: json["message"].as_str().map(brief),
                exit_code: json["driver_exit_code"].as_i64(),
            })),
            (status, _) => Err(format!(
                "{} answered {status}: {}",
                self.order.address,
                words(&reply)
            )),
        }
    }

    /// Says what is new in the log; if `is_last`, it is asked for in any case.
    async fn repeat_log(&mut self, is_last: bool) -> io::Result<()> {
        const ATTEMPTS: u32 = 3;
        if !is_last && Instant::now() < self.log_due {
            return Ok(());
        }
        let path = format!("{}/logs", self.order.submission_id);
        for attempt in 1.. {
            let asked = Instant::now();
            let reply = self.ask("GET", &path, None).await;
            self.log_due = Instant::now() + asked.elapsed() * LOG_SHARE;
            let trouble = match &reply {
                Ok(reply) if reply.status == 200 => {
                    let json = reply.json();
                    let log = json["logs"].as_str().unwrap_or_default();
                    // One that is shorter than it was is another one.
                    let new = log.get(self.log_bytes..).unwrap_or_default();
                    if !new.is_empty() {
                        let mut out = io::stdout().lock();
                        out.write_all(new.as_bytes())?;
                        out.flush()?;
                        self.log_bytes = log.len();
                    }
                    return Ok(());
                }
                Ok(reply) => words(reply),
                Err(error) => error.clone(),
            };
            if !is_last {
                return Ok(()); // There will be another time.
            }
            if attempt == ATTEMPTS {
                let mut out = io::stdout().lock();
                return writeln!(out, "(the rest of the log is not to be had: {trouble})");
            }
            sleep(LOOK_FIRST).await;
        }
        Ok(())
    }
}

enum Trouble {
    /// It will be the same the next time.
    Refused(String),
    Other(String),
}

fn refused(message: String) -> RayEnd {
    RayEnd {
        is_refused: true,
        ..unknown(message)
    }
}

fn unknown(message: String) -> RayEnd {
    RayEnd {
        message: Some(message),
        ..RayEnd::default()
    }
}

/// What an answer that is an error says.
fn words(reply: &Reply) -> String {
    brief(&String::from_utf8_lossy(&reply.bytes))
}

/// What matters of a text of Ray's: of a traceback its last line, of the end of
/// an entry point what stands before the log.
fn brief(text: &str) -> String {
    let text = text.trim();
    let text = text
        .split_once(", last available logs")
        .map_or(text, |(before, _)| before);
    let text = match text.contains("Traceback (most recent call last)") {
        true => text.lines().last().unwrap_or_default(),
        false => text,
    };
    text.chars().take(MESSAGE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_told() {
        for (text, expected) in [
            (" not found\n", "not found"),
            (
                "failed with exit code 3, last available logs (truncated):\nmuch",
                "failed with exit code 3",
            ),
            (
                "Traceback (most recent call last):\n  File\nValueError: no `x`",
                "ValueError: no `x`",
            ),
        ] {
            assert_eq!(brief(text), expected);
        }
    }
}
