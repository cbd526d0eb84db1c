//! Where the names of metrics may stand.

use wrasse_run::Metric;

use super::{files, read};

/// The one file that holds them.
const PLACE: &str = "crates/wrasse-run/src/metrics.rs";

#[test]
fn names_of_metrics_stand_in_one_file() {
    let place = read(PLACE);
    for metric in Metric::ALL {
        assert!(place.contains(metric.info().name));
    }
    for file in files() {
        if !file.ends_with(".rs") || file == PLACE {
            continue;
        }
        let text = read(&file);
        for metric in Metric::ALL {
            let name = metric.info().name;
            assert!(
                !text.contains(&format!("\"{name}")),
                "{file} names `{name}`: use `Metric`"
            );
        }
    }
}
