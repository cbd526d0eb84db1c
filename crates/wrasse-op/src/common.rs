//! [`Common`]: the parameters that every operator takes.
//!
//! Their names are Data-Juicer's. Those that steer its executor mean nothing
//! here and are accepted, so that its recipes run as they are.

use serde::Deserialize;
use serde_json::{Map, Value};
use wrasse_core::Stats;

use crate::ParamError;

/// What a common parameter does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does what it says.
    Used,
    /// It is accepted and does nothing; the reason says why.
    Ignored(&'static str),
}

/// A parameter that every operator takes.
#[derive(Clone, Copy, Debug)]
pub struct CommonParam {
    /// Its name in recipes.
    pub name: &'static str,
    /// One sentence for the reference page.
    pub about: &'static str,
    /// What it does here.
    pub effect: Effect,
}

const fn used(name: &'static str, about: &'static str) -> CommonParam {
    CommonParam {
        name,
        about,
        effect: Effect::Used,
    }
}

const fn ignored(name: &'static str, about: &'static str, why: &'static str) -> CommonParam {
    CommonParam {
        name,
        about,
        effect: Effect::Ignored(why),
    }
}

const SCHEDULED: &str = "the scheduler decides";
const NO_MEDIA: &str = "only operators that list it among their own parameters use it; the recipe may give it for all of them";

/// Every common parameter, in the order of the reference page.
pub const COMMON_PARAMS: &[CommonParam] = &[
    used(
        "text_key",
        "The field that holds the text; a dotted path reaches into nested fields. Default: the recipe's first `text_keys`.",
    ),
    used(
        "min_closed_interval",
        "Filters: whether the minimum itself is kept. Default: true.",
    ),
    used(
        "max_closed_interval",
        "Filters: whether the maximum itself is kept. Default: true.",
    ),
    used(
        "reversed_range",
        "Filters: keep what lies outside the range. Default: false.",
    ),
    used(
        "recompute_stats",
        "Filters: measure anew even if the sample carries the value already, from its input or from an earlier operator (Data-Juicer never does). Default: false.",
    ),
    ignored("image_key", "The field that lists images.", NO_MEDIA),
    ignored("audio_key", "The field that lists audio files.", NO_MEDIA),
    ignored("video_key", "The field that lists videos.", NO_MEDIA),
    ignored(
        "image_bytes_key",
        "The field that holds image bytes.",
        NO_MEDIA,
    ),
    ignored("system_key", "The field of the system prompt.", NO_MEDIA),
    ignored("instruction_key", "The field of the instruction.", NO_MEDIA),
    ignored("prompt_key", "The field of the prompt.", NO_MEDIA),
    ignored("query_key", "The field of the query.", NO_MEDIA),
    ignored("response_key", "The field of the response.", NO_MEDIA),
    ignored("history_key", "The field of the dialog history.", NO_MEDIA),
    ignored("index_key", "The field to store an index in.", NO_MEDIA),
    ignored("batch_size", "Samples per call.", SCHEDULED),
    ignored("num_proc", "Worker processes.", SCHEDULED),
    ignored("cpu_required", "Processors per worker.", SCHEDULED),
    ignored("gpu_required", "Accelerators per worker.", SCHEDULED),
    ignored("mem_required", "Memory per worker.", SCHEDULED),
    ignored("num_cpus", "Processors per worker.", SCHEDULED),
    ignored("num_gpus", "Accelerators per worker.", SCHEDULED),
    ignored("memory", "Memory per worker.", SCHEDULED),
    ignored("runtime_env", "Environment of Ray workers.", SCHEDULED),
    ignored("ray_execution_mode", "`actor` or `task`.", SCHEDULED),
    ignored("accelerator", "`cpu` or `cuda`.", SCHEDULED),
    ignored(
        "batch_mode",
        "Whether the operator is called on batches.",
        SCHEDULED,
    ),
    ignored("turbo", "Skips Data-Juicer's error handling.", SCHEDULED),
    ignored(
        "auto_op_parallelism",
        "Lets Data-Juicer choose `num_proc`.",
        SCHEDULED,
    ),
    ignored(
        "adaptive_batching",
        "Lets Data-Juicer choose `batch_size`.",
        SCHEDULED,
    ),
    ignored(
        "skip_op_error",
        "Whether errors are skipped.",
        "a failed sample always goes to the reject file; `max_rejects` bounds how many",
    ),
    ignored(
        "work_dir",
        "Where the operator keeps files.",
        "the run directory holds them",
    ),
    ignored(
        "stats_export_path",
        "Where to write stats.",
        "use `keep_stats_in_res_ds`",
    ),
    ignored("input_columns", "Fields the operator reads.", SCHEDULED),
    ignored("output_columns", "Fields the operator writes.", SCHEDULED),
];

