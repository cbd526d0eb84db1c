//! What a run tells while it lasts: stages, events, metrics. One snapshot is
//! behind them all.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use serde_json::Value;
use wrasse_run::{EventLog, Metric, MetricKind};

use crate::support::{Scene, pause};

const RECIPE: &str = "\
dataset_path: '-'
export_path: out.jsonl
process:
  - text_length_filter:
      min_len: 5
  - document_deduplicator:
  - words_num_filter:
      min_num: 1
";

/// More than a few blocks: a block holds half a megabyte.
fn rows(first: usize, n: usize) -> String {
    (first..first + n)
        .map(|i| {
            format!(
                "{{\"text\": \"row number {i} of a stream, {}\"}}\n",
                "word ".repeat(200)
            )
        })
        .collect()
}

/// How often to look at most: a minute in all.
const LOOKS_MAX: u32 = 1_200;

/// A run whose input comes as it is told to.
struct Streamed {
    child: Child,
    input: Option<ChildStdin>,
    errors: BufReader<std::process::ChildStderr>,
}

impl Streamed {
    fn start(scene: &Scene, args: &[&str]) -> Self {
        scene.put("recipe.yaml", RECIPE);
        let mut child = scene
            .command(&[&["run", "recipe.yaml"], args].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            errors: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }

    fn feed(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// The first line of standard error that holds `mark`.
    fn line_with(&mut self, mark: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.errors.read_line(&mut line).unwrap() > 0,
                "no line with `{mark}`"
            );
            if line.contains(mark) {
                return line;
            }
        }
    }

    /// Ends the input; the code, and what else was said.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let mut said = String::new();
        self.errors.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

fn request(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
    (head.to_owned(), body.to_owned())
}

/// Every series with its value; each line must be as the format has it.
fn scrape(address: &str) -> BTreeMap<String, f64> {
    let (head, body) = request(address, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    let known: BTreeMap<&str, Metric> = Metric::ALL
        .iter()
        .map(|metric| (metric.info().name, *metric))
        .collect();
    let mut values = BTreeMap::new();
    let mut typed = "";
    for line in body.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, meaning) = help.split_once(' ').unwrap();
            assert_eq!(known[name].info().meaning, meaning);
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(known[name].info().kind.name(), kind);
            typed = name;
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert_eq!(name, typed, "a series stands below its type");
        assert_eq!(labels(series), known[name].info().labels, "{series}");
        let value: f64 = value.parse().unwrap();
        assert!(
            values.insert(series.to_owned(), value).is_none(),
            "{series}"
        );
    }
    values
}

/// The names of a series' labels; values have no quotes in this test.
fn labels(series: &str) -> Vec<&str> {
    let Some((_, labels)) = series.split_once('{') else {
        return Vec::new();
    };
    let labels = labels.strip_suffix("\"}").unwrap();
    labels
        .split("\",")
        .map(|label| label.split_once("=\"").unwrap().0)
        .collect()
}

/// Scrapes until the metric is as wanted.
fn scrape_until(
    address: &str,
    metric: Metric,
    wanted: impl Fn(f64) -> bool,
) -> BTreeMap<String, f64> {
    for look in 0.. {
        let values = scrape(address);
        let sum: f64 = sum(&values, metric);
        if wanted(sum) {
            return values;
        }
        assert!(look < LOOKS_MAX, "{metric:?} is {sum} at last");
        pause(Duration::from_millis(50));
    }
    unreachable!("it looks until it sees or panics")
}

fn sum(values: &BTreeMap<String, f64>, metric: Metric) -> f64 {
    let name = metric.info().name;
    values
        .iter()
        .filter(|(series, _)| series.split('{').next() == Some(name))
        .map(|(_, value)| value)
        .sum()
}

/// Whether no counter fell, and none is gone.
fn assert_grown(first: &BTreeMap<String, f64>, second: &BTreeMap<String, f64>) {
    for metric in Metric::ALL {
        if metric.info().kind == MetricKind::Gauge {
            continue;
        }
        let name = metric.info().name;
        let of = |series: &str| series.split('{').next() == Some(name);
        for (series, before) in first.iter().filter(|(series, _)| of(series)) {
            let after = second[series];
            assert!(after >= *before, "{series} fell from {before} to {after}");
        }
    }
}

