//! Translation of `[...]`.
//!
//! In Python's packages `[`, `&&`, `--` and `~~` stand for themselves within
//! brackets; `[:alpha:]` and its like are Unicode's in the package `regex`, and
//! mean nothing in `re`.

use super::super::template::octal;
use super::{Dialect, Translator, escaped, octal_digits, unsupported};

impl Translator<'_> {
    pub(super) fn class(&mut self) -> Result<(), String> {
        let mut class = String::from("[");
        if self.eat("^") {
            class.push('^');
        }
        // Under the flag `i` the twins of `i` and `I` join a class that holds them.
        let mut has = (false, false);
        let mut first = true;
        loop {
            if !first && self.eat("]") {
                break;
            }
            first = false;
            let Some(low) = self.class_item(&mut class)? else {
                continue;
            };
            let mut high = low;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.next();
                let before = class.len();
                match self.class_item(&mut class)? {
                    Some(c) => high = c,
                    None => {
                        // `a-\w`: the hyphen is one.
                        class.insert_str(before, r"\-");
                    }
                }
            }
            if low > high {
                return Err(format!("the range `{low}-{high}` is the wrong way round"));
            }
            class.push_str(&escaped(low));
            if low != high {
                class.push('-');
                class.push_str(&escaped(high));
            }
            has.0 |= (low..=high).contains(&'i');
            has.1 |= (low..=high).contains(&'I');
        }
        if self.flags.ignore_case {
            let re = self.dialect == Dialect::Re && (has.0 || has.1);
            if has.0 || re {
                class.push('İ');
            }
            if has.1 || re {
                class.push('ı');
            }
        }
        class.push(']');
        self.push(&class);
        Ok(())
    }

    /// Takes one item of a class: a character, which is returned, or a class
    /// within it, which is written.
    fn class_item(&mut self, class: &mut String) -> Result<Option<char>, String> {
        if self.dialect.is_regex()
            && let Some((name, after)) = self
                .rest
                .strip_prefix("[:")
                .and_then(|rest| rest.split_once(":]"))
        {
            self.rest = after;
            class.push_str(posix(name)?);
            return Ok(None);
        }
        let c = self.next().ok_or("a `[` has no `]`")?;
        if c != '\\' {
            return Ok(Some(c));
        }
        let c = self.next().ok_or("it ends with a backslash")?;
        if let Some(inner) = self.class_escape(c)? {
            class.push_str(&inner);
            return Ok(None);
        }
        match c {
            'b' => Ok(Some('\x08')),
            '1'..='7' if octal_digits(self.rest, 2) == 2 => {
                let digits = format!("{c}{}", &self.rest[..2]);
                self.rest = &self.rest[2..];
                octal(&digits).map(Some)
            }
            c => self.char_escape(c).map(Some),
        }
    }
}

fn posix(name: &str) -> Result<&'static str, String> {
    Ok(match name {
        "alpha" => r"\p{Alphabetic}",
        "^alpha" => r"\P{Alphabetic}",
        "digit" => r"\d",
        "^digit" => r"\D",
        "lower" => r"\p{Lowercase}",
        "upper" => r"\p{Uppercase}",
        "space" => r"\s",
        "^space" => r"\S",
        "word" => r"\w",
        "^word" => r"\W",
        "blank" => r"\t\p{Zs}",
        "cntrl" => r"\p{Cc}",
        other => return Err(unsupported(&format!("the class `[:{other}:]`"))),
    })
}
