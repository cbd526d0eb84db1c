//! [`Problem`]: an error as RFC 9457 has it, `application/problem+json`.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wrasse_service::Error;

/// The media type.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What is wrong with a request, or with us.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    findings: Option<Box<Value>>,
    header: Option<(HeaderName, &'static str)>,
}

impl Problem {
    /// Of this status, with what is wrong and what was expected.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            findings: None,
            header: None,
        }
    }

    /// What was sent cannot be read.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// What was sent makes no sense.
    pub(crate) fn senseless(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// There is no such thing.
    pub(crate) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// It is not allowed.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// With what was found in a recipe.
    pub(crate) fn with_findings(mut self, findings: Value) -> Self {
        self.findings = Some(Box::new(findings));
        self
    }

    /// With a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(findings) = self.findings {
            body["findings"] = *findings;
        }
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some((name, value)) = self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Unknown(_) => StatusCode::NOT_FOUND,
            Error::Conflict(_) => StatusCode::CONFLICT,
            Error::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
            Error::Busy | Error::Gone | Error::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Io { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problem = Self::new(status, error.to_string());
        match status {
            StatusCode::SERVICE_UNAVAILABLE => problem.with_header(header::RETRY_AFTER, "1"),
            _ => problem,
        }
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}
