//! `agent_dialog_normalize_mapper` makes a plain dialog of an agent's record.

use serde_json::{Value, json};
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::dialog::{Caps, History, Message, Skills, answer, messages, role, tool_names};
use crate::meta;
use crate::python::{str_of};
use crate::unicode::strip;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<AgentDialogNormalizeMapper>(
    "agent_dialog_normalize_mapper",
    "Makes a dialog, a text and a last query and response of an agent's messages.",
)
.details("The messages become turns: a turn begins with a message of the user and takes in all that the assistant said and what tools gave back (after a line `[Tool result]`) up to the next one. An assistant's message without text is shown as the names of the tools it calls. Contents may be strings, lists of blocks (text and reasoning) or nested objects.\n\n`history_key` gets the turns as pairs, `text_key` all of them as one text, `query_key` and `response_key` the last turn; if that has no response, the first text in `choices_key` is taken.\n\nThe field `__dj__meta__` gets `agent_turn_count`, `agent_dialog_history_compressed` (whether a limit was met), `agent_last_user_msg_idx` and `agent_last_assistant_msg_idx`, and as asked for `agent_tool_types` and `agent_skill_types` (a list with one empty string if there are none, as in the original), `agent_request_id`, `agent_request_model`, `agent_pt` and `agent_total_cost_time_ms`.\n\nLimits are in characters. A text beyond one keeps its head and tail around a note of how much was left out.")
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "makes turns of messages",
    params: "{}",
    input: &[r#"{"messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "tool_calls": [{"function": {"name": "clock"}}]}, {"role": "tool", "content": "9:30"}, {"role": "assistant", "content": [{"type": "text", "text": "Half past nine."}]}], "id": 7}"#],
    output: &[r#"{"messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "tool_calls": [{"function": {"name": "clock"}}]}, {"role": "tool", "content": "9:30"}, {"role": "assistant", "content": [{"type": "text", "text": "Half past nine."}]}], "id": 7, "text": "User: Time?\n\nAssistant: [Tool calls: clock]\n[Tool result]\n9:30\n\nHalf past nine.", "dialog_history": [["Time?", "[Tool calls: clock]\n[Tool result]\n9:30\n\nHalf past nine."]], "query": "Time?", "response": "[Tool calls: clock]\n[Tool result]\n9:30\n\nHalf past nine.", "__dj__meta__": {"agent_dialog_history_compressed": false, "agent_turn_count": 1, "agent_tool_types": ["clock"], "agent_skill_types": [""], "agent_last_user_msg_idx": 0, "agent_last_assistant_msg_idx": 3, "agent_request_id": "7"}}"#],
}]);

/// Parameters of `agent_dialog_normalize_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The field that lists the messages.
    messages_key: String,
    /// The field that lists the answers of the model.
    choices_key: String,
    /// The field to put the turns in.
    history_key: String,
    /// The field to put the last query in.
    query_key: String,
    /// The field to put the last response in.
    response_key: String,
    /// Note the names of tools and skills.
    extract_tool_skill_tags: bool,
    /// Put messages of the system in front of what the user says next; else
    /// they are left out.
    include_system_in_first_user: bool,
    /// What stands before a query in the text.
    user_label: String,
    /// What stands before a response in the text.
    assistant_label: String,
    /// Note `request_model`, `pt` and `total_cost_time` of the sample.
    copy_lineage_fields: bool,
    /// Note the sample's id.
    copy_request_id: bool,
    /// The fields that may hold the id; the first that is not blank counts.
    request_id_keys: Vec<String>,
    /// The longest result of a tool, in characters; 0 is no limit.
    history_tool_result_max_chars: i64,
    /// The longest response of a turn, in characters; 0 is no limit.
    history_max_assistant_trace_chars: i64,
    /// The longest query, in characters; 0 is no limit.
    history_max_user_chars: i64,
    /// The share of the head in what is kept of a long text, from 0.35 to
    /// 0.85.
    history_compress_head_ratio: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            messages_key: "messages".to_owned(),
            choices_key: "choices".to_owned(),
            history_key: "dialog_history".to_owned(),
            query_key: "query".to_owned(),
            response_key: "response".to_owned(),
            extract_tool_skill_tags: true,
            include_system_in_first_user: false,
            user_label: "User".to_owned(),
            assistant_label: "Assistant".to_owned(),
            copy_lineage_fields: true,
            copy_request_id: true,
            request_id_keys: ["request_id", "trace_id", "id"].map(str::to_owned).into(),
            history_tool_result_max_chars: 10_000,
            history_max_assistant_trace_chars: 0,
            history_max_user_chars: 0,
            history_compress_head_ratio: 0.62,
        }
    }
}

