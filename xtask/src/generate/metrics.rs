//! The page of metrics.

use super::{Files, NOTE, header, row};

pub(super) fn add(files: &mut Files) {
    let mut text = format!(
        "{NOTE}# Metrics\n\n`wrasse run --metrics-addr 127.0.0.1:9464` serves these for Prometheus, \
         each with the prefix `wrasse_`; `events.jsonl` in the run directory has the same names. \
         Units are in the names: seconds, bytes, otherwise numbers. A stage is what runs as one \
         task: operators that are fused. Names that Ray Data has too mean the same there.\n\n"
    );
    text.push_str(&header(&["metric", "kind", "labels", "meaning"]));
    for (metric, labels) in wrasse_run::metrics() {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        text.push_str(&row(&[
            &format!("`{}`", metric.name),
            metric.kind.name(),
            &labels.join(", "),
            metric.meaning,
        ]));
    }
    files.insert("metrics.md".into(), text);
}
