//! Errors that an operator can report, and what the engine does about each.

use wrasse_core::FieldError;

/// What the engine should do with a failed sample.
///
/// The kind is the whole contract between an operator and the retry policy:
/// the engine never inspects messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpErrorKind {
    /// The sample itself is bad. Never retried; goes to the reject file.
    BadSample,
    /// The world was busy (a limit on rates, a time-out). Tried three times, on
    /// the sample as the operator left it: report it before writing to the
    /// sample.
    Transient,
    /// The operator is broken or misconfigured. Stops the run.
    Fatal,
}

/// A failure to process one sample.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct OpError {
    /// How the engine should react.
    pub kind: OpErrorKind,
    /// A lowercase fragment that reads well after `failed to apply <op>: `.
    pub message: String,
}

impl OpError {
    /// A sample that no retry will mend.
    pub fn bad_sample(message: impl Into<String>) -> Self {
        Self {
            kind: OpErrorKind::BadSample,
            message: message.into(),
        }
    }

    /// A failure that may pass by itself.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            kind: OpErrorKind::Transient,
            message: message.into(),
        }
    }

    /// A failure that every sample would meet.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self {
            kind: OpErrorKind::Fatal,
            message: message.into(),
        }
    }
}

impl From<FieldError> for OpError {
    fn from(error: FieldError) -> Self {
        Self::bad_sample(error.to_string())
    }
}

/// What is wrong with an operator's parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParamError {
    /// The parameter, if one is to blame; a path such as `ranges[1].min`.
    pub param: Option<String>,
    /// A lowercase fragment that says what is wrong and what was expected.
    pub message: String,
    /// What to do about it, when a fix is known.
    pub hint: Option<String>,
    /// The operator that this one is made after takes the value: it may run
    /// instead, where there is one.
    pub left_to_original: bool,
}

impl ParamError {
    /// A parameter with a value it cannot have.
    pub fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            message: message.into(),
            hint: None,
            left_to_original: false,
        }
    }

    /// Parameters that contradict each other.
    pub fn contradiction(message: impl Into<String>) -> Self {
        Self {
            param: None,
            message: message.into(),
            hint: None,
            left_to_original: false,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says that the original operator takes the value, see
    /// [`ParamError::left_to_original`].
    #[must_use]
    pub fn leave_to_original(mut self) -> Self {
        self.left_to_original = true;
        self
    }
}
