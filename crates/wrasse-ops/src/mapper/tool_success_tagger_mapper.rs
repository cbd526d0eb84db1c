//! `tool_success_tagger_mapper` counts the calls of tools that went well.

use serde_json::{Value, json};
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::dialog::{messages, role};
use crate::meta;
use crate::pattern::{Dialect, Pattern};
use crate::python::{json_of, str_of};
use crate::unicode::strip;

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<ToolSuccessTaggerMapper>(
    "tool_success_tagger_mapper",
    "Counts which results of tools in an agent's messages are successes and which are errors.",
)
.details(
    "The field `__dj__meta__` gets `tool_success_count`, `tool_fail_count`, `tool_unknown_count`, \
     `tool_success_ratio` (successes among successes and errors, null without any) and, as asked \
     for, `tool_results`: the beginning of each result, 200 characters, with `success`, `error` or \
     `unknown`.\n\n\
     A result is an error if one of `error_patterns` is found in it, unknown if it is empty, and a \
     success otherwise: `success_patterns` decide nothing, as in the original. Results that are \
     no text are looked at as JSON.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "one success, one error",
    params: "{}",
    input: &[
        r#"{"messages": [{"role": "user", "content": "go"}, {"role": "tool", "content": " OK "}, {"role": "Tool", "content": [{"type": "text", "text": "Error: no such file"}]}]}"#,
    ],
    output: &[
        r#"{"messages": [{"role": "user", "content": "go"}, {"role": "tool", "content": " OK "}, {"role": "Tool", "content": [{"type": "text", "text": "Error: no such file"}]}], "__dj__meta__": {"tool_success_count": 1, "tool_fail_count": 1, "tool_unknown_count": 0, "tool_success_ratio": 0.5, "tool_results": [{"content_preview": "OK", "result": "success"}, {"content_preview": "Error: no such file", "result": "error"}]}}"#,
    ],
}]);

/// What Data-Juicer takes for an error, in English and Chinese.
const ERROR_PATTERNS: [&str; 13] = [
    r"(?i)\berror\s*:",
    r"(?i)\bexception\b",
    r"(?i)\bfailed\b",
    r"(?i)\bfailure\b",
    r"(?i)not\s+found",
    r"(?i)permission\s+denied",
    "(?:执行|操作|请求|调用|接口)失败",
    "(?:发生|出现)错误",
    "错误码",
    "无法访问",
    "权限不足",
    "无权限",
    "找不到(?:文件|路径)?",
];

/// So much of a result that is an object is looked at, in characters.
const JSON_CHARS: usize = 10_000;

/// So much of a result is kept, in characters.
const PREVIEW_CHARS: usize = 200;

/// Parameters of `tool_success_tagger_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The field that lists the messages.
    messages_key: String,
    /// The roles of messages that are results of tools, in lower case. If null
    /// or empty: `tool` and `tool_use`.
    tool_role_names: Option<Vec<String>>,
    /// Patterns of successes, in the syntax of Python's `re`. They decide
    /// nothing.
    success_patterns: Option<Vec<String>>,
    /// Patterns of errors, in the syntax of Python's `re`. If null or empty:
    /// usual words for errors in English and Chinese.
    error_patterns: Option<Vec<String>>,
    /// Note the beginning of each result too.
    store_per_tool_results: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            messages_key: "messages".to_owned(),
            tool_role_names: None,
            success_patterns: None,
            error_patterns: None,
            store_per_tool_results: true,
        }
    }
}

pub(crate) struct ToolSuccessTaggerMapper {
    messages_key: String,
    roles: Vec<String>,
    errors: Vec<Pattern>,
    keeps_results: bool,
}

impl Configured for ToolSuccessTaggerMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let given = |list: Option<Vec<String>>, otherwise: &[&str]| match list {
            Some(list) if !list.is_empty() => list,
            _ => otherwise.iter().map(|one| (*one).to_owned()).collect(),
        };
        for pattern in params.success_patterns.into_iter().flatten() {
            Pattern::new("success_patterns", &pattern, Dialect::Re)?;
        }
        let errors = given(params.error_patterns, &ERROR_PATTERNS).into_iter();
        let errors = errors.map(|pattern| Pattern::new("error_patterns", &pattern, Dialect::Re));
        Ok(Self {
            messages_key: params.messages_key,
            roles: given(params.tool_role_names, &["tool", "tool_use"]),
            errors: errors.collect::<Result<_, _>>()?,
            keeps_results: params.store_per_tool_results,
        })
    }
}

impl Mapper for ToolSuccessTaggerMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        let list = match sample.value(&self.messages_key)? {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let (mut n_success, mut n_error, mut n_unknown) = (0_u64, 0_u64, 0_u64);
        let mut results = Vec::new();
        for message in messages(&list)? {
            if !self.roles.contains(&role(message)?) {
                continue;
            }
            let content = message.get("content").map_or_else(String::new, text_of);
            let (n, name) = match self.is_error(&content)? {
                _ if content.is_empty() => (&mut n_unknown, "unknown"),
                true => (&mut n_error, "error"),
                false => (&mut n_success, "success"),
            };
            *n += 1;
            if self.keeps_results {
                let preview = head(&content, PREVIEW_CHARS);
                results.push(json!({"content_preview": preview, "result": name}));
            }
        }
        let n_known = n_success + n_error;
        let ratio = (n_known > 0).then(|| n_success as f64 / n_known as f64);

        let mut entries = meta::read(sample)?;
        entries.insert("tool_success_count".to_owned(), n_success.into());
        entries.insert("tool_fail_count".to_owned(), n_error.into());
        entries.insert("tool_unknown_count".to_owned(), n_unknown.into());
        entries.insert("tool_success_ratio".to_owned(), json!(ratio));
        if self.keeps_results {
            entries.insert("tool_results".to_owned(), results.into());
        }
        meta::write(sample, entries);
        Ok(())
    }
}

impl ToolSuccessTaggerMapper {
    fn is_error(&self, content: &str) -> Result<bool, OpError> {
        for pattern in &self.errors {
            if pattern.is_found(content)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The text of a result: what is no text is shown as JSON, or as Python does.
fn text_of(content: &Value) -> String {
    match content {
        Value::Null => String::new(),
        Value::String(text) => strip(text).to_owned(),
        Value::Object(_) => head(&json_of(content), JSON_CHARS).to_owned(),
        Value::Array(blocks) => {
            let block = |block: &Value| match block {
                Value::Object(fields) if fields.get("type") == Some(&json!("text")) => {
                    Some(fields.get("text").map_or_else(String::new, text_of))
                }
                Value::Object(_) | Value::String(_) => Some(text_of(block)),
                _ => None,
            };
            let parts: Vec<String> = blocks.iter().filter_map(block).collect();
            strip(&parts.join("\n")).to_owned()
        }
        other => strip(&str_of(other)).to_owned(),
    }
}

/// The first `n_chars` characters.
fn head(text: &str, n_chars: usize) -> &str {
    let end = text.char_indices().nth(n_chars);
    end.map_or(text, |(end, _)| &text[..end])
}
