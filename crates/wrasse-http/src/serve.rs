//! [`run`]: the service, from its settings to its end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use wrasse_op::Catalog;
use wrasse_service::{Functions, Settings, TaskScheduler};

use crate::app::{App, Limits};
use crate::client::Wire;
use crate::{Roots, Tokens, server};

/// A service in full.
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// The scheduler.
    pub scheduler: Settings,
    /// Functions that jobs may call.
    pub functions: Functions,
    /// The operators that recipes may name.
    pub catalog: Catalog,
    /// The same, as they are shown.
    pub operators: Vec<Value>,
    /// Folders and addresses that are open to jobs; relative paths begin at
    /// the first folder.
    pub roots: Vec<String>,
    /// Who may do what.
    pub tokens: Tokens,
    /// Whether jobs may be programs.
    pub allows_commands: bool,
    /// Where DataMate puts `<task>/process.yaml`.
    pub flows: Option<PathBuf>,
    /// What a request may cost.
    pub limits: Limits,
}

impl Config {
    /// Refuses what would open the machine to others.
    fn check(&self) -> Result<(), String> {
        let is_loopback = self.address.ip().is_loopback();
        if !is_loopback && self.tokens.is_empty() {
            return Err(format!(
                "at {} others can reach the service: it needs a token",
                self.address.ip()
            ));
        }
        if self.allows_commands && self.tokens.operate.is_none() {
            return Err(
                "commands are for those with a token: on this machine, too, others can \
                        reach the service"
                    .to_owned(),
            );
        }
        if let Some(address) = &self.scheduler.ray_address {
            if self.tokens.operate.is_none() {
                return Err(
                    "a cluster of Ray runs any program that it is told to: its jobs are for those \
                     with a token"
                        .to_owned(),
                );
            }
            Wire::new(address, None)?;
        }
        Ok(())
    }
}

/// Serves until a signal ends it; `ready` learns where. Processes of jobs go on
/// without it, and the next service takes them up.
///
/// # Errors
///
/// If it cannot begin, in words.
pub fn run(config: Config, ready: impl FnOnce(SocketAddr)) -> Result<(), String> {
    config.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // It waits more than it works; jobs have the processors.
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(serve(config, ready))
}

async fn serve(config: Config, ready: impl FnOnce(SocketAddr)) -> Result<(), String> {
    let in_words = |error: io::Error| error.to_string();
    let mut terminate = signal(SignalKind::terminate()).map_err(in_words)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(in_words)?;
    let listener = TcpListener::bind(config.address)
        .await
        .map_err(|error| format!("cannot listen at {}: {error}", config.address))?;
    let address = listener.local_addr().map_err(in_words)?;
    let state = config.scheduler.state.clone();
    let scheduler = TaskScheduler::start(config.scheduler, config.functions)
        .map_err(|error| error.to_string())?;
    let mut roots = config.roots;
    roots.extend(config.flows.iter().map(|flows| flows.display().to_string()));
    let app = App {
        scheduler: scheduler.clone(),
        catalog: config.catalog,
        operators: config.operators,
        roots: Roots::new(&roots, &state)?,
        tokens: config.tokens,
        allows_commands: config.allows_commands,
        flows: config.flows,
        limits: config.limits,
        is_loopback: address.ip().is_loopback(),
    };
    ready(address);
    let end = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server::serve(listener, app, end).await.map_err(in_words)?;
    scheduler.shutdown().await;
    Ok(())
}
