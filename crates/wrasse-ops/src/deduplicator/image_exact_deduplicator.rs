//! `image_exact_deduplicator` removes images that were there before.

use wrasse_op::{
    Common, Configured, Deduplicator, Example, Fingerprint, OpError, OpSpec, ParamError, Sample,
};

use crate::imaging::{Method, PIXELS_MAX, fields, load, resize};

pub(crate) const SPEC: OpSpec = OpSpec::deduplicator::<ImageExactDeduplicator>(
    "image_exact_deduplicator",
    "Removes samples whose image equals that of an earlier sample.",
)
.details(concat!(
    "Compared is the MD5 hash of the pixels after scaling to a height of 200, so that the format of the \
     file and what it says beside the pixels make no difference. The original compares with all \
     images that the same task has seen; here it is those of the run, and the first in input order \
     stays.\n\n",
    fields!()
))
.aliases(&["ImgDuplicatedImagesCleaner"])
.origin("DataMate")
.examples(&[Example {
    about: "the same pixels in two formats",
    params: "{}",
    input: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAD//wAAAAA=", "fileType": "bmp", "id": 1}"#,
        r#"{"data": "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVQIHWP8z8DAyPAfAAcKAgHKdEwsAAAAAElFTkSuQmCC", "fileType": "png", "id": 2}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAD//gAAAAA=", "fileType": "bmp", "id": 3}"#],
    output: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAD//wAAAAA=", "fileType": "bmp", "id": 1}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAD//gAAAAA=", "fileType": "bmp", "id": 3}"#],
}]);

/// Parameters of `image_exact_deduplicator`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// DataMate's name of the task. It has no effect: a run compares its own
    /// images.
    #[serde(rename = "uuid")]
    _uuid: Option<String>,
}

pub(crate) struct ImageExactDeduplicator;

impl Configured for ImageExactDeduplicator {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl Deduplicator for ImageExactDeduplicator {
    fn fingerprint(&self, sample: &mut Sample) -> Result<Fingerprint, OpError> {
        const HEIGHT: u32 = 200;
        let image = load(sample)?;
        let ratio = f64::from(image.width()) / f64::from(image.height());
        let width = ((ratio * f64::from(HEIGHT)) as u64).max(1);
        if width * u64::from(HEIGHT) > PIXELS_MAX {
            return Err(OpError::bad_sample(format!(
                "the image is too wide to be compared: {} x {} pixels",
                image.width(),
                image.height()
            )));
        }
        let small = resize(&image, width as u32, HEIGHT, Method::Area);
        let mut digest = md5::Context::new();
        digest.consume(small.width().to_le_bytes());
        digest.consume(small.as_raw());
        Ok(Fingerprint::from_be_bytes(digest.finalize().0))
    }
}
