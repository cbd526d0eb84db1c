//! Runs a command and says what it took.
//!
//! This is a process of its own for each command, because the system keeps the
//! peak memory of children as one number for all that ever were.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use serde_json::{Value, json};

/// Runs `program`, with its standard output into the file `stdout`.
///
/// `peak_bytes` is the largest resident memory of one process of the tree, and
/// not below this program's own few megabytes; `tree_bytes` the largest of all
/// processes together, looked at ten times a second. What they share counts
/// for each of them.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this is for"
)]
pub(crate) fn measure(stdout: &Path, program: &str, args: &[&str]) -> Result<Value> {
    let mut file = std::fs::File::create(stdout)?;
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| program.to_owned())?;
    let over = Arc::new(AtomicBool::new(false));
    let (root, is_over) = (child.id(), Arc::clone(&over));
    let watcher = std::thread::spawn(move || {
        let mut most = 0;
        while !is_over.load(Ordering::Relaxed) {
            most = most.max(tree_bytes(root));
            rest();
        }
        most
    });
    let mut pipe = child.stdout.take().context("standard output is piped")?;
    let mut buffer = [0; 1 << 16];
    let mut first_byte_s = None;
    loop {
        let n = pipe.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        first_byte_s.get_or_insert_with(|| start.elapsed().as_secs_f64());
        file.write_all(&buffer[..n])?;
    }
    let status = child.wait()?;
    over.store(true, Ordering::Relaxed);
    let tree_bytes = watcher.join().unwrap_or_default();
    let wall_s = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(json!({
        "exit": status.code(),
        "wall_s": wall_s,
        "first_byte_s": first_byte_s,
        "cpu_s": cpu_seconds(&usage),
        // The system counts in KiB.
        "peak_bytes": usage.max_rss() * 1024,
        "tree_bytes": tree_bytes,
    }))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the system has no event for memory"
)]
fn rest() {
    std::thread::sleep(Duration::from_millis(100));
}

/// Resident memory of a process and of all that it has started; 0 where the
/// system does not say.
fn tree_bytes(root: u32) -> u64 {
    let mut processes = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(id) = id else { continue };
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
        };
        // The system counts in KiB.
        processes.push((id, number("PPid:") as u32, number("VmRSS:") * 1024));
    }
    let mut family = vec![root];
    let mut sum = 0;
    while let Some(one) = family.pop() {
        for (id, parent, bytes) in &processes {
            if *id == one {
                sum += bytes;
            }
            if *parent == one {
                family.push(*id);
            }
        }
    }
    sum
}

/// Processor time in user and system mode.
pub(crate) fn cpu_seconds(usage: &Usage) -> f64 {
    let (user, system) = (usage.user_time(), usage.system_time());
    let seconds = user.tv_sec() + system.tv_sec();
    let micros = user.tv_usec() + system.tv_usec();
    seconds as f64 + micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        let stdout = folder.path().join("stdout");
        // Long enough for the watcher, who looks ten times a second, to come by.
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; sleep 1; exit 3";
        let measured = measure(&stdout, "sh", &["-c", script]).unwrap();
        assert_eq!(measured["exit"], 3);
        assert_eq!(std::fs::read_to_string(stdout).unwrap(), "done\n");
        let number = |key: &str| measured[key].as_f64().unwrap();
        assert!(number("cpu_s") > 0.0, "{measured}");
        assert!(number("peak_bytes") > 100_000.0, "{measured}");
        assert!(number("tree_bytes") > 100_000.0, "{measured}");
        assert!(number("first_byte_s") <= number("wall_s"), "{measured}");
    }
}
