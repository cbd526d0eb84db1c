//! `latex_merge_tex_mapper` reads the sources of a LaTeX paper from an archive.

use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::latex::{Limits, tex_files};

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<LatexMergeTexMapper>(
    "latex_merge_tex_mapper",
    "Reads all LaTeX sources from an archive into one text.",
)
.details("The archive is a file on this machine: `.zip`, `.tar`, `.tar.gz` or `.tgz`, with deflate as its only compression. All files in it whose names end with `.tex` are joined in the order of the archive; bytes that are not UTF-8 become U+FFFD.\n\nAs in the original, an archive that is not there, damaged or of another kind gives an empty text; one that was cut off between two of its files may give those before the cut.")
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "gives an empty text for what is no archive",
    params: "{}",
    input: &[r#"{"compressed_file": "paper.pdf"}"#],
    output: &[r#"{"compressed_file": "paper.pdf", "text": ""}"#],
}]);

/// Parameters of `latex_merge_tex_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The field that holds the path of the archive.
    compressed_file_key: String,
    /// What to put between two files.
    separator: String,
    /// The largest file to read, in bytes after decompression; larger ones
    /// are passed over. 0 or null is no limit.
    max_file_size: Option<u64>,
    /// The most to read in all, in bytes after decompression; the first file
    /// beyond it ends the reading. 0 or null is no limit.
    max_total_size: Option<u64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            compressed_file_key: "compressed_file".to_owned(),
            separator: "\n\n".to_owned(),
            max_file_size: Some(50 << 20),
            max_total_size: Some(100 << 20),
        }
    }
}

pub(crate) struct LatexMergeTexMapper {
    file_key: String,
    text_key: String,
    separator: String,
    limits: Limits,
}

impl Configured for LatexMergeTexMapper {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            file_key: params.compressed_file_key,
            text_key: common.text_key.clone(),
            separator: params.separator,
            limits: Limits {
                file_bytes_max: params.max_file_size.unwrap_or(0),
                total_bytes_max: params.max_total_size.unwrap_or(0),
            },
        })
    }
}

impl Mapper for LatexMergeTexMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        let path = sample.text(&self.file_key)?;
        let texts = tex_files(path, self.limits).unwrap_or_default();
        sample.set_text(&self.text_key, texts.join(&self.separator));
        Ok(())
    }
}
