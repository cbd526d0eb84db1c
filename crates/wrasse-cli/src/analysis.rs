//! [`Analysis`]: what `wrasse analyze` writes beside its stats, and how the
//! steps of another recipe are found again in it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use wrasse_op::{Catalog, OpKind, OpSpec};
use wrasse_recipe::{Recipe, Step};

use crate::failure::Failure;

/// The names of the files that an analysis consists of.
pub(crate) const STATS: &str = "stats.parquet";
pub(crate) const ABOUT: &str = "analysis.json";

/// What was measured.
pub(crate) struct Analysis {
    /// The steps of the recipe, each `{name: parameters}` in canonical form.
    pub(crate) steps: Vec<Value>,
    /// The steps that were left out, by number from 1.
    pub(crate) left_out: Vec<u32>,
    /// Rows of the input that are no samples.
    pub(crate) unreadable: u64,
}

/// Why a step is no part of an analysis.
pub(crate) fn why_left_out(step: &Step, behind_grouper: Option<&str>) -> Option<String> {
    if let Some(grouper) = behind_grouper {
        return Some(format!("it works on what `{grouper}` makes of all samples"));
    }
    match step.spec.kind {
        OpKind::Grouper => Some("it makes one sample of many".to_owned()),
        _ if decides_over_many(step) => {
            Some("it decides over many samples, not by stats".to_owned())
        }
        _ => None,
    }
}

impl Analysis {
    /// The file of an analysis that lies beside the stats in `stats`.
    pub(crate) fn beside(stats: &str) -> PathBuf {
        Path::new(stats).with_file_name(ABOUT)
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let hint = "`wrasse analyze recipe.yaml` writes it beside the stats";
        let bytes = std::fs::read(path).map_err(|error| {
            Failure::usage(format!("cannot read {}: {error}", path.display())).with_hint(hint)
        })?;
        let read = |json: &Value| {
            (json["version"] == 1).then_some(())?;
            let left_out = json["left_out"].as_array()?.iter();
            Some(Self {
                steps: json["process"].as_array()?.clone(),
                left_out: left_out
                    .map(|one| one["step"].as_u64().map(|step| step as u32))
                    .collect::<Option<_>>()?,
                unreadable: json["unreadable"].as_u64()?,
            })
        };
        serde_json::from_slice(&bytes)
            .ok()
            .as_ref()
            .and_then(read)
            .ok_or_else(|| {
                Failure::usage(format!("{} is no analysis", path.display())).with_hint(hint)
            })
    }

    /// The content of the file.
    pub(crate) fn json(&self, why: &[(u32, String, String)]) -> Value {
        json!({
            "version": 1,
            "stats": STATS,
            "process": self.steps,
            "left_out": why.iter().map(|(step, name, why)| json!({
                "step": step, "name": name, "why": why,
            })).collect::<Vec<_>>(),
            "unreadable": self.unreadable,
        })
    }
}

