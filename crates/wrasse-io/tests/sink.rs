//! Sinks, seen from outside: names, bytes, and what a crash leaves.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod dice;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Decimal128Array, DictionaryArray, Int32Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use tempfile::TempDir;
use wrasse_core::{ByteCount, Origin, Sample};
use wrasse_io::{
    Finished, OutBlock, ReadLimits, Sink, SinkSpec, SourceSpec, clear_staging, discover, open_sink,
    splits,
};

use crate::dice::Dice;

/// A place to write to, and what is written there.
struct Scene {
    folder: TempDir,
    spec: SinkSpec,
}

impl Scene {
    fn new(path: &str, part_bytes: Option<u64>) -> Self {
        let folder = TempDir::new().unwrap();
        let spec = SinkSpec {
            path: format!("{}/out/{path}", folder.path().display()),
            text_key: "text".to_owned(),
            format: None,
            part_bytes: part_bytes.map(ByteCount),
            staging: folder.path().join("run"),
            replace: false,
        };
        Self { folder, spec }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn open(&self, position: Option<&Value>) -> Box<dyn Sink> {
        open_sink(&self.spec, position).unwrap()
    }

    /// All files of the output by name.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.out(), "", &mut files);
        files
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

fn block(sink: &dyn Sink, rows: &[String]) -> OutBlock {
    let mut builder = sink.encoder().start();
    for row in rows {
        let sample = Sample::from_json(row.as_str().into(), Origin::default()).unwrap();
        builder.push(&sample).unwrap();
    }
    builder.finish()
}

/// Writes `rows` in one go, in blocks of `block_rows`.
fn write(scene: &Scene, rows: &[String], block_rows: usize) -> Finished {
    let mut sink = scene.open(None);
    sink.set_threads(NonZeroUsize::MIN);
    for rows in rows.chunks(block_rows) {
        sink.append(block(sink.as_ref(), rows)).unwrap();
    }
    let finished = sink.finish().unwrap();
    clear_staging(&scene.spec).unwrap();
    assert_eq!(fs::read_dir(&scene.spec.staging).unwrap().count(), 0);
    finished
}

/// Writes `rows` with crashes, the last of them after the end. Of the last
/// commit before a crash, one in two was not recorded.
fn write_with_crashes(scene: &Scene, rows: &[String], seed: u64) -> Finished {
    let mut dice = Dice(seed);
    let mut recorded: (Option<Value>, usize) = (None, 0);
    let mut crashes = 5;
    loop {
        let (position, mut done) = recorded.clone();
        let mut sink = scene.open(position.as_ref());
        let mut fresh = None;
        loop {
            if crashes > 0 && dice.below(12) == 0 {
                break;
            }
            let n = dice.below(rows.len() / 10).min(rows.len() - done);
            sink.append(block(sink.as_ref(), &rows[done..done + n]))
                .unwrap();
            done += n;
            if dice.below(3) == 0 {
                recorded = fresh.take().unwrap_or(recorded);
                // What is written down must be enough: it goes through text.
                let text = sink.commit().unwrap().to_string();
                fresh = Some((Some(serde_json::from_str(&text).unwrap()), done));
            }
            if done == rows.len() {
                let finished = sink.finish().unwrap();
                if crashes == 0 {
                    return finished;
                }
                break;
            }
        }
        crashes -= 1;
        if dice.below(2) == 0 {
            recorded = fresh.unwrap_or(recorded);
        }
    }
}

fn rows(n: usize) -> Vec<String> {
    let mut dice = Dice(7);
    (0..n)
        .map(|i| {
            let text = "lorem 数据 \\n \\u00e9 ipsum ".repeat(1 + dice.below(9));
            format!(
                r#"{{"id":{i},"text":"{text}","meta":{{"n":[{}.5,null]}}}}"#,
                dice.below(99)
            )
        })
        .collect()
}

#[test]
fn crashes_leave_no_trace() {
    for (path, part_bytes) in [
        ("x.jsonl", None),
        ("x.jsonl", Some(3_000)),
        ("deep/er/", Some(3_000)),
    ] {
        let rows = rows(400);
        let calm = Scene::new(path, part_bytes);
        let want = write(&calm, &rows, 400);
        let want_files = calm.files();
        assert_eq!(want.parts.len(), want_files.len(), "{path}");
        let n_rows: u64 = want.parts.iter().map(|part| part.rows).sum();
        assert_eq!(n_rows, 400, "{path}");
        for seed in 1..8 {
            let stormy = Scene::new(path, part_bytes);
            let got = write_with_crashes(&stormy, &rows, seed);
            assert!(
                stormy.files() == want_files,
                "{path} differs with seed {seed}"
            );
            let sums = |finished: &Finished| -> Vec<_> {
                let parts = finished.parts.iter();
                parts
                    .map(|part| (part.rows, part.bytes, part.xxh3.clone()))
                    .collect()
            };
            assert_eq!(sums(&got), sums(&want), "{path}, seed {seed}");
        }
    }
}

/// Rows of some 9 MB, which make several frames.
fn long_rows() -> Vec<String> {
    let mut dice = Dice(5);
    (0..160)
        .map(|i| {
            let words: Vec<String> = (0..8_000)
                .map(|_| dice.below(1 << 20).to_string())
                .collect();
            format!(r#"{{"id":{i},"text":"{}"}}"#, words.join(" "))
        })
        .collect()
}

#[test]
fn compressed_bytes_depend_on_the_rows_alone() {
    let rows = long_rows();
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    for (path, part_bytes) in [
        ("x.jsonl.gz", None),
        ("x.jsonl.zst", None),
        ("x.jsonl.zst", Some(5_000_000)),
    ] {
        let calm = Scene::new(path, part_bytes);
        write(&calm, &rows, 3);
        let want = calm.files();
        let unpacked: String = want.values().map(|bytes| unpack(bytes)).collect();
        assert!(
            unpacked == text,
            "{path}: the rows are not what was written"
        );
        for seed in 1..3 {
            let stormy = Scene::new(path, part_bytes);
            write_with_crashes(&stormy, &rows, seed);
            assert!(stormy.files() == want, "{path} differs with seed {seed}");
        }
    }
}

fn unpack(bytes: &[u8]) -> String {
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes)
            .read_to_string(&mut text)
            .unwrap();
    } else {
        zstd::Decoder::new(bytes)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
    }
    text
}

#[test]
fn a_line_is_a_row_as_it_came() {
    let scene = Scene::new("x.jsonl", None);
    let rows = [
        "{\"a\": 1e400,\"a\":12345678901234567890123 }\r",
        "{\n  \"pretty\": [1,\r\n 2]\n}",
    ];
    write(&scene, &rows.map(str::to_owned), 1);
    assert_eq!(
        String::from_utf8(scene.files().remove("x.jsonl").unwrap()).unwrap(),
        "{\"a\": 1e400,\"a\":12345678901234567890123 }\r\n{   \"pretty\": [1,   2] }\n"
    );
}

#[test]
fn retained_rows_are_written_and_no_others() {
    let scene = Scene::new("x.jsonl", None);
    let rows = rows(50);
    let mut sink = scene.open(None);
    let mut all = block(sink.as_ref(), &rows);
    let keep: Vec<bool> = (0..50).map(|i| i % 3 == 0).collect();
    all.retain(&keep);
    assert_eq!(all.n_rows(), 17);
    sink.append(all).unwrap();
    sink.finish().unwrap();
    let kept: String = rows
        .iter()
        .step_by(3)
        .map(|row| format!("{row}\n"))
        .collect();
    assert_eq!(scene.files()["x.jsonl"], kept.as_bytes());
}

#[test]
fn parts_are_named_as_their_users_know_them() {
    let rows: Vec<String> = (0..40).map(|i| format!(r#"{{"id":{i:04}0}}"#)).collect();
    let rows: Vec<String> = rows.iter().map(|row| row.replace(":0", ":1")).collect();
    let names = |path: &str, bytes: u64| -> Vec<String> {
        let scene = Scene::new(path, Some(bytes));
        write(&scene, &rows, 7);
        scene.files().into_keys().collect()
    };
    // 40 rows of 13 bytes: 10 rows reach 130 bytes.
    let row_bytes = rows[0].len() as u64 + 1;
    assert_eq!(
        names("x.jsonl", 10 * row_bytes),
        [
            "x-00-of-04.jsonl",
            "x-01-of-04.jsonl",
            "x-02-of-04.jsonl",
            "x-03-of-04.jsonl"
        ]
    );
    assert_eq!(names("x.jsonl", 4 * row_bytes)[9], "x-009-of-010.jsonl");
    assert_eq!(
        names("x/", 20 * row_bytes),
        ["x/part-00000.jsonl", "x/part-00001.jsonl"]
    );
    assert_eq!(names("x", 1 << 20), ["x/part-00000.jsonl"]);
}

#[test]
fn nothing_is_a_file_too() {
    for path in ["x.jsonl", "x/", "x.jsonl.gz", "x.jsonl.zst"] {
        let scene = Scene::new(path, None);
        let finished = write(&scene, &[], 1);
        assert_eq!(finished.parts.len(), 1);
        assert_eq!(scene.files().len(), 1, "{path}");
        if !path.ends_with(['/', 'l']) {
            assert_eq!(unpack(&scene.files()[path]), "", "{path}");
        }
    }
}

#[test]
fn files_appear_when_complete() {
    let scene = Scene::new("x/", Some(1_000));
    let mut sink = scene.open(None);
    let mut seen = 0;
    for row in rows(60) {
        sink.append(block(sink.as_ref(), &[row])).unwrap();
        for (name, bytes) in scene.files() {
            assert!(name.starts_with("x/part-"), "{name} is no part");
            assert!(bytes.len() >= 1_000, "{name} is not full");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn parts_of_others_are_not_mixed_with_ours() {
    let scene = Scene::new("x/", None);
    fs::create_dir_all(scene.out().join("x")).unwrap();
    fs::write(scene.out().join("x/part-00003.jsonl"), "{}\n").unwrap();
    fs::write(scene.out().join("x/notes.jsonl"), "{}\n").unwrap();
    let error = open_sink(&scene.spec, None).err().unwrap();
    assert!(error.to_string().contains("part-00003.jsonl"), "{error}");
    assert!(error.hint.is_some());
    fs::remove_file(scene.out().join("x/part-00003.jsonl")).unwrap();
    write(&scene, &rows(3), 1);
    assert_eq!(scene.files().len(), 2);
}

#[test]
fn a_damaged_output_is_not_resumed() {
    let scene = Scene::new("x.jsonl", None);
    let mut sink = scene.open(None);
    sink.append(block(sink.as_ref(), &rows(9))).unwrap();
    let position = sink.commit().unwrap();
    drop(sink);
    let staged = scene.spec.staging.join(".x-00000.jsonl.partial");
    let mut bytes = fs::read(&staged).unwrap();
    bytes[20] ^= 1;
    fs::write(&staged, bytes).unwrap();
    let error = open_sink(&scene.spec, Some(&position)).err().unwrap();
    assert!(
        error.to_string().contains("not as it was committed"),
        "{error}"
    );
    let other = Scene::new("x.jsonl", Some(10));
    let error = open_sink(&other.spec, Some(&position)).err().unwrap();
    assert!(error.to_string().contains("the run wrote"), "{error}");
}

#[test]
fn places_that_cannot_be_written_are_named() {
    let scene = Scene::new("x.jsonl", None);
    fs::write(scene.out(), "a file").unwrap();
    let error = open_sink(&scene.spec, None).err().unwrap();
    assert!(error.path.contains("/out"), "{error}");
    assert!(error.hint.is_some());
    let spec = SinkSpec {
        path: "out.docx".to_owned(),
        text_key: "text".to_owned(),
        ..scene.spec.clone()
    };
    assert!(
        open_sink(&spec, None)
            .err()
            .unwrap()
            .to_string()
            .contains("suffix")
    );
}

#[test]
fn tables_depend_on_the_rows_alone() {
    let mut many = rows(500);
    many.extend(long_rows());
    for (path, part_bytes) in [
        ("x.csv", None),
        ("x.tsv.gz", Some(60_000)),
        ("x.parquet", None),
        ("x.parquet", Some(60_000)),
    ] {
        let rows = if part_bytes.is_some() {
            &many[..500]
        } else {
            &many[..]
        };
        let calm = Scene::new(path, part_bytes);
        let want = write(&calm, rows, 30);
        let n_rows: u64 = want.parts.iter().map(|part| part.rows).sum();
        assert_eq!(n_rows, rows.len() as u64, "{path}");
        assert_eq!(part_bytes.is_some(), want.parts.len() > 1, "{path}");
        for seed in 1..3 {
            let stormy = Scene::new(path, part_bytes);
            write_with_crashes(&stormy, rows, seed);
            assert!(
                stormy.files() == calm.files(),
                "{path} differs with seed {seed}"
            );
        }
    }
}

#[test]
fn cells_are_quoted_where_they_must_be() {
    let rows = [
        r#"{"id":12345678901234567890123,"text":"a,b\"c\"\nd","n":1e2}"#,
        r#"{"text":"","id":null,"extra":{"k": [1,"x"]},"ok":true}"#,
        r#"{"text":"tab\there","text":"last \u00e9","n":0.10}"#,
    ]
    .map(str::to_owned);
    let scene = Scene::new("x.csv", None);
    write(&scene, &rows, 1);
    assert_eq!(
        String::from_utf8(scene.files().remove("x.csv").unwrap()).unwrap(),
        "id,text,n,extra,ok\n\
         12345678901234567890123,\"a,b\"\"c\"\"\nd\",1e2,,\n\
         ,\"\",,\"{\"\"k\"\": [1,\"\"x\"\"]}\",true\n\
         ,last é,0.10,,\n"
    );
    let scene = Scene::new("x.tsv", None);
    write(
        &scene,
        &[r#"{"a":"x\ty"}"#.to_owned(), r#"{"a":null}"#.to_owned()],
        1,
    );
    assert_eq!(scene.files()["x.tsv"], b"a\n\"x\ty\"\n\"\"\n");
}

#[test]
fn half_surrogates_are_rejects_of_tables() {
    let push = |path: &str, row: &str| {
        let scene = Scene::new(path, None);
        let sample = Sample::from_json(row.into(), Origin::default()).unwrap();
        scene.open(None).encoder().start().push(&sample)
    };
    for row in [r#"{"a":"\ud83d"}"#, r#"{"a":"x\udc00"}"#] {
        assert!(push("x.jsonl", row).is_ok());
        assert!(
            push("x.parquet", row)
                .unwrap_err()
                .contains("half surrogate")
        );
        assert!(push("x.csv", row).is_err());
    }
    for row in [r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\\ud83d"}"#] {
        assert!(push("x.parquet", row).is_ok(), "{row}");
    }
}

/// The rows of a Parquet file as JSON, and its columns as `name: type`.
fn read_parquet(bytes: &[u8]) -> (Vec<String>, Vec<Value>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes));
    let reader = reader.unwrap();
    let fields = reader.schema().fields().clone();
    let columns = fields
        .iter()
        .map(|field| format!("{}: {}", field.name(), field.data_type()));
    let columns = columns.collect();
    let mut out = arrow_json::LineDelimitedWriter::new(Vec::new());
    for batch in reader.build().unwrap() {
        out.write(&batch.unwrap()).unwrap();
    }
    out.finish().unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    (
        columns,
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// Writes rows as Parquet; gives type, values and conflict of the column `v`.
fn column(values: &[&str]) -> (String, Vec<Value>, Option<String>) {
    let scene = Scene::new("x.parquet", None);
    let rows = values
        .iter()
        .map(|value| format!(r#"{{"i":0,"v":{value}}}"#));
    let rows: Vec<String> = rows.collect();
    let finished = write(&scene, &rows, 2);
    let (columns, rows) = read_parquet(&scene.files()["x.parquet"]);
    let conflict = finished.conflicts.first();
    (
        columns[1].clone(),
        rows.iter().map(|row| row["v"].clone()).collect(),
        conflict.map(|conflict| format!("{}: {}", conflict.column, conflict.resolution)),
    )
}

#[test]
fn columns_widen_and_nothing_is_lost() {
    let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let is = |values: &[&str], data_type: &str, want: &str, conflict: Option<&str>| {
        let got = column(values);
        assert_eq!(got.0, format!("v: {data_type}"), "{values:?}");
        assert_eq!(Value::from(got.1), json(want), "{values:?}");
        assert_eq!(got.2.as_deref(), conflict, "{values:?}");
    };
    is(
        &["1", "null", "-9223372036854775808"],
        "Int64",
        "[1,null,-9223372036854775808]",
        None,
    );
    is(
        &["1", "2.5"],
        "Float64",
        "[1.0,2.5]",
        Some("v: integers and floats became float64"),
    );
    is(
        &["9007199254740993", "2.5"],
        "Utf8",
        r#"["9007199254740993","2.5"]"#,
        Some("v: integers beyond 2^53 and floats became JSON text"),
    );
    is(
        &["18446744073709551616", "1"],
        "Utf8",
        r#"["18446744073709551616","1"]"#,
        Some("v: integers and integers beyond 64 bits became JSON text"),
    );
    is(
        &["1e400"],
        "Utf8",
        r#"["1e400"]"#,
        Some("v: numbers beyond a double became JSON text"),
    );
    is(
        &["1", "\"a\"", "[1.50]", "null"],
        "Utf8",
        r#"["1","\"a\"","[1.50]",null]"#,
        Some("v: integers, text and lists became JSON text"),
    );
    is(&["null", "null"], "Utf8", "[null,null]", None);
    is(&["true", "false"], "Boolean", "[true,false]", None);
    is(&["\"\\u00e9\\n\"", "\"x\""], "Utf8", r#"["é\n","x"]"#, None);
    let (data_type, values, conflict) = column(&[
        r#"{"a":1,"b":{"c":[1]}}"#,
        r#"{"b":{"c":["x",null]},"d":[{}],"a":2,"a":3}"#,
        "null",
    ]);
    assert!(data_type.starts_with("v: Struct("), "{data_type}");
    assert_eq!(
        Value::from(values),
        json(r#"[{"a":1,"b":{"c":["1"]}},{"a":3,"b":{"c":["\"x\"",null]},"d":["{}"]},null]"#)
    );
    assert_eq!(
        conflict.as_deref(),
        Some("v.b.c[]: integers and text became JSON text")
    );
}

#[test]
fn types_that_drift_late_widen_all_rows() {
    let mut values: Vec<String> = (0..5_000).map(|i| i.to_string()).collect();
    values.push("\"late\"".to_owned());
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let (data_type, got, conflict) = column(&values);
    assert_eq!(data_type, "v: Utf8");
    assert_eq!(
        (&got[4_999], &got[5_000]),
        (&"4999".into(), &"\"late\"".into())
    );
    assert_eq!(
        conflict.as_deref(),
        Some("v: integers and text became JSON text")
    );
}

#[test]
fn deep_and_empty_rows_become_parquet_too() {
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let (_, values, conflict) = column(&[&deep]);
    assert_eq!(values.len(), 1);
    assert!(conflict.unwrap().ends_with("deep nesting became JSON text"));
    let scene = Scene::new("x.parquet", None);
    write(&scene, &["{}".to_owned(), "{}".to_owned()], 1);
    assert_eq!(read_parquet(&scene.files()["x.parquet"]).1.len(), 2);
    let scene = Scene::new("x.parquet", None);
    write(&scene, &[], 1);
    assert_eq!(read_parquet(&scene.files()["x.parquet"]).1.len(), 0);
}

/// A Parquet file of 300 rows with types that JSON does not have.
fn typed_batch() -> RecordBatch {
    let n = 300;
    let text: StringArray = (0..n)
        .map(|i| Some(format!("text {i} {}", "é".repeat(i % 50))))
        .collect();
    let at = TimestampMicrosecondArray::from_iter((0..n as i64).map(|i| (i % 7 > 0).then_some(i)));
    let price = Decimal128Array::from_iter_values((0..n as i128).map(|i| i * 7));
    let blob = BinaryArray::from_iter_values((0..n).map(|i| vec![255, i as u8]));
    let lang: DictionaryArray<Int32Type> = (0..n).map(|i| ["de", "zh"][i % 2]).collect();
    let small = Int32Array::from_iter_values(0..n as i32);
    RecordBatch::try_from_iter([
        ("text", Arc::new(text) as ArrayRef),
        ("at", Arc::new(at.with_timezone("UTC"))),
        (
            "price",
            Arc::new(price.with_precision_and_scale(12, 2).unwrap()),
        ),
        ("blob", Arc::new(blob)),
        ("lang", Arc::new(lang)),
        ("small", Arc::new(small)),
    ])
    .unwrap()
}

/// The samples of a Parquet file that holds `batch`.
fn samples_of(batch: &RecordBatch) -> Vec<Sample> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.parquet");
    let mut writer =
        ArrowWriter::try_new(fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    let spec = SourceSpec {
        paths: vec![path.display().to_string()],
        ..SourceSpec::default()
    };
    let inputs = Arc::new(discover(&spec).unwrap());
    let limits = ReadLimits {
        block_bytes: 4_000,
        row_bytes_max: 1 << 20,
    };
    let mut samples = Vec::new();
    for split in splits(&inputs, ByteCount(1 << 30)).unwrap() {
        let mut reader = wrasse_io::open(&inputs, &split, limits).unwrap();
        while let Some(block) = reader.next_block().unwrap() {
            for row in block.rows() {
                let wrasse_io::Row::Sample(sample) = row else {
                    panic!("{row:?} is no sample")
                };
                assert!(sample.columns().is_some());
                samples.push(sample);
            }
        }
    }
    samples
}

fn write_samples(scene: &Scene, samples: &[Sample], block_rows: usize, crash: bool) -> Finished {
    let mut sink = scene.open(None);
    for (i, samples) in samples.chunks(block_rows).enumerate() {
        let mut builder = sink.encoder().start();
        for sample in samples {
            builder.push(sample).unwrap();
        }
        sink.append(builder.finish()).unwrap();
        if crash && i % 3 == 0 {
            let position = sink.commit().unwrap();
            let mut garbage = sink.encoder().start();
            garbage.push(&samples[0]).unwrap();
            sink.append(garbage.finish()).unwrap();
            drop(sink);
            sink = scene.open(Some(&position));
        }
    }
    sink.finish().unwrap()
}

fn read_batch(bytes: &[u8]) -> RecordBatch {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let mut reader = reader.with_batch_size(100_000).build().unwrap();
    reader.next().unwrap().unwrap()
}

#[test]
fn untouched_columns_keep_their_types() {
    let batch = typed_batch();
    let mut samples = samples_of(&batch);
    let scene = Scene::new("x.parquet", None);
    let finished = write_samples(&scene, &samples, 17, true);
    assert!(finished.conflicts.is_empty(), "{:?}", finished.conflicts);
    let got = read_batch(&scene.files()["x.parquet"]);
    assert_eq!(got.columns(), batch.columns());

    for sample in samples.iter_mut().step_by(2) {
        let text = sample.text("text").unwrap().to_uppercase();
        sample.set_text("text", text);
        sample.set_value("score", &Value::from(0.5));
    }
    samples[3].set_value("small", &Value::from("odd"));
    samples[5].remove("at");
    let mut written = Vec::new();
    for (block_rows, crash) in [(300, false), (17, true)] {
        let scene = Scene::new("x.parquet", None);
        let finished = write_samples(&scene, &samples, block_rows, crash);
        assert_eq!(finished.conflicts.len(), 1);
        assert_eq!(finished.conflicts[0].column, "small");
        written.push(scene.files());
    }
    assert!(written[0] == written[1], "blocks and crashes show");
    let got = read_batch(&written[0]["x.parquet"]);
    for name in ["price", "blob", "lang"] {
        assert_eq!(
            got.column_by_name(name),
            batch.column_by_name(name),
            "{name}"
        );
    }
    let text = |name: &str, row: usize| {
        let column = got.column_by_name(name).unwrap().as_string::<i32>();
        column.value(row).to_owned()
    };
    assert_eq!(text("text", 2), "TEXT 2 ÉÉ");
    assert_eq!(text("text", 3), "text 3 ééé");
    assert_eq!(
        (text("small", 2), text("small", 3)),
        ("2".into(), "\"odd\"".into())
    );
    let at = got.column_by_name("at").unwrap();
    assert_eq!(at.data_type(), batch.column(1).data_type());
    assert!(at.is_null(5) && !at.is_null(6));
    let score = got.column_by_name("score").unwrap();
    assert_eq!(
        (score.null_count(), score.data_type()),
        (150, &DataType::Float64)
    );
}

#[test]
fn rows_of_files_with_other_columns_share_a_table() {
    let mut samples = samples_of(&typed_batch());
    let json = r#"{"text":"json","at":null,"small":2.5,"price":"dear","new":[1]}"#;
    samples.push(Sample::from_json(json.into(), Origin::default()).unwrap());
    let scene = Scene::new("x.parquet", None);
    let finished = write_samples(&scene, &samples, 40, false);
    let widened: Vec<&str> = finished
        .conflicts
        .iter()
        .map(|c| c.column.as_str())
        .collect();
    assert_eq!(widened, ["price", "small"]);
    let got = read_batch(&scene.files()["x.parquet"]);
    let price = got.column_by_name("price").unwrap().as_string::<i32>();
    assert_eq!((price.value(2), price.value(300)), ("0.14", "\"dear\""));
    assert_eq!(
        got.column_by_name("small").unwrap().data_type(),
        &DataType::Float64
    );
    assert!(got.column_by_name("at").unwrap().is_null(300));
    assert_eq!(got.column_by_name("new").unwrap().null_count(), 300);
}

/// A file system of one megabyte, gone with its owner.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&at)
            .output()
            .is_ok_and(|output| output.status.success());
        done.then_some(Self(at))
    }

    fn grow(&self) {
        let done = Command::new("mount")
            .args(["-o", "remount,size=64m"])
            .arg(&self.0)
            .status();
        assert!(done.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_named_and_survived() {
    let rows: Vec<String> = (0..20_000)
        .map(|i| format!(r#"{{"id":{i},"text":"{}"}}"#, "x".repeat(200)))
        .collect();
    for path in ["x.jsonl", "x.csv"] {
        let calm = Scene::new(path, None);
        write(&calm, &rows, 1_000);
        let scene = Scene::new(path, None);
        let Some(disk) = SmallDisk::mount(scene.out()) else {
            eprintln!("skipped: a small file system cannot be mounted here");
            return;
        };
        let mut sink = scene.open(None);
        sink.append(block(sink.as_ref(), &rows[..1_000])).unwrap();
        let mut safe = (sink.commit().unwrap(), 1_000);
        let mut failed = None;
        while failed.is_none() && safe.1 < rows.len() {
            let next = safe.1 + 1_000;
            let rows = block(sink.as_ref(), &rows[safe.1..next]);
            match sink.append(rows).and_then(|()| sink.commit()) {
                Ok(position) => safe = (position, next),
                Err(error) => failed = Some(error),
            }
        }
        let error = match failed {
            Some(error) => error,
            None => sink.finish().unwrap_err(),
        };
        assert!(error.path.contains("/out/"), "{error:?}");
        assert!(
            error.hint.as_ref().unwrap().contains("free some space"),
            "{error:?}"
        );
        disk.grow();
        let mut sink = scene.open(Some(&safe.0));
        sink.append(block(sink.as_ref(), &rows[safe.1..])).unwrap();
        sink.finish().unwrap();
        assert!(scene.files() == calm.files(), "{path}");
    }
}

#[test]
fn parts_for_a_store_are_uploaded_when_complete() {
    let rows = rows(200);
    for (path, names) in [
        ("memory:///sink/a.jsonl.zst", 1),
        ("memory:///sink/b.parquet", 1),
        ("memory:///sink/c/", 3),
    ] {
        let mut scene = Scene::new("unused", Some(8_000).filter(|_| names > 1));
        scene.spec.path = path.to_owned();
        let finished = write_with_crashes(&scene, &rows, 3);
        assert!(finished.parts.len() >= names, "{path}");
        let spec = SourceSpec {
            paths: finished
                .parts
                .iter()
                .map(|part| part.path.clone())
                .collect(),
            ..SourceSpec::default()
        };
        let inputs = discover(&spec).unwrap();
        let sizes: Vec<_> = inputs.files.iter().map(|file| file.bytes).collect();
        let want: Vec<_> = finished.parts.iter().map(|part| Some(part.bytes)).collect();
        assert_eq!(sizes, want, "{path}");
        assert!(!scene.out().exists());
        if names > 1 {
            let mut other = Scene::new("unused", None);
            other.spec.path = path.to_owned();
            let error = open_sink(&other.spec, None).err().unwrap();
            assert!(error.to_string().contains("earlier run"), "{error}");
        }
    }
}

#[test]
fn retained_rows_of_tables_are_written_and_no_others() {
    let mut samples = samples_of(&typed_batch());
    for i in 0..40 {
        let json = format!(r#"{{"text":"json","small":{}}}"#, 1_000 + i);
        samples.push(Sample::from_json(json.as_str().into(), Origin::default()).unwrap());
    }
    let scene = Scene::new("x.parquet", None);
    let mut sink = scene.open(None);
    let mut builder = sink.encoder().start();
    for sample in &samples {
        builder.push(sample).unwrap();
    }
    let mut all = builder.finish();
    let keep: Vec<bool> = (0..340).map(|i| i % 5 == 1).collect();
    all.retain(&keep);
    assert_eq!(all.n_rows(), 68);
    sink.append(all).unwrap();
    sink.finish().unwrap();
    let got = read_batch(&scene.files()["x.parquet"]);
    let small = got.column_by_name("small").unwrap();
    let small = small.as_primitive::<Int64Type>().values().to_vec();
    let from_json = (0..40).filter(|i| i % 5 == 1).map(|i| 1_000 + i);
    let want: Vec<i64> = (0..300).filter(|i| i % 5 == 1).chain(from_json).collect();
    assert_eq!(small, want);
}
