//! Positions: where an output stood at a commit, as JSON with a version.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::target::Target;
use crate::Error;

/// The version of all that positions hold.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u32,
    /// What is written: a position of another output is refused.
    kind: String,
    at: T,
}

/// A position within `target` as JSON.
pub(super) fn write_position<T: Serialize>(at: &T, target: &Target) -> Value {
    serde_json::to_value(Envelope {
        version: VERSION,
        kind: target.kind(),
        at,
    })
    .expect("a position is JSON")
}

/// A position within `target`.
pub(super) fn read_position<T: DeserializeOwned>(
    position: &Value,
    target: &Target,
) -> Result<T, Error> {
    let path = target.path();
    let unreadable = |e: serde_json::Error| {
        Error::io(
            path.clone(),
            "the committed position cannot be read",
            e.into(),
        )
        .with_hint("was it written by another version? start the run anew")
    };
    let Envelope { version, kind, at } =
        Envelope::<Value>::deserialize(position).map_err(unreadable)?;
    if (version, &kind) != (VERSION, &target.kind()) {
        return Err(Error::new(
            path,
            format!(
                "the run wrote {kind} (version {version}), not {} (version {VERSION})",
                target.kind()
            ),
        )
        .with_hint("start the run anew"));
    }
    T::deserialize(at).map_err(unreadable)
}
