//! The parameters of a step: read as its operator's schema says, and the operator
//! built from them, with all that is wrong told.

use serde_json::{Map, Value, json};
use wrasse_op::{
    COMMON_PARAMS, Common, CommonParam, Effect, OpSpec, Operator, ParamError, closest,
};

use crate::check::listed;
use crate::conform::Expected;
use crate::node::{Entry, Node, brief};
use crate::steps::Named;
use crate::{Diagnostic, Severity};

/// The parameters of one step, on their way to JSON.
pub(crate) struct Params<'n> {
    pub(crate) spec: &'static OpSpec,
    pub(crate) named: &'n Named<'n>,
    pub(crate) entries: &'n [Entry],
    pub(crate) defaults: &'n Common,
    pub(crate) lets_unknown_pass: bool,
}

impl Params<'_> {
    /// The parameters that could be read, and whether that is all that the
    /// operator needs in order to judge them.
    pub(crate) fn read(&self, found: &mut Vec<Diagnostic>) -> (Map<String, Value>, bool) {
        let schema = self.spec.schema().to_value();
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
        let mut params = Map::new();
        let mut all_read = true;
        for entry in self.entries {
            let expected = match (common(&entry.key), property(&schema, &entry.key)) {
                (Some(param), Some(property)) if param.effect != Effect::Used => property.clone(),
                (Some(common), _) => common_schema(common),
                (None, Some(property)) => property.clone(),
                (None, None) if self.is_unknown(entry) => {
                    let severity = match self.lets_unknown_pass {
                        true => Severity::Warning,
                        false => Severity::Error,
                    };
                    found.push(Diagnostic {
                        severity,
                        ..self.unknown(entry, &schema)
                    });
                    continue;
                }
                (None, None) => json!({}),
            };
            match Expected::new(&expected, &schema).read(&entry.key, &entry.value, found) {
                Some(value) => {
                    params.insert(entry.key.clone(), value);
                }
                None => all_read &= !is_required(&entry.key),
            }
        }
        (params, all_read)
    }

    /// Whether the operator does not take a parameter that its schema does not
    /// list. It may take it nevertheless, under a second name.
    fn is_unknown(&self, entry: &Entry) -> bool {
        let alone = json!({ entry.key.as_str(): natural(&entry.value) });
        let complaint = format!("unknown field `{}`", entry.key);
        match self.spec.build(&alone, self.defaults) {
            Ok(_) => false,
            Err(error) => error.message.starts_with(&complaint),
        }
    }

    fn unknown(&self, entry: &Entry, schema: &Value) -> Diagnostic {
        let properties = schema.get("properties").and_then(Value::as_object);
        let own: Vec<&str> = properties
            .into_iter()
            .flat_map(|map| map.keys().map(String::as_str))
            .collect();
        let used = COMMON_PARAMS
            .iter()
            .filter(|param| param.effect == Effect::Used);
        let names = own.iter().copied().chain(used.map(|param| param.name));
        let message = format!(
            "unknown parameter `{}` of `{}`",
            brief(&entry.key),
            self.named.name
        );
        let error = Diagnostic::error(message).at(entry.place);
        match closest(&entry.key, names) {
            Some(suggestion) => error.did_you_mean(Some(suggestion)),
            None if own.is_empty() => error.hint("it takes none of its own"),
            None => error.hint(format!("it takes {}", listed(&own))),
        }
    }
}

/// Builds the operator. What it complains of is taken out, so that it can
/// complain of the rest as well.
pub(crate) fn build(
    spec: &'static OpSpec,
    params: &Map<String, Value>,
    defaults: &Common,
) -> Result<Operator, Vec<ParamError>> {
    let mut params = params.clone();
    let mut errors = Vec::new();
    loop {
        let error = match spec.build(&Value::Object(params.clone()), defaults) {
            Ok(operator) if errors.is_empty() => return Ok(operator),
            Ok(_) => return Err(errors),
            Err(error) => error,
        };
        let blamed = error
            .param
            .as_deref()
            .map(root_of)
            .filter(|root| params.contains_key(*root))
            .map(str::to_owned);
        // A later complaint about something else may only be about the gap.
        if errors.is_empty() || blamed.is_some() {
            errors.push(error);
        }
        let Some(blamed) = blamed else {
            return Err(errors);
        };
        params.shift_remove(&blamed);
    }
}

/// What an operator complains of, with its place.
pub(crate) fn param_error(error: &ParamError, named: &Named<'_>) -> Diagnostic {
    let path = error.param.as_deref();
    let place = path
        .zip(named.params)
        .and_then(|(path, params)| params.place_at(path))
        .unwrap_or(named.place);
    let message = match path {
        Some(path) => format!("`{path}`: {}", error.message),
        None => format!(
            "`{}`: {}",
            named.name,
            error.message.replace("missing field", "missing parameter")
        ),
    };
    let diagnostic = Diagnostic::error(message).at(place);
    match &error.hint {
        Some(hint) => diagnostic.hint(hint.clone()),
        None => diagnostic,
    }
}

/// The common parameter of this name.
pub(crate) fn common(name: &str) -> Option<&'static CommonParam> {
    COMMON_PARAMS.iter().find(|param| param.name == name)
}

/// The type of a common parameter.
pub(crate) fn common_schema(param: &CommonParam) -> Value {
    match (param.effect, param.name) {
        (Effect::Ignored(_), _) => json!({}),
        (Effect::Used, "text_key") => json!({ "type": ["string", "null"] }),
        (Effect::Used, _) => json!({ "type": ["boolean", "null"] }),
    }
}

/// What a schema says of a parameter.
pub(crate) fn property<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    schema.get("properties")?.get(name)
}

/// The part of a path before the first step into a value.
fn root_of(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

/// A node as JSON where nothing in particular is expected.
pub(crate) fn natural(node: &Node) -> Value {
    let open = Value::Bool(true);
    let value = Expected::new(&open, &open).read("", node, &mut Vec::new());
    value.unwrap_or_default()
}
