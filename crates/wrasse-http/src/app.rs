//! [`App`]: what all requests share, and the way of a request through checks
//! to its handler.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post};
use axum::{Extension, Router};
use serde_json::Value;
use wrasse_op::Catalog;
use wrasse_service::TaskScheduler;

use crate::auth::{Role, check, check_browser};
use crate::problem::Problem;
use crate::rate::Rates;
use crate::server::Peer;
use crate::submit::Rules;
use crate::{Roots, Tokens, api, datamate, metrics, page};

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of its body.
    pub body_bytes: usize,
    /// Requests a second of one client.
    pub per_second: f64,
    /// Connections at once.
    pub connections: usize,
}

impl Default for Limits {
    /// 4 MiB (a recipe of a thousand pages), 1,000 a second, 512 connections.
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            per_second: 1_000.0,
            connections: 512,
        }
    }
}

/// What the service is made of.
pub(crate) struct App {
    /// Does the work.
    pub(crate) scheduler: TaskScheduler,
    /// The operators that recipes may name.
    pub(crate) catalog: Catalog,
    /// The same, as they are shown.
    pub(crate) operators: Vec<Value>,
    /// Where jobs may read and write.
    pub(crate) roots: Roots,
    /// Who may do what.
    pub(crate) tokens: Tokens,
    /// Whether jobs may be programs.
    pub(crate) allows_commands: bool,
    /// Where DataMate puts `<task>/process.yaml`, if its routes are wanted.
    pub(crate) flows: Option<PathBuf>,
    /// What a request may cost.
    pub(crate) limits: Limits,
    /// Whether only this machine can reach it.
    pub(crate) is_loopback: bool,
}

/// What all requests share.
pub(crate) struct Served {
    pub(crate) app: App,
    rates: Mutex<Rates>,
    began: Instant,
}

impl Served {
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            roots: &self.app.roots,
            catalog: &self.app.catalog,
            allows_commands: self.app.allows_commands,
            ray_address: self.app.scheduler.settings().ray_address.as_deref(),
        }
    }

    fn may(&self, peer: Peer) -> bool {
        let now_s = self.began.elapsed().as_secs_f64();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.may(peer.0, now_s)
    }
}

pub(crate) type Shared = State<Arc<Served>>;

/// All routes.
#[expect(clippy::disallowed_methods, reason = "rates are by the clock")]
pub(crate) fn router(app: App) -> Router {
    let limits = app.limits;
    let served = Arc::new(Served {
        rates: Mutex::new(Rates::new(limits.per_second)),
        began: Instant::now(),
        app,
    });
    let reads = Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/api/v1/statistics", get(api::statistics))
        .route("/api/v1/events", get(api::all_events))
        .route("/api/v1/operators", get(api::operators))
        .route("/api/v1/operators/{name}", get(api::operator))
        .route("/api/v1/recipes/check", post(api::check))
        .route("/api/v1/queue", get(api::queue))
        .route("/api/v1/jobs", get(api::list))
        .route("/api/v1/jobs/{id}", get(api::job))
        .route("/api/v1/jobs/{id}/history", get(api::history))
        .route("/api/v1/jobs/{id}/wait", get(api::wait))
        .route("/api/v1/jobs/{id}/events", get(api::events))
        .route("/api/v1/jobs/{id}/logs", get(api::logs))
        .route("/api/v1/jobs/{id}/snapshot", get(api::snapshot))
        .route("/api/v1/jobs/{id}/rejects", get(api::rejects))
        .route("/api/v1/jobs/{id}/report", get(api::report))
        .route("/api/v1/jobs/{id}/page", get(api::page))
        .route("/api/task/{id}/status", get(datamate::status))
        .route("/api/task/list", post(datamate::list))
        .route_layer(from_fn_with_state(
            (Arc::clone(&served), Role::Read),
            authorize,
        ));
    let operates = Router::new()
        .route("/api/v1/queue", patch(api::set_queue))
        .route("/api/v1/jobs", post(api::submit))
        .route("/api/v1/jobs/{id}", patch(api::change).delete(api::delete))
        .route("/api/v1/jobs/{id}/cancel", post(api::cancel))
        .route("/api/v1/jobs/{id}/hold", post(api::hold))
        .route("/api/v1/jobs/{id}/release", post(api::release))
        .route("/api/v1/jobs/{id}/retry", post(api::retry))
        .route("/api/task/{id}/submit", post(datamate::submit))
        .route("/api/task/{id}/stop", post(datamate::stop))
        .route_layer(from_fn_with_state(
            (Arc::clone(&served), Role::Operate),
            authorize,
        ));
    let open = Router::new()
        .route("/", get(page::html))
        .route("/page.js", get(page::script))
        .route("/page.css", get(page::style))
        .route("/health", get(api::health))
        .route("/ready", get(api::ready))
        .route("/api/v1/openapi.json", get(api::openapi));
    reads
        .merge(operates)
        .merge(open)
        .fallback(missing)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(from_fn_with_state(Arc::clone(&served), guard))
        .with_state(served)
}

async fn missing(uri: Uri) -> Problem {
    Problem::missing(format!("there is nothing at `{}`", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("`{method}` is nothing that `{}` knows", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// What holds for every request.
async fn guard(
    State(served): Shared,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let app = &served.app;
    let checked = if served.may(peer) {
        check_browser(request.method(), request.headers(), app.is_loopback)
    } else {
        Err(
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests a second")
                .with_header(header::RETRY_AFTER, "1"),
        )
    };
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn authorize(
    State((served, role)): State<(Arc<Served>, Role)>,
    request: Request,
    next: Next,
) -> Response {
    match check(&served.app.tokens, request.headers(), role) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
