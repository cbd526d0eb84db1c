//! SQLite: a file with DataMate's tables, made if it is not there.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection as Db, ToSql, params_from_iter};

use crate::connection::{Connection, Param};
use crate::{Error, Task};

/// As DataMate has them, without what results have no use for.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS t_clean_result (
    instance_id  TEXT NOT NULL,
    src_file_id  TEXT,
    dest_file_id TEXT NOT NULL,
    src_name     TEXT,
    dest_name    TEXT,
    src_type     TEXT,
    dest_type    TEXT,
    src_size     INTEGER,
    dest_size    INTEGER,
    status       TEXT,
    result       TEXT,
    PRIMARY KEY (instance_id, dest_file_id)
);
CREATE TABLE IF NOT EXISTS t_dm_datasets (
    id         TEXT PRIMARY KEY,
    size_bytes INTEGER DEFAULT 0,
    file_count INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS t_dm_dataset_files (
    id               TEXT PRIMARY KEY,
    dataset_id       TEXT NOT NULL REFERENCES t_dm_datasets (id) ON DELETE CASCADE,
    file_name        TEXT NOT NULL,
    file_path        TEXT NOT NULL,
    file_type        TEXT,
    file_size        INTEGER DEFAULT 0,
    status           TEXT,
    upload_time      TEXT DEFAULT CURRENT_TIMESTAMP,
    last_access_time TEXT,
    created_at       TEXT DEFAULT CURRENT_TIMESTAMP,
    updated_at       TEXT DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS idx_dm_dataset ON t_dm_dataset_files (dataset_id);
CREATE TABLE IF NOT EXISTS t_clean_task (
    id          TEXT PRIMARY KEY,
    status      TEXT,
    after_size  INTEGER,
    finished_at TEXT
);
";

/// How long another program may hold the file.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Sqlite {
    db: Db,
    place: String,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, task: &Task) -> Result<Self, Error> {
        let place = path.display().to_string();
        let failed = |error: rusqlite::Error| {
            Error::new(
                place.clone(),
                format!("cannot be opened as SQLite: {error}"),
            )
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::new(
                    folder.display().to_string(),
                    format!("cannot be made: {error}"),
                )
            })?;
        }
        let db = Db::open(path).map_err(failed)?;
        db.busy_timeout(PATIENCE).map_err(failed)?;
        db.execute_batch(TABLES).map_err(failed)?;
        for (table, id) in [
            ("t_dm_datasets", &task.dataset_id),
            ("t_clean_task", &task.instance_id),
        ] {
            db.execute(
                &format!("INSERT OR IGNORE INTO {table} (id) VALUES (?1)"),
                [id],
            )
            .map_err(failed)?;
        }
        Ok(Self { db, place })
    }

    fn failed(&self, error: &rusqlite::Error) -> Error {
        Error::new(self.place.clone(), error.to_string())
    }
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::from(text.as_str()),
            Self::Int(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Time(seconds) => ToSqlOutput::Owned(Value::Real(*seconds)),
        })
    }
}

impl Connection for Sqlite {
    fn time(&self, number: usize) -> String {
        format!("datetime(${number}, 'unixepoch')")
    }

    fn execute(&mut self, sql: &str, params: &[Param]) -> Result<(), Error> {
        let run = || -> rusqlite::Result<()> {
            let mut statement = self.db.prepare_cached(&numbered(sql))?;
            statement.execute(params_from_iter(params))?;
            Ok(())
        };
        run().map_err(|error| self.failed(&error))
    }

    fn query(
        &mut self,
        sql: &str,
        params: &[Param],
        columns: &str,
    ) -> Result<Vec<Vec<Param>>, Error> {
        let run = || -> rusqlite::Result<Vec<Vec<Param>>> {
            let mut statement = self.db.prepare_cached(&numbered(sql))?;
            let rows = statement.query_map(params_from_iter(params), |row| {
                columns
                    .chars()
                    .enumerate()
                    .map(|(i, kind)| {
                        Ok(match kind {
                            'T' => {
                                Param::Text(row.get::<_, Option<String>>(i)?.unwrap_or_default())
                            }
                            _ => Param::Int(row.get::<_, Option<i64>>(i)?.unwrap_or(0)),
                        })
                    })
                    .collect()
            })?;
            rows.collect()
        };
        run().map_err(|error| self.failed(&error))
    }
}

/// `$1` would be the name of a parameter here, not its number.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}
