//! [`Plan`]: operators grouped into stages.

use std::fmt::Write as _;
use std::ops::Range;

use wrasse_op::Operator;

/// Operators that run together, and what is behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The fused operators, as indices into [`Plan::operators`].
    pub operators: Range<usize>,
    /// Whether another program runs them.
    pub is_outside: bool,
    /// What is behind them.
    pub end: End,
}

/// What is behind a stage. The operators are indices into [`Plan::operators`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The sink: this is the last stage.
    Sink,
    /// The next stage, which runs elsewhere.
    Next,
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
            Self::Sink | Self::Next => None,
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
        Self::grouped(operators, run_together)
    }

    /// The same operators, with each that another program runs in a stage of its
    /// own: what became of a sample is then known of each of them.
    pub fn apart(self) -> Self {
        Self::grouped(self.operators, |_, _| false)
    }

    fn grouped(
        operators: Vec<Operator>,
        run_together: impl Fn(&Operator, &Operator) -> bool,
    ) -> Self {
        let mut stages = Vec::new();
        let mut start = 0;
        for (i, operator) in operators.iter().enumerate() {
            if operator.runs_outside().is_some() {
                // A stage ends before the first of those that another program
                // runs, and with the last that its workers can run together.
                // (A gate hands on by itself.)
                let before = i.checked_sub(1).map(|before| &operators[before]);
                let is_behind_gate = start == i
                    && stages
                        .last()
                        .is_some_and(|last: &Stage| matches!(last.end, End::Gate(_)));
                if !is_behind_gate && before.is_none_or(|before| before.runs_outside().is_none()) {
                    stages.push(Stage {
                        operators: start..i,
                        is_outside: false,
                        end: End::Next,
                    });
                    start = i;
                }
                if !operators
                    .get(i + 1)
                    .is_some_and(|next| run_together(operator, next))
                {
                    stages.push(Stage {
                        operators: start..i + 1,
                        is_outside: true,
                        end: End::Next,
                    });
                    start = i + 1;
                }
                continue;
            }
            let end = match operator.exchange() {
                Some(_) => End::Exchange(i),
                None if operator.decides_in_order() => End::Gate(i),
                None => continue,
            };
            stages.push(Stage {
                operators: start..i,
                is_outside: false,
                end,
            });
            start = i + 1;
        }
        stages.push(Stage {
            operators: start..operators.len(),
            is_outside: false,
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
                End::Sink | End::Next => {}
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
                let place = match stage.is_outside {
                    true => "worker process",
                    false => "any thread    ",
                };
                let _ = writeln!(text, "stage {i}  {place}  {}", parts.join(" > "));
            }
            let name = |op: usize| self.operators[op].name();
            let _ = match stage.end {
                End::Sink | End::Next => Ok(()),
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

/// Whether the same workers can run two operators, one after the other.
fn run_together(first: &Operator, second: &Operator) -> bool {
    let pool = |operator: &Operator| operator.runs_outside().map(|outside| outside.pool.clone());
    pool(first) == pool(second)
}
