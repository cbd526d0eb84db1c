//! `image_size_filter` keeps samples by the size of their image files.

use wrasse_op::{
    Common, Configured, Example, Filter, Interval, OpError, OpSpec, ParamError, Sample, Stat, Stats,
};

use crate::imaging::{AnyOrAll, EachImage};

const STAT: &str = "image_sizes";

pub(crate) const SPEC: OpSpec = OpSpec::filter::<ImageSizeFilter>(
    "image_size_filter",
    "Keeps samples whose image files are neither too small nor too large.",
    &[STAT],
)
.details(
    "Sizes are bytes of the files; images are not opened. A sample without images stays.\n\n\
     A limit is a number and a unit (`10KB`, `1 MiB`; upper or lower case, all by 1024). As in the \
     original only digits are read of the number, so that `1.5KB` is 15 KB.\n\n\
     Paths are taken from the folder in which Wrasse runs. Bytes in `image_bytes`, as base64, \
     go before paths if there are as many.",
)
.decided_by(&["any_or_all"])
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "drops a sample whose image has 43 bytes",
    params: r#"{"min_size": "1KB"}"#,
    input: &[
        r#"{"images": [], "id": 1}"#,
        r#"{"images": ["a.gif"], "image_bytes": ["R0lGODlhAwABAIAAAAAAAP///yH5BAAAAAAALAAAAAADAAEAAAIChFEAOw=="], "id": 2}"#,
    ],
    output: &[r#"{"images": [], "id": 1}"#],
}]);

/// Parameters of `image_size_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The smallest file to keep, such as `10KB`; a plain number is bytes.
    min_size: String,
    /// The largest file to keep.
    max_size: String,
    /// Whether `any` or `all` images of a sample must lie within the range.
    any_or_all: AnyOrAll,
    /// The field that lists paths of images.
    image_key: String,
    /// The field that lists the bytes of the same images, as base64.
    image_bytes_key: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_size: "0".to_owned(),
            max_size: "1TB".to_owned(),
            any_or_all: AnyOrAll::Any,
            image_key: "images".to_owned(),
            image_bytes_key: "image_bytes".to_owned(),
        }
    }
}

pub(crate) struct ImageSizeFilter {
    range: Interval,
    images: EachImage,
}

impl Configured for ImageSizeFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let keys = (params.image_key, params.image_bytes_key);
        let images = EachImage::new(params.any_or_all, keys, common);
        Ok(Self {
            range: common.interval(
                Some(bytes("min_size", &params.min_size)?),
                Some(bytes("max_size", &params.max_size)?),
            ),
            images,
        })
    }
}

impl Filter for ImageSizeFilter {
    fn measure(&self, sample: &mut Sample) -> Result<(), OpError> {
        self.images.measure(sample, [STAT], |images| {
            let sizes = images.sizes()?.into_iter();
            Ok(sizes.map(|size| [Stat::Int(size as i64)]).collect())
        })
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.images.keeps(stats, [STAT], [self.range])
    }
}

/// A size in bytes: the digits of `text`, times the unit that its letters are.
pub(super) fn bytes(param: &str, text: &str) -> Result<f64, ParamError> {
    let bad = || {
        let units = "KB, MB, GB, TB, PB, EB, ZB or YB";
        ParamError::new(
            param,
            format!("expected a number of bytes, with a unit ({units}) or without, found `{text}`"),
        )
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    let number: f64 = digits.parse().map_err(|_| bad())?;
    let unit = letters.to_lowercase();
    if unit.is_empty() {
        return Ok(number);
    }
    let prefix = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b'));
    let prefix = prefix.filter(|prefix| prefix.len() == 1).ok_or_else(bad)?;
    let power = "kmgtpezy".find(prefix).ok_or_else(bad)? as i32 + 1;
    Ok(number * 1024_f64.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_original() {
        for (text, want) in [
            ("0", 0.0),
            ("10", 10.0),
            ("1kb", 1024.0),
            ("3 MiB", 3145728.0),
            ("1.5KB", 15360.0),
            ("1TB", 1099511627776.0),
        ] {
            assert_eq!(bytes("min_size", text).unwrap(), want, "{text}");
        }
        for text in ["", "KB", "1XB", "1B", "1kib b", "10 K"] {
            assert!(bytes("min_size", text).is_err(), "{text}");
        }
    }
}
