//! Files of numbers: what is read back, and what is said of bad ones.

mod archives;

use riesz::io::{Choice, Pick, Selection, read, read_csv, read_npy, write_npy};
use riesz::prelude::*;
use std::path::PathBuf;

/// A file in a directory of its own test, removed at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: impl AsRef<[u8]>) -> File {
        let directory = std::env::temp_dir().join(format!("riesz-io-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join(name);
        std::fs::write(&path, content).unwrap();
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn columns(columns: Choice) -> Selection {
    Selection { columns, ..Selection::default() }
}

/// The message about a CSV file with this content; the path before the name is left out.
fn message(name: &str, content: &str, selection: &Selection) -> String {
    let file = File::new(name, content);
    let error = read_csv(&file.0, selection).unwrap_err().to_string();
    let directory = format!("{}/", file.0.parent().unwrap().display());
    error.replace(&directory, "")
}

#[test]
fn tables_with_and_without_headings() {
    let expected = Tensor::from([[1.0, 2.5], [-3.0, 4e2]]);
    for (name, text) in [
        ("plain.csv", "1,2.5\n-3,4e2\n"),
        ("heading.csv", "\u{feff}a,b\r\n1, 2.5\r\n\r\n-3,4e2"),
        ("semicolon.csv", "a;b\n1;2.5\n-3;400\n"),
        ("tab.csv", "a\tb\n1\t2.5\n-3\t\"400\"\n"),
        ("blanks.txt", "alpha  beta\n  1 2.5\r\n\n-3   4e2  \n"),
        ("savetxt.txt", "1.0e+00 2.5e+00\n-3.0e+00 4.0e+02\n"),
        ("mixed.txt", "1 \t2.5\n-3\t 4e2\n"),
    ] {
        let file = File::new(name, text);
        assert_eq!(read(&file.0, &Selection::default()).unwrap(), expected, "{name}");
    }
}

/// A heading of two words over one column, and an empty cell between tabs.
#[test]
fn blanks_in_cells_are_no_separators() {
    let file = File::new("words.csv", "body mass\n1\n2\n");
    assert_eq!(read(&file.0, &Selection::default()).unwrap(), Tensor::from([[1.0], [2.0]]));
    let file = File::new("tabbed.csv", "body mass\tage\n1\t2\n");
    assert_eq!(read(&file.0, &Selection::default()).unwrap(), Tensor::from([[1.0, 2.0]]));
    let file = File::new("names.csv", "New York\t1\nLos Angeles\t2\n");
    let second = columns(Choice::Range(Some(1), None));
    assert_eq!(read(&file.0, &second).unwrap(), Tensor::from([[1.0], [2.0]]));
    for (content, place) in [
        ("1\t\t3\n4\t5\t6\n", "line 1, column 2"),
        ("1\t\t3\n\t5\t6\n7\t8\t\n", "line 1, column 2"),
        ("1\t2\t3\n4\t5\t6\n\t8\t9\n", "line 3, column 1"),
        ("1\t2\t\n3\t4\t\n", "line 1, column 3"),
        ("1\t2\t\r\n3\t4\t\r\n", "line 1, column 3"),
    ] {
        let text = message("gap.csv", content, &Selection::default());
        assert!(text.contains(&format!("gap.csv, {place}: the cell is empty")), "{text}");
    }
    // A separator, or a quote, further down.
    for content in ["1 2\n3 4\n5,6\n", "1 2\n3 4\n\"5\" 6\n"] {
        let text = message("late.csv", content, &Selection::default());
        assert!(text.contains("late.csv, line "), "{text}");
    }
}

/// As `numpy.savetxt` writes them with `header=`.
#[test]
fn headings_behind_a_number_sign() {
    let expected = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    for (name, content) in [
        ("hash.txt", "# x y\n1 2\n3 4\n"),
        ("hash.csv", "# x,y\n1,2\n3,4\n"),
        ("hash-mixed.txt", "# x, y\r\n1 2\r\n3 4\r\n"),
        ("hash-many.txt", "\u{feff}# by hand, 3 of May\n#\n# x y\n\n1 2\n3 4\n"),
        ("hash-cell.tsv", "# made by hand\nx\ty\n1\t2\n3\t4\n"),
    ] {
        let file = File::new(name, content);
        assert_eq!(read(&file.0, &Selection::default()).unwrap(), expected, "{name}");
        let y = columns(Choice::Name("y".into()));
        assert_eq!(read(&file.0, &y).unwrap(), Tensor::from([2.0, 4.0]), "{name}");
    }
    let numbered = File::new("numbered.txt", "# x y\n0 1 2\n1 3 4\n");
    let x = columns(Choice::Name("x".into()));
    assert_eq!(read(&numbered.0, &x).unwrap(), Tensor::from([1.0, 3.0]));
    let remark = File::new("remark.csv", "# 2 1\n1,2\n3,4\n");
    assert_eq!(read(&remark.0, &Selection::default()).unwrap(), expected);
    let text = message("below.txt", "# of 3\n# x y\n1 2\n3 z\n", &Selection::default());
    assert!(text.contains("below.txt, line 4, column 2 (`y`): `z` is not"), "{text}");
    let text = message("remark.txt", "# x y\n", &Selection::default());
    assert!(text.contains("the file is empty"), "{text}");
}

#[test]
fn selections_are_those_of_numpy() {
    let file = File::new("select.csv", "id,x,y\nu,1,2\nv,3,4\nw,5,6\n");
    let get = |rows, columns| {
        let selection = Selection { rows, columns, ..Selection::default() };
        read_csv(&file.0, &selection).unwrap()
    };
    use Choice::{All, Index, List, Name, Range};
    assert_eq!(get(All, Range(Some(1), None)), Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]));
    assert_eq!(get(All, Index(-1)), Tensor::from([2.0, 4.0, 6.0]));
    assert_eq!(get(All, Name("x".into())), Tensor::from([1.0, 3.0, 5.0]));
    assert_eq!(get(Range(Some(1), Some(-1)), Range(Some(1), Some(3))), Tensor::from([[3.0, 4.0]]));
    assert_eq!(get(Index(2), Range(Some(1), None)), Tensor::from([5.0, 6.0]));
    assert_eq!(get(Index(0), Index(2)), Tensor::from(2.0));
    let list = List(vec![Pick::Name("y".into()), Pick::Index(1), Pick::Index(-1)]);
    assert_eq!(get(Range(None, Some(2)), list), Tensor::from([[2.0, 1.0, 2.0], [4.0, 3.0, 4.0]]));
    let rows = List(vec![Pick::Index(2), Pick::Index(0)]);
    assert_eq!(get(rows.clone(), Index(1)), Tensor::from([5.0, 1.0]));
    let array = File::new("list.npy", "");
    write_npy(&array.0, &Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).unwrap();
    let both = Selection {
        rows: rows.clone(),
        columns: List(vec![Pick::Index(1)]),
        ..Selection::default()
    };
    assert_eq!(read(&array.0, &both).unwrap(), Tensor::from([[6.0], [2.0]]));
}

