//! `naive_grouper` makes one sample of all.

use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

use crate::no_params::NoParams;

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<NaiveGrouper>(
    "naive_grouper",
    "Makes one sample of all, whose fields are the lists of their values.",
    OpKind::Grouper,
)
.details(
    "A field that a sample lacks is null in the list. The one sample has to fit into memory.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "two samples",
    params: "{}",
    input: &[r#"{"text": "a", "id": 1}"#, r#"{"text": "b", "id": 2}"#],
    output: &[r#"{"text": ["a", "b"], "id": [1, 2]}"#],
}]);

pub(crate) struct NaiveGrouper;

impl Configured for NaiveGrouper {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl Exchange for NaiveGrouper {
    fn key(&self, _: &mut Sample, _: &mut Vec<u8>) -> Result<(), OpError> {
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let all: Vec<u32> = (0..keys.len()).collect();
        let groups = if all.is_empty() { Vec::new() } else { vec![all] };
        Ok(Decision::Groups(groups))
    }
}
