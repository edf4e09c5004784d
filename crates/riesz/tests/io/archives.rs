//! Files of several tensors with names.

use super::File;
use riesz::io::{
    Choice, Selection, named, read, read_npy, read_npz, read_safetensors, restored, write_npy,
    write_npz, write_safetensors,
};
use riesz::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;

#[derive(Clone, Tree, Debug, PartialEq)]
struct Dense<T> {
    w: T,
    b: T,
}

/// Every element type, no element, one number, and values that text would not keep.
fn weights() -> (Vec<Dense<Tensor>>, BTreeMap<String, Tensor>) {
    let layers = vec![
        Dense {
            w: Tensor::from([[1.0, f64::MIN_POSITIVE], [-0.0, 0.1]]),
            b: Tensor::from(f64::MAX),
        },
        Dense { w: Tensor::full(1.5_f32, [2, 0]), b: Tensor::from([f32::INFINITY, -3.0]) },
    ];
    let rest = [
        ("mask", Tensor::from([true, false])),
        ("step", Tensor::from(i64::MIN)),
        ("größe", Tensor::from([[1], [-2]])),
    ];
    (layers, rest.into_iter().map(|(name, t)| (name.to_owned(), t)).collect())
}

#[test]
fn weights_there_and_back() {
    let all = weights();
    let names = ["0.0.b", "0.0.w", "0.1.b", "0.1.w", "1.größe", "1.mask", "1.step"];
    assert!(named(&all).unwrap().keys().eq(names));
    let npz = File::new("weights.npz", "");
    write_npz(&npz.0, &all).unwrap();
    let back = read_npz(&npz.0).unwrap();
    assert_eq!(restored(&all, &back).unwrap(), all);
    let safetensors = File::new("weights.safetensors", "");
    write_safetensors(&safetensors.0, &all).unwrap();
    assert_eq!(read_safetensors(&safetensors.0).unwrap(), back);
}

