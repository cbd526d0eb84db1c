//! [`Postgres`]: the store in a database of PostgreSQL, without TLS: on this
//! machine, or behind a tunnel.
//!
//! It has its own runtime inside, so it is for threads, not for tasks.

use postgres::types::ToSql;
use postgres::{Client, NoTls, Row, Statement, Transaction as Open};
use serde_json::Value;

use super::{Filter, Read, Store, Transition, Write};
use crate::error::StoreError;
use crate::{Job, JobId, Millis, State};

/// What leads from each version of the tables to the next. Lines are added,
/// never changed.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE wrasse_jobs (
        seq BIGINT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        submission TEXT NOT NULL,
        state TEXT NOT NULL,
        partial BOOLEAN NOT NULL,
        held BOOLEAN NOT NULL,
        cancelling BOOLEAN NOT NULL,
        attempts BIGINT NOT NULL,
        launches BIGINT NOT NULL,
        not_before BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        started_at BIGINT,
        ended_at BIGINT,
        error TEXT,
        result TEXT
    );
    CREATE INDEX wrasse_jobs_by_state ON wrasse_jobs (state, seq);
    CREATE TABLE wrasse_transitions (
        n BIGSERIAL PRIMARY KEY,
        job BIGINT NOT NULL REFERENCES wrasse_jobs (seq) ON DELETE CASCADE,
        state TEXT NOT NULL,
        at BIGINT NOT NULL,
        attempt BIGINT NOT NULL,
        launch BIGINT NOT NULL,
        error TEXT
    );
    CREATE INDEX wrasse_transitions_by_job ON wrasse_transitions (job, n);
"];

/// Names our lock among those of the database.
const LOCK: i64 = 0x0077_7261_7373_6500;

const COLUMNS: &str = "id, seq, submission, state, partial, held, cancelling, attempts, launches, \
                       not_before, created_at, started_at, ended_at, error, result";

const INSERT: &str = "
    INSERT INTO wrasse_jobs (seq, id, kind, submission, state, partial, held, cancelling,
        attempts, launches, not_before, created_at)
    VALUES ($1, $2, $3, $4, $5, FALSE, $6, FALSE, 0, 0, $7, $8)";

const CHANGE: &str = "
    UPDATE wrasse_jobs SET state = $2, partial = $3, held = $4, cancelling = $5, attempts = $6,
        launches = $7, not_before = $8,
        started_at = CASE WHEN $9 AND $2 = 'running' THEN $10 ELSE started_at END,
        ended_at = CASE WHEN $11 THEN $10 ELSE ended_at END,
        error = CASE WHEN $9 THEN $12 ELSE error END,
        result = coalesce($13, result)
    WHERE id = $1";

const NOTE: &str = "
    INSERT INTO wrasse_transitions (job, state, at, attempt, launch, error)
    SELECT seq, $2, $3, $4, $5, $6 FROM wrasse_jobs WHERE id = $1";

/// The store in a database.
pub struct Postgres {
    address: String,
    client: Client,
    statements: Statements,
}

/// What is said at each transition, prepared once.
struct Statements {
    insert: Statement,
    change: Statement,
    note: Statement,
}

