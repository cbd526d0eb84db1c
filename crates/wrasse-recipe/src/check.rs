//! [`check`]: a source against a catalog.

use serde_json::{Map, Value};
use wrasse_op::{Catalog, Common, Nobody, Outsiders, Site, closest};

use crate::conform::Expected;
use crate::keys::{self, KEYS, Meaning, OTHER_NAMES};
use crate::node::{Entry, Node, brief};
use crate::{Diagnostic, Origin, Output, Place, Recipe, Severity, Source};
use crate::{datamate, input, overrides, parse, settings, steps};

/// What [`check`] found.
#[derive(Debug)]
pub struct Checked {
    /// The recipe, if it has no error.
    pub recipe: Option<Recipe>,
    /// What was found, errors and warnings, in the order of their places. Of
    /// more than a hundred, the last only counts the rest.
    pub diagnostics: Vec<Diagnostic>,
}

/// Diagnostics that are told; nobody reads more, and a hostile recipe could
/// have one for each of its values.
const TOLD_MAX: usize = 100;

impl Checked {
    fn new(recipe: Option<Recipe>, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.place);
        let failed = diagnostics
            .iter()
            .any(|one| one.severity == Severity::Error);
        let n_more = diagnostics.len().saturating_sub(TOLD_MAX);
        if n_more > 0 {
            diagnostics.truncate(TOLD_MAX);
            diagnostics.push(Diagnostic::error(format!("and {n_more} more like these")));
        }
        Self {
            recipe: recipe.filter(|_| !failed),
            diagnostics,
        }
    }
}

/// Checks a recipe and builds its operators.
///
/// Errors do not stop it before it has seen everything, but for YAML that
/// cannot be read at all.
pub fn check(source: &Source, catalog: &Catalog) -> Checked {
    check_with(source, catalog, &Nobody)
}

/// [`check`], with `outsiders` to ask for operators that are not in the catalog.
pub fn check_with(source: &Source, catalog: &Catalog, outsiders: &dyn Outsiders) -> Checked {
    let mut found = Vec::new();
    let root = read(source, catalog, &mut found);
    let recipe = root.and_then(|mut root| {
        let task = datamate::translate(&mut root, source, catalog, &mut found);
        let mut recipe = from_node(&root, catalog, outsiders, &mut found)?;
        if let Some(task) = task {
            task.complete(&mut recipe);
        }
        Some(recipe)
    });
    Checked::new(recipe, found)
}

fn read(source: &Source, catalog: &Catalog, found: &mut Vec<Diagnostic>) -> Option<Node> {
    if let Some(place) = source.invalid() {
        let error = Diagnostic::error("the recipe is not UTF-8 text from here on");
        found.push(error.at(place).hint("save it as UTF-8"));
        return None;
    }
    let parsed = parse::parse(source.text(), Origin::Text, found);
    if parsed.is_none() && found.iter().any(|one| one.severity == Severity::Error) {
        return None;
    }
    let mut root = parsed.unwrap_or_else(|| Node::null(Place::START));
    if root.is_null() && source.overrides().is_empty() {
        let error = Diagnostic::error("the recipe is empty");
        found.push(
            error.hint("a recipe names at least `dataset_path`, `process` and `export_path`"),
        );
        return None;
    }
    overrides::apply(&mut root, source.overrides(), catalog, found);
    Some(root)
}

fn from_node(
    root: &Node,
    catalog: &Catalog,
    outsiders: &dyn Outsiders,
    found: &mut Vec<Diagnostic>,
) -> Option<Recipe> {
    let Some(entries) = root.map() else {
        let error = Diagnostic::error(format!(
            "a recipe is a mapping (`key: value`), found {}",
            root.words()
        ));
        found.push(error.at(root.place));
        return None;
    };
    let values = Values::read(entries, catalog, found);
    let text_keys = values.texts("text_keys");
    let text_keys = if text_keys.is_empty() {
        vec!["text".to_owned()]
    } else {
        text_keys
    };
    let mut defaults = Common::default();
    defaults.text_key.clone_from(&text_keys[0]);

    let input = input::read(&values, found);
    let shared = keys::SHARED.iter().filter_map(|name| {
        let value = values.text(name)?;
        Some(((*name).to_owned(), Value::String(value)))
    });
    let known = steps::Known {
        catalog,
        outsiders,
        site: Site {
            python: values.text("python"),
            folders: values.texts("operator_dirs"),
            customs: values.texts("custom_operator_paths"),
        },
        defaults: &defaults,
        shared: shared.collect(),
        lets_unknown_pass: values
            .value("strict_preflight")
            .is_some_and(|value| *value == Value::Bool(false)),
    };
    let steps = steps::read(values.node("process"), &known, found);
    let settings = settings::read(&values, found);
    let shard = settings::size(&values, "export_shard_size", found);
    Some(Recipe {
        name: values.text("project_name"),
        input: input?,
        output: Output {
            path: values.text("export_path"),
            path_place: values.place("export_path"),
            format: values.text("export_type"),
            format_place: values.place("export_type"),
            shard_bytes: shard.filter(|size| size.0 > 0),
            keep_stats: values.is_on("keep_stats_in_res_ds"),
            keep_hashes: values.is_on("keep_hashes_in_res_ds"),
        },
        text_keys,
        steps: steps?,
        settings,
        task: None,
    })
}

