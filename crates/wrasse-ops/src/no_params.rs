//! [`NoParams`]: what an operator without parameters takes.

/// This operator takes no parameters of its own.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoParams {}
