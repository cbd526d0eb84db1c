//! `remove_bibliography_mapper` cuts off what follows the body of a LaTeX paper.

use std::borrow::Cow;

use memchr::memchr_iter;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveBibliographyMapper>(
    "remove_bibliography_mapper",
    "Cuts LaTeX documents off at their appendix or bibliography.",
)
.details("Everything goes from the first `\\appendix`, `\\begin{references}`, `\\begin{REFERENCES}`, `\\begin{thebibliography}` or `\\bibliography{` on; the last counts only if a `}` stands anywhere behind it. As in the original, a longer command that begins like one of these (`\\appendixpage`) counts too, and so does one in a comment.")
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "cuts at the first mark",
    params: "{}",
    input: &[
        r#"{"text": "Body.\n\\appendix\nProofs.\n\\end{document}"}"#,
        r#"{"text": "Body.\n\\bibliography{refs}\n"}"#,
        r#"{"text": "Body.\n\\bibliographystyle{plain}\n"}"#,
    ],
    output: &[
        r#"{"text": "Body.\n"}"#,
        r#"{"text": "Body.\n"}"#,
        r#"{"text": "Body.\n\\bibliographystyle{plain}\n"}"#,
    ],
}]);

pub(crate) struct RemoveBibliographyMapper;

impl Configured for RemoveBibliographyMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for RemoveBibliographyMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        const MARKS: [&str; 4] = [
            r"\appendix",
            r"\begin{references}",
            r"\begin{REFERENCES}",
            r"\begin{thebibliography}",
        ];
        const BIBLIOGRAPHY: &str = r"\bibliography{";
        let text = text.as_str();
        // Behind a bibliography without an end there is none with one.
        let mut may_end = true;
        let end = memchr_iter(b'\\', text.as_bytes()).find(|at| {
            let rest = &text[*at..];
            if may_end && rest.starts_with(BIBLIOGRAPHY) {
                may_end = rest.contains('}');
                return may_end;
            }
            MARKS.iter().any(|mark| rest.starts_with(mark))
        });
        Ok(Cow::Borrowed(&text[..end.unwrap_or(text.len())]))
    }
}
