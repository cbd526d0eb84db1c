//! `html_tag_cleaner` removes HTML tags, and attributes of those that stay.

use regex::{Captures, Regex};
use serde_json::Value;
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::pattern::fixed;
use crate::python;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<HtmlTagCleaner>(
    "html_tag_cleaner",
    "Removes HTML tags, but for those of tables, and the attributes of what stays.",
)
.details(
    "Known tags go, in upper and lower case; the text between them stays. Of other tags, those of \
     tables among them unless `removeTableTags` is set, all attributes go that are written with \
     double quotes, but for `colspan` and `rowspan`. A sample whose `fileType` is `xml` is left \
     alone.\n\n\
     A text is true whatever it says, as in the original: `removeTableTags: 'false'` removes the \
     tags of tables. Leave it out, or write `false` without quotes, to keep them.",
)
.origin("DataMate")
.aliases(&["HtmlTagCleaner"])
.examples(&[Example {
    about: "a table keeps its shape",
    params: "{}",
    input: &[r#"{"text": "<p class=\"x\"><b>Pier</b></p><td id=\"1\" rowspan=\"2\">East</td>"}"#],
    output: &[r#"{"text": "Pier<td rowspan=\"2\">East</td>"}"#],
}]);

const TAGS: &str = "a|abbr|acronym|address|applet|area|article|aside|audio|b|base|basefont|bdi|bdo|\
    bgsound|big|blink|blockquote|body|br|button|canvas|caption|center|cite|code|col|colgroup|\
    command|content|data|datalist|dd|del|details|dfn|dialog|dir|div|dl|dt|em|embed|fieldset|\
    figcaption|figure|font|footer|form|frame|frameset|h1|h2|h3|h4|h5|h6|head|header|hgroup|hr|\
    html|i|iframe|image|img|input|ins|isindex|kbd|keygen|label|legend|li|link|listing|main|map|\
    mark|marquee|menu|menuitem|meta|meter|nav|nobr|noembed|noframes|noscript|object|ol|optgroup|\
    option|output|p|param|picture|plaintext|pre|progress|q|rp|rt|rtc|ruby|s|samp|script|section|\
    select|shadow|small|source|spacer|span|strike|strong|style|sub|summary|sup|template|textarea|\
    tfoot|thead|time|title|track|tt|u|ul|var|video|wbr|xmp";

const TABLE_TAGS: &str = "|table|tbody|td|th|tr";

const KEPT_ATTRIBUTES: [&str; 2] = ["colspan", "rowspan"];

/// Parameters of `html_tag_cleaner`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Remove the tags of tables too. Any text that is not empty counts as true.
    #[serde(rename = "removeTableTags")]
    remove_table_tags: Value,
}

pub(crate) struct HtmlTagCleaner {
    text_key: String,
    tags: Regex,
    other_tags: Regex,
    attributes: Regex,
}

impl Configured for HtmlTagCleaner {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let removes_tables = python::is_true(&params.remove_table_tags);
        let tags = format!("{TAGS}{}", if removes_tables { TABLE_TAGS } else { "" });
        let space = r"[\s\x1c-\x1f]";
        Ok(Self {
            text_key: common.text_key.clone(),
            tags: fixed(&format!("(?i)<(?:{tags})(?:{space}[^>]*)?>|</(?:{tags})>")),
            other_tags: fixed(&format!(r"<\w+(?:{space}+[^<>]*?)?>")),
            attributes: fixed(&format!(r#"{space}*(\w+)="[^"]+""#)),
        })
    }
}

impl Mapper for HtmlTagCleaner {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        if sample.json("fileType").is_some_and(|kind| kind == "\"xml\"") {
            return Ok(());
        }
        let text = sample.text(&self.text_key)?;
        if !text.contains('<') {
            return Ok(());
        }
        let without = self.tags.replace_all(text, "");
        let new = self.other_tags.replace_all(&without, |tag: &Captures<'_>| {
            let keep = |attribute: &Captures<'_>| match KEPT_ATTRIBUTES.contains(&&attribute[1]) {
                true => attribute[0].to_owned(),
                false => String::new(),
            };
            self.attributes.replace_all(&tag[0], keep).into_owned()
        });
        if new != text.as_str() {
            let new = new.into_owned();
            sample.set_text(&self.text_key, new);
        }
        Ok(())
    }
}