/// The top of a recipe, read as [`KEYS`] expect it. Keys with null, which
/// means the default, and keys with errors are absent.
pub(crate) struct Values<'n> {
    values: Map<String, Value>,
    entries: &'n [Entry],
    meant: Vec<&'static str>,
}

impl<'n> Values<'n> {
    fn read(entries: &'n [Entry], catalog: &Catalog, found: &mut Vec<Diagnostic>) -> Self {
        let mut values = Map::new();
        let mut ignored: Vec<&Entry> = Vec::new();
        let mut meant = Vec::new();
        for entry in entries {
            let Some(key) = keys::find(&entry.key) else {
                let suggestion = suggestion(&entry.key);
                found.push(unknown_key(entry, suggestion, catalog));
                meant.extend(suggestion);
                continue;
            };
            match key.meaning {
                Meaning::Ignored => ignored.push(entry),
                Meaning::Refused(hint) if is_set(&entry.value) => {
                    let error = Diagnostic::error(format!("`{}` is not supported", key.name));
                    found.push(error.at(entry.place).hint(hint));
                }
                Meaning::Refused(_) => {}
                Meaning::DataJuicer | Meaning::Native if entry.value.is_null() => {}
                Meaning::DataJuicer | Meaning::Native => {
                    let schema = key.schema();
                    let value = Expected::new(&schema, &schema).read(key.name, &entry.value, found);
                    values.extend(value.map(|value| (entry.key.clone(), value)));
                }
            }
        }
        found.extend(ignored_keys(&ignored));
        Self {
            values,
            entries,
            meant,
        }
    }

    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.value(key)?.as_str().map(str::to_owned)
    }

    /// A text as a list of one, or a list; empty if the key is absent.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        self.value(key).map(texts).unwrap_or_default()
    }

    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.value(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether an unknown key was probably meant to be `key`.
    pub(crate) fn is_misspelt(&self, key: &str) -> bool {
        self.meant.contains(&key)
    }

    /// The node of a key, whether or not it could be read.
    pub(crate) fn node(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.value)
    }

    pub(crate) fn place(&self, key: &str) -> Option<Place> {
        self.node(key).map(|node| node.place)
    }
}

/// The texts of a text or a list of texts.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn unknown_key(entry: &Entry, suggestion: Option<&str>, catalog: &Catalog) -> Diagnostic {
    let name = brief(&entry.key);
    let error = Diagnostic::error(format!("unknown key `{name}`")).at(entry.place);
    if catalog.find(&entry.key).is_some() {
        return error.hint(format!(
            "it is an operator; write `- {name}:` below `process:`"
        ));
    }
    error.did_you_mean(suggestion)
}

/// The key that was probably meant.
fn suggestion(name: &str) -> Option<&'static str> {
    match OTHER_NAMES.iter().find(|(other, _)| *other == name) {
        Some((_, ours)) => Some(ours),
        None => closest(name, KEYS.iter().map(|key| key.name)),
    }
}

fn ignored_keys(ignored: &[&Entry]) -> Option<Diagnostic> {
    let first = ignored.first()?;
    let names: Vec<&str> = ignored.iter().map(|entry| entry.key.as_str()).collect();
    let message = format!("ignored, since they mean nothing here: {}", listed(&names));
    let warning = Diagnostic::warning(message).at(first.place);
    let instead: Vec<String> = ignored
        .iter()
        .filter_map(|entry| {
            Some(format!(
                "for `{}` there is `{}`",
                entry.key,
                instead_of(entry)?
            ))
        })
        .collect();
    Some(if instead.is_empty() {
        warning
    } else {
        warning.hint(instead.join("; "))
    })
}

/// What does here what an ignored key was meant to do there.
fn instead_of(entry: &Entry) -> Option<&'static str> {
    match entry.key.as_str() {
        "open_tracer" if is_set(&entry.value) => Some("trace_dropped: true"),
        "skip_op_error" if !is_set(&entry.value) => Some("max_rejects: 0"),
        "work_dir" if is_set(&entry.value) => Some("run_dir"),
        _ => None,
    }
}

/// Names in backquotes, separated by commas.
pub(crate) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Whether a switch is on: neither false nor nothing.
fn is_set(node: &Node) -> bool {
    use crate::node::Content;
    match &node.content {
        Content::Scalar(scalar) => !scalar.is_null() && scalar.boolean() != Some(false),
        Content::List(items) => !items.is_empty(),
        Content::Map(entries) => !entries.is_empty(),
    }
}
