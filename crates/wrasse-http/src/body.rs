//! [`Body`] and [`Params`]: what was sent, read with errors that say what was
//! expected.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

/// A body of JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "expected `application/json`",
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|refused| {
                let status = refused.status();
                let status = match status.is_server_error() {
                    true => StatusCode::BAD_REQUEST,
                    false => status,
                };
                Problem::new(status, refused.body_text())
            })?;
        let mut value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::bad(format!("this is no JSON: {error}")))?;
        // Serde would take a list for the fields in their order.
        let is_object = |value: &Value| value.is_object();
        let parts = ["work", "retry"].map(|name| value.get(name));
        if !is_object(&value) || !parts.into_iter().flatten().all(is_object) {
            return Err(Problem::senseless("expected an object with names"));
        }
        whole(&mut value);
        T::deserialize(value)
            .map(Self)
            .map_err(|error| Problem::senseless(error.to_string()))
    }
}

/// JSON Schema takes `3.0` for an integer; so do we. What a function is called
/// with is not ours to change.
fn whole(value: &mut Value) {
    /// Up to here, all integers are numbers of floating point too.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or(0.5);
            if float.fract() == 0.0 && float.abs() <= EXACT {
                *value = (float as i64).into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(whole),
        Value::Object(map) => map
            .iter_mut()
            .filter(|(name, _)| *name != "args")
            .for_each(|(_, value)| whole(value)),
        _ => {}
    }
}

/// The parameters behind the `?`.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(error) => Err(Problem::bad(error.body_text())),
        }
    }
}
