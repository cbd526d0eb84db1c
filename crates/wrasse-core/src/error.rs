//! [`FieldError`]: why a field could not be used.

/// A field that an operator named is not there, or is not what it takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The sample has no such field.
    #[error("no field `{path}`; the sample has {present}")]
    Absent {
        /// The field that was asked for.
        path: String,
        /// The fields that are there, for the message.
        present: String,
    },
    /// The field is there, but of another type.
    #[error("field `{path}` is {found}, expected {expected}")]
    Type {
        /// The field that was asked for.
        path: String,
        /// What it holds: `null`, `a number`, `a list`...
        found: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// The field is a string that holds no valid text.
    #[error("field `{path}` is not valid text: {reason}")]
    Encoding {
        /// The field that was asked for.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}
