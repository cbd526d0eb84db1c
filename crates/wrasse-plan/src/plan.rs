//! [`Plan`]: operators grouped into stages.

use std::fmt::Write as _;
use std::ops::Range;

use wrasse_op::{OpKind, Operator};

/// Operators that run together, and the gate behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The fused operators, as indices into [`Plan::operators`].
    pub operators: Range<usize>,
    /// The deduplicator whose fingerprints the stage computes last and whose
    /// decisions the gate behind the stage takes; none behind the last stage.
    pub gate: Option<usize>,
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
            if operator.spec().kind == OpKind::Deduplicator {
                stages.push(Stage {
                    operators: start..i,
                    gate: Some(i),
                });
                start = i + 1;
            }
        }
        stages.push(Stage {
            operators: start..operators.len(),
            gate: None,
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

    /// Number of gates between stages.
    pub fn n_gates(&self) -> usize {
        self.stages.len() - 1
    }

    /// Whether rows can be encoded before gate `gate`, because nothing but the
    /// sink comes after it: the gate then only removes encoded rows.
    pub fn encodes_before(&self, gate: usize) -> bool {
        gate + 2 == self.stages.len() && self.stages[gate + 1].operators.is_empty()
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
            if let Some(gate) = stage.gate {
                parts.push(format!("fingerprint of {}", self.operators[gate].name()));
            }
            if stage.gate.is_none() && !(i > 0 && self.encodes_before(i - 1))
                || i < self.n_gates() && self.encodes_before(i)
            {
                parts.push("encode".to_owned());
            }
            if !parts.is_empty() {
                let _ = writeln!(text, "stage {i}  any thread      {}", parts.join(" > "));
            }
            if let Some(gate) = stage.gate {
                let name = self.operators[gate].name();
                let _ = writeln!(text, "gate {i}   in input order  {name}: the first of equals stays");
            }
        }
        text.push_str("sink     in input order  append, commit\n");
        text
    }
}
