//! `replace_content_mapper` replaces what matches a pattern.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::pattern::{Dialect, Pattern, Template, unquoted};

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<ReplaceContentMapper>(
    "replace_content_mapper",
    "Replaces everything that matches one or more patterns.",
)
.details("Patterns are in the syntax of Python's package `regex`, with its flag `DOTALL`: `.` matches line ends, and `$` also before a last line end. `r'...'` is taken as Python's raw string. Fuzzy matching, recursion and `\\X` are not supported. Patterns with look-around, back-references or possessive repetition run on a backtracking engine; a text that takes it more than a million steps is rejected. All others take time proportional to the text.\n\nIn replacements `\\1` and `\\g<name>` stand for groups; a backslash before punctuation stays. One thing differs: of a group that is repeated and last matched the empty string, such as `(a*)*`, the match before that is put in. The original finds too few replacements, and wrong patterns and replacements, on the first text; here they are errors of the recipe.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "replaces by groups of the match",
        params: r#"{"pattern": "(\\w+)@(\\w+)", "repl": "\\2 at \\1"}"#,
        input: &[r#"{"text": "me@home"}"#],
        output: &[r#"{"text": "home at me"}"#],
    },
    Example {
        about: "applies several patterns in order",
        params: r#"{"pattern": ["\\d+", "(?<=<N>)\\s+"], "repl": ["<N>", "_"]}"#,
        input: &[r#"{"text": "12 apples"}"#],
        output: &[r#"{"text": "<N>_apples"}"#],
    },
]);

/// Parameters of `replace_content_mapper`.
#[derive(Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The pattern, or a list of patterns that are applied in order; with none
    /// the text stays as it is.
    pattern: Option<OneOrMany>,
    /// The replacement, or a list with one for each pattern.
    repl: OneOrMany,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::One(String::new())
    }
}

pub(crate) struct ReplaceContentMapper {
    steps: Vec<(Pattern, Template)>,
}

impl Configured for ReplaceContentMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let (patterns, is_list) = match params.pattern {
            None => (Vec::new(), false),
            Some(OneOrMany::One(pattern)) => (vec![pattern], false),
            Some(OneOrMany::Many(patterns)) => (patterns, true),
        };
        let mut steps = Vec::new();
        for (i, pattern) in patterns.iter().enumerate() {
            let name = |param: &str, is_list| match is_list {
                true => format!("{param}[{i}]"),
                false => param.to_owned(),
            };
            let (repl, is_repl_list) = match &params.repl {
                OneOrMany::One(repl) => (repl, false),
                OneOrMany::Many(list) => match list.get(i) {
                    Some(repl) => (repl, true),
                    None => {
                        return Err(ParamError::new(
                            "repl",
                            format!(
                                "expected a replacement for each of {} patterns, found {}",
                                patterns.len(),
                                list.len()
                            ),
                        ));
                    }
                },
            };
            let pattern = Pattern::new(
                &name("pattern", is_list),
                unquoted(pattern),
                Dialect::RegexDotAll,
            )?;
            let template = Template::new(&name("repl", is_repl_list), repl, &pattern)?;
            steps.push((pattern, template));
        }
        Ok(Self { steps })
    }
}

impl TextMapper for ReplaceContentMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let mut new = Cow::Borrowed(text.as_str());
        for (pattern, template) in &self.steps {
            if let Cow::Owned(replaced) = pattern.replace_all(&new, template)? {
                new = Cow::Owned(replaced);
            }
        }
        Ok(new)
    }
}