pub(crate) struct AgentDialogNormalizeMapper {
    params: Params,
    text_key: String,
    skills: Skills,
}

impl Configured for AgentDialogNormalizeMapper {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            params,
            text_key: common.text_key.clone(),
            skills: Skills::new(),
        })
    }
}

impl Mapper for AgentDialogNormalizeMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        let params = &self.params;
        let list = match sample.value(&params.messages_key)? {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let messages = messages(&list)?;
        let caps = Caps {
            tool_result_max: params.history_tool_result_max_chars,
            trace_max: params.history_max_assistant_trace_chars,
            user_max: params.history_max_user_chars,
            head_ratio: params.history_compress_head_ratio,
        };
        let history = History::new(&messages, params.include_system_in_first_user, caps)?;
        let last = history.turns.last();
        let query = last.map_or("", |turn| &turn.query).to_owned();
        let mut response = last.map_or("", |turn| &turn.response).to_owned();
        if response.is_empty()
            && let Some(choices) = sample.value(&params.choices_key)?
        {
            response = answer(&choices)?;
        }
        let pairs = history.turns.iter();
        let pairs: Value = pairs.map(|turn| json!([turn.query, turn.response])).collect();
        sample.set_text(&self.text_key, self.flat(&history));
        sample.set_value(&params.history_key, &pairs);
        sample.set_text(&params.query_key, query);
        sample.set_text(&params.response_key, response);
        self.note(sample, &messages, &history)
    }
}

impl AgentDialogNormalizeMapper {
    /// All turns as one text.
    fn flat(&self, history: &History) -> String {
        let mut lines = Vec::new();
        for turn in &history.turns {
            for (label, text) in [
                (&self.params.user_label, &turn.query),
                (&self.params.assistant_label, &turn.response),
            ] {
                if !text.is_empty() {
                    lines.push(format!("{label}: {text}"));
                }
            }
        }
        lines.join("\n\n")
    }

    /// Writes what was found out about the dialog.
    fn note(
        &self,
        sample: &mut Sample,
        messages: &[&Message],
        history: &History,
    ) -> Result<(), OpError> {
        let mut entries = meta::read(sample)?;
        let mut put = |name: &str, value: Value| entries.insert(name.to_owned(), value);
        put("agent_dialog_history_compressed", history.is_capped.into());
        put("agent_turn_count", history.turns.len().into());
        if self.params.extract_tool_skill_tags {
            put("agent_tool_types", listed(tool_names(messages)?));
            put("agent_skill_types", listed(self.skills.names(messages)?));
        }
        for (wanted, name) in [
            ("user", "agent_last_user_msg_idx"),
            ("assistant", "agent_last_assistant_msg_idx"),
        ] {
            let is_wanted = |message: &&Message| role(message).is_ok_and(|role| role == wanted);
            if let Some(at) = messages.iter().rposition(is_wanted) {
                put(name, at.into());
            }
        }
        if self.params.copy_request_id
            && let Some(id) = first_not_blank(sample, &self.params.request_id_keys)?
        {
            put("agent_request_id", id.into());
        }
        if self.params.copy_lineage_fields {
            for (field, name) in [
                ("request_model", "agent_request_model"),
                ("pt", "agent_pt"),
                ("total_cost_time", "agent_total_cost_time_ms"),
            ] {
                if let Some(value) = sample.value(field)?.filter(|value| !value.is_null()) {
                    put(name, value);
                }
            }
        }
        meta::write(sample, entries);
        Ok(())
    }
}

/// The names that are not blank, or one empty string.
fn listed(mut names: Vec<String>) -> Value {
    names.retain(|name| !name.is_empty());
    if names.is_empty() {
        names.push(String::new());
    }
    names.into()
}

/// The first of these fields that is neither null nor blank, as a string.
fn first_not_blank(sample: &Sample, fields: &[String]) -> Result<Option<String>, OpError> {
    for field in fields {
        let Some(value) = sample.value(field)?.filter(|value| !value.is_null()) else {
            continue;
        };
        let text = str_of(&value);
        let text = strip(&text);
        if !text.is_empty() {
            return Ok(Some(text.to_owned()));
        }
    }
    Ok(None)
}
