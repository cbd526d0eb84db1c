//! `image_type_unify_mapper` writes images in one format.

use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::imaging::{convert, fields, file_type, format};

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ImageTypeUnifyMapper>(
    "image_type_unify_mapper",
    "Writes the image of a sample in one format.",
)
.details(concat!(
    "An image whose `fileType` is `imgType` already stays as it is, whatever its bytes say; `jpg` and \
     `jpeg` are two types here. As in the original, `fileName` and `filePath` keep their endings.\n\n",
    fields!()
))
.aliases(&["ImgTypeUnify"])
.origin("DataMate")
.examples(&[Example {
    about: "makes a BMP of a PNG, and leaves a BMP alone",
    params: r#"{"imgType": "bmp"}"#,
    input: &[r#"{"data": "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVQIHWP8z8DAyPAfAAcKAgHKdEwsAAAAAElFTkSuQmCC", "fileType": "png"}"#,
        r#"{"data": "Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAP8AAA==", "fileType": "bmp"}"#],
    output: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAD//wAAAAA=", "fileType": "bmp"}"#,
        r#"{"data": "Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAP8AAA==", "fileType": "bmp"}"#],
}]);

/// Parameters of `image_type_unify_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(non_snake_case, reason = "DataMate's names")]
pub(crate) struct Params {
    /// The format to write: `jpg`, `jpeg`, `png` or `bmp`, and, unlike in the
    /// original, `webp` (without loss) or `gif`.
    imgType: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            imgType: "jpg".to_owned(),
        }
    }
}

pub(crate) struct ImageTypeUnifyMapper {
    name: String,
}

impl Configured for ImageTypeUnifyMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        format(&params.imgType).map_err(|error| ParamError::new("imgType", error.message))?;
        Ok(Self {
            name: params.imgType,
        })
    }
}

impl Mapper for ImageTypeUnifyMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        if file_type(sample)?.as_deref() == Some(&self.name) {
            return Ok(());
        }
        convert(sample, &self.name)
    }
}
