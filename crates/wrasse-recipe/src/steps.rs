//! `process`: the steps, each checked against its operator's parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wrasse_op::{
    Answer, Asked, Catalog, Common, Described, Effect, OpSpec, Operator, Outside, Outsiders,
    ParamError, PoolParams, Site,
};

use crate::check::listed;
use crate::node::{Content, Entry, Node, brief};
use crate::params::{Params, build, common, natural, param_error, property};
use crate::{Diagnostic, Origin, Place, Severity, Step};

/// Who knows operators, and with what defaults they are made.
pub(crate) struct Known<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) outsiders: &'a dyn Outsiders,
    pub(crate) site: Site,
    pub(crate) defaults: &'a Common,
    /// What the recipe says once for all operators that take it.
    pub(crate) shared: Map<String, Value>,
    /// Whether parameters that an operator does not know are no errors.
    pub(crate) lets_unknown_pass: bool,
}

/// Reads `process`; a recipe without it has no steps. `None` after an error.
/// `shared` are parameters that the recipe gives for all steps that take them.
pub(crate) fn read(
    process: Option<&Node>,
    known: &Known<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Vec<Step>> {
    let Some(process) = process.filter(|node| !node.is_null()) else {
        return Some(Vec::new());
    };
    let Content::List(items) = &process.content else {
        let message = format!(
            "`process`: expected a list of steps, found {}",
            process.words()
        );
        found.push(
            Diagnostic::error(message)
                .at(process.place)
                .hint(match process.map() {
                    Some([first, ..]) => format!(
                        "write a dash before each operator: `- {}:`",
                        brief(&first.key)
                    ),
                    _ => "write `- operator_name:` for each step".to_owned(),
                }),
        );
        return None;
    };
    let mut ignored = Vec::new();
    let mut steps: Vec<Option<Step>> = Vec::new();
    // Steps that are not in the catalog: all are asked for at once, at the end.
    let mut asked = Vec::new();
    for item in items {
        steps.push(match step(item, known, &mut ignored, found) {
            Some(Read::Step(step)) => Some(*step),
            Some(Read::Ask(pending)) => {
                asked.push((steps.len(), pending));
                None
            }
            None => None,
        });
    }
    found.extend(ignored_params(&ignored));
    ask(&asked, known, &mut steps, found);
    steps.into_iter().collect()
}

/// A step, read.
enum Read<'n> {
    Step(Box<Step>),
    /// The catalog does not have it.
    Ask(Pending<'n>),
}

/// A step whose operator is not in the catalog, or not with these parameters.
struct Pending<'n> {
    named: Named<'n>,
    entries: &'n [Entry],
    params: Map<String, Value>,
    /// What the operator of the catalog leaves to the original.
    left: Vec<ParamError>,
}

impl<'n> Pending<'n> {
    fn new(named: Named<'n>, entries: &'n [Entry], left: Vec<ParamError>) -> Self {
        let params = entries
            .iter()
            .map(|entry| (entry.key.clone(), natural(&entry.value)))
            .collect();
        Self {
            named,
            entries,
            params,
            left,
        }
    }
}

fn step<'n>(
    item: &'n Node,
    known: &Known<'_>,
    ignored: &mut Vec<&'n Entry>,
    found: &mut Vec<Diagnostic>,
) -> Option<Read<'n>> {
    let (defaults, shared) = (known.defaults, &known.shared);
    let named = named(item).map_err(|error| found.push(error)).ok()?;
    let entries = match named.params.map(|params| (&params.content, params)) {
        None => &[],
        Some((Content::Map(entries), _)) => entries.as_slice(),
        Some((_, params)) if params.is_null() => &[],
        Some((_, params)) => {
            let message = format!(
                "expected parameters of `{}`, found {}",
                named.name,
                params.words()
            );
            let hint = "write them as `name: value`, indented below the operator";
            found.push(Diagnostic::error(message).at(params.place).hint(hint));
            return None;
        }
    };
    let Some(spec) = known.catalog.find(named.name) else {
        return Some(Read::Ask(Pending::new(named, entries, Vec::new())));
    };
    let schema = spec.schema().to_value();
    let is_own = |name: &str| property(&schema, name).is_some();

    let n_before = found.len();
    let (mut params, all_read) = Params {
        spec,
        named: &named,
        entries,
        defaults,
        lets_unknown_pass: known.lets_unknown_pass,
    }
    .read(found);
    // What the recipe says for all steps, a step may say for itself.
    for (name, value) in shared {
        if is_own(name) && params.get(name).is_none_or(Value::is_null) {
            params.insert(name.clone(), value.clone());
        }
    }
    let operator = match all_read.then(|| build(spec, &params, defaults)) {
        Some(Ok(operator)) => Some(operator),
        Some(Err(left))
            if !has_errors(&found[n_before..]) && left.iter().all(|one| one.left_to_original) =>
        {
            return Some(Read::Ask(Pending::new(named, entries, left)));
        }
        Some(Err(errors)) => {
            found.extend(errors.iter().map(|error| param_error(error, &named)));
            None
        }
        None => None,
    };
    let means_nothing = |entry: &&Entry| is_ignored(&entry.key) && !is_own(&entry.key);
    ignored.extend(entries.iter().filter(means_nothing));
    if has_errors(&found[n_before..]) {
        return None;
    }
    Some(Read::Step(Box::new(Step {
        spec,
        params: Value::Object(params),
        operator: operator?,
        place: named.place,
        param_places: places(entries),
    })))
}

