//! Events as they happen (server-sent events).
//!
//! | event | data |
//! |---|---|
//! | `job` | a job as a list shows it, at each change |
//! | `snapshot` | where a run stands, once a second |
//! | `lagged` | some changes were missed; look for yourself |

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use wrasse_service::{JobId, TaskScheduler};

use crate::view;

/// Events that a slow reader may be behind; more wait at their source.
const BEHIND_MAX: usize = 16;
/// As often as a page draws.
const LOOK: Duration = Duration::from_secs(1);
/// Tells whether the reader is still there, and keeps proxies from hanging up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The events of a job, until it comes to its end.
pub(crate) fn job(scheduler: TaskScheduler, id: JobId) -> Response {
    stream(async move |events: Sender| {
        let mut changes = scheduler.changes();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = Value::Null;
        let mut shown = Vec::new();
        loop {
            let Ok(job) = scheduler.job(&id).await else {
                return;
            };
            let path = scheduler.live(&job).join("snapshot.json");
            if let Ok(Ok(bytes)) = tokio::task::spawn_blocking(move || std::fs::read(path)).await
                && bytes != shown
            {
                // What is written there has no line ends in it.
                if !events
                    .text("snapshot", &String::from_utf8_lossy(&bytes))
                    .await
                {
                    return;
                }
                shown = bytes;
            }
            let view = view::summary(&job);
            if view != told {
                if !events.send("job", &view).await {
                    return;
                }
                told = view;
            }
            if job.state.is_final() {
                return;
            }
            loop {
                tokio::select! {
                    change = changes.recv() => match change {
                        Ok(change) if change.id != id => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => return,
                    },
                    _ = look.tick() => break,
                    () = events.gone() => return,
                }
            }
        }
    })
}

/// All changes of all jobs.
pub(crate) fn all(scheduler: TaskScheduler) -> Response {
    stream(async move |events: Sender| {
        let mut changes = scheduler.changes();
        let mut alive = interval(KEEP_ALIVE);
        loop {
            tokio::select! {
                change = changes.recv() => {
                    let is_there = match change {
                        Ok(change) => match scheduler.job(&change.id).await {
                            Ok(job) => events.send("job", &view::summary(&job)).await,
                            Err(_) => true,
                        },
                        Err(RecvError::Lagged(n)) => events.send("lagged", &json!({ "n": n })).await,
                        Err(RecvError::Closed) => false,
                    };
                    if !is_there {
                        return;
                    }
                }
                _ = alive.tick() => if !events.alive().await { return },
                () = events.gone() => return,
            }
        }
    })
}

struct Sender(mpsc::Sender<Bytes>);

impl Sender {
    async fn send(&self, event: &str, data: &Value) -> bool {
        self.text(event, &data.to_string()).await
    }

    async fn text(&self, event: &str, data: &str) -> bool {
        let text = format!("event: {event}\ndata: {data}\n\n");
        self.0.send(text.into()).await.is_ok()
    }

    async fn alive(&self) -> bool {
        self.0
            .send(Bytes::from_static(b": alive\n\n"))
            .await
            .is_ok()
    }

    async fn gone(&self) {
        self.0.closed().await;
    }
}

fn stream<F>(tell: impl FnOnce(Sender) -> F) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(BEHIND_MAX);
    tokio::spawn(tell(Sender(sender)));
    let headers = [(header::CONTENT_TYPE, "text/event-stream")];
    (headers, Body::new(Stream(receiver))).into_response()
}

/// A body that comes as it is sent.
struct Stream(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0
            .poll_recv(context)
            .map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
    }
}
