//! `wrasse serve`.

use std::path::Path;

use wrasse_http::{Config, Limits, Tokens};
use wrasse_op::Catalog;
use wrasse_service::Settings;

use crate::Exit;
use crate::args::{KeepArgs, ServeArgs};
use crate::failure::{Failure, say};
use crate::ops::spec_json;

/// The variable of the token that opens everything.
const TOKEN: &str = "WRASSE_TOKEN";
/// The variable of the token that opens what only looks.
const READ_TOKEN: &str = "WRASSE_READ_TOKEN";

/// The variable of the store, whose address may have a password.
const STORE: &str = "WRASSE_STORE";

pub(crate) fn serve(args: &ServeArgs, catalog: &Catalog) -> Result<Exit, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::usage(format!("cannot find this program: {error}")))?;
    let shown = program.display().to_string();
    let mut settings = Settings::new(&args.state, vec![shown, "keep".to_owned()], program);
    settings.max_concurrent = args.max_concurrent;
    settings.grace_ms = (args.grace * 1_000.0) as u64;
    settings.store = args.store.clone().or_else(|| variable_of(STORE));
    settings.ray_address = args
        .ray_address
        .as_ref()
        .map(|url| url.trim_end_matches('/').to_owned());
    settings.env_remove = [TOKEN, READ_TOKEN, STORE].map(str::to_owned).into();
    std::fs::create_dir_all(&args.state).map_err(|error| {
        Failure::usage(format!("cannot make {}: {error}", args.state.display()))
    })?;
    let roots = match args.roots.is_empty() {
        true => vec![".".to_owned()],
        false => args.roots.clone(),
    };
    let config = Config {
        address: args.listen,
        scheduler: settings,
        functions: wrasse_service::Functions::default(),
        catalog: catalog.clone(),
        operators: catalog.iter().map(spec_json).collect(),
        roots,
        tokens: Tokens {
            operate: token(args.token_file.as_deref(), TOKEN)?,
            read: token(args.read_token_file.as_deref(), READ_TOKEN)?,
        },
        allows_commands: args.allow_commands,
        flows: args.flows.clone(),
        limits: Limits {
            per_second: args.rate as f64,
            ..Limits::default()
        },
    };
    let served = wrasse_http::run(config, |address| {
        say(&format!("serving at http://{address}/"));
    });
    served.map_err(|error| Failure {
        message: error,
        hint: None,
        exit: Exit::Failed,
    })?;
    Ok(Exit::Done)
}

/// Follows a job of Ray, for a keeper.
pub(crate) fn follow_ray_job(args: &KeepArgs) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| Failure {
        message: error.to_string(),
        hint: None,
        exit: Exit::Failed,
    };
    wrasse_http::follow_ray_job(&args.dir, variable_of("RAY_AUTH_TOKEN")).map_err(failed)?;
    Ok(Exit::Done)
}

/// A secret from a file, or from the environment.
pub(crate) fn token(file: Option<&Path>, variable: &str) -> Result<Option<String>, Failure> {
    let text =
        match file {
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("cannot read {}: {error}", path.display()))
            })?),
            None => variable_of(variable),
        };
    let token = text.map(|text| text.trim().to_owned());
    match token {
        Some(token) if token.is_empty() && file.is_some() => {
            Err(Failure::usage("the file of the token is empty"))
        }
        token => Ok(token.filter(|token| !token.is_empty())),
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment is read here")]
pub(crate) fn variable_of(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