/// The common parameters of one step of a recipe.
#[derive(Clone, Debug)]
pub struct Common {
    /// The field that holds the text.
    pub text_key: String,
    /// Filters: measure again what the sample carries already.
    pub recompute_stats: bool,
    /// Filters: keep what would be dropped, and the other way round.
    pub reversed: bool,
    min_closed: bool,
    max_closed: bool,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            text_key: "text".to_owned(),
            recompute_stats: false,
            min_closed: true,
            max_closed: true,
            reversed: false,
        }
    }
}

impl Common {
    /// Takes the common parameters out of `params`, over these defaults. Those
    /// without effect stay if they are one of the operator's `own`.
    ///
    /// # Errors
    ///
    /// If one of them has a value of the wrong type.
    pub(crate) fn take_from(
        &self,
        params: &mut Map<String, Value>,
        own: impl Fn(&str) -> bool,
    ) -> Result<Self, ParamError> {
        fn take<'d, T: for<'de> Deserialize<'de>>(
            params: &'d mut Map<String, Value>,
            name: &str,
            expected: &str,
        ) -> Result<Option<T>, ParamError> {
            match params.shift_remove(name) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => T::deserialize(&value).map(Some).map_err(|_| {
                    ParamError::new(name, format!("expected {expected}, found `{value}`"))
                }),
            }
        }
        let text_key = take(params, "text_key", "a field name")?;
        let recompute = take(params, "recompute_stats", "true or false")?;
        let min_closed = take(params, "min_closed_interval", "true or false")?;
        let max_closed = take(params, "max_closed_interval", "true or false")?;
        let reversed = take(params, "reversed_range", "true or false")?;
        for param in COMMON_PARAMS {
            if let Effect::Ignored(_) = param.effect
                && !own(param.name)
            {
                params.shift_remove(param.name);
            }
        }
        Ok(Self {
            text_key: text_key.unwrap_or_else(|| self.text_key.clone()),
            recompute_stats: recompute.unwrap_or(self.recompute_stats),
            min_closed: min_closed.unwrap_or(self.min_closed),
            max_closed: max_closed.unwrap_or(self.max_closed),
            reversed: reversed.unwrap_or(self.reversed),
        })
    }

    /// The range that a filter keeps; a missing bound is no bound.
    pub fn interval(&self, min: Option<f64>, max: Option<f64>) -> Interval {
        // Data-Juicer inverts both flags before it negates the result, so
        // that a reversed range keeps its bounds by default.
        Interval {
            min,
            max,
            min_closed: self.min_closed != self.reversed,
            max_closed: self.max_closed != self.reversed,
            reversed: self.reversed,
        }
    }
}

/// The range of values that a filter keeps.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    min: Option<f64>,
    max: Option<f64>,
    min_closed: bool,
    max_closed: bool,
    reversed: bool,
}

impl Interval {
    /// Whether a sample with this value stays.
    pub fn keeps(&self, value: f64) -> bool {
        let above = self
            .min
            .is_none_or(|min| value > min || (self.min_closed && value == min));
        let below = self
            .max
            .is_none_or(|max| value < max || (self.max_closed && value == max));
        (above && below) != self.reversed
    }

    /// Whether a sample stays by its stat `name`. One that could not be measured
    /// goes.
    pub fn keeps_stat(&self, stats: &Stats, name: &str) -> bool {
        stats.number(name).is_some_and(|value| self.keeps(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keeps(params: Value, values: &[f64]) -> Vec<bool> {
        let Value::Object(mut params) = params else {
            panic!("an object")
        };
        let common = Common::default().take_from(&mut params, |_| false).unwrap();
        let interval = common.interval(Some(1.0), Some(3.0));
        values.iter().map(|value| interval.keeps(*value)).collect()
    }

    #[test]
    fn bounds_are_kept_unless_told_otherwise() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!(keeps(json!({}), &values), [false, true, true, true, false]);
        assert_eq!(
            keeps(json!({"min_closed_interval": false}), &values),
            [false, false, true, true, false]
        );
        assert_eq!(
            keeps(json!({"reversed_range": true}), &values),
            [true, true, false, true, true]
        );
        assert_eq!(
            keeps(
                json!({"reversed_range": true, "max_closed_interval": false}),
                &values
            ),
            [true, true, false, false, true]
        );
    }

    #[test]
    fn what_an_operator_takes_itself_is_left_to_it() {
        let Value::Object(mut params) =
            json!({"history_key": "h", "query_key": "q", "num_proc": 3})
        else {
            panic!("an object")
        };
        let own = |name: &str| name == "history_key";
        Common::default().take_from(&mut params, own).unwrap();
        assert_eq!(Value::Object(params), json!({"history_key": "h"}));
    }
}
