//! Standard input: only another process has one that a test can fill.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::read;

#[test]
#[ignore = "reads standard input; run by the test below"]
fn child() {
    let read = read("-");
    println!("{}", read.samples().join("|"));
    println!("{} bad, {:?}", read.bad().len(), read.errors);
}

fn piped(bytes: &[u8]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stream::child", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn standard_input_is_read_whatever_it_is_packed_in() {
    let lines = b"{\"n\":1}\n{broken\n{\"n\":2}";
    for bytes in [lines.to_vec(), zstd::bulk::compress(lines, 1).unwrap()] {
        let printed = piped(&bytes);
        assert!(printed.contains("{\"n\":1}|{\"n\":2}"), "{printed}");
        assert!(printed.contains("1 bad, []"), "{printed}");
    }
    assert!(piped(b"[{\"n\":1}]").contains("{\"n\":1}\n0 bad, []"));
    assert!(piped(b"").contains("0 bad, []"));
}
