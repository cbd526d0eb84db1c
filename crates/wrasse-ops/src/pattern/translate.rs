//! Translation of Python's pattern syntax to that of the `regex` crate, and
//! of `fancy-regex` for what only a backtracking engine can do.
//!
//! Flags are resolved here and written out (`.` as `(?s:.)`, `^` as `\A`), but
//! for `i`. What neither engine has (fuzzy matching, recursion, branch reset,
//! grapheme clusters) is an error.

mod class;

use super::template::{control, hex, octal};

/// Whose syntax a pattern is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The package `regex`, version 0 behavior, with the flag `DOTALL`.
    RegexDotAll,
    /// The same without flags.
    Regex,
    /// The module `re` of the standard library, without flags.
    Re,
}

impl Dialect {
    fn is_regex(self) -> bool {
        matches!(self, Self::RegexDotAll | Self::Regex)
    }
}

/// What `$` stands for without the flag `m`.
///
/// In Python it matches before a last line end too. That takes look-ahead,
/// which is spared for texts that do not end with a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    OfText,
    OrBeforeLastNewline,
}

/// A translated pattern.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) text: String,
    /// Whether only a backtracking engine can run it.
    pub(super) needs_backtracking: bool,
    /// Whether `$` stands in it, so that [`End`] makes a difference.
    pub(super) has_end: bool,
}

/// Groups within groups, beyond which a pattern is refused.
const MAX_DEPTH: usize = 100;

pub(super) fn translate(pattern: &str, dialect: Dialect, end: End) -> Result<Translated, String> {
    let mut translator = Translator {
        rest: pattern,
        dialect,
        end,
        flags: Flags {
            dot_all: dialect == Dialect::RegexDotAll,
            ..Flags::default()
        },
        n_groups: 0,
        out: Translated {
            text: String::new(),
            needs_backtracking: false,
            has_end: false,
        },
    };
    translator.alternatives(0)?;
    if translator.rest.is_empty() {
        Ok(translator.out)
    } else {
        Err("a `)` has no `(`".to_owned())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    verbose: bool,
}

struct Translator<'p> {
    rest: &'p str,
    dialect: Dialect,
    end: End,
    flags: Flags,
    n_groups: usize,
    out: Translated,
}

/// What may follow a piece of a pattern.
#[derive(PartialEq, Eq)]
enum Piece {
    Repeatable,
    /// A comment or flags.
    Nothing,
}

