//! What Ray costs: a script of Ray's own language measures it. And what that means
//! for a cluster that is larger than any here.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::Args;
use super::job::RECIPE;
use super::lab::Lab;
use super::report::{head, number};

const SCRIPT: &str = "crates/wrasse-bench/peers/ray_bench.py";

/// The figures, as the script tells them.
pub(super) fn rows(lab: &Lab, root: &Path, args: &Args) -> Result<Value> {
    if !args.no_build {
        let status = Command::new("cargo")
            .args(["build", "--release", "--package", "wrasse-py"])
            .current_dir(root)
            .status()?;
        ensure!(status.success(), "the extension module cannot be built");
    }
    let part = lab.input("ray-part", (args.mb / 4).max(1))?;
    let input = lab.input("ray", args.mb)?;
    let program = lab.release("wrasse");
    let engine = Path::new(&program).with_file_name("libwrasse_py.so");
    let output = Command::new(&args.python)
        .args([SCRIPT, &program])
        .arg(engine)
        .args(["python", RECIPE, &part.path, &input.path])
        .current_dir(root)
        .output()
        .context("cannot start Python")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the script failed:\n{said}");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    let figures: Value = serde_json::from_str(line).context("the script told nothing")?;
    Ok(json!({ "input": input.facts, "ray": figures }))
}

/// The backend of Ray.
pub(super) fn report(all: &Value) -> String {
    let mut text = head("The backend of Ray", all);
    let ray = &all["ray"];
    text.push_str(
        "\nOne cluster of two processors on this machine. Costs of a task are slopes between \
few and many tasks of one row; processor time of the driver, with that of the gateway. Python had its bytecode, as installers \
leave it.\n\n\
| | driver, us a task | tasks/s |\n| --- | ---: | ---: |\n",
    );
    for (name, row) in [
        ("Wrasse", &ray["wrasse"]),
        ("Ray Data, `map_batches`", &ray["ray_data"]),
    ] {
        let _ = match row["missing"].as_str() {
            Some(why) => writeln!(text, "| {name} | {why} | |"),
            None => writeln!(
                text,
                "| {name} | {:.0} | {:.0} |",
                number(&row["driver_us_per_task"]),
                number(&row["tasks_per_second"])
            ),
        };
    }
    let _ = writeln!(
        text,
        "\nThe job of eight steps on {:.0} MB, in seconds of processor time. One file is written by \
the driver; parts, on this one small node, by the driver too, and on several nodes by workers, \
which the last line has here (`--ray-polling`). The last column is without what it costs to begin, \
by the difference to an input of a quarter.\n\n\
| output | threads | Ray, all processes | of which the driver | times | once begun |\n\
| --- | ---: | ---: | ---: | ---: | ---: |",
        number(&ray["job"]["mb"]),
    );
    for (name, job) in [
        ("one file", &ray["job"]),
        ("a folder of parts", &ray["job_in_parts"]),
        ("parts by workers", &ray["job_as_on_nodes"]),
    ] {
        let _ = writeln!(
            text,
            "| {name} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2} |",
            number(&job["threads"]["cpu_s"]),
            number(&job["ray"]["cpu_s"]),
            number(&job["ray"]["driver_cpu_s"]),
            number(&job["ratio"]),
            number(&job["begun"]["ratio"]),
        );
    }
    let reaction = &ray["reaction"];
    let _ = match reaction["missing"].as_str() {
        Some(why) => writeln!(text, "\nReaction: {why}."),
        None => writeln!(
            text,
            "\nFrom the end of a task to the start of the next on the same worker, beside a task of \
{:.1} s: p50 {:.1} ms, p90 {:.1} ms ({} gaps).",
            number(&reaction["long_s"]),
            number(&reaction["p50_ms"]),
            number(&reaction["p90_ms"]),
            reaction["gaps"],
        ),
    };
    text.push_str(&on_paper(&Costs::of(ray)));
    text
}

/// Workers of the cluster on paper.
const WORKERS: f64 = 5000.0;

/// Share of one processor that the driver may take.
const BUSY: f64 = 0.1;

