//! `/metrics`, for Prometheus.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::app::Shared;

pub(crate) async fn metrics(State(served): Shared) -> Response {
    let now = served.app.scheduler.statistics();
    let mut text = String::from(
        "# HELP wrasse_service_jobs Jobs, by state.\n# TYPE wrasse_service_jobs gauge\n",
    );
    for (state, n) in [
        ("pending", now.pending),
        ("running", now.running),
        ("completed", now.completed),
        ("failed", now.failed),
        ("cancelled", now.cancelled),
    ] {
        let _ = writeln!(text, "wrasse_service_jobs{{state=\"{state}\"}} {n}");
    }
    for (name, about, value) in [
        (
            "max_concurrent",
            "Jobs that may run at once.",
            now.max_concurrent as u64,
        ),
        ("open", "Whether jobs may start.", u64::from(now.is_open)),
        (
            "store_failing",
            "Whether the store cannot be written.",
            u64::from(now.store_error.is_some()),
        ),
    ] {
        let _ = writeln!(
            text,
            "# HELP wrasse_service_{name} {about}\n# TYPE wrasse_service_{name} gauge\n\
             wrasse_service_{name} {value}"
        );
    }
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response()
}
