//! [`Param`]: a parameter as a reference page shows it.

use serde_json::Value;

use crate::{COMMON_PARAMS, CommonParam, Effect, OpKind, OpSpec};

/// A parameter of an operator, read from the schema of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name in recipes.
    pub name: String,
    /// The types of its values, such as `integer or null`.
    pub types: String,
    /// Whether the recipe must give it.
    pub is_required: bool,
    /// The value if the recipe does not give one; `None` if that has no form
    /// in a recipe, and what it does says `about`.
    pub default: Option<Value>,
    /// What it does, on one line; Markdown.
    pub about: String,
}

impl Param {
    /// What a reference page says of the default: `required`, a value in JSON,
    /// or `none`.
    pub fn default_text(&self) -> String {
        match &self.default {
            _ if self.is_required => "required".to_owned(),
            Some(value) => value.to_string(),
            None => "none".to_owned(),
        }
    }
}

impl OpSpec {
    /// The operator's own parameters, in the order of their declaration.
    pub fn params(&self) -> Vec<Param> {
        let schema = self.schema().to_value();
        let required = |name: &str| {
            let names = schema["required"].as_array();
            names.is_some_and(|names| names.iter().any(|one| one == name))
        };
        let properties = schema["properties"].as_object();
        properties
            .into_iter()
            .flatten()
            .map(|(name, property)| Param {
                name: name.clone(),
                types: types(property, &schema).join(" or "),
                is_required: required(name),
                default: property.get("default").cloned(),
                about: property["description"]
                    .as_str()
                    .unwrap_or("")
                    .replace('\n', " "),
            })
            .collect()
    }

    /// The common parameters that do something for this operator.
    pub fn common_params(&self) -> impl Iterator<Item = &'static CommonParam> {
        let is_filter = self.kind == OpKind::Filter;
        COMMON_PARAMS
            .iter()
            .filter(|param| param.effect == Effect::Used)
            .filter(move |param| is_filter || param.name == "text_key")
    }
}

/// The types that a schema allows, each once.
fn types(schema: &Value, root: &Value) -> Vec<String> {
    if let Some(target) = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'))
    {
        return root
            .pointer(target)
            .map_or_else(Vec::new, |target| types(target, root));
    }
    let mut found = Vec::new();
    let mut add = |name: String| {
        if !found.contains(&name) {
            found.push(name);
        }
    };
    for word in ["anyOf", "oneOf"] {
        for one in schema[word].as_array().into_iter().flatten() {
            types(one, root).into_iter().for_each(&mut add);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        words.iter().for_each(|word| add(format!("`{word}`")));
    } else if let Some(word) = schema.get("const") {
        add(format!("`{word}`"));
    } else {
        match &schema["type"] {
            Value::String(name) => add(named(name, schema, root)),
            Value::Array(names) => {
                for name in names.iter().filter_map(Value::as_str) {
                    add(named(name, schema, root));
                }
            }
            _ => {}
        }
    }
    found
}

fn named(name: &str, schema: &Value, root: &Value) -> String {
    match schema.get("items") {
        Some(items) if name == "array" => format!("list of {}", types(items, root).join(" or ")),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::json;

    use crate::{Common, Configured, OpError, OpSpec, ParamError, Text, TextMapper};

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Params {
        /// What must
        /// be given.
        pattern: OneOrMany,
        /// Neither given nor a default.
        limit: Option<u32>,
        /// With a default.
        #[serde(default = "seven")]
        seven: u32,
        /// A choice.
        form: Form,
    }

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is read")]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Form {
        Nfc,
        Nfkc,
    }

    fn seven() -> u32 {
        7
    }

    struct Op;

    impl Configured for Op {
        type Params = Params;

        fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
            Ok(Self)
        }
    }

    impl TextMapper for Op {
        fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
            Ok(Cow::Borrowed(text))
        }
    }

    #[test]
    fn types_and_defaults_come_from_the_declaration() {
        let params = OpSpec::text_mapper::<Op>("op", "Does.").params();
        let shown: Vec<_> = params
            .iter()
            .map(|param| {
                (
                    param.name.as_str(),
                    param.types.as_str(),
                    param.default.clone(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("pattern", "string or list of string", None),
                ("limit", "integer or null", None),
                ("seven", "integer", Some(json!(7))),
                ("form", "`\"nfc\"` or `\"nfkc\"`", None),
            ]
        );
        let required: Vec<bool> = params.iter().map(|param| param.is_required).collect();
        assert_eq!(required, [true, false, false, true]);
        assert_eq!(params[0].about, "What must be given.");
    }
}
