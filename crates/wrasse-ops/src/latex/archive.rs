//! The LaTeX sources in an archive.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

/// What is read of an archive, in bytes after decompression; 0 is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A larger file is passed over.
    pub(crate) file_bytes_max: u64,
    /// The first file beyond it ends the reading.
    pub(crate) total_bytes_max: u64,
}

/// The texts of the files `*.tex` in an archive, in their order.
///
/// # Errors
///
/// If the archive cannot be read, or is of an unknown kind.
pub(crate) fn tex_files(path: &str, limits: Limits) -> io::Result<Vec<String>> {
    let name = path.to_lowercase();
    let sources = Sources {
        texts: Vec::new(),
        n_bytes: 0,
        limits,
    };
    if name.ends_with(".zip") {
        sources.read_zip(BufReader::new(File::open(path)?))
    } else if [".tar", ".tar.gz", ".tgz"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        let mut file = BufReader::new(File::open(path)?);
        // The name may lie about the compression.
        let mut magic = Vec::new();
        file.by_ref().take(2).read_to_end(&mut magic)?;
        file.rewind()?;
        if magic == [0x1f, 0x8b] {
            sources.read_tar(MultiGzDecoder::new(file))
        } else {
            sources.read_tar(file)
        }
    } else {
        let name = Path::new(path).file_name().unwrap_or_default();
        Err(io::Error::other(format!(
            "`{}` is no .zip, .tar, .tar.gz or .tgz",
            name.display()
        )))
    }
}

struct Sources {
    texts: Vec<String>,
    n_bytes: u64,
    limits: Limits,
}

/// Whether to go on behind a file.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl Sources {
    fn read_zip(mut self, file: impl Read + Seek) -> io::Result<Vec<String>> {
        let mut archive = zip::ZipArchive::new(file)?;
        for i in 0..archive.len() {
            if !archive.by_index_raw(i)?.name_raw().ends_with(b".tex") {
                continue;
            }
            let entry = archive.by_index(i)?;
            let size = entry.size();
            if self.add(entry, size)? == Next::Stop {
                break;
            }
        }
        Ok(self.texts)
    }

    fn read_tar(mut self, file: impl Read) -> io::Result<Vec<String>> {
        let mut archive = tar::Archive::new(file);
        for (i, entry) in archive.entries()?.enumerate() {
            let entry = match entry {
                Ok(entry) => entry,
                // A header that is none ends an archive; one that was cut off
                // is damaged.
                Err(error) if i > 0 && error.kind() != io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            };
            let is_file = matches!(
                entry.header().entry_type(),
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse
            );
            if !is_file || !entry.path_bytes().ends_with(b".tex") {
                continue;
            }
            let size = entry.size();
            if self.add(entry, size)? == Next::Stop {
                break;
            }
        }
        Ok(self.texts)
    }

    /// Adds a file that says it is of this size.
    fn add(&mut self, file: impl Read, size: u64) -> io::Result<Next> {
        let exceeds = |n_bytes: u64, max: u64| max > 0 && n_bytes > max;
        if exceeds(size, self.limits.file_bytes_max) {
            return Ok(Next::Go);
        }
        if exceeds(
            self.n_bytes.saturating_add(size),
            self.limits.total_bytes_max,
        ) {
            return Ok(Next::Stop);
        }
        let mut bytes = Vec::new();
        file.take(size.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.n_bytes += size;
        self.texts
            .push(String::from_utf8_lossy(&bytes).into_owned());
        Ok(Next::Go)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    const FILES: [(&str, &[u8]); 5] = [
        ("main.tex", b"body \xff"),
        ("figure.png", b"no"),
        ("sub/long.tex", &[b'x'; 1000]),
        ("UPPER.TEX", b"no"),
        ("end.tex", "é".as_bytes()),
    ];

    fn sources(file_bytes_max: u64, total_bytes_max: u64) -> Sources {
        Sources {
            texts: Vec::new(),
            n_bytes: 0,
            limits: Limits {
                file_bytes_max,
                total_bytes_max,
            },
        }
    }

    fn tar_of_files() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in FILES {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn zip_of_files() -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in FILES {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn sources_are_read_within_limits() {
        let long = "x".repeat(1000);
        let all = ["body \u{fffd}", &long, "é"];
        for (file_max, total_max, want) in [
            (0, 0, all.as_slice()),
            (999, 0, &[all[0], all[2]]),
            (1000, 1007, &all[..2]),
            (0, 100, &all[..1]),
            (1, 0, &[]),
        ] {
            let tar = sources(file_max, total_max).read_tar(tar_of_files().as_slice());
            assert_eq!(tar.unwrap(), want, "tar {file_max} {total_max}");
            let zip = sources(file_max, total_max).read_zip(Cursor::new(zip_of_files()));
            assert_eq!(zip.unwrap(), want, "zip {file_max} {total_max}");
        }
    }

    #[test]
    fn damage_is_an_error() {
        let mut zip = zip_of_files();
        let tar = tar_of_files();
        assert!(sources(0, 0).read_tar(&tar[..515]).is_err());
        assert!(sources(0, 0).read_tar(b"no archive".as_slice()).is_err());
        // The first byte of the first file, which its check sum covers.
        let start = memchr::memmem::find(&zip, b"main.tex").unwrap() + "main.tex".len();
        zip[start] ^= 1;
        assert!(sources(0, 0).read_zip(Cursor::new(zip)).is_err());
    }
}
