//! `expand_macro_mapper` puts the values of LaTeX macros in their place.

use std::borrow::Cow;

use memchr::memmem;
use regex::Regex;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::no_params::NoParams;
use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<ExpandMacroMapper>(
    "expand_macro_mapper",
    "Replaces LaTeX macros without arguments by their definitions.",
)
.details("Definitions are `\\newcommand{\\name}{value}` (also with `*`) and `\\def\\name{value}`, where the name is of ASCII letters and digits, and the `}` after the value ends a line. They may stand anywhere. All of `\\newcommand` are expanded first, in their order, then those of `\\def`, each once and over the whole text: a value may name macros that are defined later. Of two definitions of one name the later value counts, at the place of the earlier one.\n\nAs in the original, the definitions stay and are expanded too (`\\newcommand{value}{value}`); a macro at the very end of a text stays; and of two macros with nothing between them (`\\a\\a`) only the first is expanded, as each needs a character behind it that is not taken.\n\nAn expansion that would go beyond 64 MiB is an error of the sample.")
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "expands both kinds of definition",
    params: "{}",
    input: &[
        r#"{"text": "\\newcommand{\\half}{\\frac12}\n\\def\\R{\\mathbb{R}}\n$\\half \\in \\R$, not \\halfway."}"#,
    ],
    output: &[
        r#"{"text": "\\newcommand{\\frac12}{\\frac12}\n\\def\\mathbb{R}{\\mathbb{R}}\n$\\frac12 \\in \\mathbb{R}$, not \\halfway."}"#,
    ],
}]);

pub(crate) struct ExpandMacroMapper {
    newcommand: Regex,
    def: Regex,
}

/// Far beyond any paper; macros that double each other would fill the memory.
const EXPANDED_BYTES_MAX: usize = 64 << 20;

impl Configured for ExpandMacroMapper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            newcommand: fixed(r"(?m)\\newcommand\*?\{(\\[a-zA-Z0-9]+)\}\{(.*?)\}$"),
            def: fixed(r"(?m)\\def\s*(\\[a-zA-Z0-9]+)\s*\{(.*?)\}$"),
        })
    }
}

impl TextMapper for ExpandMacroMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        let mut macros: Vec<(&str, &str)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for definition in [&self.newcommand, &self.def] {
            for found in definition.captures_iter(text) {
                let (_, [name, value]) = found.extract();
                let at = *places.entry(name).or_insert(macros.len());
                if at == macros.len() {
                    macros.push((name, value));
                } else {
                    macros[at].1 = value;
                }
            }
        }
        let mut new = Cow::Borrowed(text);
        for (name, value) in macros {
            if let Some(expanded) = expand(&new, name, value)? {
                new = Cow::Owned(expanded);
            }
        }
        Ok(new)
    }
}

/// The text with `value` for each `name` that is not part of a longer one.
fn expand(text: &str, name: &str, value: &str) -> Result<Option<String>, OpError> {
    let mut out = String::new();
    let mut copied = 0;
    let mut taken = 0;
    for at in memmem::find_iter(text.as_bytes(), name) {
        let end = at + name.len();
        // The character behind a macro is taken with it.
        let Some(next) = text[end..].chars().next() else {
            continue;
        };
        if at < taken || next.is_ascii_alphanumeric() {
            continue;
        }
        out.push_str(&text[copied..at]);
        out.push_str(value);
        copied = end;
        taken = end + next.len_utf8();
        if out.len() > EXPANDED_BYTES_MAX {
            return Err(OpError::bad_sample(format!(
                "the text grows beyond {} MiB when its macros are expanded",
                EXPANDED_BYTES_MAX >> 20
            )));
        }
    }
    if copied == 0 {
        return Ok(None);
    }
    out.push_str(&text[copied..]);
    Ok(Some(out))
}