impl Postgres {
    /// Connects, makes the tables if they are missing, and brings them up to
    /// date.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached, or is of a later version.
    pub fn open(address: &str) -> Result<Self, StoreError> {
        let mut client = Client::connect(address, NoTls)?;
        // Two that begin at once: one makes the tables, the other finds them.
        let mut transaction = client.transaction()?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&(LOCK + 1)])?;
        transaction.batch_execute(
            "SET LOCAL client_min_messages = warning;
             CREATE TABLE IF NOT EXISTS wrasse_version (version BIGINT NOT NULL)",
        )?;
        let found = transaction.query_opt("SELECT version FROM wrasse_version", &[])?;
        let version = found.map_or(0, |row| row.get::<_, i64>(0)).unsigned_abs() as usize;
        if version > MIGRATIONS.len() {
            return Err(StoreError::new(format!(
                "it is of version {version}, and this program knows {} at the most",
                MIGRATIONS.len()
            )));
        }
        for migration in &MIGRATIONS[version..] {
            transaction.batch_execute(migration)?;
        }
        transaction.execute("DELETE FROM wrasse_version", &[])?;
        let now = MIGRATIONS.len() as i64;
        transaction.execute("INSERT INTO wrasse_version VALUES ($1)", &[&now])?;
        transaction.commit()?;
        let statements = Statements {
            insert: client.prepare(INSERT)?,
            change: client.prepare(CHANGE)?,
            note: client.prepare(NOTE)?,
        };
        Ok(Self {
            address: address.to_owned(),
            client,
            statements,
        })
    }

    /// Connects anew, with the lock, if the connection is gone.
    fn mend(&mut self) -> Result<(), StoreError> {
        if self.client.is_closed() {
            let mut new = Self::open(&self.address)?;
            new.claim()?;
            *self = new;
        }
        Ok(())
    }
}

impl Store for Postgres {
    fn claim(&mut self) -> Result<(), StoreError> {
        let row = self
            .client
            .query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK])?;
        match row.get(0) {
            true => Ok(()),
            false => Err(StoreError::new("another scheduler uses this database")),
        }
    }

    fn unfinished(&mut self) -> Result<Vec<Job>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM wrasse_jobs WHERE state IN ('pending', 'running') ORDER BY seq"
        );
        self.client.query(&query, &[])?.iter().map(job).collect()
    }

    fn counts(&mut self) -> Result<[u64; 5], StoreError> {
        let mut counts = [0; 5];
        let query = "SELECT state, count(*) FROM wrasse_jobs GROUP BY state";
        for row in self.client.query(query, &[])? {
            counts[state(&row, 0)? as usize] = number(&row, 1);
        }
        Ok(counts)
    }

    fn last_seq(&mut self) -> Result<u64, StoreError> {
        let query = "SELECT coalesce(max(seq), 0) FROM wrasse_jobs";
        Ok(number(&self.client.query_one(query, &[])?, 0))
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.mend()?;
        let mut transaction = self.client.transaction()?;
        for write in writes {
            apply(&mut transaction, &self.statements, write)?;
        }
        Ok(transaction.commit()?)
    }

    fn reader(&self) -> Result<Box<dyn Read>, StoreError> {
        Ok(Box::new(Reader {
            address: self.address.clone(),
            client: Client::connect(&self.address, NoTls)?,
        }))
    }
}

fn apply(
    transaction: &mut Open<'_>,
    statements: &Statements,
    write: &Write,
) -> Result<(), StoreError> {
    match write {
        Write::Insert(job) => {
            transaction.execute(
                &statements.insert,
                &[
                    &signed(job.seq),
                    &job.id.as_str(),
                    &job.submission.work.kind(),
                    &serde_json::to_string(&job.submission)?,
                    &job.state.name(),
                    &job.held,
                    &signed(job.not_before.0),
                    &signed(job.created_at.0),
                ],
            )?;
        }
        Write::Change(change, result) => {
            transaction.execute(
                &statements.change,
                &[
                    &change.id.as_str(),
                    &change.state.name(),
                    &change.partial,
                    &change.held,
                    &change.cancelling,
                    &i64::from(change.attempts),
                    &i64::from(change.launches),
                    &signed(change.not_before.0),
                    &change.is_transition,
                    &signed(change.at.0),
                    &change.state.is_final(),
                    &change.error.as_deref().map(storable),
                    &result.as_ref().map(Value::to_string),
                ],
            )?;
        }
        Write::Revise(id, submission) => {
            let submission = serde_json::to_string(submission)?;
            let query = "UPDATE wrasse_jobs SET submission = $2 WHERE id = $1";
            transaction.execute(query, &[&id.as_str(), &submission])?;
        }
        Write::Again(id, _) => {
            transaction.execute(
                "UPDATE wrasse_jobs SET state = 'pending', partial = FALSE, held = FALSE,
                    cancelling = FALSE, attempts = 0, not_before = 0, ended_at = NULL
                 WHERE id = $1",
                &[&id.as_str()],
            )?;
        }
        Write::Delete(id) => {
            transaction.execute("DELETE FROM wrasse_jobs WHERE id = $1", &[&id.as_str()])?;
        }
    }
    if let Some((id, step)) = write.step() {
        transaction.execute(
            &statements.note,
            &[
                &id.as_str(),
                &step.state.name(),
                &signed(step.at.0),
                &i64::from(step.attempt),
                &i64::from(step.launch),
                &step.error.as_deref().map(storable),
            ],
        )?;
    }
    Ok(())
}

