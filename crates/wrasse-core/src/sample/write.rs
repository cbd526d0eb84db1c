//! Writing a sample: the row as it was read, with only the changed fields replaced.

use std::borrow::Cow;

use super::Sample;
use super::row::{Row, cell_json};
use crate::json::{self, Change, Field};
use crate::{Columns, write_string};

impl Sample {
    /// Appends the sample as one JSON object, without a line end.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match &self.row {
            Row::Json { line, fields } => {
                if self.is_changed() {
                    let changes = self.changes(line, fields);
                    json::splice(line, fields, &changes, out);
                } else {
                    out.extend_from_slice(line.as_bytes());
                }
            }
            Row::Columns { batch, row } => self.write_columns_json(batch.as_ref(), *row, out),
        }
    }

    /// The changes to the top-level fields of a JSON row; changes below one
    /// field are folded into one replacement of it.
    fn changes<'a>(&'a self, line: &'a str, fields: &[Field]) -> Vec<Change<'a>> {
        let mut changes: Vec<Change<'a>> = Vec::new();
        for loaded in self.loaded.iter().filter(|loaded| loaded.changed) {
            let json = loaded.value.json();
            match (self.row.locate(&loaded.path), json) {
                (Some((at, None)), Some(json)) => changes.push(Change::Replace(at, json)),
                (Some((at, None)), None) => {
                    // Every field of that name goes, or an earlier one would
                    // come to light.
                    let name = fields[at].key(line);
                    let same = |field: &Field| field.key(line) == name;
                    changes.extend(
                        (0..fields.len())
                            .filter(|i| same(&fields[*i]))
                            .map(Change::Remove),
                    );
                }
                (Some((at, Some(rest))), json) => {
                    let earlier = changes.iter().position(
                        |change| matches!(change, Change::Replace(known, _) if *known == at),
                    );
                    let old = match earlier {
                        Some(i) => match changes.swap_remove(i) {
                            Change::Replace(_, old) => old,
                            Change::Remove(_) | Change::Append(..) => {
                                unreachable!("the position is of a replacement")
                            }
                        },
                        None => Cow::Borrowed(&line[fields[at].value.clone()]),
                    };
                    let new = json::set_below(&old, rest, json.as_deref());
                    changes.push(Change::Replace(at, new.into()));
                }
                (None, Some(json)) => changes.push(Change::Append(&loaded.path, json)),
                (None, None) => {}
            }
        }
        changes
    }

    fn write_columns_json(&self, batch: &dyn Columns, row: usize, out: &mut Vec<u8>) {
        let mut first = true;
        let mut field = |name: &str, out: &mut Vec<u8>| {
            out.push(if first { b'{' } else { b',' });
            first = false;
            write_string(name, out);
            out.push(b':');
        };
        for (column, name) in batch.names().iter().enumerate() {
            let whole = self.loaded.iter().find(|l| l.changed && *l.path == **name);
            match whole.map(|loaded| loaded.value.json()) {
                Some(None) => {}
                Some(Some(json)) => {
                    field(name, out);
                    out.extend_from_slice(json.as_bytes());
                }
                None => {
                    field(name, out);
                    let mut raw: Option<String> = None;
                    for loaded in self.loaded.iter().filter(|loaded| loaded.changed) {
                        if let Some((at, Some(rest))) = self.row.locate(&loaded.path)
                            && at == column
                        {
                            let old = raw.unwrap_or_else(|| cell_json(batch, column, row));
                            let json = loaded.value.json();
                            raw = Some(json::set_below(&old, rest, json.as_deref()));
                        }
                    }
                    match raw {
                        Some(raw) => out.extend_from_slice(raw.as_bytes()),
                        None => batch.write_json(column, row, out),
                    }
                }
            }
        }
        for loaded in self.loaded.iter().filter(|loaded| loaded.changed) {
            if self.row.locate(&loaded.path).is_none()
                && let Some(json) = loaded.value.json()
            {
                field(&loaded.path, out);
                out.extend_from_slice(json.as_bytes());
            }
        }
        out.extend_from_slice(if first { b"{}" } else { b"}" });
    }
}