#[test]
fn an_archive_of_numpy() {
    let file = File::new("numpy.npz", include_bytes!("data/numpy.npz"));
    let arrays = read_npz(&file.0).unwrap();
    assert!(arrays.keys().eq(["big", "mask", "step", "w"]));
    // numpy.arange(6).reshape(2, 3, order='F')
    assert_eq!(arrays["w"], Tensor::from([[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]));
    assert_eq!(arrays["mask"], Tensor::from([true, false]));
    assert_eq!(arrays["step"], Tensor::from(7_i64));
    assert_eq!(arrays["big"], Tensor::full(0_f32, [40, 40]));
}

#[test]
fn a_file_as_its_specification_writes_it() {
    let header = r#"{"b":{"dtype":"I32","shape":[],"data_offsets":[8,12]},"__metadata__":{"by":"hand"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#;
    let mut content = (header.len() as u64).to_le_bytes().to_vec();
    content.extend(header.bytes());
    content.extend([0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x20, 0xc0, 0xfe, 0xff, 0xff, 0xff]);
    let file = File::new("hand.safetensors", &content);
    let tensors = read_safetensors(&file.0).unwrap();
    assert_eq!(tensors.len(), 2);
    assert_eq!(tensors["a"], Tensor::from([[1.0_f32], [-2.5]]));
    assert_eq!(tensors["b"], Tensor::from(-2));
    for cut in 0..content.len() {
        let file = File::new("cut.safetensors", &content[..cut]);
        assert!(read_safetensors(&file.0).is_err(), "cut at {cut}");
    }
    let half = header.replace("F32", "BF16").replace("[2,1]", "[4,1]");
    let mut content = (half.len() as u64).to_le_bytes().to_vec();
    content.extend(half.bytes());
    content.extend([0; 12]);
    let file = File::new("half.safetensors", &content);
    let text = read_safetensors(&file.0).unwrap_err().to_string();
    assert!(text.contains("`a`") && text.contains("BF16") && text.contains("F32"), "{text}");
}

#[test]
fn damaged_archives() {
    let good = include_bytes!("data/numpy.npz");
    for cut in (0..good.len()).step_by(7) {
        let file = File::new("cut.npz", &good[..cut]);
        assert!(read_npz(&file.0).is_err(), "cut at {cut}");
    }
    for at in (0..good.len()).step_by(3) {
        let mut content = good.to_vec();
        content[at] ^= 0x55;
        let file = File::new("flipped.npz", &content);
        read_npz(&file.0).ok(); // an error or, in a time stamp, nothing: but no panic
    }
    assert!(read_npz(std::path::Path::new("absent.npz")).is_err());
    let file = File::new("several.npz", good);
    let text = read(&file.0, &Selection::default()).unwrap_err().to_string();
    assert!(text.contains("4 arrays: big, mask, step, w"), "{text}");
    assert!(text.contains("several.npz:big\""), "{text}");
}

#[test]
fn one_array_of_several() {
    let of = |array: &str| Selection { array: Some(array.to_owned()), ..Selection::default() };
    let npz = File::new("choice.npz", include_bytes!("data/numpy.npz"));
    assert_eq!(read(&npz.0, &of("step")).unwrap(), Tensor::from(7_i64));
    let columns = Selection { columns: Choice::Range(Some(1), None), ..of("w") };
    assert_eq!(read(&npz.0, &columns).unwrap(), Tensor::from([[2.0, 4.0], [3.0, 5.0]]));
    let text = read(&npz.0, &of("stop")).unwrap_err().to_string();
    assert!(text.contains("no array `stop`") && text.contains("is it `step`?"), "{text}");
    let single = File::new("single.safetensors", "");
    write_safetensors(&single.0, &vec![Tensor::from([1.5, 2.5])]).unwrap();
    assert_eq!(read(&single.0, &Selection::default()).unwrap(), Tensor::from([1.5, 2.5]));
    assert!(read(&single.0, &of("b")).is_err());
    let csv = File::new("choice.csv", "1,2\n");
    assert!(read(&csv.0, &of("a")).unwrap_err().to_string().contains(".npz and .safetensors"));
}

#[test]
fn a_file_of_another_format_is_named() {
    let named = [("a", Tensor::from([1.0]))].map(|(name, t)| (name.to_owned(), t));
    let tree: BTreeMap<String, Tensor> = named.into_iter().collect();
    let (npz, safetensors, npy) = (File::new("k1", ""), File::new("k2", ""), File::new("k3", ""));
    write_npz(&npz.0, &tree).unwrap();
    write_safetensors(&safetensors.0, &tree).unwrap();
    write_npy(&npy.0, &tree["a"]).unwrap();
    type Reading = fn(&std::path::Path) -> Result<()>;
    let readings: [Reading; 4] = [
        |path| read_npz(path).map(drop),
        |path| read_safetensors(path).map(drop),
        |path| read_npy(path).map(drop),
        |path| read(path, &Selection::default()).map(drop),
    ];
    let files = [(&npz, "read_npz"), (&safetensors, "read_safetensors"), (&npy, "read_npy")];
    for (file, right) in files {
        for (k, reading) in readings.iter().enumerate() {
            match reading(&file.0) {
                Ok(()) => assert_eq!(right, files[k].1),
                Err(e) => {
                    assert!(e.to_string().contains(&format!("read it with `{right}`")), "{e}")
                }
            }
        }
    }
}

/// A `.npy` file of this header, format version 1, with so many bytes of elements.
fn npy(header: &str, elements: usize) -> Vec<u8> {
    let mut content = b"\x93NUMPY\x01\x00".to_vec();
    content.extend((header.len() as u16).to_le_bytes());
    content.extend(header.bytes());
    content.resize(content.len() + elements, 0);
    content
}

/// An archive of these members, compressed.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn headers_that_are_not_what_they_seem() {
    let deep = "[".repeat(5000) + &"]".repeat(5000);
    let shape = |shape: &str| format!("{{'descr':'<f8','fortran_order':True,{shape}}}\n");
    let headers = [
        format!("{{'descr':{deep},'fortran_order':False,'shape':(1,)}}\n"),
        format!("{{'x':{},'fortran_order':False,'shape':(1,)}}\n", "(".repeat(30_000)),
        shape("'shape':(2,),'shape':(3,6148914691236517206)"),
        shape("'shape':(2,),'sha\\x70e':(3,6148914691236517206)"),
        shape("'shape':(0,1099511627776,1099511627776)"),
        shape("'shape':(1152921504606846976,)"),
    ];
    for header in headers {
        let content = npy(&header, 16);
        let file = File::new("header.npy", &content);
        assert!(read_npy(&file.0).is_err(), "{header:.200}");
        let file = File::new("header.npz", archive(&[("x.npy", &content)]));
        let text = read_npz(&file.0).unwrap_err().to_string();
        assert!(text.contains("array `x`"), "{text}");
    }
    // More than the header says is not even decompressed.
    let content = npy(&shape("'shape':(2,)"), 1 << 24);
    let file = File::new("bomb.npz", archive(&[("readme.txt", b"no array"), ("x.npy", &content)]));
    assert!(std::fs::metadata(&file.0).unwrap().len() < 1 << 16);
    assert_eq!(read_npz(&file.0).unwrap()["x"], Tensor::from([0.0, 0.0]));
}

