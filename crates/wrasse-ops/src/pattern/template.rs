//! [`Template`]: a replacement in Python's syntax.

use wrasse_op::ParamError;

use super::{Pattern, Span};

/// What a match is replaced by: text and groups of the match.
pub(crate) struct Template {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads the value of the parameter `param`: `\1` and `\g<1>` are groups
    /// of `pattern`, `\g<name>` is a named one, `\n`, `\t`, `\x41`, `\u4e00`
    /// and their like are characters.
    ///
    /// # Errors
    ///
    /// If there is no such group, or an escape means nothing.
    pub(crate) fn new(param: &str, template: &str, pattern: &Pattern) -> Result<Self, ParamError> {
        parse(template, pattern.names()).map_err(|reason| {
            ParamError::new(
                param,
                format!("cannot use the replacement `{template}`: {reason}"),
            )
        })
    }

    /// Whether any group but the whole match is put in.
    pub(crate) fn has_groups(&self) -> bool {
        self.last_group() > 0
    }

    /// The highest group that is put in; 0 is the whole match, or none.
    pub(crate) fn last_group(&self) -> usize {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(_) => 0,
                Part::Group(group) => *group,
            })
            .max()
            .unwrap_or(0)
    }

    /// Appends the replacement; a group that took no part in the match is empty.
    pub(crate) fn expand(&self, text: &str, spans: &[Option<Span>], out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(literal) => out.push_str(literal),
                Part::Group(group) => {
                    if let Some(Some((start, end))) = spans.get(*group) {
                        out.push_str(&text[*start..*end]);
                    }
                }
            }
        }
    }

    fn push(&mut self, c: char) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.parts.push(Part::Text(c.to_string())),
        }
    }
}

fn parse(template: &str, names: &[Option<String>]) -> Result<Template, String> {
    let mut parsed = Template { parts: Vec::new() };
    let mut rest = template;
    while let Some(c) = next(&mut rest) {
        if c != '\\' {
            parsed.push(c);
            continue;
        }
        let c = next(&mut rest).ok_or("it ends with a backslash")?;
        match c {
            'g' => {
                let name = rest
                    .strip_prefix('<')
                    .and_then(|rest| rest.split_once('>'))
                    .map(|(name, after)| {
                        rest = after;
                        name
                    })
                    .ok_or("expected `<` and a group and `>` after `\\g`")?;
                let group = match name.parse() {
                    Ok(number) => number,
                    Err(_) => names
                        .iter()
                        .position(|known| known.as_deref() == Some(name))
                        .ok_or_else(|| format!("the pattern has no group `{name}`"))?,
                };
                parsed.parts.push(Part::Group(checked(group, names)?));
            }
            '0' => {
                let digits = octal_digits(rest, 2);
                parsed.push(octal(&rest[..digits])?);
                rest = &rest[digits..];
            }
            '1'..='9' => {
                let digits = &template[template.len() - rest.len() - 1..];
                // Three octal digits are a character, one or two digits a group.
                if octal_digits(digits, 3) == 3 {
                    parsed.push(octal(&digits[..3])?);
                    rest = &digits[3..];
                } else {
                    let two = digits[1..].starts_with(|c: char| c.is_ascii_digit());
                    let (number, after) = digits.split_at(1 + usize::from(two));
                    let group = number.parse().map_err(|_| "no group number")?;
                    parsed.parts.push(Part::Group(checked(group, names)?));
                    rest = after;
                }
            }
            'x' | 'u' | 'U' => {
                parsed.push(hex(c, &mut rest)?);
            }
            'a'..='z' | 'A'..='Z' => {
                let known =
                    control(c).ok_or_else(|| format!("the escape `\\{c}` means nothing"))?;
                parsed.push(known);
            }
            '\\' => parsed.push('\\'),
            other => {
                parsed.push('\\');
                parsed.push(other);
            }
        }
    }
    Ok(parsed)
}

fn next(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    Some(c)
}

fn checked(group: usize, names: &[Option<String>]) -> Result<usize, String> {
    if group < names.len() {
        Ok(group)
    } else {
        Err(format!(
            "the pattern has {} groups, there is no group {group}",
            names.len() - 1
        ))
    }
}

fn octal_digits(text: &str, most: usize) -> usize {
    let digits = text.bytes().take(most);
    digits
        .take_while(|byte| (b'0'..=b'7').contains(byte))
        .count()
}

/// The character of octal digits, of which Python uses nine bits.
pub(super) fn octal(digits: &str) -> Result<char, String> {
    let code = match digits {
        "" => 0,
        digits => u32::from_str_radix(digits, 8).map_err(|error| error.to_string())?,
    };
    char::from_u32(code & 0x1ff).ok_or_else(|| format!("no character has the number {code}"))
}

/// The character of the hexadecimal digits after `\x`, `\u` or `\U`.
pub(super) fn hex(kind: char, rest: &mut &str) -> Result<char, String> {
    let n_digits = match kind {
        'x' => 2,
        'u' => 4,
        _ => 8,
    };
    let c = rest
        .get(..n_digits)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .and_then(char::from_u32)
        .ok_or_else(|| {
            format!("expected a character in {n_digits} hexadecimal digits after `\\{kind}`")
        })?;
    *rest = &rest[n_digits..];
    Ok(c)
}

/// The control character of an escape with a letter.
pub(super) fn control(letter: char) -> Option<char> {
    Some(match letter {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        _ => return None,
    })
}
