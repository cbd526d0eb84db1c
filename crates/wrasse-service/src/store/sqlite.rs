//! [`Sqlite`]: the store in a file.
//!
//! A write-ahead log, so that readers do not wait for the writer; a sync at
//! each transaction, so that what was answered survives a loss of power.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Row, Transaction, named_params, params,
};
use serde_json::Value;

use super::{Filter, Read, Store, Transition, Write};
use crate::error::StoreError;
use crate::{Job, JobId, Millis, State};

/// What leads from each version of the tables to the next; the first, from an
/// empty file. Lines are added, never changed.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        submission TEXT NOT NULL,
        state TEXT NOT NULL,
        partial INTEGER NOT NULL,
        held INTEGER NOT NULL,
        cancelling INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        launches INTEGER NOT NULL,
        not_before INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        started_at INTEGER,
        ended_at INTEGER,
        error TEXT,
        result TEXT
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state, seq);
    CREATE TABLE transitions (
        n INTEGER PRIMARY KEY,
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        state TEXT NOT NULL,
        at INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        launch INTEGER NOT NULL,
        error TEXT
    ) STRICT;
    CREATE INDEX transitions_by_job ON transitions (job, n);
"];

/// Nobody else writes; a reader may look at the file while it is checked.
const PATIENCE: Duration = Duration::from_secs(10);

const COLUMNS: &str = "id, seq, submission, state, partial, held, cancelling, attempts, launches, \
                       not_before, created_at, started_at, ended_at, error, result";

/// The store in a file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    connection: Connection,
}

impl Sqlite {
    /// Opens the store, makes it if it is missing, and brings it up to date.
    ///
    /// # Errors
    ///
    /// If it cannot be, or is of a later version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let version = version as usize;
        if version > MIGRATIONS.len() {
            return Err(StoreError::new(format!(
                "it is of version {version}, and this program knows {} at the most",
                MIGRATIONS.len()
            )));
        }
        for (i, migration) in MIGRATIONS.iter().enumerate().skip(version) {
            let transaction = connection.transaction()?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", (i + 1) as u32)?;
            transaction.commit()?;
        }
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }
}

impl Store for Sqlite {
    /// The folder that the file lies in is the scheduler's: it is locked.
    fn claim(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn unfinished(&mut self) -> Result<Vec<Job>, StoreError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM jobs WHERE state IN ('pending', 'running') ORDER BY seq"
        ))?;
        statement.query_and_then([], job)?.collect()
    }

    fn counts(&mut self) -> Result<[u64; 5], StoreError> {
        let mut counts = [0; 5];
        let mut statement = self
            .connection
            .prepare("SELECT state, count(*) FROM jobs GROUP BY state")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            counts[state(row, 0)? as usize] = number(row, 1)?;
        }
        Ok(counts)
    }

    fn last_seq(&mut self) -> Result<u64, StoreError> {
        let seq: i64 =
            self.connection
                .query_row("SELECT coalesce(max(seq), 0) FROM jobs", [], |row| {
                    row.get(0)
                })?;
        Ok(seq.unsigned_abs())
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for write in writes {
            apply(&transaction, write)?;
        }
        Ok(transaction.commit()?)
    }

    fn reader(&self) -> Result<Box<dyn Read>, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Box::new(Reader(connection)))
    }
}

fn apply(transaction: &Transaction<'_>, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Insert(job) => insert(transaction, job)?,
        Write::Change(change, result) => {
            let result = result.as_ref().map(Value::to_string);
            transaction
                .prepare_cached(
                    "UPDATE jobs SET state = :state, partial = :partial, held = :held,
                        cancelling = :cancelling, attempts = :attempts, launches = :launches,
                        not_before = :not_before,
                        started_at = iif(:is_transition AND :state = 'running', :at, started_at),
                        ended_at = iif(:is_final, :at, ended_at),
                        error = iif(:is_transition, :error, error),
                        result = coalesce(:result, result)
                     WHERE id = :id",
                )?
                .execute(named_params! {
                    ":id": change.id.as_str(),
                    ":state": change.state.name(),
                    ":partial": change.partial,
                    ":held": change.held,
                    ":cancelling": change.cancelling,
                    ":attempts": change.attempts,
                    ":launches": change.launches,
                    ":not_before": signed(change.not_before.0),
                    ":at": signed(change.at.0),
                    ":is_transition": change.is_transition,
                    ":is_final": change.state.is_final(),
                    ":error": change.error,
                    ":result": result,
                })?;
        }
        Write::Revise(id, submission) => {
            transaction
                .prepare_cached("UPDATE jobs SET submission = ?2 WHERE id = ?1")?
                .execute(params![id.as_str(), serde_json::to_string(submission)?])?;
        }
        Write::Again(id, _) => {
            transaction
                .prepare_cached(
                    "UPDATE jobs SET state = 'pending', partial = 0, held = 0, cancelling = 0,
                        attempts = 0, not_before = 0, ended_at = NULL WHERE id = ?1",
                )?
                .execute([id.as_str()])?;
        }
        Write::Delete(id) => {
            transaction
                .prepare_cached("DELETE FROM jobs WHERE id = ?1")?
                .execute([id.as_str()])?;
        }
    }
    match write.step() {
        Some((id, step)) => note(transaction, id, &step),
        None => Ok(()),
    }
}

