//! [`Functions`]: what jobs of kind `function` call.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

/// What a function gives: a value, or an error in words.
pub type Given = Result<Value, String>;

/// A function that runs.
pub(crate) type Running = Pin<Box<dyn Future<Output = Given> + Send>>;

type Function = Arc<dyn Fn(Value) -> Running + Send + Sync>;

/// Functions by name. A job names its function, so that it can be called after
/// a restart, and again after a failure.
#[derive(Clone, Default)]
pub struct Functions(BTreeMap<String, Function>);

impl Functions {
    /// With a function more. It is ended by dropping it where it waits.
    #[must_use]
    pub fn with<F, R>(mut self, name: &str, function: F) -> Self
    where
        F: Fn(Value) -> R + Send + Sync + 'static,
        R: Future<Output = Given> + Send + 'static,
    {
        let function = move |args| Box::pin(function(args)) as Running;
        self.0.insert(name.to_owned(), Arc::new(function));
        self
    }

    /// Whether there is one of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Calls it, if there is one.
    pub(crate) fn call(&self, name: &str, args: Value) -> Option<Running> {
        Some(self.0.get(name)?(args))
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
