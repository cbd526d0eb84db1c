//! `pii_redaction_mapper` replaces what tells who somebody is, or lets others
//! in.

use std::borrow::Cow;

use serde_json::{Map, Value};
use wrasse_op::{Common, Configured, Example, Mapper, OpError, OpSpec, ParamError, Sample};

use crate::pii::{Kind, Redactor};

pub(crate) const SPEC: OpSpec = OpSpec::mapper::<PiiRedactionMapper>(
    "pii_redaction_mapper",
    "Replaces e-mail addresses, phone and ID numbers, secrets, paths and the like by placeholders.",
)
.details("Searched in this order: PEM blocks, tokens of the form JWT, URLs (if asked for), IP addresses (version 6 in brackets only), MAC addresses, paths below the usual roots, e-mail addresses, values behind words such as `password:`, ids such as `user_id: 7` (of which the name alone stays, as in the original), names of channels, open ids of chat platforms, phone numbers (Chinese mobile and international), Chinese ID numbers, and `extra_patterns`. The patterns are the original's, which check forms and no check digits; with `check_digits` an ID number must have the right one (GB 11643). Of Wrasse's own are, if asked for, IBANs (with the length of their country and the right check digits) and numbers of payment cards (13 to 19 digits from 2 to 6 on that meet Luhn's formula), searched for behind ID numbers. Replacements may name groups of the patterns (`\\1`).\n\nRedacted are the fields `redact_keys`: strings, pairs of strings, the turns of `dialog_history`, and in `messages_key` the contents and the arguments of tool calls. Anywhere in a sample, strings in lists are redacted too, and so are those under the names `file_path`, `path`, `file`, `arguments` and `file_paths`. Some of them are so redacted twice, which as in the original can show: `token: [REDACTED]` becomes `token: [REDACTED]]`.\n\nUnlike the original, an extra pattern that is malformed is an error, and not passed over.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "replaces by kind",
        params: "{}",
        input: &[r#"{"text": "mail a.b@c.org, call 13800138000, password=hunter2, see /tmp/me/x from 10.0.0.1"}"#],
        output: &[r#"{"text": "mail [EMAIL_REDACTED], call [PHONE_REDACTED], password=[REDACTED], see [PATH_REDACTED] from [IP_REDACTED]"}"#],
    },
    Example {
        about: "looks at check digits",
        params: r#"{"mask_ibans": true, "mask_credit_cards": true, "check_digits": true}"#,
        input: &[r#"{"text": "pay DE89 3704 0044 0532 0130 00 (not DE88 3704 0044 0532 0130 00) by 4111 1111 1111 1111, ID 11010519491231002X, not 110105194912310021"}"#],
        output: &[r#"{"text": "pay [IBAN_REDACTED] (not DE88 3704 0044 0532 0130 00) by [CREDIT_CARD_REDACTED], ID [ID_CARD_REDACTED], not 110105194912310021"}"#],
    },
    Example {
        about: "reaches into messages",
        params: r#"{"mask_urls": true, "extra_patterns": [["Project \\w+", "<project>"]]}"#,
        input: &[r#"{"messages": [{"role": "user", "content": "Project Blue is at https://a.b/c"}, {"tool_calls": [{"function": {"name": "open", "arguments": "/tmp/blue"}}]}]}"#],
        output: &[r#"{"messages": [{"role": "user", "content": "<project> is at [URL_REDACTED]"}, {"tool_calls": [{"function": {"name": "open", "arguments": "[PATH_REDACTED]"}}]}]}"#],
    },
]);

/// Parameters of `pii_redaction_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Redact paths of files.
    mask_paths: bool,
    /// Redact e-mail addresses.
    mask_emails: bool,
    /// Redact passwords, tokens and keys that are named as such.
    mask_secrets: bool,
    /// Redact ids of sessions, users, requests and traces.
    mask_ids: bool,
    /// Redact phone numbers.
    mask_phones: bool,
    /// Redact Chinese ID numbers.
    mask_id_cards: bool,
    /// Redact the names of channels.
    mask_channel_ids: bool,
    /// Redact open ids of chat platforms; replaced as channels are.
    mask_platform_open_ids: bool,
    /// Redact PEM blocks: keys and certificates.
    mask_pem: bool,
    /// Redact tokens of the form JWT.
    mask_jwt: bool,
    /// Redact URLs.
    mask_urls: bool,
    /// Redact IBANs, the numbers of bank accounts. Wrasse's own.
    mask_ibans: bool,
    /// Redact the numbers of credit and other payment cards. Wrasse's own.
    mask_credit_cards: bool,
    /// Redact Chinese ID numbers only if their check digit is right. Wrasse's
    /// own.
    check_digits: bool,
    /// Redact IP addresses.
    mask_ips: bool,
    /// Redact MAC addresses.
    mask_macs: bool,
    /// What to put for a path.
    path_replacement: String,
    /// What to put for an e-mail address.
    email_replacement: String,
    /// What to put for a secret.
    secret_replacement: String,
    /// What to put for an id.
    id_replacement: String,
    /// What to put for a phone number.
    phone_replacement: String,
    /// What to put for an ID number.
    id_card_replacement: String,
    /// What to put for a channel or an open id.
    channel_id_replacement: String,
    /// What to put for a PEM block.
    pem_replacement: String,
    /// What to put for a JWT.
    jwt_replacement: String,
    /// What to put for a URL.
    url_replacement: String,
    /// What to put for an IBAN.
    iban_replacement: String,
    /// What to put for the number of a payment card.
    credit_card_replacement: String,
    /// What to put for an IP address.
    ip_replacement: String,
    /// What to put for a MAC address.
    mac_replacement: String,
    /// More patterns in Python's syntax, each with its replacement.
    extra_patterns: Option<Vec<(String, String)>>,
    /// The fields to redact; if null the text, `query`, `response`,
    /// `dialog_history` and `messages`.
    redact_keys: Option<Vec<String>>,
    /// The field that lists messages.
    messages_key: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        let placeholder = |name: &str| format!("[{name}REDACTED]");
        Self {
            mask_paths: true,
            mask_emails: true,
            mask_secrets: true,
            mask_ids: true,
            mask_phones: true,
            mask_id_cards: true,
            mask_channel_ids: true,
            mask_platform_open_ids: true,
            mask_pem: true,
            mask_jwt: true,
            mask_urls: false,
            mask_ibans: false,
            mask_credit_cards: false,
            check_digits: false,
            mask_ips: true,
            mask_macs: true,
            path_replacement: placeholder("PATH_"),
            email_replacement: placeholder("EMAIL_"),
            secret_replacement: placeholder(""),
            id_replacement: placeholder("ID_"),
            phone_replacement: placeholder("PHONE_"),
            id_card_replacement: placeholder("ID_CARD_"),
            channel_id_replacement: placeholder("CHANNEL_ID_"),
            pem_replacement: placeholder("PEM_"),
            jwt_replacement: placeholder("JWT_"),
            url_replacement: placeholder("URL_"),
            iban_replacement: placeholder("IBAN_"),
            credit_card_replacement: placeholder("CREDIT_CARD_"),
            ip_replacement: placeholder("IP_"),
            mac_replacement: placeholder("MAC_"),
            extra_patterns: None,
            redact_keys: None,
            messages_key: Some("messages".to_owned()),
        }
    }
}

impl Params {
    /// Whether a kind is wanted, and its replacement with the parameter's name.
    fn of(&self, kind: Kind) -> (bool, &'static str, &str) {
        match kind {
            Kind::Pem => (self.mask_pem, "pem_replacement", &self.pem_replacement),
            Kind::Jwt => (self.mask_jwt, "jwt_replacement", &self.jwt_replacement),
            Kind::Url => (self.mask_urls, "url_replacement", &self.url_replacement),
            Kind::Ip => (self.mask_ips, "ip_replacement", &self.ip_replacement),
            Kind::Mac => (self.mask_macs, "mac_replacement", &self.mac_replacement),
            Kind::Path => (self.mask_paths, "path_replacement", &self.path_replacement),
            Kind::Email => (self.mask_emails, "email_replacement", &self.email_replacement),
            Kind::Secret => (self.mask_secrets, "secret_replacement", &self.secret_replacement),
            Kind::Id => (self.mask_ids, "id_replacement", &self.id_replacement),
            Kind::Channel => (
                self.mask_channel_ids,
                "channel_id_replacement",
                &self.channel_id_replacement,
            ),
            Kind::OpenId => (
                self.mask_platform_open_ids,
                "channel_id_replacement",
                &self.channel_id_replacement,
            ),
            Kind::Phone => (self.mask_phones, "phone_replacement", &self.phone_replacement),
            Kind::IdCard => (
                self.mask_id_cards && !self.check_digits,
                "id_card_replacement",
                &self.id_card_replacement,
            ),
            Kind::CheckedIdCard => (
                self.mask_id_cards && self.check_digits,
                "id_card_replacement",
                &self.id_card_replacement,
            ),
            Kind::Iban => (self.mask_ibans, "iban_replacement", &self.iban_replacement),
            Kind::Card => (
                self.mask_credit_cards,
                "credit_card_replacement",
                &self.credit_card_replacement,
            ),
        }
    }
}

pub(crate) struct PiiRedactionMapper {
    redactor: Redactor,
    redact_keys: Vec<String>,
    messages_key: Option<String>,
}

impl Configured for PiiRedactionMapper {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let mut redactor = Redactor::new();
        for kind in Kind::ALL.into_iter().chain(Kind::CHECKED) {
            let (is_wanted, param, replacement) = params.of(kind);
            if is_wanted {
                redactor.add(kind, param, replacement)?;
            }
        }
        let extra = params.extra_patterns.iter().flatten();
        for (i, (pattern, replacement)) in extra.enumerate() {
            redactor.add_pattern(&format!("extra_patterns[{i}]"), pattern, replacement)?;
        }
        let default = [&common.text_key, "query", "response", HISTORY, "messages"];
        Ok(Self {
            redactor,
            redact_keys: params
                .redact_keys
                .unwrap_or_else(|| default.map(str::to_owned).into()),
            messages_key: params.messages_key,
        })
    }
}

/// The field whose pairs are turns.
const HISTORY: &str = "dialog_history";

/// Names under which strings are redacted wherever they stand.
fn is_telling(name: &str) -> bool {
    matches!(name, "file_path" | "path" | "file" | "arguments" | "file_paths")
}

impl Mapper for PiiRedactionMapper {
    fn map(&self, sample: &mut Sample) -> Result<(), OpError> {
        let names = sample.field_names().into_iter().map(Cow::into_owned);
        for name in names.collect::<Vec<String>>() {
            let n_times = self.redact_keys.iter().filter(|key| **key == name).count();
            let first = sample.json(&name).and_then(|json| json.bytes().next());
            match first {
                Some(b'"') => {
                    let n_times = n_times + usize::from(is_telling(&name));
                    for _ in 0..n_times {
                        if let Cow::Owned(new) = self.redactor.redact(sample.text(&name)?)? {
                            sample.set_text(&name, new);
                        }
                    }
                }
                Some(b'[' | b'{') => {
                    let Some(mut value) = sample.value(&name)? else {
                        continue;
                    };
                    if self.field(&name, n_times, &mut value)? {
                        sample.set_value(&name, &value);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl PiiRedactionMapper {
    /// Redacts a field that is no string; tells whether anything changed.
    fn field(&self, name: &str, n_times: usize, value: &mut Value) -> Result<bool, OpError> {
        let mut changed = false;
        if let Value::Array(list) = value {
            let is_messages = self.messages_key.as_deref() == Some(name);
            for _ in 0..n_times {
                changed |= match name {
                    _ if is_messages => self.messages(list)?,
                    HISTORY => self.history(list)?,
                    _ if list.len() == 2 => self.strings(list)?,
                    _ => false,
                };
            }
            if name == HISTORY && n_times > 0 && !is_messages {
                // Turns are done.
                for item in list.iter_mut().filter(|item| !is_turn(item)) {
                    changed |= self.item(item)?;
                }
                return Ok(changed);
            }
        }
        Ok(self.nested(value)? | changed)
    }

    fn text(&self, text: &mut String) -> Result<bool, OpError> {
        let Cow::Owned(new) = self.redactor.redact(text)? else {
            return Ok(false);
        };
        *text = new;
        Ok(true)
    }

    /// Redacts a value if it is a string.
    fn string(&self, value: Option<&mut Value>) -> Result<bool, OpError> {
        match value {
            Some(Value::String(text)) => self.text(text),
            _ => Ok(false),
        }
    }

    /// Redacts the strings of a list.
    fn strings(&self, list: &mut [Value]) -> Result<bool, OpError> {
        let mut changed = false;
        for value in list {
            changed |= self.string(Some(value))?;
        }
        Ok(changed)
    }

    /// Redacts what stands in a list: a string, or strings below it.
    fn item(&self, value: &mut Value) -> Result<bool, OpError> {
        match value {
            Value::String(text) => self.text(text),
            other => self.nested(other),
        }
    }

    /// Redacts strings in lists and under telling names, at any depth.
    fn nested(&self, value: &mut Value) -> Result<bool, OpError> {
        let mut changed = false;
        match value {
            Value::Array(list) => {
                for item in list {
                    changed |= self.item(item)?;
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    changed |= match value {
                        Value::String(text) if is_telling(name) => self.text(text)?,
                        other => self.nested(other)?,
                    };
                }
            }
            _ => {}
        }
        Ok(changed)
    }

    /// Redacts turns; what stands in them beyond query and response goes.
    fn history(&self, list: &mut [Value]) -> Result<bool, OpError> {
        let mut changed = false;
        for item in list {
            if let Value::Array(turn) = item
                && turn.len() >= 2
            {
                changed |= turn.len() > 2;
                turn.truncate(2);
                changed |= self.strings(turn)?;
            }
        }
        Ok(changed)
    }

    fn messages(&self, list: &mut [Value]) -> Result<bool, OpError> {
        let mut changed = false;
        for message in list.iter_mut().filter_map(Value::as_object_mut) {
            changed |= self.content(message.get_mut("content"))?;
            for name in ["tool_calls", "tool_use"] {
                let calls = message.get_mut(name).and_then(Value::as_array_mut);
                for call in calls.into_iter().flatten() {
                    if let Value::Object(call) = call {
                        changed |= self.call(call)?;
                    }
                }
            }
        }
        Ok(changed)
    }

    fn content(&self, content: Option<&mut Value>) -> Result<bool, OpError> {
        let Some(Value::Array(blocks)) = content else {
            return self.string(content);
        };
        let mut changed = false;
        for block in blocks {
            match block {
                Value::Object(block) => {
                    changed |= self.string(block.get_mut("text"))?;
                    changed |= self.string(block.get_mut("content"))?;
                }
                other => changed |= self.string(Some(other))?,
            }
        }
        Ok(changed)
    }

    fn call(&self, call: &mut Map<String, Value>) -> Result<bool, OpError> {
        let is_true = |name: &str| call.get(name).is_some_and(crate::python::is_true);
        let name = ["function", "function_call"]
            .into_iter()
            .find(|name| is_true(name))
            .unwrap_or("function_call");
        let mut changed = false;
        if let Some(Value::Object(function)) = call.get_mut(name) {
            changed |= self.arguments(function)?;
        }
        Ok(self.arguments(call)? | changed)
    }

    fn arguments(&self, fields: &mut Map<String, Value>) -> Result<bool, OpError> {
        match fields.get_mut("arguments") {
            Some(Value::String(text)) => self.text(text),
            Some(arguments @ Value::Object(_)) => self.nested(arguments),
            _ => Ok(false),
        }
    }
}

/// Whether a value is a turn after [`PiiRedactionMapper::history`].
fn is_turn(value: &Value) -> bool {
    value.as_array().is_some_and(|turn| turn.len() == 2)
}
