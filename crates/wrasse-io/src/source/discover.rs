//! [`discover`]: from the paths of a recipe to the files of a run.
//!
//! Nothing is passed over in silence: what a user named must be there, what a
//! folder holds beside usable files is reported in [`Inputs::warnings`], in
//! groups. Links are followed; pipes, sockets and devices are never opened.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use super::format::{self, Format, Packing};
use super::{Cut, InputFile, Inputs, Place, SourceSpec};
use crate::Error;
use crate::store::{self, Object};

/// How many bytes tell what a file is. A `.json` file may need a whole line.
const HEAD: u64 = 64 << 10;

/// Lists the files that `spec` names: folders walked in name order, globs
/// expanded in name order, formats recognized.
///
/// Names are ordered by the bytes of their whole path. Names that start with a
/// dot are passed over in folders and globs, as shells do.
///
/// # Errors
///
/// If a named file does not exist, cannot be read, or nothing was found.
pub fn discover(spec: &SourceSpec) -> Result<Inputs, Error> {
    let mut finder = Finder {
        spec,
        excluded: spec.exclude.iter().filter_map(|path| real(path)).collect(),
        candidates: Vec::new(),
        warnings: Vec::new(),
        unknown: BTreeMap::new(),
    };
    for path in &spec.paths {
        finder.find(path)?;
    }
    finder.finish()
}

/// What must stay the same for a local file to be the same.
pub(super) fn fingerprint(metadata: &Metadata) -> String {
    let changed = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    format!(
        "{} bytes, changed {}.{:09}",
        metadata.len(),
        changed.as_secs(),
        changed.subsec_nanos()
    )
}

struct Finder<'a> {
    spec: &'a SourceSpec,
    excluded: Vec<PathBuf>,
    candidates: Vec<Candidate>,
    warnings: Vec<String>,
    /// Files without a known format, by suffix: how many, and the first.
    unknown: BTreeMap<String, (usize, String)>,
}

/// A file before its first bytes were seen.
struct Candidate {
    place: Place,
    path: String,
    bytes: Option<u64>,
    fingerprint: String,
    /// Named by the user, not found in a folder.
    named: bool,
}

