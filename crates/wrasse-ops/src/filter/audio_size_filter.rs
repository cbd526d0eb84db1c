//! `audio_size_filter` keeps samples by the size of their audio files.

use serde_json::Value;
use wrasse_op::{
    Common, Configured, Example, Filter, Interval, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

use super::image_size_filter::bytes;
use crate::imaging::AnyOrAll;

const STAT: &str = "audio_sizes";

pub(crate) const SPEC: OpSpec = OpSpec::filter::<AudioSizeFilter>(
    "audio_size_filter",
    "Keeps samples whose audio files are neither too small nor too large.",
    &[STAT],
)
.details(
    "Sizes are bytes of the files, which are not opened. A sample without audio files stays.\n\n\
     A limit is a number and a unit (`10KB`, `1 MiB`; upper or lower case, all by 1024). As in the \
     original only digits are read of the number, so that `1.5KB` is 15 KB.\n\n\
     Paths are taken from the folder in which Wrasse runs.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "a sample without files stays",
    params: r#"{"min_size": "1MB"}"#,
    input: &[r#"{"audios": [], "id": 1}"#, r#"{"text": "a", "id": 2}"#],
    output: &[r#"{"audios": [], "id": 1}"#, r#"{"text": "a", "id": 2}"#],
}]);

/// Parameters of `audio_size_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The smallest file to keep, such as `10KB`; a plain number is bytes.
    min_size: String,
    /// The largest file to keep.
    max_size: String,
    /// Whether `any` or `all` files of a sample must lie within the range.
    any_or_all: AnyOrAll,
    /// The field that lists paths of audio files.
    audio_key: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_size: "0".to_owned(),
            max_size: "1TB".to_owned(),
            any_or_all: AnyOrAll::Any,
            audio_key: "audios".to_owned(),
        }
    }
}

pub(crate) struct AudioSizeFilter {
    range: Interval,
    any_or_all: AnyOrAll,
    key: String,
    recompute: bool,
}

impl Configured for AudioSizeFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            range: common.interval(
                Some(bytes("min_size", &params.min_size)?),
                Some(bytes("max_size", &params.max_size)?),
            ),
            any_or_all: params.any_or_all,
            key: params.audio_key,
            recompute: common.recompute_stats,
        })
    }
}

impl Filter for AudioSizeFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        if !self.recompute && sample.stats().get(STAT).is_some() {
            return Ok(());
        }
        let files = match sample.value(&self.key)? {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(files)) => files,
            Some(_) => {
                return Err(OpError::bad_sample(format!(
                    "field `{}`: expected a list of paths",
                    self.key
                )));
            }
        };
        let sizes: Result<_, _> = files.iter().map(size).collect();
        sample.stats_mut().set(STAT, Stat::List(sizes?));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.any_or_all.keeps(stats, [STAT], [self.range])
    }
}

/// The size of a file in bytes.
fn size(path: &Value) -> Result<Stat, OpError> {
    let path = path
        .as_str()
        .ok_or_else(|| OpError::bad_sample(format!("expected a path of a file, found `{path}`")))?;
    let metadata = std::fs::metadata(path).map_err(|error| {
        OpError::bad_sample(format!("the file `{path}` cannot be read: {error}"))
    })?;
    if !metadata.is_file() {
        return Err(OpError::bad_sample(format!("`{path}` is no plain file")));
    }
    Ok(Stat::Int(metadata.len() as i64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wrasse_op::{Common, testing};

    #[test]
    fn sizes_decide_for_any_or_all_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: usize| {
            let path = folder.path().join(name);
            std::fs::write(&path, vec![0; bytes]).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (small, large) = (file("a.wav", 1000), file("b.ogg", 3000));
        let rows = [
            json!({"audios": [small]}),
            json!({"audios": [small, large]}),
            json!({"audios": [large]}),
        ];
        for (params, want) in [
            (json!({"min_size": "1kb"}), [false, true, true]),
            (
                json!({"min_size": "1kb", "any_or_all": "all"}),
                [false, false, true],
            ),
            (
                json!({"max_size": "1000", "max_closed_interval": false}),
                [false; 3],
            ),
        ] {
            let op = super::SPEC.build(&params, &Common::default()).unwrap();
            let ran = testing::run(&op, &rows).unwrap();
            assert_eq!(ran.kept, want, "{params}");
            assert_eq!(ran.stats[1], json!({"audio_sizes": [1000, 3000]}));
        }
        let op = super::SPEC.build(&json!({}), &Common::default()).unwrap();
        let gone = json!({"audios": [folder.path().join("c.wav")]});
        assert!(testing::run(&op, &[gone]).is_err());
    }
}