/// What was measured.
struct Costs {
    /// Of the driver with its gateway, for a task.
    task_s: f64,
    /// Of these, the gateway's.
    gateway_s: f64,
    /// Of the driver, for a gigabyte of input of the job.
    driver_s_per_gb: f64,
    /// The same, where workers write the output.
    driver_s_per_gb_of_parts: f64,
    /// Of the work itself, for a gigabyte.
    work_s_per_gb: f64,
}

impl Costs {
    fn of(ray: &Value) -> Self {
        let begun = &ray["job"]["begun"];
        Self {
            task_s: number(&ray["wrasse"]["driver_us_per_task"]) / 1e6,
            gateway_s: number(&ray["wrasse"]["gateway_us_per_task"]) / 1e6,
            driver_s_per_gb: number(&begun["driver_s_per_gb"]),
            driver_s_per_gb_of_parts: number(&ray["job_as_on_nodes"]["begun"]["driver_s_per_gb"]),
            work_s_per_gb: number(&begun["work_s_per_gb"]),
        }
    }

    /// Seconds that a task has to take so that this many workers keep the driver
    /// busy for a share of a processor.
    fn task_least_s(&self, workers: f64, busy: f64) -> f64 {
        workers * self.task_s / busy
    }

    /// Workers of the job that keep the driver busy for a share of a processor
    /// with the rows that go through it, whatever the size of tasks.
    fn workers_by_rows(&self, busy: f64) -> f64 {
        busy * self.work_s_per_gb / self.driver_s_per_gb
    }
}

/// What limits the driver of a large cluster.
fn on_paper(costs: &Costs) -> String {
    let least_s = costs.task_least_s(WORKERS, BUSY);
    let mb = |seconds: f64| seconds / costs.work_s_per_gb * 1e3;
    format!(
        "\n## On paper: {WORKERS:.0} workers\n\n\
A task costs the driver {:.0} us, of which {:.0} are the gateway's, a Python process that submits \
one after the other: it can keep up with {:.0} tasks/s, that is with {WORKERS:.0} workers if tasks \
take {:.1} s, and is less than {:.0} % busy if they take {least_s:.0} s: {:.0} MB of the job of \
eight steps, which works on {:.0} MB a second and worker (`--ray-task-bytes`).\n\n\
Rows that go through the driver cost it {:.2} s a GB of the job's input, the work itself {:.2} s: \
whatever the size of tasks, the rows of {:.1} workers keep it busy, those of {:.1} for {:.0} %. So \
for work as light as this job's it is the rows that limit a run, not the tasks. Of an output in \
parts that workers write the driver sees lengths: {:.2} s a GB, and {:.0} workers.\n",
        costs.task_s * 1e6,
        costs.gateway_s * 1e6,
        1.0 / costs.task_s,
        costs.task_least_s(WORKERS, 1.0),
        BUSY * 100.0,
        mb(least_s),
        mb(1.0),
        costs.driver_s_per_gb,
        costs.work_s_per_gb,
        costs.workers_by_rows(1.0),
        costs.workers_by_rows(BUSY),
        BUSY * 100.0,
        costs.driver_s_per_gb_of_parts,
        costs.work_s_per_gb / costs.driver_s_per_gb_of_parts.max(0.001),
    )
}

#[cfg(test)]
mod tests {
    use super::Costs;

    #[test]
    fn what_a_task_costs_says_how_long_it_has_to_take() {
        let costs = Costs {
            task_s: 400e-6,
            gateway_s: 300e-6,
            driver_s_per_gb: 1.0,
            driver_s_per_gb_of_parts: 0.1,
            work_s_per_gb: 12.0,
        };
        // 5000 workers, each with a new task every 20 s: 250 tasks/s, 0.1 s of work.
        assert!((costs.task_least_s(5000.0, 0.1) - 20.0).abs() < 1e-9);
        // 12 workers go through a GB in a second, which takes the driver a second.
        assert!((costs.workers_by_rows(1.0) - 12.0).abs() < 1e-9);
    }
}