#[test]
fn what_a_file_cannot_keep_is_refused_before_it_is_written() {
    let one = |name: &str, tensor| BTreeMap::from([(name.to_owned(), tensor)]);
    let wide = one("wide", Tensor::full(0.0, [1 << 40, 1 << 40, 0]));
    let file = File::new("kept.npz", "as it was");
    for refused in [
        write_npz(&file.0, &one("a\0b", Tensor::from(1.0))),
        write_npz(&file.0, &wide),
        write_safetensors(&file.0, &wide),
        write_safetensors(&file.0, &one("__metadata__", Tensor::from(1.0))),
        write_npz(&file.0, &one("", Tensor::from(1.0))),
        write_npy(&file.0, &wide["wide"]),
    ] {
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("help"), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&file.0).unwrap(), "as it was");
    let x = npy("{'descr':'<f8','fortran_order':False,'shape':()}\n", 8);
    let twice = File::new("twice.npz", archive(&[("x.npy", &x), ("x.npy\0y", &x)]));
    assert!(read_npz(&twice.0).is_err());
    let text = npy("{'descr':'<U1','fortran_order':False,'shape':(1,)}\n", 4);
    let file = File::new("text.npz", archive(&[("x.npy", &x), ("label.npy", &text)]));
    let text = read_npz(&file.0).unwrap_err().to_string();
    assert!(text.contains("array `label`") && text.contains("<U1"), "{text}");
}

#[test]
fn names_that_do_not_fit() {
    let like = vec![Dense { w: Tensor::from([1.0, 2.0]), b: Tensor::from(0.0) }];
    let refused = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
        let mut tensors = named(&like).unwrap();
        change(&mut tensors);
        restored(&like, &tensors).unwrap_err().to_string()
    };
    let text = refused(&|t| drop(t.remove("0.w")));
    assert!(text.contains("no tensor `0.w`"), "{text}");
    let text = refused(&|t| drop(t.insert(String::from("1.w"), Tensor::from(1.0))));
    assert!(text.contains("`1.w`") && text.contains("`0.w`"), "{text}");
    let text = refused(&|t| drop(t.insert(String::from("0.w"), Tensor::from([1.0]))));
    assert!(text.contains("`0.w` is f64[1]") && text.contains("f64[2]"), "{text}");
    let same = BTreeMap::from([
        (String::from("a.0"), vec![Tensor::from(1.0)]),
        (String::from("a"), vec![Tensor::from(1.0)]),
    ]);
    assert!(named(&same).is_ok());
    let same = BTreeMap::from([
        (String::from("a"), BTreeMap::from([(String::from("b.c"), Tensor::from(1.0))])),
        (String::from("a.b"), BTreeMap::from([(String::from("c"), Tensor::from(1.0))])),
    ]);
    assert!(named(&same).unwrap_err().to_string().contains("`a.b.c`"));
    assert!(named(&Tensor::from(1.0)).unwrap().contains_key("value"));
}
