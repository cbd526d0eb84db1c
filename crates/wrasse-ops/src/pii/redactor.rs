//! Replaces what was found.

use std::borrow::Cow;

use memchr::memmem;
use wrasse_op::{OpError, ParamError};

use super::find::{self, Find};
use crate::pattern::{Dialect, Pattern, Template};

/// A kind of what is looked for, in the order of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pem,
    Jwt,
    Url,
    Ip,
    Mac,
    Path,
    Email,
    Secret,
    Id,
    Channel,
    OpenId,
    Phone,
    IdCard,
}

impl Kind {
    pub(crate) const ALL: [Self; 13] = [
        Self::Pem,
        Self::Jwt,
        Self::Url,
        Self::Ip,
        Self::Mac,
        Self::Path,
        Self::Email,
        Self::Secret,
        Self::Id,
        Self::Channel,
        Self::OpenId,
        Self::Phone,
        Self::IdCard,
    ];

    /// How it is searched.
    fn searches(self) -> Vec<Search> {
        match self {
            Self::Pem => vec![Search::gated(
                "-----BEGIN ",
                r"-----BEGIN [A-Z0-9 -]+-----[\s\S]*?-----END [A-Z0-9 -]+-----",
            )],
            Self::Jwt => vec![Search::gated(
                "eyJ",
                r"\beyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\b",
            )],
            Self::Url => vec![Search::gated("http", r#"https?://[^\s"'<>]+"#)],
            Self::Ip => vec![
                Search::new(find::IPV4, How::Ipv4),
                Search::gated("[", r"\[[0-9a-fA-F:.]{3,}\](?::\d{1,5})?\b"),
            ],
            Self::Mac => vec![Search::new(find::MAC, How::Hand(find::mac))],
            Self::Path => vec![
                Search::new(find::UNIX_PATH, How::Hand(find::unix_path)).with_group(),
                Search::new(find::WINDOWS_PATH, How::Hand(find::windows_path)).with_group(),
                Search::new(find::NETWORK_PATH, How::Hand(find::network_path)).with_group(),
            ],
            Self::Email => vec![Search::gated(
                "@",
                r"[a-zA-Z0-9][\w.+-]*@[\w.-]+\.(?:[a-zA-Z]{2,}|\w{2,})",
            )],
            Self::Secret => vec![Search::new(
                r#"(?i)(\b(?:api[_-]?key|apikey|secret|password|passwd|token|auth|authorization|credential|license[_-]?key)\s*[:=]\s*["']?)([^\s"',}\]]+)"#,
                How::Pattern,
            )
            .with_group()],
            Self::Id => vec![Search::new(
                r#"(?i)\b(session[_-]?id|user[_-]?id|request[_-]?id|trace[_-]?id)\s*[:=]\s*["']?[\w.-]+"#,
                How::Pattern,
            )
            .with_group()],
            Self::Channel => vec![Search::new(
                r#"(?i)(\bchannel\s*[:=]\s*["']?|当前的\s*channel\s*[:：]\s*)(feishu|dingtalk|wecom|wechat_work|email|mail|飞书|钉钉|企业微信|邮箱)\b"#,
                How::Pattern,
            )
            .with_group()],
            Self::OpenId => vec![
                Search::new(r"(?i)\bou_[0-9a-f]{32}\b", How::Pattern),
                Search::new(r"\b(ou_|u_|uid_)[0-9a-zA-Z_-]{16,64}\b", How::Pattern),
            ],
            Self::Phone => vec![
                Search::new(find::MOBILE, How::Hand(find::mobile)),
                Search::gated("+", r"\+\d{1,4}[-.\s]?\d{6,14}\b"),
            ],
            Self::IdCard => vec![Search::new(find::ID_CARD, How::Hand(find::id_card))],
        }
    }
}

/// One search, as it is declared.
struct Search {
    pattern: &'static str,
    how: How,
    /// Whether the first group of a match stays in front of the replacement.
    keeps_group: bool,
}

/// How a pattern is searched.
#[derive(Clone, Copy)]
enum How {
    Pattern,
    /// By the pattern, if these bytes are in the text.
    Gated(&'static str),
    Hand(Find),
    /// By the pattern, in runs of digits and points.
    Ipv4,
}

impl Search {
    const fn new(pattern: &'static str, how: How) -> Self {
        Self {
            pattern,
            how,
            keeps_group: false,
        }
    }

    const fn gated(gate: &'static str, pattern: &'static str) -> Self {
        Self::new(pattern, How::Gated(gate))
    }

    const fn with_group(self) -> Self {
        Self {
            keeps_group: true,
            ..self
        }
    }
}

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
        ];
        for kind in Kind::ALL {
            let mut redactor = Redactor::new();
            redactor.add(kind, "replacement", "<>").unwrap();
            for step in &redactor.steps {
                for text in texts(&alphabet, 20_000) {
                    let got = step.replace(&text).unwrap().unwrap_or_else(|| text.clone());
                    assert_eq!(got, by_pattern(step, &text), "{kind:?} {text:?}");
                }
            }
        }
    }
}
