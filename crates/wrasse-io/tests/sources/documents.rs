//! Documents: one sample each, if they are asked for.

use std::fs;

use wrasse_io::{Format, SourceSpec, discover};

use crate::support::{LIMITS, read_with, spec};

#[test]
fn documents_are_read_if_asked_for_and_damage_costs_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    write(
        "a.html",
        b"<title>T</title><nav>no</nav><p>Text</p><script>1</script>",
    );
    write("b.docx", b"PK\x03\x04 cut off");
    write("c.csv", b"x,y\n1,2\n");
    write("d.JSON", br#"{"title": "J", "n": 1}"#);
    write("e.png", b"\x89PNG");
    write("f.py", b"x = 1\n");
    let utf16: Vec<u8> = "\u{feff}wide"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    write("g.txt", &utf16);
    write("h.pdf", b"%PDF-1.4 cut off");
    let spec = SourceSpec {
        format: Some(Format::Document),
        text_key: "text".to_owned(),
        ..spec(folder.path())
    };
    let root = folder.path().display();
    for target in [1, 1 << 20] {
        let read = read_with(&spec, target, LIMITS);
        assert_eq!(
            read.samples(),
            [
                format!(
                    r#"{{"text":"Text","path":"{root}/a.html","meta":{{"type":"html","title":"T"}}}}"#
                ),
                format!(r#"{{"text":"x\ty\n1\t2","path":"{root}/c.csv","meta":{{"type":"csv"}}}}"#),
                format!(
                    r#"{{"text":"title: J\nn: 1","path":"{root}/d.JSON","meta":{{"type":"json","title":"J"}}}}"#
                ),
                format!(r#"{{"text":"x = 1","path":"{root}/f.py","meta":{{"type":"txt"}}}}"#),
                format!(r#"{{"text":"wide","path":"{root}/g.txt","meta":{{"type":"txt"}}}}"#),
            ]
        );
        let bad = read.bad();
        assert!(bad[0].contains("damaged package"), "{bad:?}");
        assert!(bad[1].contains("damaged PDF"), "{bad:?}");
        assert!(read.errors.is_empty());
    }
    let inputs = discover(&spec).unwrap();
    assert!(
        inputs.warnings[0].contains("e.png: passed over"),
        "{:?}",
        inputs.warnings
    );
}

#[test]
fn documents_that_are_not_asked_for_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.jsonl", "b.pdf", "c.png"] {
        fs::write(folder.path().join(name), "{}\n").unwrap();
    }
    let inputs = discover(&spec(folder.path())).unwrap();
    assert_eq!(inputs.files.len(), 1);
    assert!(
        inputs.warnings[0]
            .ends_with("the unknown suffix `.pdf`; `format: documents` reads such files"),
        "{:?}",
        inputs.warnings
    );
    assert!(
        inputs.warnings[1].ends_with("the unknown suffix `.png`"),
        "{:?}",
        inputs.warnings
    );
}
