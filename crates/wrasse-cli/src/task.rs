//! `wrasse task`: jobs of a service, from the terminal.

use std::io::Write as _;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wrasse_http::{Client, Reply};

use crate::Exit;
use crate::args::{SubmitArgs, TaskArgs, TaskCommand};
use crate::failure::{Failure, print, say};
use crate::serve::{token, variable_of};
use crate::table::{Align, table};

const URL: &str = "http://127.0.0.1:7070";
/// How often a log that is followed is asked for.
const FOLLOW: Duration = Duration::from_millis(300);
/// The longest wait that the service offers.
const WAIT_S: f64 = 60.0;

pub(crate) fn task(args: &TaskArgs) -> Result<Exit, Failure> {
    let url = args.url.clone().or_else(|| variable_of("WRASSE_URL"));
    let url = url.unwrap_or_else(|| URL.to_owned());
    let token = token(args.token_file.as_deref(), "WRASSE_TOKEN")?;
    let service = Service(Client::new(url.trim_end_matches('/'), token).map_err(Failure::usage)?);
    let show = |job: &Value| match args.json {
        true => print(&format!("{job:#}\n")),
        false => print(&page(job)),
    };
    match &args.command {
        TaskCommand::Submit(submit) => {
            let job = service.json("POST", "/api/v1/jobs", Some(&submission(submit)?))?;
            if submit.wait {
                let id = job["id"].as_str().unwrap_or_default();
                say(&format!("{id}: {}", text(&job["state"])));
                return wait(&service, id, None, args.json);
            }
            match args.json {
                true => show(&job),
                false => print(&format!("{}\n", text(&job["id"]))),
            }
        }
        TaskCommand::List { state, limit } => {
            let mut path = format!("/api/v1/jobs?limit={limit}");
            if let Some(state) = state {
                path.push_str(&format!("&state={}", escape(state)));
            }
            let jobs = service.json("GET", &path, None)?;
            match args.json {
                true => print(&format!("{jobs:#}\n")),
                false => print(&list(&jobs["jobs"])),
            }
        }
        TaskCommand::Show { id } => show(&service.json("GET", &path(id, ""), None)?),
        TaskCommand::Logs { id, follow } => logs(&service, id, *follow),
        TaskCommand::Cancel { id } => show(&service.json("POST", &path(id, "/cancel"), None)?),
        TaskCommand::Retry { id } => show(&service.json("POST", &path(id, "/retry"), None)?),
        TaskCommand::Wait { id, timeout } => wait(&service, id, *timeout, args.json),
    }
}

fn path(id: &str, rest: &str) -> String {
    format!("/api/v1/jobs/{}{rest}", escape(id))
}

/// What of a text may stand in an address.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

struct Service(Client);

impl Service {
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, Failure> {
        let failed = |message| Failure {
            message,
            hint: None,
            exit: Exit::Failed,
        };
        let reply = self.0.ask(method, path, body).map_err(|error| {
            failed(error).with_hint("`wrasse serve` starts a service; --url says where it is")
        })?;
        match reply.problem() {
            None => Ok(reply),
            Some(problem) => {
                for finding in reply.json()["findings"].as_array().into_iter().flatten() {
                    let (line, column) = (&finding["line"], &finding["column"]);
                    let (severity, message) =
                        (text(&finding["severity"]), text(&finding["message"]));
                    say(&format!("{line}:{column}: {severity}: {message}"));
                }
                let exit = if reply.status < 500 {
                    Exit::Usage
                } else {
                    Exit::Failed
                };
                Err(Failure {
                    message: problem,
                    hint: (reply.status == 401)
                        .then(|| "--token-file or WRASSE_TOKEN gives a token".to_owned()),
                    exit,
                })
            }
        }
    }

    fn json(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        Ok(self.ask(method, path, body)?.json())
    }
}

fn submission(args: &SubmitArgs) -> Result<Value, Failure> {
    let work = match &args.recipe {
        Some(recipe) => {
            let path = std::path::absolute(recipe)
                .map_err(|error| Failure::usage(format!("{}: {error}", recipe.display())))?;
            let cwd = std::env::current_dir().map_err(|error| Failure::usage(error.to_string()))?;
            json!({
                "kind": "run",
                "path": path,
                "cwd": cwd,
                "set": args.set,
                "threads": args.threads,
                "memory": args.memory,
                "timeout_s": args.timeout,
            })
        }
        None if args.ray => json!({
            "kind": "ray_job",
            "entrypoint": shell_line(&args.command),
            "runtime_env": args.runtime_env.clone().unwrap_or_else(|| json!({})),
            "stall_s": args.stall,
            "timeout_s": args.timeout,
        }),
        None => json!({ "kind": "command", "argv": args.command, "timeout_s": args.timeout }),
    };
    Ok(json!({
        "id": args.id,
        "title": args.title,
        "work": work,
        "priority": args.priority,
        "retry": { "attempts": args.attempts },
        "after": args.after,
    }))
}