impl Finder<'_> {
    fn find(&mut self, path: &str) -> Result<(), Error> {
        if path == "-" {
            self.candidates.push(Candidate {
                place: Place::Stdin,
                path: path.to_owned(),
                bytes: None,
                fingerprint: "a stream".to_owned(),
                named: true,
            });
            return Ok(());
        }
        match path.strip_prefix("file://") {
            Some(local) => self.find_local(local),
            None if store::is_address(path) => self.find_objects(path),
            None => self.find_local(path),
        }
    }

    fn find_local(&mut self, path: &str) -> Result<(), Error> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return match path.find(['*', '?', '[', '{']) {
                    Some(at) => self.glob(path, at),
                    None => Err(not_found(path, cause)),
                };
            }
            Err(cause) => return Err(Error::io(path, "cannot be read", cause)),
        };
        if metadata.is_dir() {
            self.walk(Path::new(path), None);
            Ok(())
        } else if metadata.is_file() {
            self.local(PathBuf::from(path), &metadata, true);
            Ok(())
        } else {
            let error = Error::new(path, "is no regular file, so that it cannot be read twice");
            Err(error.with_hint("pipe it into standard input and name the input `-`"))
        }
    }

    fn local(&mut self, path: PathBuf, metadata: &Metadata, named: bool) {
        if path.to_str().is_none() {
            let shown = path.display();
            self.warnings.push(format!(
                "{shown}: the name is not UTF-8; it is shown with replacements"
            ));
        }
        self.candidates.push(Candidate {
            path: path.to_string_lossy().into_owned(),
            place: Place::Local(path),
            bytes: Some(metadata.len()),
            fingerprint: fingerprint(metadata),
            named,
        });
    }

    fn glob(&mut self, pattern: &str, first_wildcard: usize) -> Result<(), Error> {
        let matcher = matcher(pattern)?;
        let root = match pattern[..first_wildcard].rfind('/') {
            Some(0) => "/",
            Some(at) => &pattern[..at],
            None => ".",
        };
        if !Path::new(root).is_dir() {
            let cause = io::Error::from(io::ErrorKind::NotFound);
            return Err(not_found(root, cause));
        }
        let before = self.candidates.len();
        self.walk(Path::new(root), Some(&matcher));
        if self.candidates.len() == before {
            return Err(Error::new(pattern, "no file matches"));
        }
        Ok(())
    }

    /// Takes the files below `root`, or those that match.
    fn walk(&mut self, root: &Path, matcher: Option<&GlobMatcher>) {
        let n_hidden = Cell::new(0_usize);
        let n_excluded = Cell::new(0_usize);
        let excluded = &self.excluded;
        let entries = WalkDir::new(root)
            .follow_links(true)
            .into_iter()
            .filter_entry(|entry| {
                let hidden =
                    entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
                let own = is_within(entry.path(), excluded);
                n_hidden.set(n_hidden.get() + usize::from(hidden));
                n_excluded.set(n_excluded.get() + usize::from(own));
                !hidden && !own
            });
        let mut files = Vec::new();
        let mut warnings = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) if !entry.file_type().is_file() => warnings.push(format!(
                    "{}: passed over: a pipe, socket or device",
                    entry.path().display()
                )),
                Ok(entry) => match entry.metadata() {
                    Ok(metadata) => files.push((shown_path(entry.into_path()), metadata)),
                    Err(error) => warnings.push(passed_over(&error)),
                },
                Err(error) => warnings.push(passed_over(&error)),
            }
        }
        if let Some(matcher) = matcher {
            files.retain(|(path, _)| matcher.is_match(path));
        } else if !self.spec.suffixes.is_empty() {
            files.retain(|(path, _)| has_suffix(&path.to_string_lossy(), &self.spec.suffixes));
        }
        files.sort_by(|(a, _), (b, _)| {
            let bytes = |path: &PathBuf| path.as_os_str().as_encoded_bytes().to_vec();
            bytes(a).cmp(&bytes(b))
        });
        let shown = root.display();
        if n_hidden.get() > 0 {
            let n = n_hidden.get();
            warnings.push(format!(
                "{shown}: passed over {n} names that start with a dot"
            ));
        }
        if n_excluded.get() > 0 {
            warnings.push(format!(
                "{shown}: passed over the output of this run, which lies in it"
            ));
        }
        warnings.sort();
        self.warnings.append(&mut warnings);
        for (path, metadata) in files {
            self.local(path, &metadata, matcher.is_some());
        }
    }

    fn find_objects(&mut self, address: &str) -> Result<(), Error> {
        let wildcard = address.find(['*', '[', '{']);
        let (objects, named) = if let Some(at) = wildcard {
            let front = &address[..at];
            let folder = front.rfind('/').map_or(front, |end| &front[..=end]);
            let matcher = matcher(address)?;
            let mut objects = Object::at(folder)?.list()?;
            objects.retain(|object| matcher.is_match(object.address()));
            (objects, true)
        } else if address.ends_with('/') {
            let mut objects = Object::at(address)?.list()?;
            // Stores show folders as objects of no bytes.
            objects.retain(|object| !(object.size() == 0 && object.address().ends_with('/')));
            if !self.spec.suffixes.is_empty() {
                objects.retain(|object| has_suffix(&object.address(), &self.spec.suffixes));
            }
            (objects, false)
        } else {
            let object = Object::at(address)?.look_up().map_err(|error| {
                let cause = error.source.as_ref().map(io::Error::kind);
                match cause {
                    Some(io::ErrorKind::NotFound) => {
                        error.with_hint("an address that ends in `/` names all objects below it")
                    }
                    _ => error,
                }
            })?;
            (vec![object], true)
        };
        if objects.is_empty() {
            return Err(Error::new(address, "no object matches"));
        }
        let excluded = |object: &Object| {
            let address = object.address();
            let own = |own: &String| {
                let rest = address.strip_prefix(own.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            !named && self.spec.exclude.iter().any(own)
        };
        let found = objects.into_iter().filter(|object| !excluded(object));
        self.candidates.extend(found.map(|object| Candidate {
            path: object.address(),
            bytes: Some(object.size()),
            fingerprint: object.fingerprint(),
            place: Place::Object(object),
            named,
        }));
        Ok(())
    }

    fn finish(mut self) -> Result<Inputs, Error> {
        let candidates = std::mem::take(&mut self.candidates);
        let objects: Vec<Object> = candidates
            .iter()
            .filter(|candidate| self.needs_head(candidate))
            .filter_map(|candidate| match &candidate.place {
                Place::Object(object) => Some(object.clone()),
                Place::Local(_) | Place::Stdin => None,
            })
            .collect();
        let mut object_heads = store::heads(&objects, HEAD).into_iter();
        let mut files = Vec::new();
        for candidate in candidates {
            let head = match &candidate.place {
                _ if !self.needs_head(&candidate) => Ok(Vec::new()),
                Place::Stdin => Ok(Vec::new()),
                Place::Local(path) => local_head(path)
                    .map_err(|cause| Error::io(&candidate.path, "cannot be read", cause)),
                Place::Object(_) => match object_heads.next() {
                    Some(head) => head.map(|head| head.to_vec()),
                    None => Ok(Vec::new()),
                },
            };
            match head {
                Ok(head) => files.extend(self.recognize(candidate, &head)?),
                Err(error) if candidate.named => return Err(error),
                Err(error) => self.warnings.push(format!(
                    "{}: passed over: {}",
                    error.path,
                    error
                        .source
                        .map_or(error.message, |cause| cause.to_string())
                )),
            }
        }
        for (suffix, (n, first)) in &self.unknown {
            let what = if suffix.is_empty() {
                "no suffix".to_owned()
            } else {
                format!("the unknown suffix `.{suffix}`")
            };
            let what = match format::document_of_suffix(suffix) {
                Some(_) => format!("{what}; `format: documents` reads such files"),
                None => what,
            };
            self.warnings.push(match n {
                1 => format!("{first}: passed over: it has {what}"),
                _ => format!("{first} and {} more: passed over: they have {what}", n - 1),
            });
        }
        if files.is_empty() {
            let error = Error::new(self.spec.paths.join(", "), "no input files");
            return Err(match self.warnings.first() {
                Some(warning) => error.with_hint(warning),
                None => error,
            });
        }
        Ok(Inputs {
            files,
            warnings: self.warnings,
            text_key: match &*self.spec.text_key {
                "" => "text".to_owned(),
                key => key.to_owned(),
            },
            fields: self.spec.fields.clone(),
        })
    }

    fn format_of(&self, candidate: &Candidate) -> (Option<Format>, Packing) {
        let (suffix, packing) = format::suffix(&candidate.path);
        let format = match self.spec.format {
            // Beside documents lie images and programs.
            Some(Format::Document)
                if !candidate.named
                    && self.spec.suffixes.is_empty()
                    && format::document_of_suffix(&suffix).is_none() =>
            {
                None
            }
            Some(format) => Some(format),
            None => format::of_suffix(&suffix),
        };
        (format, packing)
    }

    /// Whether the name alone does not tell how to read a file.
    fn needs_head(&self, candidate: &Candidate) -> bool {
        match self.format_of(candidate) {
            (Some(Format::Text | Format::Document), _) => false,
            (None, _) => candidate.named || !self.spec.suffixes.is_empty(),
            (Some(_), _) => true,
        }
    }

    /// What a file is, by its name and its first bytes; `None` if it is passed
    /// over.
    fn recognize(&mut self, candidate: Candidate, head: &[u8]) -> Result<Option<InputFile>, Error> {
        let (format, named_packing) = self.format_of(&candidate);
        let is_stream = matches!(candidate.place, Place::Stdin);
        let format = match format {
            _ if self.spec.format.is_none() && format::is_parquet(head) => Format::Parquet,
            Some(format) => format,
            None if is_stream => Format::Jsonl,
            None if !self.needs_head(&candidate) => {
                let (suffix, _) = format::suffix(&candidate.path);
                let unknown = self.unknown.entry(suffix).or_insert((0, candidate.path));
                unknown.0 += 1;
                return Ok(None);
            }
            None => match format::of_content(head) {
                Some(format) => format,
                None => {
                    let error = Error::new(candidate.path, "the format cannot be told");
                    return Err(error.with_hint("name the format in the recipe"));
                }
            },
        };
        let packing = format::packing_of(head);
        if candidate.bytes == Some(0) && named_packing != Packing::Plain {
            self.warnings.push(format!(
                "{}: the file is empty, not even an empty archive; it gives no rows",
                candidate.path
            ));
        }
        let cut = match (format, packing) {
            _ if is_stream => Cut::Nowhere,
            (Format::Jsonl | Format::Files, Packing::Plain)
                if format::is_lines(&candidate.path, head) =>
            {
                Cut::Anywhere
            }
            (Format::Jsonl, Packing::Zstd) => Cut::Frames,
            _ => Cut::Nowhere,
        };
        Ok(Some(InputFile {
            path: candidate.path,
            format,
            bytes: candidate.bytes,
            fingerprint: candidate.fingerprint,
            place: candidate.place,
            cut,
        }))
    }
}

fn matcher(pattern: &str) -> Result<GlobMatcher, Error> {
    let glob = GlobBuilder::new(pattern.strip_prefix("./").unwrap_or(pattern))
        .literal_separator(true)
        .build()
        .map_err(|error| Error::new(pattern, format!("no valid pattern: {}", error.kind())))?;
    Ok(glob.compile_matcher())
}

/// A walk of `.` gives `./name`, which is shown and matched as `name`.
fn shown_path(path: PathBuf) -> PathBuf {
    match path.strip_prefix(".") {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.to_owned(),
        _ => path,
    }
}

fn has_suffix(name: &str, suffixes: &[String]) -> bool {
    let name = name.to_ascii_lowercase();
    suffixes.iter().any(|suffix| {
        let suffix = format!(".{}", suffix.trim_start_matches('.').to_ascii_lowercase());
        ["", ".gz", ".gzip", ".zst", ".zstd"].iter().any(|packing| {
            name.strip_suffix(packing)
                .is_some_and(|name| name.ends_with(&suffix))
        })
    })
}

fn local_head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// The real path of an output, which need not exist yet.
fn real(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    path.canonicalize().ok().or_else(|| {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    })
}

fn is_within(path: &Path, excluded: &[PathBuf]) -> bool {
    if excluded.is_empty() {
        return false;
    }
    path.canonicalize()
        .is_ok_and(|path| excluded.iter().any(|own| path.starts_with(own)))
}

fn passed_over(error: &walkdir::Error) -> String {
    let path = error.path().unwrap_or(Path::new("?")).display();
    match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => {
            format!("{path}: passed over: a link back to {}", ancestor.display())
        }
        (None, Some(cause)) => format!("{path}: passed over: {cause}"),
        (None, None) => format!("{path}: passed over"),
    }
}

fn not_found(path: &str, cause: io::Error) -> Error {
    let error = Error::io(path, "cannot be found", cause);
    match nearest(Path::new(path)) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What the user may have meant by a path that does not exist.
fn nearest(path: &Path) -> Option<String> {
    let folder = match path.parent()? {
        folder if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    let name = path.file_name()?.to_string_lossy();
    let Ok(entries) = fs::read_dir(folder) else {
        return Some(format!("there is no folder {}", folder.display()));
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .map(|known| (strsim::jaro_winkler(&name, &known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, known_a), (b, known_b)| a.total_cmp(b).then_with(|| known_b.cmp(known_a)))
        .map(|(_, known)| format!("did you mean {}?", folder.join(known).display()))
}