#[test]
fn bad_tables_are_named_with_file_line_and_column() {
    let all = &Selection::default();
    let cases = [
        (
            message("ragged.csv", "a,b\n1,2\n\n3\n", all),
            "ragged.csv, line 4: 1 cell where the first line has 2\n  help: every line needs the same number of cells; quote cells that hold commas",
        ),
        (
            message("text.csv", "a,b\n1,2\n3,four\n", all),
            "text.csv, line 3, column 2 (`b`): `four` is not a number\n  help: write numbers with a decimal point, or leave out the line or the column",
        ),
        (
            message("quoted.csv", "\"a\nb\",c\n1,x\n", all),
            "quoted.csv, line 3, column 2 (`c`): `x` is not a number\n  help: write numbers with a decimal point, or leave out the line or the column",
        ),
        (
            message("empty-cell.csv", "1,2\n3,\n", all),
            "empty-cell.csv, line 2, column 2: the cell is empty\n  help: fill it in, or leave out the line or the column",
        ),
        (
            message("nan.csv", "1,2\nNaN,4\n", all),
            "nan.csv, line 2, column 1: the number is NaN, but data must be finite\n  help: replace it, or leave out the row or the column",
        ),
        (
            message("inf.csv", "1,-inf\n", all),
            "inf.csv, line 1, column 2: the number is -inf, but data must be finite\n  help: replace it, or leave out the row or the column",
        ),
        (
            message("empty.csv", "", all),
            "empty.csv: the file is empty\n  help: a table has a line for each row",
        ),
        (
            message("heading-only.csv", "a,b\n", all),
            "heading-only.csv: there is a heading but no line of numbers\n  help: if the first line is a row, it needs at least one number",
        ),
        (
            message("range.csv", "1,2\n", &columns(Choice::Range(Some(1), Some(5)))),
            "range.csv: the columns 1:5 are not there: the file has 2 columns\n  help: columns are counted from 0, negative ones from the end",
        ),
        (
            message("index.csv", "1,2\n", &columns(Choice::Index(2))),
            "index.csv: there is no column 2: the file has 2 columns\n  help: columns are counted from 0, negative ones from the end",
        ),
        (
            message(
                "list.csv",
                "1,2\n",
                &columns(Choice::List(vec![Pick::Index(0), Pick::Index(2)])),
            ),
            "list.csv: there is no column 2: the file has 2 columns\n  help: columns are counted from 0, negative ones from the end",
        ),
        (
            message("no-list.csv", "1,2\n", &columns(Choice::List(vec![]))),
            "no-list.csv: the list of columns is empty",
        ),
        (
            message("none.csv", "1,2\n", &columns(Choice::Range(Some(1), Some(1)))),
            "none.csv: the columns 1:1 are none: the file has 2 columns\n  help: a range `a:b` goes from a to b - 1, counted from 0",
        ),
        (
            message("name.csv", "radius,texture\n1,2\n", &columns(Choice::Name("radios".into()))),
            "name.csv: there is no column `radios`\n  help: is it `radius`?",
        ),
        (
            message("names.csv", "radius,texture\n1,2\n", &columns(Choice::Name("weight".into()))),
            "names.csv: there is no column `weight`\n  help: the headings are radius, texture",
        ),
        (
            message("no-names.csv", "1,2\n", &columns(Choice::Name("x".into()))),
            "no-names.csv: there is no heading `x`: the first line has numbers\n  help: choose the column by its number, counted from 0",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
    let missing = PathBuf::from("nowhere/X.csv");
    let error = read(&missing, all).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no file `nowhere/X.csv`\n  help: there is no directory `nowhere` either"
    );
    let allowed = Selection { allow_non_finite: true, ..Selection::default() };
    let file = File::new("allowed.csv", "nan,1\n");
    assert!(read_csv(&file.0, &allowed).unwrap().to_f64()[0].is_nan());
}

#[test]
fn npy_files_come_back_as_they_were_written() {
    let tensors = [
        Tensor::from(1.5),
        Tensor::from([1.5f32, -2.0]),
        Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        Tensor::from([1_i32, -2]),
        Tensor::from([[1_i64], [i64::MAX]]),
        Tensor::from([true, false]),
        Tensor::new(Vec::<f64>::new(), [0, 3]).unwrap(),
    ];
    let file = File::new("round.npy", "");
    for tensor in tensors {
        write_npy(&file.0, &tensor).unwrap();
        assert_eq!(read_npy(&file.0).unwrap(), tensor);
    }
}

/// What `numpy.save` writes, from the format's description (NEP 1).
fn numpy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", length.as_slice(), header.as_bytes(), data].concat()
}