fn has_errors(found: &[Diagnostic]) -> bool {
    found.iter().any(|one| one.severity == Severity::Error)
}

/// Asks for steps that are not in the catalog.
fn ask(
    pending: &[(usize, Pending<'_>)],
    known: &Known<'_>,
    steps: &mut [Option<Step>],
    found: &mut Vec<Diagnostic>,
) {
    if pending.is_empty() {
        return;
    }
    let asked: Vec<Asked> = pending
        .iter()
        .map(|(_, pending)| Asked {
            name: pending.asked_for(known.catalog),
            params: pending.params_of_operator(),
        })
        .collect();
    let mut is_told = false;
    let answers = match known.outsiders.ask(&known.site, &asked) {
        Ok(answers) => answers,
        Err(error) => {
            // A name that is nobody's is no reason to install Python.
            let is_wanted = |(_, pending): &&(usize, Pending<'_>)| is_reference(pending.named.name);
            if let Some((_, first)) = pending.iter().find(is_wanted) {
                found.push(param_error(&error, &first.named));
                is_told = true;
            }
            vec![Answer::Unknown(None); pending.len()]
        }
    };
    for ((at, pending), answer) in pending.iter().zip(answers) {
        match answer {
            Answer::Unknown(_) | Answer::Refused(_) if !pending.left.is_empty() => {
                found.extend(
                    pending
                        .left
                        .iter()
                        .map(|one| pending.not_left(one, &answer)),
                );
            }
            Answer::Unknown(_) if is_told && is_reference(pending.named.name) => {}
            Answer::Unknown(advice) => {
                found.push(unknown_operator(&pending.named, known.catalog, advice));
            }
            Answer::Refused(problems) => {
                found.extend(problems.iter().map(|one| param_error(one, &pending.named)));
            }
            Answer::Found(described) => {
                found.extend(pending.left.iter().map(|one| pending.is_left(one)));
                steps[*at] = outside(pending, described, known.defaults, found);
            }
        }
    }
}

/// Whether a name can only be meant as a place where there is an operator.
fn is_reference(name: &str) -> bool {
    name.contains(['/', ':', '.', '~'])
}

impl Pending<'_> {
    /// By what name others know it.
    fn asked_for(&self, catalog: &Catalog) -> String {
        match catalog.find(self.named.name) {
            Some(spec) => format!("data_juicer:{}", spec.name),
            None => self.named.name.to_owned(),
        }
    }

    /// The warning that the original runs because of `reason`.
    fn is_left(&self, reason: &ParamError) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..param_error(reason, &self.named)
        }
        .hint(format!(
            "Data-Juicer's own `{}` runs instead, in Python{}",
            brief(self.named.name),
            match &reason.hint {
                Some(hint) => format!("; for Wrasse's, {hint}"),
                None => String::new(),
            }
        ))
    }

    /// The error that `reason` is, since the original cannot run either.
    fn not_left(&self, reason: &ParamError, answer: &Answer) -> Diagnostic {
        let why = match answer {
            Answer::Refused(problems) if !problems.is_empty() => {
                let problems: Vec<_> = problems.iter().map(|one| one.message.as_str()).collect();
                format!("the original cannot run either: {}", problems.join("; "))
            }
            _ => "where `py-data-juicer` is installed, the original runs instead".to_owned(),
        };
        let hint = reason.hint.as_ref();
        param_error(reason, &self.named).hint(match hint {
            Some(hint) => format!("{hint}; {why}"),
            None => why,
        })
    }

    /// The parameters without those that only workers have.
    fn params_of_operator(&self) -> Map<String, Value> {
        let of_pool = |name: &str| PoolParams::default().set(name, &Value::Null).is_some();
        let own = self.params.iter().filter(|(name, _)| !of_pool(name));
        own.map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// Rows of 32 bytes fill a block with so many: few rows are that short.
const BATCH_ROWS_MAX: usize = 16 << 10;

/// The step that another program runs.
fn outside(
    pending: &Pending<'_>,
    described: Described,
    defaults: &Common,
    found: &mut Vec<Diagnostic>,
) -> Option<Step> {
    let Pending {
        named,
        entries,
        params,
        ..
    } = pending;
    let mut pool = described.pool;
    let n_errors = found.len();
    for (name, value) in params {
        if let Some(Err(error)) = pool.set(name, value) {
            found.push(param_error(&error, named));
        }
    }
    if found.len() > n_errors {
        return None;
    }
    if pool.batch_rows > BATCH_ROWS_MAX && pool.batch_rows != usize::MAX {
        let error = ParamError::new(
            "batch_size",
            format!(
                "batches end where a block ends, which has half a MiB of rows: of {} rows there \
                 will be none or few",
                pool.batch_rows
            ),
        );
        found.push(Diagnostic {
            severity: Severity::Warning,
            ..param_error(&error, named)
        });
    }
    let mut own = pending.params_of_operator();
    for (name, value) in params {
        // Some have parameters of these names, too.
        if described.params.contains(name) {
            own.insert(name.clone(), value.clone());
        }
    }
    let takes_text_key = described.params.iter().any(|name| name == "text_key")
        || described.reference.starts_with("data_juicer:");
    if takes_text_key && defaults.text_key != Common::default().text_key {
        own.entry("text_key")
            .or_insert_with(|| defaults.text_key.clone().into());
    }
    let spec = OpSpec::outside(named.name, &described.summary, described.kind);
    let outside = Outside {
        reference: described.reference,
        params: own,
        code: described.code,
        pool,
    };
    Some(Step {
        spec,
        params: Value::Object(params.clone()),
        operator: Operator::outside(spec, defaults.clone(), outside),
        place: named.place,
        param_places: places(entries),
    })
}

/// A step taken apart.
pub(crate) struct Named<'n> {
    pub(crate) name: &'n str,
    pub(crate) place: Place,
    pub(crate) params: Option<&'n Node>,
}

fn named(item: &Node) -> Result<Named<'_>, Diagnostic> {
    match &item.content {
        Content::Scalar(scalar) if !scalar.is_null() => Ok(Named {
            name: &scalar.text,
            place: item.place,
            params: None,
        }),
        Content::Map(entries) => match entries.as_slice() {
            [only] => Ok(Named {
                name: &only.key,
                place: only.place,
                params: Some(&only.value),
            }),
            [] => Err(no_operator(item)),
            [first, second, ..] => {
                let message = format!("a step has one operator, found {} keys", entries.len());
                let error = Diagnostic::error(message).at(second.place);
                let (first, second) = (brief(&first.key), brief(&second.key));
                Err(error.hint(match wrong(entries) {
                    Wrong::Path => {
                        format!("a parameter is set below its operator: `{first}.{second}`")
                    }
                    Wrong::Indentation => {
                        format!("if `{second}` is a parameter of `{first}`, indent it further")
                    }
                    Wrong::Dash => {
                        format!("if `{second}` is another operator, write a dash before it")
                    }
                }))
            }
        },
        Content::Scalar(_) | Content::List(_) => Err(no_operator(item)),
    }
}

