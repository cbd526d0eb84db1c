//! `html_tag_cleaner` removes HTML tags.

use std::borrow::Cow;

use regex::Regex;
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::datamate::{ORIGIN, Written, file_type_is};
use crate::pattern::{Dialect, Pattern, fixed};

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<HtmlTagCleaner>(
    "html_tag_cleaner",
    "Removes the tags of HTML, and attributes from tags that stay.",
)
.aliases(&["HtmlTagCleaner"])
.details("The tags of some 130 known elements go, in any case; what stands between them stays, scripts and styles included. Tables keep theirs (`table`, `tbody`, `td`, `th`, `tr`) unless `removeTableTags` says otherwise. Of all tags that stay, known or not, attributes in double quotes go, except `colspan` and `rowspan`. A sample whose field `fileType` is `xml` stays as it is.\n\nAs in the original, any text that is not empty switches `removeTableTags` on, `\"false\"` too, which is what DataMate's own switch gives; write `false` without quotes to keep tables.")
.origin(ORIGIN)
.examples(&[
    Example {
        about: "removes tags, but not those of tables",
        params: "{}",
        input: &[r#"{"text": "<p class=\"x\">机器<b>学习</b></p><td class=\"a\" rowspan=\"2\">1</td>"}"#],
        output: &[r#"{"text": "机器学习<td rowspan=\"2\">1</td>"}"#],
    },
    Example {
        about: "removes those of tables, too",
        params: r#"{"removeTableTags": true}"#,
        input: &[r#"{"text": "<TABLE border=1><tr><td>1</td></tr></TABLE><x>"}"#],
        output: &[r#"{"text": "1<x>"}"#],
    },
]);

/// Parameters of `html_tag_cleaner`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Whether the tags of tables go, too. Any text but `""` means that they
    /// do.
    #[serde(rename = "removeTableTags", alias = "remove_table_tags")]
    remove_table_tags: Option<Written<bool>>,
}

const TAGS: &str = "a abbr acronym address applet area article aside audio b base basefont bdi \
    bdo bgsound big blink blockquote body br button canvas caption center cite code col colgroup \
    command content data datalist dd del details dfn dialog dir div dl dt em embed fieldset \
    figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr \
    html i iframe image img input ins isindex kbd keygen label legend li link listing main map \
    mark marquee menu menuitem meta meter nav nobr noembed noframes noscript object ol optgroup \
    option output p param picture plaintext pre progress q rp rt rtc ruby s samp script section \
    select shadow small source spacer span strike strong style sub summary sup template textarea \
    tfoot thead time title track tt u ul var video wbr xmp";

const TABLE_TAGS: &str = "table tbody td th tr";

pub(crate) struct HtmlTagCleaner {
    text_key: String,
    removed: Regex,
    tag: Pattern,
    attribute: Pattern,
}

impl Configured for HtmlTagCleaner {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let tables = match params.remove_table_tags {
            Some(Written::Plain(true)) => TABLE_TAGS,
            Some(Written::Text(text)) if !text.is_empty() => TABLE_TAGS,
            _ => "",
        };
        let names: Vec<&str> = TAGS
            .split(' ')
            .chain(tables.split_terminator(' '))
            .collect();
        // In Python, `i` in any case is also `İ` and `ı`.
        let names = names.join("|").replace('i', "[iİı]");
        let removed = fixed(&format!(
            r"(?i:<(?:{names})(?:[\s\x1c-\x1f][^>]*)?>|</(?:{names})>)"
        ));
        Ok(Self {
            text_key: common.text_key.clone(),
            removed,
            tag: Pattern::new("tag", r"<\w+(?:\s[^<>]*)?>", Dialect::Re)?,
            attribute: Pattern::new("attribute", r#"\s*(\w+)="[^"]+""#, Dialect::Re)?,
        })
    }
}

impl Mapper for HtmlTagCleaner {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        if file_type_is(sample, "xml")? {
            return Ok(());
        }
        let text = sample.text(&self.text_key)?;
        if memchr::memchr(b'<', text.as_bytes()).is_none() {
            return Ok(());
        }
        let plain = self.removed.replace_all(text, "");
        let bare = self.without_attributes(&plain)?;
        if bare != **text {
            let bare = bare.into_owned();
            sample.set_text(&self.text_key, bare);
        }
        Ok(())
    }
}

impl HtmlTagCleaner {
    fn without_attributes<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, OpError> {
        let mut dropped = Vec::new();
        let mut failed = None;
        self.tag.for_each_match(text, false, |tag| {
            let Some((from, to)) = tag[0] else { return };
            let each = self
                .attribute
                .for_each_match(&text[from..to], true, |spans| {
                    if let [Some((start, end)), Some((name, name_end))] = spans
                        && !matches!(&text[from + name..from + name_end], "colspan" | "rowspan")
                    {
                        dropped.push(from + start..from + end);
                    }
                });
            failed = failed.take().or(each.err());
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(crate::datamate::replace_ranges(text, dropped, "")),
        }
    }
}
