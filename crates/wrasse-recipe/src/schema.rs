//! [`schema`]: the JSON schema of recipes, for editors.

use serde_json::{Map, Value, json};
use wrasse_op::{COMMON_PARAMS, Catalog, CommonParam, Effect, OpSpec, POOL_PARAMS};

use crate::conform::WORDS;
use crate::keys::{KEYS, Key, Meaning};
use crate::params::common_schema;

/// The JSON schema (draft 2020-12) of recipes with the operators of a catalog.
///
/// It says of each key and parameter what it does, its type and its default.
/// It is stricter than [`check`](crate::check) in one way: what YAML 1.1 alone
/// calls booleans (`yes`, `off`) is text to an editor. And it is more lenient in
/// one: a name that may be that of an operator in Python, which only asking Python
/// can tell, is none that an editor should call wrong.
pub fn schema(catalog: &Catalog) -> Value {
    let mut properties = Map::new();
    for key in KEYS {
        properties.insert(key.name.to_owned(), key_schema(key, catalog));
    }
    let definitions: Map<String, Value> = catalog
        .iter()
        .map(|spec| (spec.name.to_owned(), params_schema(spec)))
        .collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wrasse recipe",
        "description": "Operators over a data set. Data-Juicer recipes are read as they are.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "anyOf": [{ "required": ["dataset_path"] }, { "required": ["dataset"] }],
        "$defs": definitions,
    });
    without_words(&mut schema);
    schema
}

fn key_schema(key: &Key, catalog: &Catalog) -> Value {
    let mut schema = if key.name == "process" {
        steps_schema(catalog)
    } else {
        key.schema()
    };
    let about = match key.meaning {
        Meaning::DataJuicer | Meaning::Native => key.about.to_owned(),
        Meaning::Ignored => "Data-Juicer's; accepted without effect.".to_owned(),
        Meaning::Refused(hint) => format!("Data-Juicer's; an error if it is switched on: {hint}."),
    };
    let deprecated = matches!(key.meaning, Meaning::Ignored | Meaning::Refused(_));
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), about.into());
        if deprecated {
            object.insert("deprecated".to_owned(), true.into());
        }
    }
    or_null(schema)
}

/// A list of operators, by name or with parameters.
///
/// The form with parameters is one object with a property for each operator,
/// of which there must be one: editors complete its keys and show what is
/// wrong inside of it, which they do not in a choice between 200 objects.
fn steps_schema(catalog: &Catalog) -> Value {
    let mut names = Vec::new();
    let mut operators = Map::new();
    for spec in catalog.iter() {
        for name in std::iter::once(&spec.name).chain(spec.aliases) {
            names.push(*name);
            operators.insert(
                (*name).to_owned(),
                json!({ "$ref": format!("#/$defs/{}", spec.name) }),
            );
        }
    }
    json!({
        "type": "array",
        "items": {
            "anyOf": [
                {
                    "type": "object",
                    "properties": operators,
                    "patternProperties": { REFERENCE: outside_schema() },
                    "additionalProperties": perhaps_outside_schema(),
                    "propertyNames": { "anyOf": [{ "enum": names }, { "pattern": OUTSIDE }] },
                    "minProperties": 1,
                    "maxProperties": 1,
                },
                { "enum": names },
                { "type": "string", "pattern": OUTSIDE, "description": PERHAPS },
            ],
        },
    })
}

/// A name that can only be meant as a place where there is an operator, such
/// as `./ops.py:Name`.
const REFERENCE: &str = "[/:.~]";

/// A name that may be an operator in Python: a place, or as Data-Juicer's mappers and
/// filters are called, or DataMate's operators.
const OUTSIDE: &str = "[/:.~]|_(mapper|filter)$|^[A-Z][A-Za-z0-9]*$";

/// What editors show of a name that is no native operator's.
const PERHAPS: &str = "No native operator has this name. It runs if Data-Juicer has one of this \
    name and is installed, or if it is that of a folder of DataMate's; `wrasse check` tells.";

/// The parameters of an operator that may be one in Python.
fn perhaps_outside_schema() -> Value {
    let mut schema = outside_schema();
    schema["description"] = PERHAPS.into();
    schema
}

/// The parameters of an operator that another program runs.
fn outside_schema() -> Value {
    let properties: Map<String, Value> = POOL_PARAMS
        .iter()
        .flat_map(|param| param.names.iter().map(|name| (*name, param.about)))
        .map(|(name, about)| (name.to_owned(), json!({ "description": about })))
        .collect();
    json!({ "type": ["object", "null"], "properties": properties })
}

/// The parameters of an operator, the common ones among them; null for all
/// defaults.
fn params_schema(spec: &'static OpSpec) -> Value {
    let mut schema = spec.schema().to_value();
    rebase(&mut schema, &format!("#/$defs/{}", spec.name));
    let Some(object) = schema.as_object_mut() else {
        return schema;
    };
    object.remove("$schema");
    object.remove("title");
    object.insert(
        "description".to_owned(),
        format!("{} ({})", spec.summary, spec.origin).into(),
    );
    // An operator without parameters of its own has no properties in its schema.
    object.insert("type".to_owned(), json!(["object", "null"]));
    object.insert("additionalProperties".to_owned(), false.into());
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        for param in COMMON_PARAMS {
            properties.insert(param.name.to_owned(), common_param_schema(param));
        }
    }
    schema
}

fn common_param_schema(param: &CommonParam) -> Value {
    let mut schema = common_schema(param);
    schema["description"] = match param.effect {
        Effect::Used => param.about.into(),
        Effect::Ignored(why) => format!("{} Accepted without effect: {why}.", param.about).into(),
    };
    if param.effect != Effect::Used {
        schema["deprecated"] = true.into();
    }
    schema
}

/// Points references within a schema to where it is now.
fn rebase(schema: &mut Value, base: &str) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        if let Some(rest) = reference.strip_prefix('#') {
                            *reference = format!("{base}{rest}");
                        }
                    }
                    other => rebase(other, base),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rebase(item, base)),
        _ => {}
    }
}

/// Null means the default at every key.
fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get_mut("type") {
        let mut kinds = match kind.take() {
            Value::Array(kinds) => kinds,
            one => vec![one],
        };
        kinds.push("null".into());
        *kind = kinds.into();
    } else if let Some(alternatives) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        alternatives.push(json!({ "type": "null" }));
    }
    schema
}

/// Takes out what only our messages use.
fn without_words(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.shift_remove(WORDS);
            object.values_mut().for_each(without_words);
        }
        Value::Array(items) => items.iter_mut().for_each(without_words),
        _ => {}
    }
}
