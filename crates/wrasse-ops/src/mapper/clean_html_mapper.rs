//! `clean_html_mapper` turns HTML into plain text.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::html::text_of;
use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<CleanHtmlMapper>(
    "clean_html_mapper",
    "Turns HTML into plain text.",
)
.details(
    "First `<li>` and `<ol>` become a line end and `*`, and `</li>` and `</ol>` go, where they are \
     written exactly so. Then the text is parsed by the HTML standard, and the text of all \
     elements is put together.\n\n\
     As in the original, nothing is put between the texts of two elements (`<p>a</p><p>b</p>` \
     gives `ab`), the texts of `script` and `style` are part of the result, `<ol>` leaves a `*` of \
     its own, and white space before the first tag or character goes. Text that is no HTML loses \
     what looks like a tag, such as `<name@example.org>`, and CR line ends become LF.\n\n\
     Unlike in lexbor, a `selectedcontent` element gets no copy of the selected option, and a few \
     end tags misplaced within MathML close other elements. Tags nested more than about 1,000 \
     levels deep are passed over (their text is not), as are attributes beyond 4,096 of a tag; \
     lexbor needs the square of either number in time.",
)
.origin("Data-Juicer 1.6, selectolax 1.0 (lexbor)")
.examples(&[
    Example {
        about: "keeps the text and marks the items of lists",
        params: "{}",
        input: &[r#"{"text": "<h1>A &amp; b</h1><ul><li>one</li><li>two</li></ul>end"}"#],
        output: &[r#"{"text": "A & b\n*one\n*twoend"}"#],
    },
    Example {
        about: "keeps what is in the head and in scripts",
        params: "{}",
        input: &[r#"{"text": "<title>T</title><script>f()</script><p>x<!-- y -->"}"#],
        output: &[r#"{"text": "Tf()x"}"#],
    },
]);

pub(crate) struct CleanHtmlMapper;

impl Configured for CleanHtmlMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for CleanHtmlMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(match mark_lists(text) {
            Cow::Borrowed(html) => text_of(html),
            Cow::Owned(html) => Cow::Owned(text_of(&html).into_owned()),
        })
    }
}

/// Replaces the tags of lists one after the other, since each replacement can
/// make up the next tag (`<</li>ol>`).
fn mark_lists(text: &str) -> Cow<'_, str> {
    const MARKS: [(&str, &str); 4] = [("<li>", "\n*"), ("</li>", ""), ("<ol>", "\n*"), ("</ol>", "")];
    let mut tags = memchr::memchr_iter(b'<', text.as_bytes());
    let is_marked = |at: usize| MARKS.iter().any(|(tag, _)| text[at..].starts_with(tag));
    let mut html = Cow::Borrowed(text);
    if !tags.any(is_marked) {
        return html;
    }
    for (tag, mark) in MARKS {
        if html.contains(tag) {
            html = Cow::Owned(html.replace(tag, mark));
        }
    }
    html
}