/// Words as a shell reads them back.
fn shell_line(words: &[String]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    let quoted = words.iter().map(|word| match word.as_str() {
        word if !word.is_empty() && word.bytes().all(is_plain) => word.to_owned(),
        word => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[expect(clippy::disallowed_methods, reason = "how long a person wants to wait")]
fn wait(service: &Service, id: &str, timeout: Option<f64>, as_json: bool) -> Result<Exit, Failure> {
    let began = Instant::now();
    loop {
        let left = timeout.map(|timeout| (timeout - began.elapsed().as_secs_f64()).max(0.0));
        let asked = left.map_or(WAIT_S, |left| left.min(WAIT_S));
        let job = service.json("GET", &path(id, &format!("/wait?timeout_s={asked}")), None)?;
        let exit = match text(&job["state"]) {
            "completed" => Exit::Done,
            "failed" => Exit::Failed,
            "cancelled" => Exit::Interrupted,
            _ if left.is_some_and(|left| left <= asked) => {
                say(&format!("{id} has not come to its end"));
                return Ok(Exit::Rejects);
            }
            _ => continue,
        };
        match as_json {
            true => print(&format!("{job:#}\n"))?,
            false => print(&page(&job))?,
        };
        return Ok(exit);
    }
}

fn logs(service: &Service, id: &str, follow: bool) -> Result<Exit, Failure> {
    let (_never, nothing) = channel::<()>();
    let mut next = 0_u64;
    let mut launch = None;
    loop {
        // First this: what is said after it is asked for once more.
        let job = service.json("GET", &path(id, ""), None)?;
        let is_over = !matches!(text(&job["state"]), "pending" | "running");
        let now = job["launches"].as_u64();
        if launch != now {
            (launch, next) = (now, 0);
        }
        loop {
            let address = path(id, &format!("/logs?offset={next}&limit=1048576"));
            let reply = service.ask("GET", &address, None)?;
            let begins = reply.header("x-log-offset").and_then(|at| at.parse().ok());
            if begins.is_some_and(|begins: u64| begins > next) && !reply.bytes.is_empty() {
                say("(what came before is no longer kept)");
            }
            let mut out = std::io::stdout().lock();
            if out
                .write_all(&reply.bytes)
                .and_then(|()| out.flush())
                .is_err()
            {
                return Ok(Exit::Done); // Nobody reads it any more.
            }
            next = reply
                .header("x-log-next")
                .and_then(|at| at.parse().ok())
                .unwrap_or(next);
            if reply.bytes.is_empty() {
                break;
            }
        }
        if !follow || is_over {
            return Ok(Exit::Done);
        }
        let _ = nothing.recv_timeout(FOLLOW);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The state, with what else there is to say of it.
fn state(job: &Value) -> String {
    let mut state = text(&job["state"]).to_owned();
    for (key, word) in [
        ("partial", "partial"),
        ("held", "held"),
        ("cancelling", "cancelling"),
    ] {
        if job[key] == Value::Bool(true) {
            state.push_str(&format!(" ({word})"));
        }
    }
    state
}

fn list(jobs: &Value) -> String {
    let rows: Vec<Vec<String>> = jobs
        .as_array()
        .into_iter()
        .flatten()
        .map(|job| {
            vec![
                text(&job["id"]).to_owned(),
                text(&job["kind"]).to_owned(),
                state(job),
                job["attempts"].to_string(),
                text(&job["title"]).to_owned(),
            ]
        })
        .collect();
    let header = [
        ("id", Align::Left),
        ("kind", Align::Left),
        ("state", Align::Left),
        ("attempts", Align::Right),
        ("title", Align::Left),
    ];
    table(&header, &rows)
}

fn page(job: &Value) -> String {
    let mut page = format!("{}: {}\n", text(&job["id"]), state(job));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            page.push_str(&format!("  {name:<9}{value}\n"));
        }
    };
    line("kind", text(&job["kind"]));
    line("title", text(&job["title"]));
    line(
        "attempts",
        &format!("{} of {}", job["attempts"], job["attempts_max"]),
    );
    line("ray job", text(&job["result"]["submission_id"]));
    line("error", text(&job["error"]));
    if job["error"].is_null() {
        // What is not known of one that was cancelled.
        line("note", text(&job["result"]["message"]));
    }
    let rows = &job["result"]["report"]["rows"];
    if rows.is_object() {
        let counts: Vec<_> = ["in", "out", "dropped", "duplicates", "rejected"]
            .into_iter()
            .map(|name| format!("{} {name}", rows[name]))
            .collect();
        line("samples", &counts.join(", "));
        line("output", text(&job["result"]["report"]["output"]));
    }
    page
}
