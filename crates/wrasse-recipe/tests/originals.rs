//! Steps that Wrasse's operator leaves to the one that it is made after.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;
use wrasse_op::{
    Answer, Asked, Catalog, Common, Configured, Described, OpError, OpKind, OpSpec, Outsiders,
    ParamError, PoolParams, Site, Text, TextMapper,
};
use wrasse_recipe::{Checked, Severity, Source, check_with};

const SPLIT: OpSpec =
    OpSpec::text_mapper::<Split>("split_mapper", "Splits a text.").aliases(&["ray_split_mapper"]);

/// Parameters of `split_mapper`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Params {
    /// Not supported here.
    by_model: bool,
    /// From 0.
    n: i64,
}

struct Split;

impl Configured for Split {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if params.n < 0 {
            return Err(ParamError::new("n", "expected 0 or more"));
        }
        match params.by_model {
            true => Err(ParamError::new("by_model", "it needs a model")
                .with_hint("leave it out")
                .leave_to_original()),
            false => Ok(Self),
        }
    }
}

impl TextMapper for Split {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(Cow::Borrowed(text))
    }
}

/// Answers every question alike.
struct Always(Answer);

impl Outsiders for Always {
    fn ask(&self, _: &Site, steps: &[Asked]) -> Result<Vec<Answer>, ParamError> {
        for step in steps {
            assert_eq!(step.name, "data_juicer:split_mapper");
        }
        Ok(vec![self.0.clone(); steps.len()])
    }
}

fn original() -> Answer {
    Answer::Found(Described {
        reference: "data_juicer:split_mapper".to_owned(),
        kind: OpKind::Mapper,
        summary: "Splits.".to_owned(),
        params: vec!["by_model".to_owned()],
        code: String::new(),
        pool: PoolParams::default(),
    })
}

fn checked(step: &str, answer: Answer) -> Checked {
    let recipe = format!("dataset_path: a.jsonl\nprocess:\n  - {step}\n");
    let source = Source::new("recipe.yaml", recipe.as_bytes());
    check_with(&source, &Catalog::new().with(&[&SPLIT]), &Always(answer))
}

#[test]
fn what_needs_a_model_is_left_to_the_original() {
    for step in [
        "split_mapper: {by_model: true, num_proc: 2}",
        "ray_split_mapper: {by_model: true, num_proc: 2}",
    ] {
        let checked = checked(step, original());
        let recipe = checked.recipe.expect("a recipe");
        let outside = recipe.steps[0]
            .operator
            .runs_outside()
            .expect("an outsider");
        assert_eq!(outside.reference, "data_juicer:split_mapper");
        assert_eq!(outside.pool.workers, Some(2));
        let mut expected = Map::new();
        expected.insert("by_model".to_owned(), true.into());
        assert_eq!(outside.params, expected);
        let [told] = checked.diagnostics.as_slice() else {
            panic!("{:?}", checked.diagnostics);
        };
        assert_eq!(told.severity, Severity::Warning);
        assert!(told.message.contains("it needs a model"), "{told:?}");
    }
}

#[test]
fn other_steps_and_other_errors_stay() {
    let native = checked("split_mapper: {n: 1}", original());
    let recipe = native.recipe.expect("a recipe");
    assert!(recipe.steps[0].operator.runs_outside().is_none());

    let wrong = checked("split_mapper: {by_model: true, n: -1}", original());
    assert!(wrong.recipe.is_none());
    let messages: Vec<&str> = { wrong.diagnostics.iter() }
        .map(|one| one.message.as_str())
        .collect();
    assert!(
        messages
            .iter()
            .any(|one| one.contains("expected 0 or more")),
        "{messages:?}"
    );
}

#[test]
fn without_an_original_it_is_an_error_that_says_so() {
    let missing = ParamError::contradiction("`some-package` is not installed");
    for (answer, why) in [
        (Answer::Unknown(None), "where `py-data-juicer` is installed"),
        (Answer::Refused(vec![missing]), "is not installed"),
    ] {
        let checked = checked("split_mapper: {by_model: true}", answer);
        assert!(checked.recipe.is_none());
        let hint = checked.diagnostics[0].hint.clone().unwrap_or_default();
        assert!(
            hint.starts_with("leave it out; ") && hint.contains(why),
            "{hint}"
        );
    }
}

#[test]
fn unknown_parameters_pass_where_the_recipe_lets_them() {
    let steps = "process:\n  - split_mapper: {sweets: 1}\n";
    let check = |strict: &str| {
        let recipe = format!("dataset_path: a.jsonl\nstrict_preflight: {strict}\n{steps}");
        let source = Source::new("recipe.yaml", recipe.as_bytes());
        check_with(
            &source,
            &Catalog::new().with(&[&SPLIT]),
            &Always(original()),
        )
    };
    assert!(check("true").recipe.is_none());
    let passed = check("false");
    assert_eq!(passed.recipe.expect("a recipe").steps.len(), 1);
    assert_eq!(passed.diagnostics[0].severity, Severity::Warning);
    assert!(passed.diagnostics[0].message.contains("`sweets`"));
}
