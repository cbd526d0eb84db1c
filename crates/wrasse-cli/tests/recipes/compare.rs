//! What may differ from run to run gives way to placeholders; the rest is
//! compared to the letter.

use std::path::Path;

/// Something that is not as it should be.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) text: String,
    /// Whether writing the expectations anew does not help.
    pub(crate) is_final: bool,
}

/// Values of a JSON report that are measured.
const MEASURED: [&str; 6] = [
    "read_seconds",
    "encode_seconds",
    "seconds",
    "cpu_seconds",
    "peak_memory_bytes",
    "threads",
];

/// Replaces times, sizes on disk, memory and thread counts.
pub(crate) fn normalize(said: &str, folder: &Path) -> String {
    let said = said.replace(&*folder.to_string_lossy(), "<folder>");
    let mut out = String::new();
    let mut in_table = false;
    let mut in_prediction = false;
    for line in said.lines() {
        let mut line = line.to_owned();
        let title = line.strip_suffix("MB/CPU-s").map(str::trim_end);
        if let Some(title) = title.and_then(|title| title.strip_suffix("time"))
            && line.starts_with("step ")
        {
            in_table = true;
            line = format!("{}  time  MB/CPU-s", title.trim_end());
        } else if in_table && line.starts_with("total ") {
            in_table = false;
        } else if in_table {
            let cells = line.rsplit_once(" %").map_or("", |(cells, _)| cells);
            let cells = cells.trim_end_matches(|c: char| c.is_ascii_digit());
            line = format!("{}  <time>  <speed>", cells.trim_end());
        }
        if let Some((rows, _)) = line.split_once(" of rows in ") {
            line = format!("{rows} of rows in <time>, <n> threads, peak memory <size>");
        }
        if let Some((head, _)) = line.split_once(" of CPU time (")
            && let Some((rows, _)) = head.rsplit_once(", in ")
        {
            line = format!("{rows}, in <time> of CPU time (<time> on <n> threads)");
        }
        if line.starts_with("expected of the whole input") {
            in_prediction = true;
            line = line.trim_end_matches("CPU time").trim_end().to_owned() + "  CPU time";
        } else if line.starts_with("in all ") {
            in_prediction = false;
        } else if in_prediction {
            let cells = line.trim_end_matches(|c: char| c != ' ').trim_end();
            let cells = cells.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            line = format!("{}  <time>", cells.trim_end());
        }
        for start in ["the least is ", "pass --memory "] {
            if let Some((head, sizes)) = line.split_once(start) {
                line = format!("{head}{start}{}", without_sizes(sizes));
            }
        }
        if line.starts_with("wrote ")
            && let Some((head, _)) = line.rsplit_once(" rows, ")
        {
            line = format!("{head} rows, <size>)");
        }
        if let Some((key, value)) = line.split_once("\": ")
            && MEASURED.contains(&key.trim_start().trim_start_matches('"'))
        {
            let comma = if value.ends_with(',') { "," } else { "" };
            line = format!("{key}\": <n>{comma}");
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// `5.0 MiB` and `5MiB` become `<size>`.
fn without_sizes(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
        match words.last_mut() {
            Some(last) if word == "MiB" => {
                let number = last.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
                *last = format!("{number}<size>");
            }
            _ if unit == "MiB" => words.push("<size>".to_owned()),
            _ => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

/// Two texts, side by side where they differ first.
pub(crate) fn difference(title: &str, want: &str, got: &str) -> String {
    let first = want
        .lines()
        .zip(got.lines())
        .position(|(want, got)| want != got)
        .unwrap_or_else(|| want.lines().count().min(got.lines().count()));
    let from = |text: &str| {
        let mut lines: String = text
            .lines()
            .skip(first)
            .take(12)
            .flat_map(|line| [line, "\n"])
            .collect();
        if lines.is_empty() {
            lines.push_str("(nothing more)\n");
        }
        lines
    };
    format!(
        "{title}: line {}\n--- expected\n{}--- found\n{}",
        first + 1,
        from(want),
        from(got)
    )
}

#[test]
fn only_what_is_measured_is_replaced() {
    let said = "\
step    in   time  MB/CPU-s
read     5  100 %        12
write    5    0 %         -
total    5
5 B of rows in 0.01 s, 4 threads, peak memory 3 MiB
wrote /x/y/a.jsonl (5 rows, 7 B)
  \"seconds\": 0.5,
  \"rows\": 5
the least is 44.0 MiB (38.0 MiB for program + 6 B); pass 5MiB
";
    let want = "\
step    in  time  MB/CPU-s
read     5  <time>  <speed>
write    5  <time>  <speed>
total    5
5 B of rows in <time>, <n> threads, peak memory <size>
wrote <folder>/a.jsonl (5 rows, <size>)
  \"seconds\": <n>,
  \"rows\": 5
the least is <size> (<size> for program + 6 B); pass <size>
";
    assert_eq!(normalize(said, Path::new("/x/y")), want);
}