/// What was probably done wrong where a step has several keys.
enum Wrong {
    Path,
    Indentation,
    Dash,
}

fn wrong(entries: &[Entry]) -> Wrong {
    if entries
        .iter()
        .any(|entry| entry.place.origin != Origin::Text)
    {
        Wrong::Path
    } else if entries.first().is_some_and(|first| first.value.is_null()) {
        Wrong::Indentation
    } else {
        Wrong::Dash
    }
}

fn no_operator(item: &Node) -> Diagnostic {
    Diagnostic::error(format!("expected an operator, found {}", item.words()))
        .at(item.place)
        .hint("a step is `- operator_name:` with its parameters below")
}

fn unknown_operator(named: &Named<'_>, catalog: &Catalog, advice: Option<String>) -> Diagnostic {
    let hint = match (catalog.suggest(named.name), advice) {
        (Some(suggestion), _) => format!("did you mean `{suggestion}`? `wrasse ops` lists all"),
        (None, Some(advice)) => format!("`wrasse ops` lists all; {advice}"),
        (None, None) => "`wrasse ops` lists all".to_owned(),
    };
    Diagnostic::error(format!("unknown operator `{}`", brief(named.name)))
        .at(named.place)
        .hint(hint)
}

fn ignored_params(ignored: &[&Entry]) -> Option<Diagnostic> {
    let first = ignored.iter().min_by_key(|entry| entry.place)?;
    let mut names: Vec<&str> = Vec::new();
    for entry in ignored {
        if !names.contains(&entry.key.as_str()) {
            names.push(&entry.key);
        }
    }
    let message = format!(
        "ignored parameters, since they mean nothing here: {}",
        listed(&names)
    );
    Some(Diagnostic::warning(message).at(first.place))
}

fn is_ignored(name: &str) -> bool {
    common(name).is_some_and(|param| matches!(param.effect, Effect::Ignored(_)))
}

fn places(entries: &[Entry]) -> BTreeMap<String, Place> {
    let places = entries
        .iter()
        .map(|entry| (entry.key.clone(), entry.value.place));
    places.collect()
}