#[test]
fn metrics_are_served_while_a_run_lasts_and_counters_only_grow() {
    let scene = Scene::new();
    let mut run = Streamed::start(&scene, &["--metrics-addr", "0", "--quiet", "-j", "2"]);
    let line = run.line_with("metrics: ");
    let address = line
        .trim()
        .strip_prefix("metrics: http://")
        .and_then(|rest| rest.strip_suffix("/metrics"))
        .unwrap()
        .to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    run.feed(&rows(0, 3_000));
    let first = scrape_until(&address, Metric::RunRowsIn, |n| n >= 500.0);
    let (head, _) = request(&address, "GET / HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let (head, _) = request(&address, "POST /metrics HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    // The same rows once more: duplicates, but for those that were not there.
    let mut last = first.clone();
    for i in 0..20 {
        run.feed(&rows(i * 200, 200));
        for _ in 0..5 {
            let now = scrape(&address);
            assert_grown(&last, &now);
            last = now;
            pause(Duration::from_millis(50));
        }
    }
    let second = scrape_until(&address, Metric::OpDuplicates, |n| n >= 1_000.0);
    assert_grown(&last, &second);
    let did = |values: &BTreeMap<String, f64>, metric| sum(values, metric);
    assert!(did(&second, Metric::TasksFinished) > did(&first, Metric::TasksFinished));
    assert!(did(&second, Metric::LoopBlocked) > did(&second, Metric::LoopBusy));
    assert_eq!(did(&second, Metric::TasksFailed), 0.0);
    assert_eq!(did(&second, Metric::RunThreads), 2.0);
    assert!(did(&second, Metric::BudgetOf) > 0.0);
    let (code, said) = run.end();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(
        TcpStream::connect(&address).is_err(),
        "it ends with the run"
    );
}

#[test]
fn an_address_that_is_taken_is_refused_before_anything_runs() {
    let scene = Scene::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    scene.put("recipe.yaml", RECIPE);
    let address = taken.local_addr().unwrap().to_string();
    let ran = scene.run(&["run", "recipe.yaml", "--metrics-addr", &address]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot serve metrics at 127.0.0.1:"));
    assert!(!scene.has("out.wrasse"));
}

fn events(scene: &Scene) -> Vec<Value> {
    scene.lines(&format!("out.wrasse/{}", EventLog::NAME))
}

#[test]
fn the_event_log_tells_how_a_run_went_and_what_it_waited_for() {
    let scene = Scene::new();
    let mut run = Streamed::start(&scene, &["-j", "2"]);
    run.feed(&rows(0, 3_000));
    // Longer than the least wait that is news, and than a snapshot takes.
    for look in 0.. {
        if events(&scene)
            .iter()
            .any(|line| line["event"] == "snapshot")
        {
            break;
        }
        assert!(look < LOOKS_MAX, "no snapshot is written");
        pause(Duration::from_millis(50));
    }
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
    let lines = events(&scene);
    for line in &lines {
        assert_eq!(line["version"], 1);
        assert!(line["time"].as_f64().unwrap() > 1e9, "{line}");
        assert!(line["elapsed_s"].is_f64(), "{line}");
    }
    let started = &lines[0];
    assert_eq!(started["event"], "run_started");
    assert_eq!(started["threads"], 2);
    assert_eq!(started["resumed"], false);
    assert_eq!(started["operators"][1], "document_deduplicator");
    let gate = &started["stages"][1];
    let wait = lines
        .iter()
        .find(|line| line["event"] == "wait" && line["stage"] == *gate)
        .unwrap();
    assert_eq!(wait["reason"], "input");
    assert_eq!(wait["holder"], started["stages"][0]);
    let ended = lines.last().unwrap();
    assert_eq!(ended["event"], "run_ended");
    assert_eq!(ended["outcome"], "done");
    assert_eq!(ended["snapshot"]["rows"]["out"], 3_000);
    let stages = ended["snapshot"]["stages"].as_array().unwrap();
    assert!(stages.iter().all(|stage| stage["usage"]["cpu"] == 0.0));
    let tasks = &stages[0]["tasks"];
    assert_eq!(tasks["submitted"], tasks["finished"]);
    assert!(stages[0]["task_completion_s"].as_f64().unwrap() > 0.0);
}

#[test]
fn an_event_log_goes_on_when_a_run_is_resumed_and_begins_anew_otherwise() {
    let scene = Scene::new();
    scene.put("in.jsonl", format!("{}not json\n", rows(0, 3_000)));
    scene.put("recipe.yaml", RECIPE.replace("'-'", "in.jsonl"));
    let strict = ["run", "recipe.yaml", "--max-rejects", "0"];
    assert_eq!(scene.run(&strict).code, Some(1));
    scene.must_run(&["run", "recipe.yaml", "--resume"]);
    let outcomes = |scene: &Scene| -> Vec<String> {
        events(scene)
            .iter()
            .filter_map(|line| line["outcome"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(outcomes(&scene), ["too_many_rejects", "done"]);
    scene.must_run(&["run", "recipe.yaml", "--restart"]);
    assert_eq!(outcomes(&scene), ["done"]);
}

#[test]
fn a_verbose_run_says_what_its_stages_did() {
    let scene = Scene::new();
    let mut run = Streamed::start(&scene, &["--verbose"]);
    run.feed(&rows(0, 3_000));
    // The pace of a log; what is told there is a table below the summary.
    let summary = run.line_with(" threads");
    assert!(!summary.starts_with("0 in"), "{summary}");
    let header = run.line_with("allocation");
    for title in [
        "stage",
        "running",
        "usage",
        "budget",
        "may read",
        "waits for",
    ] {
        assert!(header.contains(title), "{header}");
    }
    let line = run.line_with("document_deduplicator");
    assert!(line.contains("cpu 0"), "{line}");
    assert!(
        line.contains("input for 1") || line.contains("input for 9"),
        "{line}"
    );
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
    let (_, totals) = said.split_once("submission held").unwrap();
    assert!(totals.contains("\nscheduling loop: "), "{said}");
    let ran = scene.run(&["run", "recipe.yaml", "--verbose", "--quiet"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

#[test]
fn a_run_that_stands_still_is_ended_and_can_be_resumed() {
    let scene = Scene::new();
    let mut run = Streamed::start(&scene, &["--no-progress-timeout", "1"]);
    run.feed(&rows(0, 10));
    // The reader sits in a read of standard input, which only a signal or an
    // end of the program ends.
    let mut said = String::new();
    run.errors.read_to_string(&mut said).unwrap();
    assert_eq!(run.child.wait().unwrap().code(), Some(3), "{said}");
    let told = "s: task 0.0 of `read > text_length_filter` has been running for 1";
    assert!(
        said.contains("error: nothing has moved for 1") && said.contains(told),
        "{said}"
    );
    assert!(said.contains("hint: --resume"), "{said}");
    let lines = events(&scene);
    let stuck = lines.iter().find(|line| line["event"] == "no_progress");
    assert_eq!(stuck.unwrap()["gives_up"], true);
}
