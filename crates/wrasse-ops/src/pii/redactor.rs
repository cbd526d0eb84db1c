//! Replaces what was found.

use std::borrow::Cow;

use memchr::memmem;
use wrasse_op::{OpError, ParamError};

use super::find::{self, Find};
use super::kinds::{How, Kind};
use crate::pattern::{Dialect, Pattern, Template};

/// One search, ready to run.
struct Step {
    pattern: Pattern,
    template: Template,
    how: How,
}

/// Redacts texts.
pub(crate) struct Redactor {
    steps: Vec<Step>,
}

impl Redactor {
    pub(crate) fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// Adds a kind, with the value of the parameter `param` in its place.
    ///
    /// # Errors
    ///
    /// If the replacement names groups that are not there.
    pub(crate) fn add(
        &mut self,
        kind: Kind,
        param: &str,
        replacement: &str,
    ) -> Result<(), ParamError> {
        for search in kind.searches() {
            let group = if search.keeps_group { r"\1" } else { "" };
            self.push(
                search.pattern,
                search.how,
                param,
                &format!("{group}{replacement}"),
            )?;
        }
        Ok(())
    }

    /// Adds a pattern of the user's.
    ///
    /// # Errors
    ///
    /// If it is malformed, or the replacement is.
    pub(crate) fn add_pattern(
        &mut self,
        param: &str,
        pattern: &str,
        replacement: &str,
    ) -> Result<(), ParamError> {
        self.push(pattern, How::Pattern, param, replacement)
    }

    fn push(
        &mut self,
        pattern: &str,
        how: How,
        param: &str,
        replacement: &str,
    ) -> Result<(), ParamError> {
        let pattern = Pattern::new(param, pattern, Dialect::Re)?;
        let template = Template::new(param, replacement, &pattern)?;
        self.steps.push(Step {
            pattern,
            template,
            how,
        });
        Ok(())
    }

    /// The text with everything replaced that was found.
    ///
    /// # Errors
    ///
    /// If a search takes too many steps.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, OpError> {
        let mut new = Cow::Borrowed(text);
        for step in &self.steps {
            if let Some(changed) = step.replace(&new)? {
                new = Cow::Owned(changed);
            }
        }
        Ok(new)
    }
}

impl Step {
    fn replace(&self, text: &str) -> Result<Option<String>, OpError> {
        // A group beyond the first is the pattern's business.
        match self.how {
            How::Hand(find) if self.template.last_group() <= 1 => {
                Ok(self.replace_found(text, find))
            }
            How::Ipv4 if self.template.last_group() == 0 => self.replace_in_runs(text),
            How::Gated(gate) if memmem::find(text.as_bytes(), gate.as_bytes()).is_none() => {
                Ok(None)
            }
            _ => match self.pattern.replace_all(text, &self.template)? {
                Cow::Borrowed(_) => Ok(None),
                Cow::Owned(new) => Ok(Some(new)),
            },
        }
    }

    fn replace_found(&self, text: &str, find: Find) -> Option<String> {
        let mut out = String::new();
        let mut copied = 0;
        while let Some((all, group)) = find(text, copied) {
            out.push_str(&text[copied..all.0]);
            self.template.expand(text, &[Some(all), group], &mut out);
            copied = all.1;
        }
        (copied > 0).then(|| out + &text[copied..])
    }

    fn replace_in_runs(&self, text: &str) -> Result<Option<String>, OpError> {
        let mut out = String::new();
        let mut copied = 0;
        let mut at = 0;
        while let Some((start, end)) = find::ipv4_run(text, at) {
            at = end;
            if let Cow::Owned(new) = self
                .pattern
                .replace_all(&text[start..end], &self.template)?
            {
                out.push_str(&text[copied..start]);
                out.push_str(&new);
                copied = end;
            }
        }
        Ok((copied > 0).then(|| out + &text[copied..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texts;

    /// What the pattern alone replaces.
    fn by_pattern(step: &Step, text: &str) -> String {
        step.pattern
            .replace_all(text, &step.template)
            .unwrap()
            .into_owned()
    }

    #[test]
    fn searches_by_hand_agree_with_their_patterns() {
        let alphabet = [
            "/home",
            "/Users",
            "/x",
            " ",
            "\"",
            "(",
            ")",
            "=",
            "é",
            "\u{1c}",
            "C:\\",
            "\\",
            "\\\\",
            ":",
            "-",
            ":",
            "aB",
            "0f",
            "00:1a:",
            "11:22:33:44:55:66",
            "_",
            "1",
            "13",
            "138001",
            "12345",
            "1.",
            "25",
            "6",
            "0.0.",
            "255.",
            ".",
            "٣",
            "X",
            "11010119900307",
            "4077",
            "19",
            "a",
            "[::",
            "[1.2.3]",
            "]:80",
            "+",
            "+86",
            "\u{200d}",
            "①",
            "\u{301}",
        ];
        let words = [
            " ",
            "\n",
            "\u{1c}",
            "'",
            "=",
            ":",
            ": ",
            "：",
            "é",
            "_",
            "-",
            "api",
            "Key",
            "\u{212a}ey",
            "pa\u{17f}swd",
            "AUTH",
            "orization",
            "token",
            "license_",
            "user",
            "trace-",
            "ID",
            "\u{131}d",
            "channel",
            "当前的",
            "Feishu",
            "mail",
            "d\u{130}ngtalk",
            "邮箱",
            "ou_",
            "OU_",
            "u_",
            "uid_",
            "0123456789abcdef",
            "0123456789abcdef",
            "}",
            "x",
            "\u{200d}",
            "①",
            "\u{301}",
        ];
        for kind in Kind::ALL {
            let mut redactor = Redactor::new();
            redactor.add(kind, "replacement", "<>").unwrap();
            for step in &redactor.steps {
                for text in texts(&alphabet, 10_000).chain(texts(&words, 10_000)) {
                    let got = step.replace(&text).unwrap().unwrap_or_else(|| text.clone());
                    assert_eq!(got, by_pattern(step, &text), "{kind:?} {text:?}");
                }
            }
        }
    }
}
