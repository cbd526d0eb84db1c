//! What a job is: its name, how it is tried, where it stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::work::{CommandWork, Work};

/// A moment: milliseconds since 1970, so that it outlives a process.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment, and `ms` more.
    #[must_use]
    pub fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// The name of a job: 1 to 128 letters, digits, `.`, `_` and `-`, the first one
/// a letter or a digit. It is a folder's name too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl JobId {
    /// What generated names begin with; nobody else may use it.
    pub const GENERATED: &str = "job-";
    const LENGTH_MAX: usize = 128;

    /// The name that job number `seq` gets if it brings none.
    pub fn generated(seq: u64) -> Self {
        Self(format!("{}{seq}", Self::GENERATED))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for JobId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_part = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        let is_good = text.len() <= Self::LENGTH_MAX
            && text
                .as_bytes()
                .first()
                .is_some_and(u8::is_ascii_alphanumeric)
            && text.bytes().all(is_part);
        if is_good {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "a job is named by 1 to {} letters, digits, `.`, `_` and `-`, the first one a letter \
             or a digit",
            Self::LENGTH_MAX
        ))
    }
}

impl TryFrom<String> for JobId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits: for its turn, for other jobs, or for another attempt.
    Pending,
    /// It runs.
    Running,
    /// It came to its end.
    Completed,
    /// Its last attempt failed, or a job that it depends on did.
    Failed,
    /// It was ended because someone asked for it.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing more happens to it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Its name, as stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// How often a job is tried, and how long it waits in between: after the
/// first failure `delay_ms`, then twice as long each time, up to
/// `delay_max_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Attempts in all, from 1 (the default) to [`Retry::ATTEMPTS_MAX`].
    pub attempts: u32,
    /// Milliseconds before the second attempt; 1 s if not given.
    pub delay_ms: u64,
    /// No wait is longer; 60 s if not given.
    pub delay_max_ms: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 1,
            delay_ms: 1_000,
            delay_max_ms: 60_000,
        }
    }
}

impl Retry {
    /// More attempts than this are a loop by mistake.
    pub const ATTEMPTS_MAX: u32 = 1_000;

    /// How long to wait after attempt number `attempt` (from 1) failed.
    pub fn delay(&self, attempt: u32) -> u64 {
        let doublings = attempt.saturating_sub(1).min(40);
        self.delay_ms
            .saturating_mul(1 << doublings)
            .min(self.delay_max_ms)
    }
}

/// A job as it is submitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// Its name; generated if not given. Submitting the same job under the
    /// same name again does nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<JobId>,
    /// What it is called in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does.
    pub work: Work,
    /// Higher goes first; 0 if not given. Among equals, the earlier submitted.
    #[serde(default)]
    pub priority: i32,
    /// How often it is tried.
    #[serde(default)]
    pub retry: Retry,
    /// Jobs that have to be completed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<JobId>,
}

impl Submission {
    /// Some work, with defaults for the rest.
    pub fn new(work: Work) -> Self {
        Self {
            id: None,
            title: None,
            work,
            priority: 0,
            retry: Retry::default(),
            after: Vec::new(),
        }
    }

    /// A program and its arguments.
    pub fn command<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self::new(Work::Command(CommandWork {
            argv: argv.into_iter().map(Into::into).collect(),
            ..CommandWork::default()
        }))
    }

    /// Under this name.
    #[must_use]
    pub fn named(mut self, id: JobId) -> Self {
        self.id = Some(id);
        self
    }

    /// What cannot be known from the types: if something is missing, doubled
    /// or out of range.
    ///
    /// # Errors
    ///
    /// What is wrong, and what was expected.
    pub fn check(&self) -> Result<(), String> {
        let retry = &self.retry;
        if !(1..=Retry::ATTEMPTS_MAX).contains(&retry.attempts) {
            return Err(format!(
                "`retry.attempts` is {}, expected 1 to {}",
                retry.attempts,
                Retry::ATTEMPTS_MAX
            ));
        }
        if self.after.len() > AFTER_MAX {
            return Err(format!("`after` names more than {AFTER_MAX} jobs"));
        }
        if self
            .title
            .as_ref()
            .is_some_and(|title| title.chars().count() > TITLE_MAX)
        {
            return Err(format!("`title` is longer than {TITLE_MAX} characters"));
        }
        self.work.check()
    }
}

