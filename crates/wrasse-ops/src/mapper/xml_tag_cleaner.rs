//! `xml_tag_cleaner` turns XML into lines of names and values.

use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::datamate::{ORIGIN, file_type_is, outline};
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<XmlTagCleaner>(
    "xml_tag_cleaner",
    "Turns XML into lines of `name: value`, without tags.",
)
.aliases(&["XMLTagCleaner"])
.details("Only samples whose field `fileType` is `xml` change. Elements within elements are indented by one space; attributes come first, as `@name`; text beside elements comes last, as `#text`; an element without anything has the value `None`. Elements of one name stand where the first of them does, and, as in the original, without anything between their values: `<a><b>1</b><b>2</b></a>` gives `b: 12`. A text that is not well-formed, declares entities or is nested 200 levels deep is rejected.")
.origin(ORIGIN)
.examples(&[
    Example {
        about: "names and values of a file in XML",
        params: "{}",
        input: &[r#"{"fileType": "xml", "text": "<a x=\"1\"><b>t &amp; u</b><c/></a>"}"#],
        output: &[r#"{"fileType": "xml", "text": "a: \n @x: 1\n b: t & u\n c: None"}"#],
    },
    Example {
        about: "leaves all other files alone",
        params: "{}",
        input: &[r#"{"text": "<a>1</a>"}"#],
        output: &[r#"{"text": "<a>1</a>"}"#],
    },
]);

pub(crate) struct XmlTagCleaner {
    text_key: String,
}

impl Configured for XmlTagCleaner {
    type Params = NoParams;

    fn new(_: NoParams, common: &Common) -> Result<Self, ParamError> {
        let text_key = common.text_key.clone();
        Ok(Self { text_key })
    }
}

impl Mapper for XmlTagCleaner {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        if file_type_is(sample, "xml")? {
            let outline = outline(sample.text(&self.text_key)?)
                .map_err(|reason| OpError::bad_sample(format!("the text is no XML: {reason}")))?;
            sample.set_text(&self.text_key, outline);
        }
        Ok(())
    }
}
