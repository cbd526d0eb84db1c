//! [`Condition`]: the little language of `general_field_filter`, a part of
//! Python's expressions.
//!
//! ```text
//! or     = and ("or" and)*
//! and    = not ("and" not)*
//! not    = "not" not | comparison
//! comparison = operand (("<" | "<=" | ">" | ">=" | "==" | "!=" | "in" | "not" "in"
//!     | "is" | "is" "not") operand)*
//! operand = ("-" | "+") operand | number | text | name ("." name)* | "(" or ")"
//!     | tuple | list | set
//! ```

use std::cmp::Ordering;

use serde_json::Value;
use wrasse_op::{OpError, Sample};

use crate::python;

/// What expressions may be nested in each other.
const DEPTH_MAX: usize = 100;

/// A condition on the fields of a sample.
#[derive(Debug)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// With a `-` in front; a `+` if false.
    Signed(bool, Box<Condition>),
    Compare(Box<Condition>, Vec<(Operator, Condition)>),
    Field(Vec<String>),
    Constant(Value),
    List(Vec<Condition>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    In,
    NotIn,
    /// `is` and `is not`, which the original takes only where one side is `None`.
    Is,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    ///
    /// Where the text is wrong (characters from 1), and what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            text,
            at: 0,
            depth: 0,
        };
        let condition = parser.any()?;
        parser.skip_space();
        match parser.at == text.len() {
            true => Ok(condition),
            false => Err(parser.wrong("`and`, `or` or a comparison")),
        }
    }

    /// The value for a sample, as Python computes it.
    ///
    /// # Errors
    ///
    /// If values are compared that have no order.
    pub(crate) fn value(&self, sample: &Sample) -> Result<Value, OpError> {
        Ok(match self {
            Self::All(all) => {
                for one in all {
                    if !python::is_true(&one.value(sample)?) {
                        return Ok(Value::Bool(false));
                    }
                }
                Value::Bool(true)
            }
            Self::Any(any) => {
                for one in any {
                    if python::is_true(&one.value(sample)?) {
                        return Ok(Value::Bool(true));
                    }
                }
                Value::Bool(false)
            }
            Self::Not(one) => Value::Bool(!python::is_true(&one.value(sample)?)),
            Self::Signed(is_minus, one) => signed(*is_minus, one.value(sample)?)?,
            Self::Compare(first, rest) => {
                let mut left = first.value(sample)?;
                for (operator, right) in rest {
                    let right = right.value(sample)?;
                    if !holds(*operator, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    if (left.is_null() || right.is_null()) && *operator == Operator::NotIn {
                        return Ok(Value::Bool(true));
                    }
                    left = right;
                }
                Value::Bool(true)
            }
            Self::Field(path) => field(sample, path)?,
            Self::Constant(value) => value.clone(),
            Self::List(list) => list
                .iter()
                .map(|one| one.value(sample))
                .collect::<Result<_, _>>()
                .map(Value::Array)?,
        })
    }
}

fn field(sample: &Sample, path: &[String]) -> Result<Value, OpError> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(Value::Null);
    };
    let mut value = sample.value(first)?.unwrap_or(Value::Null);
    for name in rest {
        value = match value {
            Value::Object(mut object) => object.remove(name).unwrap_or(Value::Null),
            _ => Value::Null,
        };
    }
    Ok(value)
}

fn holds(operator: Operator, left: &Value, right: &Value) -> Result<bool, OpError> {
    if left.is_null() || right.is_null() {
        return Ok(operator == Operator::NotIn);
    }
    Ok(match operator {
        Operator::Equal => python::equal(left, right),
        Operator::NotEqual => !python::equal(left, right),
        Operator::In => is_in(left, right)?,
        Operator::NotIn => !is_in(left, right)?,
        Operator::Is => {
            return Err(OpError::bad_sample(
                "`is` compares with nothing but `None`, and does not hold then; use `==`",
            ));
        }
        Operator::Less => order(left, right)? == Some(Ordering::Less),
        Operator::LessOrEqual => order(left, right)?.is_some_and(Ordering::is_le),
        Operator::Greater => order(left, right)? == Some(Ordering::Greater),
        Operator::GreaterOrEqual => order(left, right)?.is_some_and(Ordering::is_ge),
    })
}

/// A number with a sign in front; truth values are numbers.
fn signed(is_minus: bool, value: Value) -> Result<Value, OpError> {
    let value = match value {
        Value::Bool(bool) => Value::from(i64::from(bool)),
        value => value,
    };
    match (&value, value.as_i64(), value.as_f64()) {
        (Value::Number(_), _, _) if !is_minus => Ok(value),
        (_, Some(int), _) if int != i64::MIN => Ok(Value::from(-int)),
        (_, _, Some(float)) => Ok(Value::from(-float)),
        _ => Err(OpError::bad_sample(format!("`{value}` takes no sign"))),
    }
}

