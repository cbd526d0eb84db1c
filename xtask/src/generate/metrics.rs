//! The page of the metrics.

use std::fmt::Write as _;

use wrasse_run::{Metric, MetricInfo};

use super::{Files, NOTE, header, row};

pub(super) fn add(files: &mut Files) {
    files.insert("metrics.md".into(), page());
}

fn page() -> String {
    let mut text = format!(
        "{NOTE}# Metrics\n\n\
         What `--metrics-addr` serves, in the text format of Prometheus. A *stage* is what runs \
         as one task: one or more operators of the recipe. Positions count from 0. The last \
         column names the metric of Ray Data that means the same.\n"
    );
    let infos: Vec<MetricInfo> = Metric::ALL.iter().map(|metric| metric.info()).collect();
    for chunk in infos.chunk_by(|a, b| a.labels == b.labels) {
        let labels: Vec<String> = chunk[0].labels.iter().map(|l| format!("`{l}`")).collect();
        let title = match labels.is_empty() {
            true => "Of the run".to_owned(),
            false => format!("By {}", labels.join(", ")),
        };
        let _ = write!(text, "\n## {title}\n\n");
        let titles = ["name", "kind", "unit", "meaning", "Ray Data"];
        text.push_str(&header(&titles));
        for info in chunk {
            let name = format!("`{}`", info.name);
            let ray: Vec<String> = info
                .ray
                .split(", ")
                .filter(|name| !name.is_empty())
                .map(|name| format!("`{name}`"))
                .collect();
            let (kind, ray) = (info.kind.name(), ray.join(", "));
            text.push_str(&row(&[&name, kind, info.unit, info.meaning, &ray]));
        }
    }
    text
}
