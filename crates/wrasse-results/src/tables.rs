//! [`Tables`]: DataMate's tables, filled with DataMate's statements.
//!
//! | table | gets |
//! |---|---|
//! | `t_clean_result` | a row for every file: exported, filtered or failed |
//! | `t_dm_dataset_files` | a row for every exported file, and for what operators left in the folder |
//! | `t_dm_datasets` | at the end, size and number of the data set's files |
//! | `t_clean_task` | at the end, status, size and time |

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::connection::{Connection, Param, row_int, row_text};
use crate::{Destination, Error, FileResult, Outcome, Target, Task, postgres, sqlite};

const INSERT_RESULT: &str = "INSERT INTO t_clean_result \
    (instance_id, src_file_id, dest_file_id, src_name, dest_name, src_type, dest_type, src_size, \
    dest_size, status, result) \
    VALUES (CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), \
    CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS BIGINT), \
    CAST($9 AS BIGINT), CAST($10 AS TEXT), CAST($11 AS TEXT))";

const UPDATE_RESULT: &str = "UPDATE t_clean_result SET src_file_id = CAST($2 AS TEXT), \
    src_name = CAST($4 AS TEXT), dest_name = CAST($5 AS TEXT), src_type = CAST($6 AS TEXT), \
    dest_type = CAST($7 AS TEXT), src_size = CAST($8 AS BIGINT), \
    dest_size = CAST($9 AS BIGINT), status = CAST($10 AS TEXT), result = CAST($11 AS TEXT) \
    WHERE instance_id = CAST($1 AS TEXT) AND dest_file_id = CAST($3 AS TEXT)";

/// Widths of DataMate's columns, in characters. SQLite has none.
const ID_MAX: usize = 64;
const NAME_MAX: usize = 255;
const PATH_MAX: usize = 1000;
const TYPE_MAX: usize = 50;

/// Fills the tables of one task.
pub(crate) struct Tables {
    connection: Box<dyn Connection>,
    insert_file: String,
    update_file: String,
    /// `dest_file_id`s of the task's results.
    results: HashSet<String>,
    /// Ids of the data set's files.
    files: HashSet<String>,
    /// And their ids by path.
    paths: HashMap<String, String>,
}

impl Tables {
    /// Connects, and reads what is there of the task.
    ///
    /// # Errors
    ///
    /// If there is no such database, or it does not know the data set.
    pub(crate) fn open(target: &Target, task: &Task) -> Result<Self, Error> {
        let mut connection: Box<dyn Connection> = match target {
            Target::Sqlite(path) => Box::new(sqlite::Sqlite::open(path, task)?),
            Target::Postgres(address) => Box::new(postgres::Postgres::connect(address, task)?),
        };
        let known = "SELECT dest_file_id FROM t_clean_result WHERE instance_id = CAST($1 AS TEXT)";
        let rows = connection.query(known, &[Param::text(&task.instance_id)], "T")?;
        let results = rows.iter().map(|row| row_text(row, 0)).collect();
        let known =
            "SELECT id, file_path FROM t_dm_dataset_files WHERE dataset_id = CAST($1 AS TEXT)";
        let rows = connection.query(known, &[Param::text(&task.dataset_id)], "TT")?;
        let time = connection.time(8);
        Ok(Self {
            insert_file: format!(
                "INSERT INTO t_dm_dataset_files (id, dataset_id, file_name, file_path, file_type, \
                file_size, status, upload_time, last_access_time, created_at, updated_at) \
                VALUES (CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), \
                CAST($5 AS TEXT), CAST($6 AS BIGINT), CAST($7 AS TEXT), CURRENT_TIMESTAMP, {time}, \
                CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
            ),
            update_file: format!(
                "UPDATE t_dm_dataset_files SET dataset_id = CAST($2 AS TEXT), \
                file_name = CAST($3 AS TEXT), file_path = CAST($4 AS TEXT), \
                file_type = CAST($5 AS TEXT), file_size = CAST($6 AS BIGINT), \
                status = CAST($7 AS TEXT), last_access_time = {time}, \
                updated_at = CURRENT_TIMESTAMP WHERE id = CAST($1 AS TEXT)"
            ),
            results,
            files: rows.iter().map(|row| row_text(row, 0)).collect(),
            paths: rows
                .iter()
                .map(|row| (row_text(row, 1), row_text(row, 0)))
                .collect(),
            connection,
        })
    }

    /// Records results: all of them, or none.
    pub(crate) fn record(&mut self, results: &[FileResult], task: &Task) -> Result<(), Error> {
        self.connection.execute("BEGIN", &[])?;
        for result in results {
            self.record_one(result, task)?;
        }
        self.connection.execute("COMMIT", &[])
    }

