//! [`Output`]: text put together, with a limit.

use crate::{DocError, Limits};

/// The text so far. Lines and paragraphs are ended when more text comes, so
/// that there are none at the end.
pub(crate) struct Output {
    text: String,
    bytes_max: usize,
    /// Line ends that come before the next text.
    pending: usize,
}

impl Output {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            text: String::new(),
            bytes_max: limits.text_bytes_max,
            pending: 0,
        }
    }

    pub(crate) fn push(&mut self, text: &str) -> Result<(), DocError> {
        if text.is_empty() {
            return Ok(());
        }
        let ends = if self.text.is_empty() {
            0
        } else {
            self.pending
        };
        if self.text.len() + ends + text.len() > self.bytes_max {
            return Err(DocError::new(format!(
                "the text is longer than the limit of {} bytes",
                self.bytes_max
            )));
        }
        self.text.extend(std::iter::repeat_n('\n', ends));
        self.pending = 0;
        self.text.push_str(text);
        Ok(())
    }

    /// Puts a space between what was and what comes, unless there is one.
    pub(crate) fn space(&mut self) -> Result<(), DocError> {
        match self.pending == 0 && !self.text.is_empty() && !self.text.ends_with([' ', '\t', '\n'])
        {
            true => self.push(" "),
            false => Ok(()),
        }
    }

    pub(crate) fn end_line(&mut self) {
        self.pending = self.pending.max(1);
    }

    pub(crate) fn end_paragraph(&mut self) {
        self.pending = self.pending.max(2);
    }

    /// What ends the text, if the line is not ended.
    pub(crate) fn is_at_line_start(&self) -> bool {
        self.pending > 0 || self.text.is_empty()
    }

    /// The text, without white space at the ends of its lines.
    pub(crate) fn finish(self) -> String {
        let has_space = [" \n", "\t\n"].iter().any(|end| self.text.contains(end));
        if !has_space {
            let end = self.text.trim_end().len();
            let mut text = self.text;
            text.truncate(end);
            return text;
        }
        let mut out = String::with_capacity(self.text.len());
        for line in self.text.split('\n') {
            out.push_str(line.trim_end_matches([' ', '\t']));
            out.push('\n');
        }
        out.truncate(out.trim_end().len());
        out
    }
}
