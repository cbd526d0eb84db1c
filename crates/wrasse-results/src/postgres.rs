//! PostgreSQL: the tables that DataMate has there.

use std::collections::HashMap;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Statement};

use crate::connection::{Connection, Param};
use crate::{Error, Task};

/// How long a server may take to answer at first.
const CONNECT: Duration = Duration::from_secs(10);

/// What a task needs there: a table, and a column that tells whether it is
/// DataMate's.
const NEEDED: &[(&str, &str)] = &[
    ("t_clean_result", "dest_file_id"),
    ("t_dm_dataset_files", "dataset_id"),
    ("t_dm_datasets", "file_count"),
    ("t_clean_task", "after_size"),
];

pub(crate) struct Postgres {
    client: Client,
    statements: HashMap<String, Statement>,
    place: String,
}

impl Postgres {
    pub(crate) fn connect(address: &str, task: &Task) -> Result<Self, Error> {
        let mut config: Config = address.parse().map_err(|error| {
            Error::new("--results", format!("no address of PostgreSQL: {error}"))
                .with_hint("write postgres://user:password@host:5432/database")
        })?;
        let place = place(&config);
        if config.get_ssl_mode() == SslMode::Require {
            return Err(Error::new(place, "connections with TLS are not supported")
                .with_hint("leave `sslmode=require` away, and use a network that you trust"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.application_name("wrasse");
        let client = config.connect(NoTls).map_err(|error| {
            Error::new(place.clone(), format!("cannot connect: {}", told(&error)))
        })?;
        let mut opened = Self {
            client,
            statements: HashMap::new(),
            place,
        };
        opened.check(task)?;
        Ok(opened)
    }

    /// Looks for tables and data set, which are not ours to make.
    fn check(&mut self, task: &Task) -> Result<(), Error> {
        for (table, column) in NEEDED {
            let probe = format!("SELECT {column} FROM {table} LIMIT 0");
            self.client.batch_execute(&probe).map_err(|error| {
                let message = format!("has not DataMate's tables: {}", told(&error));
                Error::new(self.place.clone(), message)
                    .with_hint("name DataMate's own database, or leave --results away")
            })?;
        }
        let known = "SELECT id FROM t_dm_datasets WHERE id = CAST($1 AS TEXT)";
        let rows = self.query(known, &[Param::text(&task.dataset_id)], "T")?;
        if rows.is_empty() {
            let message = format!(
                "there is no data set `{}` in t_dm_datasets",
                task.dataset_id
            );
            return Err(Error::new(self.place.clone(), message)
                .with_hint("results of files belong to a data set; see `dataset_id` of the task"));
        }
        Ok(())
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let made = self
            .client
            .prepare(sql)
            .map_err(|error| self.failed(&error))?;
        self.statements.insert(sql.to_owned(), made.clone());
        Ok(made)
    }

    fn failed(&self, error: &postgres::Error) -> Error {
        Error::new(self.place.clone(), told(error))
    }
}

impl Connection for Postgres {
    fn time(&self, number: usize) -> String {
        format!("to_timestamp(CAST(${number} AS DOUBLE PRECISION))")
    }

    fn execute(&mut self, sql: &str, params: &[Param]) -> Result<(), Error> {
        let statement = self.statement(sql)?;
        let done = self.client.execute(&statement, &bound(params));
        done.map(drop).map_err(|error| self.failed(&error))
    }

    fn query(
        &mut self,
        sql: &str,
        params: &[Param],
        columns: &str,
    ) -> Result<Vec<Vec<Param>>, Error> {
        let statement = self.statement(sql)?;
        let rows = self.client.query(&statement, &bound(params));
        let rows = rows.map_err(|error| self.failed(&error))?;
        rows.iter()
            .map(|row| {
                columns
                    .chars()
                    .enumerate()
                    .map(|(i, kind)| match kind {
                        'T' => row
                            .try_get::<_, Option<String>>(i)
                            .map(|text| Param::Text(text.unwrap_or_default())),
                        _ => row
                            .try_get::<_, Option<i64>>(i)
                            .map(|number| Param::Int(number.unwrap_or(0))),
                    })
                    .collect::<Result<_, _>>()
                    .map_err(|error| self.failed(&error))
            })
            .collect()
    }
}

fn bound(params: &[Param]) -> Vec<&(dyn ToSql + Sync)> {
    params
        .iter()
        .map(|param| match param {
            Param::Text(text) => text as &(dyn ToSql + Sync),
            Param::Int(number) => number,
            Param::Time(seconds) => seconds,
        })
        .collect()
}

/// What the server said, or else what went wrong on the way to it.
fn told(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(inner) = cause {
                if !text.contains(&inner.to_string()) {
                    text = format!("{text}: {inner}");
                }
                cause = inner.source();
            }
            text
        }
    }
}

/// The address without its password.
fn place(config: &Config) -> String {
    use postgres::config::Host;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config
        .get_dbname()
        .or_else(|| config.get_user())
        .unwrap_or_default();
    format!("postgres://{host}:{port}/{database}")
}