    fn record_one(&mut self, result: &FileResult, task: &Task) -> Result<(), Error> {
        let source = &result.source;
        let (id, name, kind, bytes) = match &result.outcome {
            Outcome::Exported(file) => {
                let known = self.paths.get(&file.path).cloned();
                let id = known.unwrap_or_else(|| result.id(task));
                (id, file.name.clone(), file.kind.clone(), file.bytes)
            }
            Outcome::Filtered { .. } | Outcome::Failed { .. } => {
                (result.id(task), source.file.clone(), String::new(), 0)
            }
        };
        let params = [
            Param::text(&task.instance_id),
            Param::text(&cut(&source.id, ID_MAX)),
            Param::text(&id),
            Param::text(&cut(&source.file, NAME_MAX)),
            Param::text(&cut(&name, NAME_MAX)),
            Param::text(&cut(&source.kind, NAME_MAX)),
            Param::text(&cut(&kind, NAME_MAX)),
            Param::size(source.size),
            Param::size(bytes),
            Param::text(result.status()),
            Param::text(&result.reason().to_string()),
        ];
        let statement = match self.results.contains(&id) {
            true => UPDATE_RESULT,
            false => INSERT_RESULT,
        };
        self.connection.execute(statement, &params)?;
        self.results.insert(id.clone());
        if let Outcome::Exported(file) = &result.outcome {
            self.record_file(&id, file, task)?;
        }
        Ok(())
    }

    fn record_file(&mut self, id: &str, file: &Destination, task: &Task) -> Result<(), Error> {
        let params = [
            Param::text(id),
            Param::text(&task.dataset_id),
            Param::text(&cut(&file.name, NAME_MAX)),
            Param::text(&cut(&file.path, PATH_MAX)),
            Param::text(&cut(&file.kind, TYPE_MAX)),
            Param::size(file.bytes),
            Param::text("COMPLETED"),
            Param::Time(changed(Path::new(&file.path))),
        ];
        let statement = match self.files.contains(id) {
            true => &self.update_file,
            false => &self.insert_file,
        };
        self.connection.execute(statement, &params)?;
        self.files.insert(id.to_owned());
        self.paths.insert(file.path.clone(), id.to_owned());
        Ok(())
    }

    /// Records files in the folder that no result tells of: operators may write
    /// there, too.
    pub(crate) fn record_others(&mut self, task: &Task) -> Result<u64, Error> {
        let mut found = Vec::new();
        walk(&task.export_path, &mut found);
        found.sort();
        found.retain(|(path, _)| !self.paths.contains_key(path));
        self.connection.execute("BEGIN", &[])?;
        for (path, bytes) in &found {
            let file = Destination::new(Path::new(path), *bytes);
            // A number that is no result's, and the same each time.
            let result = FileResult {
                source: wrasse_io::ExportSource {
                    id: path.clone(),
                    piece: u32::MAX,
                    ..Default::default()
                },
                outcome: Outcome::Exported(file.clone()),
                number: None,
            };
            self.record_file(&result.id(task), &file, task)?;
        }
        self.connection.execute("COMMIT", &[])?;
        Ok(found.len() as u64)
    }

    /// Records the end of the task: `None` if it failed as a whole.
    pub(crate) fn end(&mut self, failed: bool, task: &Task) -> Result<(), Error> {
        let dataset = Param::text(&task.dataset_id);
        let instance = Param::text(&task.instance_id);
        let rows = self.connection.query(
            "SELECT CAST(COALESCE(SUM(file_size), 0) AS BIGINT), COUNT(*) \
            FROM t_dm_dataset_files WHERE dataset_id = CAST($1 AS TEXT)",
            std::slice::from_ref(&dataset),
            "NN",
        )?;
        let (bytes, count) = rows
            .first()
            .map_or((0, 0), |row| (row_int(row, 0), row_int(row, 1)));
        self.connection.execute(
            "UPDATE t_dm_datasets SET size_bytes = CAST($1 AS BIGINT), \
            file_count = CAST($2 AS BIGINT) WHERE id = CAST($3 AS TEXT)",
            &[Param::Int(bytes), Param::Int(count), dataset],
        )?;
        let rows = self.connection.query(
            "SELECT COUNT(CASE WHEN status = 'COMPLETED' THEN 1 END), \
            COUNT(CASE WHEN status = 'FAILED' THEN 1 END) \
            FROM t_clean_result WHERE instance_id = CAST($1 AS TEXT)",
            std::slice::from_ref(&instance),
            "NN",
        )?;
        let counts = rows
            .first()
            .map_or((0, 0), |row| (row_int(row, 0), row_int(row, 1)));
        let status = match counts {
            _ if failed => "FAILED",
            (0, _) => "FAILED",
            (_, 0) => "COMPLETED",
            _ => "PARTIAL_SUCCESS",
        };
        self.connection.execute(
            "UPDATE t_clean_task SET status = CAST($1 AS TEXT), \
            after_size = CAST($2 AS BIGINT), finished_at = CURRENT_TIMESTAMP \
            WHERE id = CAST($3 AS TEXT)",
            &[Param::text(status), Param::Int(bytes), instance],
        )
    }
}

/// At most `n_max` characters: longer values are refused by columns.
fn cut(text: &str, n_max: usize) -> String {
    text.chars().take(n_max).collect()
}

/// When a file was changed, in seconds since 1970; 0 if it is gone.
fn changed(path: &Path) -> f64 {
    let changed = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let since = changed
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// The files below a folder and their sizes, without hidden ones.
fn walk(folder: &Path, found: &mut Vec<(String, u64)>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => walk(&path, found),
            Ok(metadata) if metadata.is_file() => {
                found.push((path.to_string_lossy().into_owned(), metadata.len()));
            }
            _ => {}
        }
    }
}
