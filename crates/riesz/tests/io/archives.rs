//! Files of several tensors with names.

use super::File;
use riesz::io::{
    Selection, named, read, read_npz, read_safetensors, restored, write_npz, write_safetensors,
};
use riesz::prelude::*;
use std::collections::BTreeMap;

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
    assert!(text.contains("several") && text.contains("read_npz"), "{text}");
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