fn insert(transaction: &Transaction<'_>, job: &Job) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO jobs (seq, id, kind, submission, state, partial, held, cancelling,
                attempts, launches, not_before, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0, 0, 0, ?7, ?8)",
        )?
        .execute(params![
            signed(job.seq),
            job.id.as_str(),
            job.submission.work.kind(),
            serde_json::to_string(&job.submission)?,
            job.state.name(),
            job.held,
            signed(job.not_before.0),
            signed(job.created_at.0),
        ])?;
    Ok(())
}

fn note(transaction: &Transaction<'_>, id: &JobId, step: &Transition) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO transitions (job, state, at, attempt, launch, error)
             SELECT seq, ?2, ?3, ?4, ?5, ?6 FROM jobs WHERE id = ?1",
        )?
        .execute(params![
            id.as_str(),
            step.state.name(),
            signed(step.at.0),
            step.attempt,
            step.launch,
            step.error,
        ])?;
    Ok(())
}

/// Another connection to the file, which cannot write.
struct Reader(Connection);

impl Read for Reader {
    fn is_quick(&self) -> bool {
        true
    }

    fn job(&mut self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.0
            .prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"))?
            .query_row([id.as_str()], |row| Ok(job(row)))
            .optional()?
            .transpose()
    }

    fn jobs(&mut self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        let before = filter.before.map_or(i64::MAX, signed);
        // A statement each, so that each uses the index that serves it.
        let by_state = filter.state.map_or("", |_| "state = ?3 AND");
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM jobs
             WHERE {by_state} seq < ?1 AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR state = ?3)
             ORDER BY seq DESC LIMIT ?4"
        ))?;
        let state = filter.state.map(State::name);
        statement
            .query_and_then(
                params![before, filter.kind, state, signed(filter.limit as u64)],
                job,
            )?
            .collect()
    }

    fn history(&mut self, id: &JobId) -> Result<Vec<Transition>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT t.state, t.at, t.attempt, t.launch, t.error
             FROM transitions t JOIN jobs ON jobs.seq = t.job WHERE jobs.id = ?1 ORDER BY t.n",
        )?;
        statement
            .query_and_then([id.as_str()], |row| {
                Ok(Transition {
                    state: state(row, 0)?,
                    at: Millis(number(row, 1)?),
                    attempt: row.get(2)?,
                    launch: row.get(3)?,
                    error: row.get(4)?,
                })
            })?
            .collect()
    }
}

fn job(row: &Row<'_>) -> Result<Job, StoreError> {
    let result: Option<String> = row.get(14)?;
    let time = |i| -> Result<_, StoreError> {
        let at: Option<i64> = row.get(i)?;
        Ok(at.map(|at| Millis(at.unsigned_abs())))
    };
    Ok(Job {
        id: row
            .get::<_, String>(0)?
            .parse()
            .map_err(|error: String| StoreError::new(error))?,
        seq: number(row, 1)?,
        submission: serde_json::from_str(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
        state: state(row, 3)?,
        partial: row.get(4)?,
        held: row.get(5)?,
        cancelling: row.get(6)?,
        attempts: row.get(7)?,
        launches: row.get(8)?,
        not_before: Millis(number(row, 9)?),
        created_at: Millis(number(row, 10)?),
        started_at: time(11)?,
        ended_at: time(12)?,
        error: row.get(13)?,
        result: match result {
            Some(text) => serde_json::from_str(&text)?,
            None => Value::Null,
        },
    })
}

fn state(row: &Row<'_>, i: usize) -> Result<State, StoreError> {
    let name: String = row.get(i)?;
    State::of(&name).ok_or_else(|| StoreError::new(format!("unknown state `{name}`")))
}

/// SQLite's numbers have a sign; ours are never so large that it matters.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &Row<'_>, i: usize) -> Result<u64, StoreError> {
    let number: i64 = row.get(i)?;
    Ok(number.unsigned_abs())
}
