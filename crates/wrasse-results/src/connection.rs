//! [`Connection`]: what the tables need of a database.

use crate::Error;

/// A value of a statement or a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Param {
    Text(String),
    Int(i64),
    /// Seconds since 1970.
    Time(f64),
}

impl Param {
    /// A text; control characters that databases refuse are left out.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.replace('\0', ""))
    }

    /// A size or count.
    pub(crate) fn size(size: u64) -> Self {
        Self::Int(i64::try_from(size).unwrap_or(i64::MAX))
    }
}

/// A connection to a database. Statements are SQL that SQLite and PostgreSQL
/// understand, with parameters `$1`, `$2`, ...
pub(crate) trait Connection: Send {
    /// How a time is written of which parameter `$number` is [`Param::Time`].
    fn time(&self, number: usize) -> String;

    /// Runs a statement.
    fn execute(&mut self, sql: &str, params: &[Param]) -> Result<(), Error>;

    /// The rows of a query: texts (`T`) and numbers (`N`), by `columns`.
    fn query(
        &mut self,
        sql: &str,
        params: &[Param],
        columns: &str,
    ) -> Result<Vec<Vec<Param>>, Error>;
}

/// Text or number of a row.
pub(crate) fn row_text(row: &[Param], column: usize) -> String {
    match row.get(column) {
        Some(Param::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

/// Number of a row.
pub(crate) fn row_int(row: &[Param], column: usize) -> i64 {
    match row.get(column) {
        Some(Param::Int(number)) => *number,
        _ => 0,
    }
}