/// The steps of a recipe in canonical form.
pub(crate) fn canonical_steps(recipe: &Recipe) -> Vec<Value> {
    recipe.canonical().json()["process"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// A step of a recipe, found in an analysis.
#[derive(Clone, Debug)]
pub(crate) struct FoundStep {
    /// Its number there, from 1.
    pub(crate) number: u32,
    /// Of a filter that another program runs: the parameters that it has measured
    /// with, if it has others now.
    pub(crate) measured_with: Option<Map<String, Value>>,
}

/// For each step of `recipe` the analyzed step that it is; `None` for one that
/// stats do not tell of (a deduplicator).
///
/// A filter may have other bounds than it had, and filters may be left away.
/// Whatever else differs would have measured something else. Which parameters of a
/// filter in another program are bounds, that program knows.
pub(crate) fn find_steps(
    recipe: &Recipe,
    analysis: &Analysis,
    catalog: &Catalog,
) -> Result<Vec<Option<FoundStep>>, Failure> {
    let new = canonical_steps(recipe);
    let old = &analysis.steps;
    let mut found = Vec::new();
    let mut next = 0;
    let mut missing = Missing::default();
    for (i, (step, params)) in recipe.steps.iter().zip(&new).enumerate() {
        if decides_over_many(step) {
            found.push(None);
            continue;
        }
        let same = |at: &usize| {
            measures(&old[*at], catalog) == measures(params, catalog)
                || parameters_then(step, &old[*at], params).is_some()
        };
        match (next..old.len()).find(same) {
            Some(at) if analysis.left_out.contains(&(at as u32 + 1)) => found.push(None),
            Some(at) => {
                missing.before(step, &old[next..at], catalog)?;
                found.push(Some(FoundStep {
                    number: at as u32 + 1,
                    measured_with: parameters_then(step, &old[at], params),
                }));
                next = at + 1;
            }
            None => return Err(not_measured(i, step, params, old, catalog)),
        }
    }
    Ok(found)
}

/// Of a filter that another program runs: its parameters in the analysis, if `was`
/// is the same filter with others.
fn parameters_then(step: &Step, was: &Value, is: &Value) -> Option<Map<String, Value>> {
    let outside = step.operator.runs_outside()?;
    let name = step.operator.name();
    let (was, is) = (was[name].as_object()?, is[name].as_object()?);
    let mut params = outside.params.clone();
    for key in was.keys().chain(is.keys()) {
        match (was.get(key), is.get(key)) {
            (was, is) if was == is => {}
            // Other code, another text, other batches.
            _ if is_around(key) => return None,
            (Some(was), _) => drop(params.insert(key.clone(), was.clone())),
            (None, _) => drop(params.remove(key)),
        }
    }
    let differs = was != is && step.spec.kind == OpKind::Filter;
    differs.then_some(params)
}

/// Whether a parameter in canonical form is not the operator's own.
fn is_around(key: &str) -> bool {
    matches!(key, "code" | "text_key" | "batch_size" | "batch_bytes")
}

fn decides_over_many(step: &Step) -> bool {
    step.operator.decides_in_order() || step.operator.exchange().is_some()
}

fn spec_of(step: &Value, catalog: &Catalog) -> Option<&'static OpSpec> {
    catalog.find(step.as_object()?.keys().next()?)
}

/// The step without what only decides.
fn measures(step: &Value, catalog: &Catalog) -> Value {
    let Some((spec, (name, params))) =
        spec_of(step, catalog).zip(step.as_object().and_then(|step| step.iter().next()))
    else {
        return step.clone();
    };
    let params = params.as_object().into_iter().flatten();
    let kept: Map<String, Value> = params
        .filter(|(param, _)| !spec.decides_by(param))
        .map(|(param, value)| (param.clone(), value.clone()))
        .collect();
    json!({ name: kept })
}

/// Filters that were measured and are not in the recipe, each with whether
/// the text was rewritten since.
#[derive(Default)]
struct Missing<'a>(Vec<(&'a Value, bool)>);

impl<'a> Missing<'a> {
    /// Before `step`, `steps` are missing: filters may.
    fn before(
        &mut self,
        step: &Step,
        steps: &'a [Value],
        catalog: &Catalog,
    ) -> Result<(), Failure> {
        let name = step.operator.name();
        let rewrites = |kind: OpKind| matches!(kind, OpKind::Mapper | OpKind::Slicer);
        for old in steps {
            if spec_of(old, catalog).is_none_or(|spec| rewrites(spec.kind)) {
                let old = old.as_object().and_then(|step| step.keys().next());
                return Err(again(format!(
                    "`{name}` was measured behind `{}`, which is not in its place in this recipe",
                    old.map_or("another step", String::as_str),
                )));
            }
            self.0.push((old, false));
        }
        if rewrites(step.spec.kind) {
            self.0
                .iter_mut()
                .for_each(|(_, rewritten)| *rewritten = true);
        }
        // A filter takes over what an earlier one has measured.
        let gave = |(old, rewritten): &&(&Value, bool)| {
            let stats = spec_of(old, catalog).map_or(&[][..], |spec| spec.stats);
            *rewritten && stats.iter().any(|stat| step.spec.stats.contains(stat))
        };
        let is_measured_anew = step.operator.common().recompute_stats;
        match self.0.iter().find(gave).filter(|_| !is_measured_anew) {
            Some(_) => Err(again(format!(
                "`{name}` took over what an earlier filter had measured, which is not in this recipe",
            ))),
            None => Ok(()),
        }
    }
}

fn not_measured(
    i: usize,
    step: &Step,
    params: &Value,
    old: &[Value],
    catalog: &Catalog,
) -> Failure {
    let name = step.operator.name();
    let same_name = |old: &&Value| old.as_object().is_some_and(|old| old.contains_key(name));
    let mut candidates = old.iter().filter(same_name);
    let what = match (candidates.next(), candidates.next()) {
        (Some(old), None) if measures(old, catalog) != measures(params, catalog) => {
            let (was, is) = (
                &measures(old, catalog)[name],
                &measures(params, catalog)[name],
            );
            let keys = was.as_object().into_iter().chain(is.as_object());
            let differs = |key: &&String| was[key.as_str()] != is[key.as_str()];
            let key = keys.flat_map(Map::keys).find(differs);
            format!(
                "its `{}` changes what is done with the text, not only what is kept",
                key.map_or("parameters", String::as_str)
            )
        }
        (Some(_), None) => "the steps are in another order".to_owned(),
        _ => "there is no such step in the recipe that was analyzed".to_owned(),
    };
    again(format!(
        "step {} (`{name}`) was not measured: {what}",
        i + 1
    ))
}

fn again(message: String) -> Failure {
    Failure::usage(message).with_hint("run `wrasse analyze` with this recipe first")
}
