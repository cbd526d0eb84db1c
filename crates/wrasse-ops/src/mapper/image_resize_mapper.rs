//! `image_resize_mapper` scales images to one size.

use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::imaging::{Method, fields, resize, rewrite};

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ImageResizeMapper>(
    "image_resize_mapper",
    "Scales the image of a sample to a width and a height.",
)
.details(concat!(
    "Each pixel is the mean of the pixels that it covers (OpenCV's `INTER_AREA`); the proportions of \
     the image are not kept. A side above 4096 is 4096, one below 1 is 1.\n\n",
    fields!()
))
.aliases(&["ImgResize"])
.origin("DataMate")
.examples(&[Example {
    about: "halves an image of 2 x 2 pixels: black, black, black and gray",
    params: r#"{"widthSize": 1, "heightSize": 1}"#,
    input: &[r#"{"data": "Qk1GAAAAAAAAADYAAAAoAAAAAgAAAAIAAAABABgAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgICAAAAAAAAAAAAAAA==", "fileType": "bmp"}"#],
    output: &[r#"{"data": "Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAICAgAA==", "fileType": "bmp"}"#],
}]);

/// Parameters of `image_resize_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(non_snake_case, reason = "DataMate's names")]
pub(crate) struct Params {
    /// The new width, in pixels, 1 to 4096.
    widthSize: i64,
    /// The new height, in pixels, 1 to 4096.
    heightSize: i64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            widthSize: 256,
            heightSize: 256,
        }
    }
}

pub(crate) struct ImageResizeMapper {
    width: u32,
    height: u32,
}

impl Configured for ImageResizeMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            width: params.widthSize.clamp(1, 4096) as u32,
            height: params.heightSize.clamp(1, 4096) as u32,
        })
    }
}

impl Mapper for ImageResizeMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        rewrite(sample, |image| {
            resize(&image, self.width, self.height, Method::Area)
        })
    }
}