/// Another connection, for reading.
struct Reader {
    address: String,
    client: Client,
}

impl Reader {
    fn query(
        &mut self,
        query: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        if self.client.is_closed() {
            self.client = Client::connect(&self.address, NoTls)?;
        }
        Ok(self.client.query(query, values)?)
    }
}

impl Read for Reader {
    fn job(&mut self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM wrasse_jobs WHERE id = $1");
        self.query(&query, &[&id.as_str()])?
            .first()
            .map(job)
            .transpose()
    }

    fn jobs(&mut self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM wrasse_jobs
             WHERE seq < $1 AND ($2::TEXT IS NULL OR kind = $2) AND ($3::TEXT IS NULL OR state = $3)
             ORDER BY seq DESC LIMIT $4"
        );
        let before = filter.before.map_or(i64::MAX, signed);
        let state = filter.state.map(State::name);
        let limit = signed(filter.limit as u64);
        let rows = self.query(&query, &[&before, &filter.kind, &state, &limit])?;
        rows.iter().map(job).collect()
    }

    fn history(&mut self, id: &JobId) -> Result<Vec<Transition>, StoreError> {
        let query = "SELECT t.state, t.at, t.attempt, t.launch, t.error
             FROM wrasse_transitions t JOIN wrasse_jobs jobs ON jobs.seq = t.job
             WHERE jobs.id = $1 ORDER BY t.n";
        let rows = self.query(query, &[&id.as_str()])?;
        rows.iter()
            .map(|row| {
                Ok(Transition {
                    state: state(row, 0)?,
                    at: Millis(number(row, 1)),
                    attempt: number(row, 2) as u32,
                    launch: number(row, 3) as u32,
                    error: row.get(4),
                })
            })
            .collect()
    }
}

fn job(row: &Row) -> Result<Job, StoreError> {
    let result: Option<String> = row.get(14);
    let time = |i| {
        let at: Option<i64> = row.get(i);
        at.map(|at| Millis(at.unsigned_abs()))
    };
    Ok(Job {
        id: row
            .get::<_, &str>(0)
            .parse()
            .map_err(|error: String| StoreError::new(error))?,
        seq: number(row, 1),
        submission: serde_json::from_str(row.get(2))?,
        state: state(row, 3)?,
        partial: row.get(4),
        held: row.get(5),
        cancelling: row.get(6),
        attempts: number(row, 7) as u32,
        launches: number(row, 8) as u32,
        not_before: Millis(number(row, 9)),
        created_at: Millis(number(row, 10)),
        started_at: time(11),
        ended_at: time(12),
        error: row.get(13),
        result: match result {
            Some(text) => serde_json::from_str(&text)?,
            None => Value::Null,
        },
    })
}

fn state(row: &Row, i: usize) -> Result<State, StoreError> {
    let name: &str = row.get(i);
    State::of(name).ok_or_else(|| StoreError::new(format!("unknown state `{name}`")))
}

/// Its numbers have a sign; ours are never so large that it matters.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &Row, i: usize) -> u64 {
    row.get::<_, i64>(i).unsigned_abs()
}

/// Its texts have no zero bytes.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
