//! A list of messages as turns: what a user said, and all that came of it.

use wrasse_op::OpError;

use super::caps::cap;
use super::{Message, calls, content, role, tools};

/// Limits on lengths, in characters; 0 is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    /// Of each result of a tool.
    pub(crate) tool_result_max: i64,
    /// Of all answers of a turn together.
    pub(crate) trace_max: i64,
    /// Of what a user said.
    pub(crate) user_max: i64,
    /// The share of the head in what is kept.
    pub(crate) head_ratio: f64,
}

/// What a user said, and the answers to it with the results of tools.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) query: String,
    pub(crate) response: String,
}

/// The turns of a dialog.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) turns: Vec<Turn>,
    /// Whether anything was too long.
    pub(crate) is_capped: bool,
    caps: Caps,
}

impl History {
    /// Reads messages; those of the system go before what the user says next,
    /// if they are wanted.
    ///
    /// # Errors
    ///
    /// If a message has a role or a tool a name that is no string.
    pub(crate) fn new(
        messages: &[&Message],
        with_system: bool,
        caps: Caps,
    ) -> Result<Self, OpError> {
        let mut history = Self {
            turns: Vec::new(),
            is_capped: false,
            caps,
        };
        let mut system: Vec<String> = Vec::new();
        for message in messages {
            let role = role(message)?;
            let text = content::text_of(message.get("content"));
            match role.as_str() {
                "system" if with_system && !text.is_empty() => system.push(text),
                "user" => history.user(&mut system, text),
                "assistant" => {
                    let text = match (text.is_empty(), calls(message)) {
                        (true, Some(calls)) => tools::summary(calls)?,
                        _ => text,
                    };
                    history.assistant(text);
                }
                "tool" => history.tool(text),
                _ => {}
            }
        }
        Ok(history)
    }

    fn user(&mut self, system: &mut Vec<String>, text: String) {
        let mut query = text;
        if !system.is_empty() {
            system.push(query);
            query = crate::unicode::strip(&system.join("\n\n")).to_owned();
            system.clear();
        }
        let query = self.capped(query, self.caps.user_max);
        let response = String::new();
        self.turns.push(Turn { query, response });
    }

    fn assistant(&mut self, text: String) {
        let Some(turn) = self.turns.last_mut() else {
            let response = self.capped(text, self.caps.trace_max);
            let query = String::new();
            self.turns.push(Turn { query, response });
            return;
        };
        if !turn.response.is_empty() && !text.is_empty() {
            turn.response.push_str("\n\n");
        }
        turn.response.push_str(&text);
        self.cap_trace();
    }

    fn tool(&mut self, text: String) {
        let body = self.capped(text, self.caps.tool_result_max);
        if let Some(turn) = self.turns.last_mut() {
            if !turn.response.is_empty() {
                turn.response.push('\n');
            }
            turn.response.push_str("[Tool result]\n");
            turn.response.push_str(&body);
            self.cap_trace();
        }
    }

    fn cap_trace(&mut self) {
        if let Some(turn) = self.turns.last_mut() {
            let response = std::mem::take(&mut turn.response);
            let response = self.capped(response, self.caps.trace_max);
            if let Some(turn) = self.turns.last_mut() {
                turn.response = response;
            }
        }
    }

    fn capped(&mut self, text: String, chars_max: i64) -> String {
        match cap(&text, chars_max, self.caps.head_ratio) {
            Some(short) => {
                self.is_capped = true;
                short
            }
            None => text,
        }
    }
}