/// A job that waits for more than this is a pipeline, which is for others.
const AFTER_MAX: usize = 1_000;
/// Longer ones are no titles.
const TITLE_MAX: usize = 250;
/// A job, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// Its number, in the order of submission.
    pub seq: u64,
    /// As it was submitted.
    pub submission: Submission,
    /// Where it stands.
    pub state: State,
    /// Completed, but something is missing: rejected samples, a damaged file.
    pub partial: bool,
    /// Someone wants it to rest: it does not start, or stands still.
    pub held: bool,
    /// Someone asked for its end, which has not come yet.
    pub cancelling: bool,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Processes that were begun for it; an attempt may take several.
    pub launches: u32,
    /// It does not start before.
    pub not_before: Millis,
    /// When it was submitted.
    pub created_at: Millis,
    /// When its last attempt began.
    pub started_at: Option<Millis>,
    /// When it came to its end.
    pub ended_at: Option<Millis>,
    /// Why it failed, or why the last attempt did.
    pub error: Option<String>,
    /// What came of it: of a command `code` or `signal`, of a run its report, of
    /// a job of Ray its `submission_id` and `status`.
    pub result: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_as_names_of_folders() {
        for good in ["a", "7f3c-1.x_y", "job-1"] {
            assert!(good.parse::<JobId>().is_ok(), "{good}");
        }
        let long = "x".repeat(129);
        for bad in ["", ".", "..", "-a", "a/b", "a b", "ä", "a\0", "../x", &long] {
            assert!(bad.parse::<JobId>().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<JobId>("\"../x\"").is_err());
    }

    #[test]
    fn waits_double_up_to_their_limit() {
        let retry = Retry {
            attempts: 10,
            delay_ms: 100,
            delay_max_ms: 1_000,
        };
        let waits: Vec<_> = [1, 2, 3, 4, 5, 1000].map(|n| retry.delay(n)).into();
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
        let huge = Retry {
            delay_ms: u64::MAX,
            delay_max_ms: u64::MAX,
            ..retry
        };
        assert_eq!(huge.delay(64), u64::MAX);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let bad = [
            r#"{"work":{"kind":"run"}}"#,
            r#"{"work":{"kind":"run","path":"a","recipe":"b"}}"#,
            r#"{"work":{"kind":"command"}}"#,
            r#"{"work":{"kind":"command","argv":[""]}}"#,
            r#"{"work":{"kind":"command","argv":["a\u0000"]}}"#,
            r#"{"work":{"kind":"command","argv":["a"],"timeout_s":0}}"#,
            r#"{"work":{"kind":"command","argv":["a"],"env":{"a=b":""}}}"#,
            r#"{"work":{"kind":"command","argv":["a"]},"retry":{"attempts":0}}"#,
            r#"{"work":{"kind":"ray_job"}}"#,
            r#"{"work":{"kind":"ray_job","entrypoint":"a\u0000"}}"#,
            r#"{"work":{"kind":"ray_job","entrypoint":"a","num_cpus":-1}}"#,
            r#"{"work":{"kind":"ray_job","entrypoint":"a","stall_s":0}}"#,
        ];
        for text in bad {
            let submission: Submission = serde_json::from_str(text).unwrap();
            assert!(submission.check().is_err(), "{text}");
        }
        for text in [
            r#"{"work":{"kind":"command","argv":["a"],"unknown":1}}"#,
            r#"{"work":{"kind":"other"}}"#,
            r#"{"work":{"kind":"command","argv":["a"]},"id":"a/b"}"#,
        ] {
            assert!(serde_json::from_str::<Submission>(text).is_err(), "{text}");
        }
    }
}
