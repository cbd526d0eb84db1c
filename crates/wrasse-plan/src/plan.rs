//! [`Plan`]: operators grouped into stages.

use std::fmt::Write as _;
use std::ops::Range;

use wrasse_op::Operator;

/// Operators that run together, and what is behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The fused operators, as indices into [`Plan::operators`].
    pub operators: Range<usize>,
    /// What is behind them.
    pub end: End,
}

/// What is behind a stage. The operators are indices into [`Plan::operators`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The sink: this is the last stage.
    Sink,
    /// A gate: it decides, in input order, by the fingerprints that the stage
    /// computes last.
    Gate(usize),
    /// An exchange: it decides when it has all samples, by the keys that the
    /// stage computes last.
    Exchange(usize),
}

impl End {
    /// The operator that decides there.
    pub fn operator(self) -> Option<usize> {
        match self {
            Self::Sink => None,
            Self::Gate(op) | Self::Exchange(op) => Some(op),
        }
    }
}

/// The stages of a run. There is at least one.
#[derive(Debug)]
pub struct Plan {
    operators: Vec<Operator>,
    stages: Vec<Stage>,
}

impl Plan {
    /// Groups `operators`, in the order of the recipe, into stages.
    pub fn new(operators: Vec<Operator>) -> Self {
        let mut stages = Vec::new();
        let mut start = 0;
        for (i, operator) in operators.iter().enumerate() {
            let end = match operator.exchange() {
                Some(_) => End::Exchange(i),
                None if operator.decides_in_order() => End::Gate(i),
                None => continue,
            };
            stages.push(Stage {
                operators: start..i,
                end,
            });
            start = i + 1;
        }
        stages.push(Stage {
            operators: start..operators.len(),
            end: End::Sink,
        });
        Self { operators, stages }
    }

    /// The operators, in the order of the recipe.
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// The stages, in the order of running.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Number of gates and exchanges between stages. Each has the number of the
    /// stage before it.
    pub fn n_boundaries(&self) -> usize {
        self.stages.len() - 1
    }

    /// The last exchange, if there is one: what is written comes from there, and
    /// a resumed run goes through all before it once more.
    pub fn last_exchange(&self) -> Option<usize> {
        let is_exchange = |stage: &Stage| matches!(stage.end, End::Exchange(_));
        self.stages.iter().rposition(is_exchange)
    }

    /// Whether rows can be encoded before the gate behind stage `stage`, because
    /// nothing but the sink comes after it: the gate then only removes encoded
    /// rows.
    pub fn encodes_before(&self, stage: usize) -> bool {
        stage + 2 == self.stages.len()
            && matches!(self.stages[stage].end, End::Gate(_))
            && self.stages[stage + 1].operators.is_empty()
    }

    /// The stages as text, a line each, for `wrasse explain`.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        for (i, stage) in self.stages.iter().enumerate() {
            let names: Vec<&str> = self.operators[stage.operators.clone()]
                .iter()
                .map(Operator::name)
                .collect();
            let mut parts = Vec::new();
            if i == 0 {
                parts.push("read".to_owned());
            }
            if !names.is_empty() {
                parts.push(names.join(" + "));
            }
            match stage.end {
                End::Sink => {}
                End::Gate(op) => {
                    parts.push(format!("fingerprint of {}", self.operators[op].name()));
                }
                End::Exchange(op) => parts.push(format!("key of {}", self.operators[op].name())),
            }
            let is_last = stage.end == End::Sink;
            let is_encoded = i > 0 && self.encodes_before(i - 1);
            if is_last && !is_encoded || !is_last && self.encodes_before(i) {
                parts.push("encode".to_owned());
            }
            if !parts.is_empty() {
                let _ = writeln!(text, "stage {i}  any thread      {}", parts.join(" > "));
            }
            let name = |op: usize| self.operators[op].name();
            let _ = match stage.end {
                End::Sink => Ok(()),
                End::Gate(op) => writeln!(
                    text,
                    "gate {i}   in input order  {}: the first of equals stays",
                    name(op)
                ),
                End::Exchange(op) => writeln!(
                    text,
                    "wait {i}   for all         {}: samples wait on disk until all are seen",
                    name(op)
                ),
            };
        }
        text.push_str("sink     in input order  append, commit\n");
        text
    }
}