impl Translator<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The text up to `end`, which is passed over.
    fn until(&mut self, end: char) -> Result<&str, String> {
        let (inner, rest) = self
            .rest
            .split_once(end)
            .ok_or_else(|| format!("expected `{end}` before its end"))?;
        self.rest = rest;
        Ok(inner)
    }

    fn push(&mut self, text: &str) {
        self.out.text.push_str(text);
    }

    fn push_hard(&mut self, text: &str) {
        self.out.needs_backtracking = true;
        self.push(text);
    }

    fn skip_blank(&mut self) {
        while self.flags.verbose
            && let Some(c) = self.peek()
            && (c == '#' || c.is_whitespace())
        {
            if c == '#' {
                let line = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = &self.rest[line..];
            } else {
                self.next();
            }
        }
    }

    /// Translates up to the end or the `)` that closes the group.
    fn alternatives(&mut self, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("its groups are nested too deeply".to_owned());
        }
        loop {
            self.skip_blank();
            let start = self.out.text.len();
            match self.peek() {
                None | Some(')') => return Ok(()),
                Some('|') => {
                    self.next();
                    self.push("|");
                }
                Some(_) => {
                    if self.repetition()?.is_some() {
                        return Err("there is nothing to repeat".to_owned());
                    }
                    if self.piece(depth)? == Piece::Repeatable {
                        self.repeat(start)?;
                    }
                }
            }
        }
    }

    /// Takes a `*`, `+`, `?` or `{n,m}`, in Rust's spelling.
    fn repetition(&mut self) -> Result<Option<String>, String> {
        for simple in ["*", "+", "?"] {
            if self.eat(simple) {
                return Ok(Some(simple.to_owned()));
            }
        }
        let Some((inside, after)) = self
            .rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
        else {
            return Ok(None);
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let found = match inside.split_once(',') {
            Some((min, max)) if is_number(min) && is_number(max) => {
                let min = if min.is_empty() { "0" } else { min };
                format!("{{{min},{max}}}")
            }
            None if !inside.is_empty() && is_number(inside) => format!("{{{inside}}}"),
            _ if self.dialect.is_regex() && is_fuzzy(inside) => {
                return Err(unsupported("fuzzy matching"));
            }
            _ => return Ok(None),
        };
        self.rest = after;
        Ok(Some(found))
    }

    /// Translates what repeats the piece that starts at `start` of the output.
    fn repeat(&mut self, start: usize) -> Result<(), String> {
        self.skip_blank();
        let Some(repetition) = self.repetition()? else {
            return Ok(());
        };
        self.push(&repetition);
        if self.eat("?") {
            self.push("?");
        } else if self.eat("+") {
            self.out.text.insert_str(start, "(?>");
            self.push_hard(")");
        }
        self.skip_blank();
        if self.repetition()?.is_some() {
            return Err("it repeats a repetition".to_owned());
        }
        Ok(())
    }

    fn piece(&mut self, depth: usize) -> Result<Piece, String> {
        match self.next() {
            Some('.') if self.flags.dot_all => self.push("(?s:.)"),
            Some('.') => self.push(r"[^\n]"),
            Some('^') if self.flags.multi_line => self.push("(?m:^)"),
            Some('^') => self.push(r"\A"),
            Some('$') if self.flags.multi_line => self.push("(?m:$)"),
            Some('$') => {
                self.out.has_end = true;
                match self.end {
                    End::OfText => self.push(r"\z"),
                    End::OrBeforeLastNewline => self.push_hard(r"(?=\n?\z)"),
                }
            }
            Some('[') => self.class()?,
            Some('(') => return self.group(depth),
            Some('\\') => self.escape()?,
            Some(c) => self.literal(c),
            None => return Ok(Piece::Nothing),
        }
        Ok(Piece::Repeatable)
    }

    fn literal(&mut self, c: char) {
        let twins = match (self.flags.ignore_case, self.dialect, c) {
            (true, Dialect::Re, 'i' | 'I' | 'İ' | 'ı') => "[iIİı]",
            // Python's cases of `i` are not those of Unicode's simple folding.
            (true, _, 'i') => "[iİ]",
            (true, _, 'I') => "[Iı]",
            (true, _, 'İ') => "(?-i:[iİ])",
            (true, _, 'ı') => "(?-i:[Iı])",
            _ => {
                self.out.text.push_str(&escaped(c));
                return;
            }
        };
        self.push(twins);
    }

    fn group(&mut self, depth: usize) -> Result<Piece, String> {
        let outer = self.flags;
        if !self.eat("?") {
            self.n_groups += 1;
            self.push("(");
        } else if self.eat("#") {
            self.until(')')?;
            return Ok(Piece::Nothing);
        } else if self.eat("P=") {
            let name = self.until(')')?.to_owned();
            self.push_hard(&format!(r"\k<{name}>"));
            return Ok(Piece::Repeatable);
        } else if self.eat(":") {
            self.push("(?:");
        } else if let Some(hard) = ["=", "!", "<=", "<!", ">"]
            .iter()
            .find(|kind| self.eat(kind))
        {
            self.push_hard(&format!("(?{hard}"));
        } else if self.eat("P<") || (self.dialect.is_regex() && self.eat("<")) {
            self.n_groups += 1;
            let name = self.until('>')?.to_owned();
            self.push(&format!("(?P<{name}>"));
        } else if self.eat("(") {
            let name = self.until(')')?.to_owned();
            let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
            self.push_hard(&match is_number {
                true => format!("(?({name})"),
                false => format!("(?(<{name}>)"),
            });
        } else if self.flag_letters()? {
            return Ok(Piece::Nothing);
        }
        self.alternatives(depth + 1)?;
        if self.next() != Some(')') {
            return Err("a `(` has no `)`".to_owned());
        }
        self.flags = outer;
        self.push(")");
        Ok(Piece::Repeatable)
    }

    /// Takes the letters of `(?i)` or `(?i-s:`; whether it was the former.
    fn flag_letters(&mut self) -> Result<bool, String> {
        let mut on = true;
        let mut set = self.flags;
        loop {
            let letter = self.next().ok_or("a `(` has no `)`")?;
            match letter {
                'i' => set.ignore_case = on,
                'm' => set.multi_line = on,
                's' => set.dot_all = on,
                'x' => set.verbose = on,
                'u' if on => {}
                'V' if on && self.dialect.is_regex() && self.eat("0") => {}
                '-' if on => on = false,
                // Holds to the end of the group around it.
                ')' => {
                    if self.dialect == Dialect::Re && !self.out.text.is_empty() {
                        return Err("flags stand behind its start".to_owned());
                    }
                    self.push(if set.ignore_case { "(?i)" } else { "(?-i)" });
                    self.flags = set;
                    return Ok(true);
                }
                ':' => {
                    self.push(if set.ignore_case { "(?i:" } else { "(?-i:" });
                    self.flags = set;
                    return Ok(false);
                }
                other => return Err(unsupported(&format!("`(?{other}`"))),
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let c = self.next().ok_or("it ends with a backslash")?;
        let is_regex = self.dialect.is_regex();
        if let Some(class) = self.class_escape(c)? {
            self.push(&class);
            return Ok(());
        }
        match c {
            'A' => self.push(r"\A"),
            'Z' => self.push(r"\z"),
            'z' if is_regex => self.push(r"\z"),
            'b' | 'B' if is_regex => self.push(&format!("\\{c}")),
            'b' => self.push_hard(&format!(
                "(?:(?<!{RE_WORD})(?={RE_WORD})|(?<={RE_WORD})(?!{RE_WORD}))"
            )),
            'B' => self.push_hard(&format!(
                "(?:(?<!{RE_WORD})(?!{RE_WORD})|(?<={RE_WORD})(?={RE_WORD}))"
            )),
            'm' if is_regex => self.push(r"\b{start}"),
            'M' if is_regex => self.push(r"\b{end}"),
            'R' if is_regex => self.push_hard(r"(?>\r\n|[\n\x0b\f\r\x85\u{2028}\u{2029}])"),
            'g' if is_regex && self.eat("<") => {
                let name = self.until('>')?.to_owned();
                self.back_reference(&name)?;
            }
            '1'..='9' => {
                let n_octal = octal_digits(self.rest, 2);
                if n_octal == 2 && c <= '7' {
                    let digits = format!("{c}{}", &self.rest[..2]);
                    self.rest = &self.rest[2..];
                    self.literal(octal(&digits)?);
                } else {
                    let mut number = c.to_string();
                    if let Some(digit) = self.peek().filter(char::is_ascii_digit) {
                        self.next();
                        number.push(digit);
                    }
                    self.back_reference(&number)?;
                }
            }
            _ => {
                let c = self.char_escape(c)?;
                self.literal(c);
            }
        }
        Ok(())
    }

    fn back_reference(&mut self, group: &str) -> Result<(), String> {
        match group.parse::<usize>() {
            Ok(number) if number == 0 || number > self.n_groups => {
                Err(format!("there is no group {number} before its reference"))
            }
            Ok(number) => {
                self.push_hard(&format!(r"(?:\{number})"));
                Ok(())
            }
            Err(_) => {
                self.push_hard(&format!(r"\k<{group}>"));
                Ok(())
            }
        }
    }

    /// The class that `\c` stands for, if it is one.
    fn class_escape(&mut self, c: char) -> Result<Option<String>, String> {
        let is_regex = self.dialect.is_regex();
        Ok(Some(match c {
            'd' => r"\d".to_owned(),
            'D' => r"\D".to_owned(),
            's' | 'S' | 'w' | 'W' if is_regex => format!("\\{c}"),
            's' => r"[\s\x1c-\x1f]".to_owned(),
            'S' => r"[^\s\x1c-\x1f]".to_owned(),
            'w' => RE_WORD.to_owned(),
            'W' => RE_WORD.replacen('[', "[^", 1),
            'h' if is_regex => r"[\t\p{Zs}]".to_owned(),
            'p' | 'P' if is_regex => {
                let name = if self.eat("{") {
                    self.until('}')?.to_owned()
                } else {
                    self.next().map(String::from).unwrap_or_default()
                };
                let (negated, name) = match name.strip_prefix('^') {
                    Some(name) => (true, name.to_owned()),
                    None => (false, name),
                };
                let kind = if (c == 'P') != negated { 'P' } else { 'p' };
                format!("\\{kind}{{{name}}}")
            }
            _ => return Ok(None),
        }))
    }

    /// The character that `\c` stands for.
    fn char_escape(&mut self, c: char) -> Result<char, String> {
        match c {
            'x' | 'u' | 'U' => hex(c, &mut self.rest),
            '0' => {
                let n = octal_digits(self.rest, 2);
                let digits = &self.rest[..n];
                self.rest = &self.rest[n..];
                octal(digits)
            }
            'a'..='z' | 'A'..='Z' => control(c)
                .filter(|_| c != 'b')
                .ok_or_else(|| unsupported(&format!("`\\{c}`"))),
            '1'..='9' => Err(format!("the escape `\\{c}` means nothing")),
            other => Ok(other),
        }
    }
}

/// `\w` of the standard library: what `str.isalnum` takes, and `_`.
const RE_WORD: &str = r"[\p{L}\p{N}_]";

fn unsupported(what: &str) -> String {
    format!("{what} is not supported")
}

fn octal_digits(text: &str, most: usize) -> usize {
    let digits = text.bytes().take(most);
    digits
        .take_while(|byte| (b'0'..=b'7').contains(byte))
        .count()
}

/// A character as it stands for itself, also within a class.
fn escaped(c: char) -> String {
    if regex_syntax::is_meta_character(c) {
        format!("\\{c}")
    } else if c.is_ascii_control() {
        format!("\\x{:02x}", c as u32)
    } else {
        c.to_string()
    }
}

/// Whether the inside of `{...}` is a constraint on errors, such as `e<=1`.
fn is_fuzzy(inside: &str) -> bool {
    let inside = inside.trim_start_matches(|c: char| c.is_ascii_digit() || "<=+ ".contains(c));
    let mut chars = inside.chars();
    matches!(chars.next(), Some('e' | 'i' | 's' | 'd'))
        && chars
            .next()
            .is_none_or(|c| c.is_ascii_digit() || "<=,:+ ".contains(c))
}
