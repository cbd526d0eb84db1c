//! Tables of JSON rows: bytes, cells, and columns that widen.

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use wrasse_core::{Origin, Sample};

use crate::scene::{Scene, long_rows, rows, write, write_with_crashes};

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