#[test]
fn fortran_order_and_big_endian() {
    let columns: Vec<u8> =
        [1.0f64, 4.0, 2.0, 5.0, 3.0, 6.0].iter().flat_map(|x| x.to_be_bytes()).collect();
    let file = File::new("fortran.npy", numpy(">f8", true, "(2, 3)", &columns));
    let expected = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert_eq!(read_npy(&file.0).unwrap(), expected);
    let last = columns_of(&file.0, Choice::Index(-1));
    assert_eq!(last, Tensor::from([3.0, 6.0]));
    // Three axes: element (i, j, k) of shape (2, 2, 2) stands at i + 2j + 4k.
    let values: Vec<u8> = (0..8i32).flat_map(i32::to_le_bytes).collect();
    let file = File::new("cube.npy", numpy("<i4", true, "(2, 2, 2)", &values));
    let cube = read_npy(&file.0).unwrap();
    assert_eq!(cube.as_slice::<i32>().unwrap(), [0, 4, 2, 6, 1, 5, 3, 7]);
}

fn columns_of(path: &std::path::Path, choice: Choice) -> Tensor {
    read(path, &columns(choice)).unwrap()
}

#[test]
fn damaged_npy_files_are_errors() {
    let nan: Vec<u8> = [1.0, f64::NAN].iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
    let cases = [
        (b"1,2,3".to_vec(), "this is not a NumPy file"),
        (numpy("<f8", false, "(3,)", &[0; 16]), "cut short"),
        (numpy("<f8", false, "(99999999999, 99999999999)", &[0; 16]), "damaged"),
        (numpy("<f8", false, "(3000000000, 3000000000)", &[0; 16]), "damaged"),
        (numpy("<f8", false, "(30000000, 30000000)", &[0; 16]), "cut short"),
        (numpy("<u2", false, "(1,)", &[0; 2]), "'<u2'"),
        (numpy("<f8", false, "(2,)", &nan), "at [1]: the number is NaN"),
        (b"\x93NUMPY\x01\x00".to_vec(), "damaged"),
    ];
    for (content, expected) in cases {
        let file = File::new("damaged.npy", content);
        let error = read(&file.0, &Selection::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