fn is_in(one: &Value, all: &Value) -> Result<bool, OpError> {
    match (one, all) {
        (one, Value::Array(all)) => Ok(all.iter().any(|other| python::equal(one, other))),
        (Value::String(one), Value::String(all)) => Ok(all.contains(one.as_str())),
        (Value::String(one), Value::Object(all)) => Ok(all.contains_key(one)),
        (_, Value::Object(_)) => Ok(false),
        _ => Err(OpError::bad_sample(format!(
            "`{one} in {all}` makes no sense"
        ))),
    }
}

fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, OpError> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Ok(Some(left.cmp(right))),
        (Value::Array(left), Value::Array(right)) => {
            for (left, right) in left.iter().zip(right) {
                if !python::equal(left, right) {
                    return order(left, right);
                }
            }
            Ok(Some(left.len().cmp(&right.len())))
        }
        _ => match (python::number(left), python::number(right)) {
            (Some(left), Some(right)) => Ok(left.partial_cmp(&right)),
            _ => Err(OpError::bad_sample(format!(
                "`{left}` and `{right}` have no order"
            ))),
        },
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn wrong(&self, expected: &str) -> String {
        let column = self.text[..self.at].chars().count() + 1;
        let found = self.rest().chars().next();
        let found = found.map_or("the end".to_owned(), |c| format!("`{c}`"));
        format!("character {column}: expected {expected}, found {found}")
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// A word, if it is the next and not the beginning of a longer one.
    fn eat_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let behind = self.rest().strip_prefix(word);
        let found = behind.is_some_and(|rest| !rest.starts_with(is_name));
        if found {
            self.at += word.len();
        }
        found
    }

    fn any(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("nested more than {DEPTH_MAX} deep"));
        }
        let mut any = vec![self.all()?];
        while self.eat_word("or") {
            any.push(self.all()?);
        }
        self.depth -= 1;
        Ok(match any.len() {
            1 => any.remove(0),
            _ => Condition::Any(any),
        })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.negation()?];
        while self.eat_word("and") {
            all.push(self.negation()?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => Condition::All(all),
        })
    }

    fn negation(&mut self) -> Result<Condition, String> {
        let mut n_not = 0;
        while self.eat_word("not") {
            n_not += 1;
        }
        let one = self.comparison()?;
        // Of many, pairs go; a last pair still makes a truth value of another.
        Ok((0..n_not.min(2 - n_not % 2)).fold(one, |one, _| Condition::Not(Box::new(one))))
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        let first = self.operand()?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator()? {
            rest.push((operator, self.operand()?));
        }
        Ok(match rest.is_empty() {
            true => first,
            false => Condition::Compare(Box::new(first), rest),
        })
    }

    fn operator(&mut self) -> Result<Option<Operator>, String> {
        for (token, operator) in [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ] {
            if self.eat(token) {
                return Ok(Some(operator));
            }
        }
        if self.eat_word("in") {
            return Ok(Some(Operator::In));
        }
        if self.eat_word("not") {
            return match self.eat_word("in") {
                true => Ok(Some(Operator::NotIn)),
                false => Err(self.wrong("`in`")),
            };
        }
        if self.eat_word("is") {
            self.eat_word("not");
            return Ok(Some(Operator::Is));
        }
        Ok(None)
    }

    fn operand(&mut self) -> Result<Condition, String> {
        self.skip_space();
        let Some(c) = self.rest().chars().next() else {
            return Err(self.wrong("a field or a value"));
        };
        match c {
            '(' => self.group(')', true),
            '[' => self.group(']', false),
            '{' => self.group('}', false),
            '\'' | '"' => self.string(c).map(Condition::Constant),
            '-' | '+' => self.signed(),
            '0'..='9' | '.' => self.number().map(Condition::Constant),
            c if is_name(c) => self.name(),
            _ => Err(self.wrong("a field or a value")),
        }
    }

    /// What stands in brackets: a list, or, in parentheses without a comma, one
    /// condition.
    fn group(&mut self, end: char, may_be_one: bool) -> Result<Condition, String> {
        self.at += 1;
        let end = end.to_string();
        let mut list = Vec::new();
        let mut has_comma = false;
        while !self.eat(&end) {
            if !list.is_empty() && !has_comma {
                return Err(self.wrong(&format!("`,` or `{end}`")));
            }
            list.push(self.any()?);
            has_comma = self.eat(",");
        }
        Ok(match list.len() {
            1 if may_be_one && !has_comma => list.remove(0),
            _ => Condition::List(list),
        })
    }

    fn string(&mut self, quote: char) -> Result<Value, String> {
        let mut text = String::new();
        let mut chars = self.text[self.at + 1..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at += 1 + i + 1;
                    return Ok(Value::String(text));
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(c @ ('\\' | '\'' | '"')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(format!("{} without its end", self.wrong("a text")))
    }

    fn signed(&mut self) -> Result<Condition, String> {
        let mut is_minus = false;
        loop {
            if self.eat("-") {
                is_minus = !is_minus;
            } else if !self.eat("+") {
                let one = self.operand()?;
                return Ok(Condition::Signed(is_minus, Box::new(one)));
            }
        }
    }

    fn number(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let is_part = |(i, c): (usize, char)| {
            let exponent = i > 0 && rest[..i].ends_with(['e', 'E']);
            c.is_ascii_alphanumeric() || c == '.' || c == '_' || (exponent && "+-".contains(c))
        };
        let length = rest
            .char_indices()
            .find(|part| !is_part(*part))
            .map_or(rest.len(), |(i, _)| i);
        let text = rest[..length].replace('_', "");
        let whole = text.parse::<i64>().ok();
        let value = match whole {
            Some(whole) => Some(Value::from(whole)),
            // Words that Rust reads as numbers are names in Python.
            None if text.contains(['n', 'i', 'N', 'I']) => None,
            None => text.parse::<f64>().ok().map(Value::from),
        };
        let value = value.ok_or_else(|| self.wrong("a number"))?;
        self.at += length;
        Ok(value)
    }

    fn name(&mut self) -> Result<Condition, String> {
        let (start, mut path) = (self.at, Vec::new());
        loop {
            let rest = self.rest();
            let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            if length == 0 {
                return Err(self.wrong("the name of a field"));
            }
            path.push(rest[..length].to_owned());
            self.at += length;
            if !self.eat(".") {
                break;
            }
            self.skip_space();
        }
        Ok(match (path.len(), path[0].as_str()) {
            (1, "True") => Condition::Constant(Value::Bool(true)),
            (1, "False") => Condition::Constant(Value::Bool(false)),
            (1, "None") => Condition::Constant(Value::Null),
            (1, "not" | "is" | "lambda" | "if") => {
                self.at = start;
                return Err(format!(
                    "{} (not supported)",
                    self.wrong("a field or a value")
                ));
            }
            _ => Condition::Field(path),
        })
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrasse_core::Origin;

    fn value(condition: &str) -> Result<Value, String> {
        let row =
            r#"{"n": 20, "x": 1.5, "text": "abc", "m": {"l": [1, "b"], "t": true}, "o": null}"#;
        let sample = Sample::from_json(row.into(), Origin::default()).unwrap();
        let condition = Condition::parse(condition)?;
        condition.value(&sample).map_err(|error| error.to_string())
    }

    #[test]
    fn conditions_mean_what_they_mean_in_python() {
        for (condition, want) in [
            ("10 < n <= 30 and text != 'nothing here'", true),
            ("10<n<15", false),
            ("n == 20.0 and m.t == 1", true),
            ("missing == 1 or n in (20, 30,)", true),
            ("missing == None", false),
            ("missing not in [1]", true),
            ("o in [None]", false),
            ("'b' in m.l and 'bc' in text", true),
            ("x >= -1 and x < 1e1 and x > .5", true),
            ("(n > 30 or x > 1) and text in {'abc', \"d\"}", true),
            ("text > 'ab' and [1, 2] < [1, 3]", true),
            ("m.l.x == 1", false),
            ("n not in (1,2) and x >= -1", true),
            ("notes == 1 or order == 2", false),
            ("not n == 20 or not not x == 1.5", true),
            ("not (n > 30) and not missing and not n in (1,)", true),
            ("not m.l == [1]", true),
            ("-n < -x and - -n == +20 and -m.t == -1", true),
            ("n == 20 == -(-n)", true),
            ("missing is None or text is not None", false),
        ] {
            assert_eq!(value(condition), Ok(Value::Bool(want)), "{condition}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        for (condition, want) in [
            (
                "n >",
                "character 4: expected a field or a value, found the end",
            ),
            (
                "n > 1 x",
                "character 7: expected `and`, `or` or a comparison, found `x`",
            ),
            (
                "n == not n",
                "character 6: expected a field or a value, found `n` (not supported)",
            ),
            ("n in (1", "character 8: expected `,` or `)`, found the end"),
            (
                "n = 1",
                "character 3: expected `and`, `or` or a comparison, found `=`",
            ),
            (
                "text == 'a",
                "character 9: expected a text, found `'` without its end",
            ),
            ("1x < 2", "character 1: expected a number, found `1`"),
            ("text < 1", "`\"abc\"` and `1` have no order"),
            ("-text < 1", "`\"abc\"` takes no sign"),
            (
                "n is 20",
                "`is` compares with nothing but `None`, and does not hold then; use `==`",
            ),
        ] {
            assert_eq!(value(condition), Err(want.to_owned()), "{condition}");
        }
        assert!(value(&"(".repeat(5000)).is_err());
    }
}
